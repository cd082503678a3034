"""Tests of the regime of a large batch for `model.fit`."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, optimizers

_SCHEDULES = (
    config.Constant(),
    config.Stepwise((2.0, 3.5), (0.1, 0.01)),
    config.Stepwise((7.0, 12.0), (0.1, 0.01), "steps"),
    config.Cyclic((1.0, 5.0), 2.0, shape="linear"),
    config.ConstantThenDecay(num_decays=3),
)


class LargeBatchRegimeTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(schedule=_SCHEDULES, drop_remainder=(False, True))
    def test_the_rate_is_the_small_batch_s_after_as_many_updates(
        self, schedule, drop_remainder
    ):
        rng = np.random.default_rng(len(schedule.name) + drop_remainder)
        small, size, train_size = rng.integers((3, 30, 200), (20, 100, 400)).tolist()
        warm_up = config.WarmUp(1.5)
        steps = train_size // small
        steps += not drop_remainder and train_size % small > 0
        plain = optimizers.LearningRateSchedule(
            0.3, schedule, steps, 5 * steps, warm_up
        )
        found = optimizers.large_batch_regime(
            *(size, small, train_size, 0.3, 5, schedule, warm_up),
            drop_remainder=drop_remainder,
        )
        updates = found.num_epochs * found.steps_per_epoch
        self.assertBetween(updates, 5 * steps, 5 * steps + found.steps_per_epoch - 1)
        if schedule.name == "constant_then_decay":  # in parts of all updates
            plain = optimizers.LearningRateSchedule(
                0.3, schedule, steps, updates, warm_up
            )
        # Half a step beside each update, as a boundary may be one rounding beside it.
        times = tf.range(5 * steps, dtype=tf.float64) + 0.5
        self.assertAllClose(
            found.learning_rate(times), np.sqrt(size / small) * plain(times), rtol=1e-5
        )

    def test_as_many_epochs_if_the_regime_is_not_adapted(self):
        schedule = config.Stepwise((2.0,), (0.1,))
        found = optimizers.large_batch_regime(
            40, 10, 100, 0.3, 5, schedule, scaling="linear", adapts_regime=False
        )
        self.assertEqual((found.num_epochs, found.steps_per_epoch), (5, 3))
        rates = found.learning_rate(np.arange(15))
        self.assertAllClose(rates, [1.2] * 6 + [0.12] * 9)

    @parameterized.parameters(False, True)
    def test_fit_takes_so_many_updates_and_clips_the_first(self, from_arrays):
        found = optimizers.large_batch_regime(
            *(8, 2, 20, 0.5, 3),
            scaling="none",
            momentum=0.0,
            clip_norm=0.25,
            clip_steps=2,
            drop_remainder=not from_arrays,
        )
        # The gradient of -w x with x = 1 is -1, but -1/4 while it is clipped.
        model = keras.Sequential(
            [
                keras.Input((1,)),
                keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"),
            ]
        )
        model.compile(found.optimizer, lambda y, outputs: -outputs)
        ones = np.ones((20, 1), np.float32)
        if from_arrays:
            model.fit(ones, ones, batch_size=8, epochs=found.num_epochs, verbose=0)
        else:
            batches = tf.data.Dataset.from_tensor_slices((ones, ones))
            batches = batches.batch(8, drop_remainder=True)
            model.fit(batches, epochs=found.num_epochs, shuffle=False, verbose=0)
        updates = found.num_epochs * found.steps_per_epoch
        self.assertEqual(updates, 30)
        self.assertEqual(found.optimizer.iterations.numpy(), updates)
        weight = 0.5 * (2 * 0.25 + (updates - 2))
        self.assertAllClose(model.get_weights()[0], [[weight]])

    def test_settings_of_the_optimizer(self):
        found = optimizers.large_batch_regime(
            8, 2, 20, 0.5, 3, momentum=0.8, nesterov=True, l2=1e-3, clip_norm=2.0
        ).optimizer
        self.assertTrue(found.nesterov)
        self.assertEqual((found.momentum, found.l2), (0.8, 1e-3))
        self.assertEqual((found.global_clipnorm, found.clip_steps), (2.0, None))

    @parameterized.parameters(
        ("batch_size=2: the large batch is at least", {"batch_size": 2}),
        ("batch_size=200: a batch is at most", {"batch_size": 200}),
        ("small_batch_size=0: ", {"small_batch_size": 0}),
        ("num_epochs=2.5: ", {"num_epochs": 2.5}),
        ("rule='cubic': unknown", {"scaling": "cubic"}),
        ("clip_steps=3: ", {"clip_steps": 3}),
        (
            "schedule=.*count in epochs",
            {
                "schedule": config.Stepwise((3.0,), (0.1,), "steps"),
                "adapts_regime": False,
            },
        ),
        ("boundaries=.*beyond the budget", {"schedule": config.Stepwise((9,), (0.1,))}),
    )
    def test_mistakes(self, message, changes):
        right = {
            "batch_size": 40,
            "small_batch_size": 10,
            "train_size": 100,
            "learning_rate": 0.1,
            "num_epochs": 5,
        }
        with self.assertRaisesRegex(errors.UserError, f"^{message}"):
            optimizers.large_batch_regime(**{**right, **changes})


if __name__ == "__main__":
    tf.test.main()
