"""Tests that a network which serves several runs changes none of them."""

import dataclasses
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import config, models
from bsgen.training import loop, same_network
from bsgen.training.loop import final_measures, networks, strategies, trainee
from tests.training import made_up_runs

_HARDWARE = config.HardwareConfig()
# Settings of the optimizer that the compiled steps hold.
_COMPILED = (
    {"momentum": 0.5},
    {"nesterov": True},
    {"l2": 0.1},
    {"clip_norm": 1.0},
    {"clip_norm": 1.0, "clip_steps": 3},
)


def _run(**settings):
    model = {"name": "normalized_mlp", "hidden_units": (6,)}
    return made_up_runs.run(model, num_steps=5, momentum=0.9, **settings)


class NetworksTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(made_up_runs.source())

    def _trained(self, run, kept=None):
        devices = strategies.Devices(_HARDWARE)
        ready = trainee.Trainee(run, devices, _HARDWARE, kept=kept)
        metrics = ready.take_steps(0, run.num_steps)
        measured = final_measures.measure(run, ready)
        ready.close()
        return metrics, ready.state.arrays(), measured, ready.model

    def test_a_run_is_what_it_is_on_its_own(self):
        measures = {"final_measures": ("max_eigenvalue",), "measured_examples": 20}
        first = dataclasses.replace(_run(batch_size=8), **measures)
        measures["measured_examples"] = 30
        second = dataclasses.replace(_run(batch_size=5, learning_rate=0.07), **measures)
        kept = networks.Networks()
        for run in (first, second, first):
            expected = self._trained(run)
            found = self._trained(run, kept)
            np.testing.assert_array_equal(found[0], expected[0])
            self.assertEqual(found[1].keys(), expected[1].keys())
            for name, array in expected[1].items():
                np.testing.assert_array_equal(found[1][name], array, name)
            self.assertEqual(found[2], expected[2])

    def test_which_runs_share_a_network(self):
        kept, base = networks.Networks(), _run()
        model = self._trained(base, kept)[-1]
        for changed, shares in (
            ({"batch_size": 6, "num_steps": 4, "evaluation_steps": (2,)}, True),
            ({"stop_train_loss": 0.1}, True),
            ({"weight_distance": True}, True),
            ({"optimizer": dataclasses.replace(base.optimizer, l2=0.1)}, False),
            ({"seed": base.seed + 1}, False),
            ({"data": dataclasses.replace(base.data, subset_seed=3)}, False),
            ({"loss_noise": 0.1}, False),
        ):
            run = dataclasses.replace(base, **changed)
            found = self._trained(run, kept)[-1]
            self.assertEqual(found is model, shares, changed)
            model = found

    def test_what_makes_runs_alike(self):
        base = _run()
        sgd = base.optimizer
        same = (
            {"batch_size": 6, "num_steps": 4, "evaluation_steps": (2,)},
            {"batch_size_schedule": made_up_runs.GROW},
            {"final_measures": ("max_eigenvalue",), "measured_examples": 9},
            {"stop_train_loss": 0.1},
            {"weight_distance": True},
            {"optimizer": dataclasses.replace(sgd, learning_rate=0.3)},
            {"optimizer": dataclasses.replace(sgd, warm_up=config.WarmUp(1.0))},
        )
        other = (
            *({"optimizer": dataclasses.replace(sgd, **each)} for each in _COMPILED),
            {"precision": "mixed_bfloat16"},
            {"loss": "squared_error"},
            {"model": dataclasses.replace(base.model, hidden_units=(7,))},
            {"data": dataclasses.replace(base.data, scaling="none")},
        )
        for changes, expected in ((same, True), (other, False)):
            for changed in changes:
                run = dataclasses.replace(base, **changed)
                alike = same_network.alike(run) == same_network.alike(base)
                self.assertEqual(alike, expected, changed)

    def test_other_hardware_has_its_own_network(self):
        kept, models_ = networks.Networks(), []
        for hardware in (_HARDWARE, _HARDWARE, config.HardwareConfig(jit=True)):
            devices = strategies.Devices(hardware)
            ready = trainee.Trainee(_run(), devices, hardware, kept=kept)
            ready.close()
            models_.append(ready.model)
        self.assertIs(models_[0], models_[1])
        self.assertIsNot(models_[1], models_[2])

    def test_other_examples_of_the_same_name(self):
        kept = networks.Networks()
        before = self._trained(_run(), kept)[-1]
        with made_up_runs.source(made_up_runs.pool(seed=8)):
            self.assertIsNot(self._trained(_run(), kept)[-1], before)

    def test_the_engine_builds_one_network_for_runs_alike(self):
        runs = [_run(seed=s, batch_size=b) for b in (8, 5) for s in (1, 2)]
        together = [run for _, run in same_network.in_a_row(runs)]
        self.assertEqual(together, [runs[0], runs[2], runs[1], runs[3]])
        with mock.patch.object(models, "build", wraps=models.build) as build:
            for run in together:
                loop.train(run, self.create_tempdir().full_path)
        self.assertEqual(build.call_count, 2)


if __name__ == "__main__":
    absltest.main()
