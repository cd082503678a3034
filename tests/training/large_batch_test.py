"""Tests of what turns a small batch's run into a large batch's."""

import dataclasses

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, errors, theory
from bsgen.training import large_batch, step_plan

_TRAIN_SIZE = 240
_SMALL = config.RunConfig(
    data=config.DataConfig("digits", _TRAIN_SIZE),
    model=config.ModelConfig("normalized_mlp", (8,)),
    optimizer=config.MomentumConfig(
        0.3,
        clip_norm=7.0,
        schedule=config.Stepwise((4.0, 6.5), (0.1, 0.01)),
        warm_up=config.WarmUp(1.5),
    ),
    batch_size=8,
    num_steps=240,  # eight epochs
    evaluation_steps=(0, 1, 30, 45, 120),
    seed=3,
)


def _rates(run):
    return step_plan.make(run, _TRAIN_SIZE).learning_rates


class AdaptedTest(parameterized.TestCase):
    def test_as_many_epochs_at_a_scaled_rate(self):
        run = large_batch.adapted(_SMALL, 24, large_batch.Remedies())
        self.assertEqual((run.batch_size, run.num_steps), (24, 80))
        # A step is three of the small batch's: those after 0, 1/3, 10, 15, 40 and 80.
        self.assertEqual(run.evaluation_steps, (0, 10, 15, 40, 80))
        self.assertEqual(run.sgd.clip_norm, 7.0)
        np.testing.assert_allclose(
            _rates(run), np.sqrt(3) * _rates(_SMALL)[::3], rtol=1e-6
        )

    def test_as_many_steps_under_regime_adaptation(self):
        remedies = large_batch.Remedies("linear", adapts_regime=True)
        run = large_batch.adapted(_SMALL, 24, remedies)
        self.assertEqual(run.evaluation_steps, _SMALL.evaluation_steps)
        np.testing.assert_allclose(_rates(run), 3 * _rates(_SMALL), rtol=1e-6)

    def test_ghosts_and_clipping_of_the_first_steps(self):
        remedies = large_batch.Remedies(
            "none", ghost_batch_size=12, clip_norm=1.0, clip_steps=5
        )
        run = large_batch.adapted(_SMALL, 24, remedies)
        self.assertEqual(
            run.model, config.ModelConfig("normalized_mlp", (8,), "relu", "ghost", 12)
        )
        self.assertEqual(
            run.sgd,
            dataclasses.replace(_SMALL.sgd, clip_norm=1.0, clip_steps=5),
        )

    def test_noise_takes_the_place_of_the_rate(self):
        remedies = large_batch.Remedies("none", loss_noise=True)
        run = large_batch.adapted(_SMALL, 24, remedies)
        self.assertEqual(run.loss_noise, theory.loss_noise(24, 8, _TRAIN_SIZE))
        self.assertEqual(run.sgd.learning_rate, 0.3)
        with self.assertRaisesRegex(errors.UserError, "^scaling='sqrt'"):
            large_batch.Remedies(loss_noise=True)

    def test_a_smaller_batch_takes_more_steps(self):
        run = large_batch.at_batch_size(_SMALL, 5)
        self.assertEqual((run.batch_size, run.num_steps), (5, 384))
        self.assertEqual(run.evaluation_steps, (0, 2, 48, 72, 192, 384))

    def test_settings_of_a_small_batch_at_its_own_steps(self):
        """The rate may go down as well; the rest is for larger batches."""
        remedies = large_batch.Remedies("linear", adapts_regime=True)
        found = large_batch.rescaled(_SMALL, 2, remedies)
        self.assertEqual(found.sgd.schedule.boundaries, (16.0, 26.0))
        self.assertEqual(found.sgd.warm_up, config.WarmUp(6.0))
        self.assertEqual(found.sgd.learning_rate, 1.2)
        self.assertEqual(found.evaluation_steps, _SMALL.evaluation_steps)
        down = large_batch.rescaled(_SMALL, 32, large_batch.Remedies("linear"))
        self.assertEqual(down.sgd.learning_rate, 0.075)
        for more in ({"adapts_regime": True}, {"loss_noise": True}):
            with self.assertRaisesRegex(errors.UserError, "^batch_size=8: the large"):
                large_batch.rescaled(_SMALL, 9, large_batch.Remedies("none", **more))
        with self.assertRaisesRegex(errors.UserError, "^base_batch_size=0"):
            large_batch.rescaled(_SMALL, 0, large_batch.Remedies())

    @parameterized.parameters(
        (_SMALL, 7, "^batch_size=7: the large batch is at least the small one, 8"),
        (dataclasses.replace(_SMALL, batch_size=None), 24, "^batch_size=None"),
        (
            dataclasses.replace(_SMALL, batch_size_schedule=config.Cyclic((1.0, 2.0))),
            24,
            "^batch_size_schedule='cyclic'",
        ),
        (
            dataclasses.replace(
                _SMALL,
                optimizer=config.MomentumConfig(
                    schedule=config.Stepwise((9.0,), (0.1,), "steps")
                ),
            ),
            24,
            "^schedule=.*count in epochs",
        ),
    )
    def test_what_cannot_be_adapted(self, run, batch_size, message):
        with self.assertRaisesRegex(errors.UserError, message):
            large_batch.adapted(run, batch_size, large_batch.Remedies())


if __name__ == "__main__":
    absltest.main()
