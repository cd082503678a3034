"""Tests of the table of measures: what it says is true, and a new line works."""

import dataclasses
import importlib
import inspect
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures, named_measures
from bsgen.measures.landscape import evaluation
from tests.measures import small_models


@dataclasses.dataclass(frozen=True)
class _Curvature:
    value: float
    standard_error: float = 0.0
    stopped_because: str = "complete"


def mean_curvature(hessian, weight=1.0, *, on_progress=None, keep_partial=False):
    """A toy measure: the curvature along equal moves of all weights."""
    del on_progress, keep_partial
    ones = np.ones(hessian.shape[0])
    return _Curvature(weight * ones @ hessian.matvec(ones) / len(ones))


_TOY = named_measures.Measure(
    "mean_curvature", f"{__name__}:mean_curvature", ("hessian",), ("group_size=weight",)
)


# Functions whose options are those of another function.
_OPTIONS_OF = {
    "critical_learning_rate": measures.top_eigenvalue,
    "gradient_noise_scale": measures.gradient_noise,
    "random_potential": evaluation.Evaluation,
}


class NamedMeasuresTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*named_measures.names())
    def test_functions_take_what_the_table_says(self, name):
        measure = named_measures.get(name)
        module, _, function = measure.function.partition(":")
        taken = inspect.signature(getattr(importlib.import_module(module), function))
        parameters = taken.parameters
        if "options" in parameters:  # those of another function
            other = _OPTIONS_OF[function]
            parameters = {**parameters, **inspect.signature(other).parameters}
        self.assertEqual(tuple(parameters)[: len(measure.needs)], measure.needs)
        keywords = [option.partition("=")[2] or option for option in measure.options]
        wanted = {*keywords, "on_progress", "keep_partial"}
        self.assertContainsSubset(wanted, parameters)
        if measure.picture:
            module, _, function = measure.picture.partition(":")
            self.assertTrue(
                callable(getattr(importlib.import_module(module), function))
            )

    def test_a_new_line(self):
        rng = np.random.default_rng(0)
        model, data = small_models.make("dense", rng)
        subject = named_measures.Subject(
            model, small_models.softmax, data, l2=0.5, training=False, batch_size=4
        )
        self.enter_context(mock.patch.dict(named_measures._TABLE))
        named_measures.register(_TOY)
        self.assertIn(_TOY.name, named_measures.names())
        measure = named_measures.get(_TOY.name)
        found = measure.take(subject, {"group_size": 2.0, "seed": 1})
        hessian = measures.Hessian(model, small_models.softmax, data, l2=0.5)
        self.assertAllClose(found.value, 2 * hessian.dense().mean() * hessian.shape[0])
        words = measure.in_words(found)
        self.assertEqual(words, f"{found.value:.5g} ± 0 (complete)")
        self.assertEqual(measure.record(found)["value"], found.value)
        with self.assertRaisesRegex(errors.UserError, "name='mean_curvature'"):
            named_measures.register(_TOY)

    def test_operators_are_made_once_for_all_that_take_the_same_settings(self):
        model, data = small_models.make("dense", np.random.default_rng(1))
        subject = named_measures.Subject(
            model, small_models.softmax, data, l2=0.5, training=False, batch_size=4
        )
        both, l2 = ("l2", "training"), ("l2",)
        hessian = subject.operator("hessian", both)
        self.assertIs(subject.operator("hessian", l2), hessian)
        plain = subject.operator("hessian", ())
        self.assertIsNot(plain, hessian)
        vector = np.ones(hessian.shape[0])
        difference = hessian.matvec(vector) - plain.matvec(vector)
        self.assertAllClose(difference, 0.5 * vector, rtol=1e-12)
        covariance = subject.operator("covariance", ())
        self.assertIsInstance(covariance, measures.GradientCovariance)

    def test_an_unknown_name(self):
        with self.assertRaisesRegex(errors.UserError, "did you mean 'trace'"):
            named_measures.get("tracee")


if __name__ == "__main__":
    tf.test.main()
