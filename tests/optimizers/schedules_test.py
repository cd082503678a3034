"""Tests of the schedules: by hand, against exact fractions, in Keras and its graphs."""

import fractions
import json
import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, optimizers
from bsgen.config import schedule_budget
from bsgen.optimizers import schedules
from tests.references import exact_schedules


def values(schedule, positions, num_steps=100):
    """Factors where steps and epochs are the same number."""
    positions = np.array(positions)
    return schedules.factor(schedule, positions, positions, num_steps).tolist()


class ByHandTest(parameterized.TestCase):
    def test_constant(self):
        self.assertEqual(values(config.Constant(), [0, 7, 99]), [1, 1, 1])
        self.assertEqual(values(config.Constant(), []), [])

    @parameterized.parameters("epochs", "steps")
    def test_stepwise_changes_at_its_boundaries(self, unit):
        schedule = config.Stepwise((3, 5.5), (0.5, 4.0), unit)
        self.assertEqual(
            values(schedule, [0, 2, 3, 4, 5, 6, 99]), [1, 1, 0.5, 0.5, 0.5, 4, 4]
        )

    @parameterized.parameters("epochs", "steps")
    def test_cyclic_steps(self, unit):
        schedule = config.Cyclic((1, 5, 2), 6, unit)
        expected = [1, 1, 5, 5, 2, 2] * 2
        self.assertEqual(values(schedule, range(12)), expected)

    def test_cyclic_linear_and_back_to_the_first(self):
        schedule = config.Cyclic((1, 5, 3), 6, shape="linear")
        self.assertEqual(values(schedule, range(8)), [1, 3, 5, 4, 3, 2, 1, 3])

    def test_only_the_unit_counts(self):
        steps, epochs = np.arange(6), np.arange(6) / 2
        for unit, change in (("steps", 2), ("epochs", 4)):
            schedule = config.Stepwise((2,), (7,), unit)
            found = schedules.factor(schedule, steps, epochs, 6)
            self.assertEqual(found.tolist(), [1] * change + [7] * (6 - change))

    def test_smith_elsen_and_de_at_9765_steps(self):
        # Section 6: constant for 4882 updates, then a factor of 2 every 488 steps.
        steps = np.arange(9765)
        found = schedules.factor(config.ConstantThenDecay(), steps, steps / 48, 9765)
        changes = np.flatnonzero(np.diff(found)) + 1
        self.assertEqual(changes.tolist(), [4882 + 488 * k for k in range(10)])
        self.assertEqual(
            found[[0, 4881, 4882, 5369, 5370, 9273, 9274, 9764]].tolist(),
            [1, 1, 0.5, 0.5, 0.25, 2.0**-9, 2.0**-10, 2.0**-10],
        )

    def test_shares_of_the_budget_are_decimal_numbers(self):
        # 0.7 is a little less than 7/10 in binary, where 0.7 x 10 = 6.99...
        schedule = config.ConstantThenDecay(4.0, 3, 0.7)
        self.assertEqual(schedule_budget.decay_steps(schedule, 10), (7, 1))
        self.assertEqual(
            values(schedule, range(10), 10), [1] * 7 + [1 / 4, 1 / 16, 1 / 64]
        )
        schedule = config.ConstantThenDecay(0.5, 1, 0.29)  # Doubles once.
        self.assertEqual(values(schedule, [28, 29, 99]), [1, 2, 2])

    @parameterized.parameters("epochs", "steps")
    def test_warm_up(self, unit):
        warm_up = config.WarmUp(4, 0.25, unit)
        at = np.arange(6)
        found = schedules.warm_up_factor(warm_up, at, at).tolist()
        self.assertEqual(found, [0.25, 0.4375, 0.625, 0.8125, 1, 1])
        self.assertEqual(schedules.warm_up_factor(None, at, at).tolist(), [1] * 6)

    def test_completed_counts_whole_periods_of_decimal_numbers(self):
        # 0.6 / 0.1 is 5.999... in float64.
        found = schedules.completed(np.array([0.0, 0.29, 0.3, 0.6, 0.7]), 0.1)
        self.assertEqual(found.tolist(), [0, 2, 3, 6, 7])


class AgainstFractionsTest(parameterized.TestCase):
    @parameterized.product(kind=exact_schedules.KINDS, seed=tuple(range(6)))
    def test_equals_the_twin_at_every_step(self, kind, seed):
        rng = np.random.default_rng([seed, exact_schedules.KINDS.index(kind)])
        schedule = exact_schedules.draw(kind, rng)
        batch_size, train_size = int(rng.integers(1, 60)), int(rng.integers(60, 400))
        steps, num_steps = np.arange(300), 300
        epochs = steps * batch_size / train_size
        found = schedules.factor(schedule, steps, epochs, num_steps)
        expected = [
            exact_schedules.factor(
                schedule, t, fractions.Fraction(t * batch_size, train_size), num_steps
            )
            for t in range(300)
        ]
        self.assertGreater(len({*expected}), 1)
        # A rounding of the power, or a few of the phase, which stays below 1e4, times
        # the slope, which stays below 4.
        expected = np.array(expected, float)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)

    def test_warm_up_equals_the_twin(self):
        rng = np.random.default_rng(1)
        for _ in range(20):
            warm_up = exact_schedules.draw_warm_up(rng)
            steps, train_size = np.arange(200), int(rng.integers(20, 300))
            found = schedules.warm_up_factor(warm_up, steps, steps * 7 / train_size)
            expected = [
                exact_schedules.warm_up_factor(
                    warm_up, t, fractions.Fraction(t * 7, train_size)
                )
                for t in range(200)
            ]
            self.assertGreater(expected[-1], expected[0])
            # A handful of roundings of numbers of order 1.
            np.testing.assert_allclose(
                found, np.array(expected, float), rtol=0, atol=1e-15
            )


class InKerasTest(tf.test.TestCase, parameterized.TestCase):
    def schedule_and_rates(self, kind, seed, num_steps=400):
        """A Keras schedule, and its rates from the pure functions, float32."""
        rng = np.random.default_rng([seed, exact_schedules.KINDS.index(kind)])
        schedule, warm_up = (
            exact_schedules.draw(kind, rng),
            exact_schedules.draw_warm_up(rng),
        )
        batch_size = int(rng.integers(1, 60))
        train_size = int(rng.integers(batch_size, 4 * batch_size + 10))
        steps = np.arange(num_steps)
        epochs = steps * batch_size / train_size
        rates = (
            0.3
            * schedules.factor(schedule, steps, epochs, num_steps)
            * schedules.warm_up_factor(warm_up, steps, epochs)
        )
        ours = optimizers.LearningRateSchedule(
            0.3, schedule, train_size / batch_size, num_steps, warm_up
        )
        return ours, rates.astype(np.float32)

    @parameterized.product(kind=exact_schedules.KINDS, seed=(0, 1, 2))
    def test_equals_the_pure_function_eager_graph_and_compiled(self, kind, seed):
        ours, rates = self.schedule_and_rates(kind, seed)
        self.assertGreater(len({*rates.tolist()}), 2)
        steps = tf.range(400, dtype=tf.int64)
        for function in (
            ours,
            tf.function(ours.__call__),
            tf.function(ours.__call__, jit_compile=True),
        ):
            found = function(steps)
            self.assertEqual(found.dtype, tf.float32)
            # One unit in the last place: float64 is rounded once to float32, and both
            # sides can fall on different sides of a tie. A step at the wrong place
            # would differ by far more.
            self.assertAllClose(found, rates, rtol=1.2e-7, atol=0)

    @parameterized.parameters(49, 98, 103, 1000 / 48, 50000 / 96)
    def test_boundaries_are_met_where_division_is_by_a_reciprocal(self, length):
        # 49 x (1 / 49) is below 1 in float64, and graphs may compute it so.
        boundaries = tuple(range(6, 96, 6))  # Whole steps in each of the cases.
        schedule = config.Stepwise(boundaries, boundaries)
        ours = optimizers.LearningRateSchedule(1.0, schedule, length, 10**5)
        at = np.rint(np.array(boundaries) * length).astype(int)
        for function in (
            ours,
            tf.function(ours.__call__),
            tf.function(ours.__call__, jit_compile=True),
        ):
            self.assertAllEqual(function(tf.constant(at)), boundaries)
            self.assertAllEqual(
                function(tf.constant(at - 1)), np.maximum(np.array(boundaries) - 6, 1)
            )

    def test_counts_beyond_what_float32_can(self):
        # 2^24 + 1 is no float32 number.
        change = 2**24 + 1
        ours = optimizers.LearningRateSchedule(
            1.0, config.Stepwise((change,), (0.5,), "steps"), 1000, 2**25
        )
        steps = tf.constant([change - 1, change, 2**40], tf.int64)
        self.assertAllEqual(ours(steps), [1.0, 0.5, 0.5])
        half = optimizers.LearningRateSchedule(
            1.0, config.ConstantThenDecay(num_decays=1), 7, 2 * change + 1
        )
        self.assertAllEqual(half(steps), [1.0, 0.5, 0.5])

    def test_rate_at_single_steps_and_of_an_optimizer(self):
        ours = optimizers.LearningRateSchedule(
            0.5, config.Stepwise((2,), (0.5,), "steps"), 10, 4
        )
        self.assertEqual([float(ours(t)) for t in range(4)], [0.5, 0.5, 0.25, 0.25])
        optimizer, weight = optimizers.Momentum(ours, 0.0), keras.Variable([4.0])
        found = []
        for _ in range(4):
            optimizer.apply([tf.ones(1)], [weight])
            found.append(float(weight.numpy()[0]))
        self.assertEqual(found, [3.5, 3.0, 2.75, 2.5])

    @parameterized.parameters(False, True)
    def test_fit_ends_where_the_rates_say(self, jit_compile):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ours = optimizers.LearningRateSchedule(
            0.5, config.ConstantThenDecay(num_decays=2), 2, 8, config.WarmUp(1, 0.5)
        )
        # The gradient of the mean output is 1 for the bias at every step.
        model.compile(
            optimizers.Momentum(ours, 0.0),
            lambda _, outputs: keras.ops.mean(outputs),
            jit_compile=jit_compile,
        )
        model.fit(np.ones((4, 1)), np.ones(4), 2, epochs=4, verbose=0)
        # Warm-up 0.5, 0.75, then 1; 4 constant, then 1/2 and 1/4 for two steps each.
        expected = -0.5 * (0.5 + 0.75 + 1 + 1 + 0.5 + 0.5 + 0.25 + 0.25)
        self.assertAllClose(model.layers[-1].bias, [expected], rtol=1e-6)

    @parameterized.product(
        schedule=(
            config.Constant(),
            config.Stepwise((1, 2.5), (0.1, 0.01)),
            config.Cyclic((1, 5), 3, "steps", "linear"),
            config.ConstantThenDecay(3.0, 4, 0.25),
        ),
        warm_up=(None, config.WarmUp(1.5, 0.2)),
    )
    def test_round_trip_through_json(self, schedule, warm_up):
        ours = optimizers.LearningRateSchedule(0.3, schedule, 12.5, 100, warm_up)
        text = json.dumps(keras.optimizers.serialize(optimizers.Momentum(ours)))
        self.assertIn("bsgen>LearningRateSchedule", text)
        again = keras.optimizers.deserialize(json.loads(text))._learning_rate
        self.assertIsInstance(again, optimizers.LearningRateSchedule)
        self.assertEqual(again.schedule, schedule)
        self.assertEqual(again.warm_up, warm_up)
        self.assertEqual(again.get_config(), ours.get_config())

    def test_saved_and_loaded_with_a_model(self):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ours, rates = self.schedule_and_rates("cyclic_steps", 5)
        model.compile(optimizers.Momentum(ours), "mse")
        model.fit(np.ones((2, 1)), np.ones(2), verbose=0)
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        again = keras.saving.load_model(path).optimizer._learning_rate
        self.assertAllClose(again(np.arange(400)), rates, rtol=1.2e-7, atol=0)


class MistakesTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("negative_rate", {"learning_rate": -1.0}, "learning_rate=-1.0: "),
        ("no_steps", {"num_steps": 0}, "num_steps=0: "),
        ("no_epoch", {"steps_per_epoch": 0}, "steps_per_epoch=0: "),
        ("a_word", {"steps_per_epoch": "many"}, "steps_per_epoch='many': "),
    )
    def test_an_argument_out_of_range_is_named(self, changes, message):
        good = dict(
            learning_rate=0.1,
            schedule=config.Constant(),
            steps_per_epoch=5,
            num_steps=100,
        )
        with self.assertRaises(errors.UserError) as raised:
            optimizers.LearningRateSchedule(**(good | changes))
        self.assertStartsWith(str(raised.exception), message)


if __name__ == "__main__":
    tf.test.main()
