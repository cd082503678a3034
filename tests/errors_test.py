"""Tests of the errors that a user can mend."""

import copy
import fractions
import functools
import math

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors


class ErrorsTest(absltest.TestCase):
    def test_one_line_names_argument_value_and_remedy(self):
        error = errors.UserError("batch_size", 0, "give at least 1")
        self.assertIsInstance(error, ValueError)
        self.assertEqual(str(error), "batch_size=0: give at least 1")
        self.assertEqual((error.argument, error.value), ("batch_size", 0))

    def test_text_is_quoted_and_stays_on_one_line(self):
        error = errors.UserError("data", "a\nb", "name a data set")
        self.assertEqual(str(error), r"data='a\nb': name a data set")

    def test_a_long_value_is_shortened(self):
        error = errors.UserError("data", "a" * 9000 + "b", "name a data set")
        self.assertLess(len(str(error)), 400)
        self.assertRegex(str(error), "^data='a+\\.\\.\\.a+b': name a data set$")

    def test_an_error_can_be_copied(self):
        for cls in (errors.UserError, errors.OutOfMemory):
            error = cls("batch_size", 0, "give at least 1")
            for made in (copy.copy(error), copy.deepcopy(error)):
                self.assertIs(type(made), cls)
                self.assertEqual(str(made), str(error))
                self.assertEqual((made.argument, made.value), ("batch_size", 0))

    def test_keras_leaves_an_error_of_a_layer_alone(self):
        class Refusing(keras.layers.Layer):
            def call(self, inputs):
                raise errors.UserError("inputs", 1, "give more")

        with self.assertRaisesRegex(errors.UserError, "^inputs=1: give more$"):
            Refusing()(np.ones((2, 2)))

    def test_unknown_name_offers_the_nearest_and_lists_all_sorted(self):
        error = errors.unknown_name("data", "mnits", {"mnist", "digits"})
        self.assertEqual(
            str(error),
            "data='mnits': unknown; did you mean 'mnist'? known: digits, mnist",
        )

    def test_unknown_name_far_from_all_offers_none(self):
        error = errors.unknown_name("data", "xyz", ["mnist", "digits"])
        self.assertEqual(str(error), "data='xyz': unknown; known: digits, mnist")


class NumbersTest(parameterized.TestCase):
    @parameterized.parameters(
        1, 7, 7.0, np.int64(7), np.float32(7), fractions.Fraction(14, 2)
    )
    def test_an_integer(self, value):
        self.assertEqual(errors.check_integer("n", value, 1, 7), value)
        self.assertIs(type(errors.check_integer("n", value, 1, 7)), int)

    @parameterized.parameters(0, 8, 1.5, "7", None, True, math.nan, math.inf, 10**999)
    def test_no_integer_from_1_to_7(self, value):
        with self.assertRaisesRegex(errors.UserError, "^n=.*an integer from 1 to 7$"):
            errors.check_integer("n", value, 1, 7)

    @parameterized.parameters(-1, 1, "0", None, False, math.nan, math.inf, 10**999)
    def test_no_number_below_1(self, value):
        with self.assertRaisesRegex(errors.UserError, "^x=.* at least 0 and below 1$"):
            errors.check_real("x", value, 0.0, 1.0)

    def test_what_float32_holds(self):
        limits = np.finfo(np.float32)
        for value in (0, 1.5, float(limits.tiny), float(limits.max)):
            self.assertEqual(errors.check_float32("x", value), value)
        above = float(np.nextafter(float(limits.max), np.inf))
        below = float(np.nextafter(float(limits.tiny), 0.0))
        for value in (above, below, 1e308, 5e-324):
            with self.assertRaisesRegex(errors.UserError, "^x=.*float32 cannot hold"):
                errors.check_float32("x", value)

    def test_functions_that_need_arguments(self):
        def build(hp, *, units, rate=0.1, **more):
            del hp, units, rate, more

        message = "model_fn='build': it is called without arguments, but needs hp, uni"
        with self.assertRaisesRegex(errors.UserError, message):
            errors.check_no_arguments("model_fn", build)
        bound = functools.partial(build, 1, units=2)
        for fine in (lambda: 0, lambda a=1, *b, **c: a, dict, bound):
            errors.check_no_arguments("model_fn", fine)


if __name__ == "__main__":
    absltest.main()
