"""Ctrl-C ends a measure, also where Python had lost it, or keeps what is known."""

import functools

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import interrupts, measures
from tests import lost_interrupts
from tests.measures import small_models

_SPECTRUM = {
    "hessian_trace": {"relative_error": 0.0, "max_products": 20},
    "top_eigenvalue": {"tolerance": 1e-12, "max_products": 20},
    "spectral_density": {"num_probes": 5, "num_steps": 4},
}


class CtrlCTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(lost_interrupts.ignored())
        rng = np.random.default_rng(0)
        self.model = small_models.network((6,), keras.layers.Dense(3))
        small_models.randomise(self.model, rng)
        inputs = rng.normal(size=(60, 6)).astype(np.float32)
        self.data = inputs, rng.integers(3, size=60)

    def noise_scale(self, **options):
        arguments = self.model, small_models.softmax, self.data
        return measures.gradient_noise_scale(*arguments, batch_size=5, **options)

    def alignment(self, **options):
        arguments = self.model, small_models.softmax, self.data
        return measures.noise_alignment(
            measures.Hessian(*arguments),
            measures.GradientCovariance(*arguments),
            standard_error=0.0,
            max_products=40,
            **options,
        )

    def potential(self, **options):
        return measures.random_potential(
            self.model, small_models.softmax, self.data, 1.0, batch_size=5, **options
        )

    def spectrum(self, name, **options):
        hessian = measures.Hessian(
            self.model, small_models.softmax, self.data, batch_size=5
        )
        return getattr(measures, name)(hessian, **_SPECTRUM[name], **options)

    @parameterized.product(
        name=("noise_scale", "alignment", "potential", *_SPECTRUM),
        act=(lost_interrupts.ctrl_c, lost_interrupts.in_destructor),
    )
    def test_ends_a_measure_or_brings_what_is_known(self, name, act):
        told = []

        def on_progress(progress):
            told.append(progress)
            if len(told) == 5:
                act()

        measure = functools.partial(self.spectrum, name)
        if name not in _SPECTRUM:
            measure = getattr(self, name)
        with self.assertRaises(KeyboardInterrupt):
            measure(on_progress=on_progress)
        self.assertLen(told, 5)
        told.clear()
        with interrupts.kept():  # as within a launcher
            found = measure(on_progress=on_progress, keep_partial=True)
            interrupts.check()  # it has been answered
        self.assertEqual(found.stopped_because, "interrupted")
        self.assertLen(told, 5)

    def test_a_loop_over_measures_stops_at_the_first(self):
        begun = []

        def on_progress(progress):
            begun.append(name)
            lost_interrupts.in_destructor()

        with self.assertRaises(KeyboardInterrupt):
            for name in _SPECTRUM:
                self.spectrum(name, on_progress=on_progress)
        self.assertEqual({*begun}, {next(iter(_SPECTRUM))})


if __name__ == "__main__":
    absltest.main()
