"""Tests of the configurations of schedules: checks, and the round trip of a run."""

import json
import math

from absl.testing import absltest, parameterized

from bsgen import config, errors

SCHEDULES = (
    config.Constant(),
    config.Stepwise((81, 122.5), (0.1, 0.01)),
    config.Stepwise((7,), (2,), "steps"),
    config.Cyclic((1, 5)),
    config.Cyclic((1, 5, 2), 12, "steps", "linear"),
    config.ConstantThenDecay(),
    config.ConstantThenDecay(1.5, 3, 0.25),
)


class CheckTest(parameterized.TestCase):
    @parameterized.parameters(
        (config.Stepwise, {"boundaries": (2, 2), "factors": (1, 2)}, "boundaries"),
        (config.Stepwise, {"boundaries": (3, 2), "factors": (1, 2)}, "boundaries"),
        (config.Stepwise, {"boundaries": (0, 2), "factors": (1, 2)}, "boundaries"),
        (config.Stepwise, {"boundaries": ("a",), "factors": (1,)}, "boundaries"),
        (config.Stepwise, {"boundaries": (1, 2), "factors": (1,)}, "factors"),
        (config.Stepwise, {"boundaries": (1,), "factors": (0,)}, "factors"),
        (config.Stepwise, {"boundaries": (1,), "factors": (math.nan,)}, "factors"),
        (config.Stepwise, {}, "factors"),
        (config.Cyclic, {}, "factors"),
        (config.Cyclic, {"factors": (1,)}, "factors"),
        (config.Cyclic, {"factors": (1, -1)}, "factors"),
        (config.Cyclic, {"factors": (1, 5), "period": 0}, "period"),
        (config.Cyclic, {"factors": (1, 5), "period": math.inf}, "period"),
        (config.ConstantThenDecay, {"decay": 0}, "decay"),
        (config.ConstantThenDecay, {"num_decays": 0}, "num_decays"),
        (config.ConstantThenDecay, {"num_decays": 2.5}, "num_decays"),
        (config.ConstantThenDecay, {"constant_share": 0}, "constant_share"),
        (config.ConstantThenDecay, {"constant_share": 1}, "constant_share"),
        (config.WarmUp, {"length": 0}, "length"),
        (config.WarmUp, {"start": -0.1}, "start"),
        (config.WarmUp, {"start": 1.0}, "start"),
    )
    def test_a_value_out_of_range_is_named(self, cls, values, argument):
        with self.assertRaisesRegex(errors.UserError, f"^{argument}=[^\n]*$"):
            cls(**values)

    @parameterized.parameters(
        (config.Stepwise, {"boundaries": (1,), "factors": (1,)}, "unit", "epoch"),
        (config.Cyclic, {"factors": (1, 2)}, "unit", "step"),
        (config.Cyclic, {"factors": (1, 2)}, "shape", "line"),
        (config.WarmUp, {}, "unit", "batches"),
    )
    def test_an_unknown_name_lists_the_known(self, cls, values, argument, name):
        with self.assertRaisesRegex(errors.UserError, f"^{argument}='{name}'.*known:"):
            cls(**values, **{argument: name})

    def test_numbers_become_floats(self):
        self.assertEqual(
            config.Stepwise([1, 2], [3, 4]), config.Stepwise((1.0, 2.0), (3.0, 4.0))
        )
        self.assertIsInstance(config.Stepwise((1,), (2,)).boundaries[0], float)
        self.assertIsInstance(config.Cyclic((1, 2), 3).period, float)


class ClipStepsTest(absltest.TestCase):
    def test_goes_with_clip_norm(self):
        made = config.MomentumConfig(clip_norm=5.0, clip_steps=100)
        self.assertEqual(made.clip_steps, 100)
        with self.assertRaisesRegex(errors.UserError, "^clip_steps=100: .*clip_norm"):
            config.MomentumConfig(clip_steps=100)
        with self.assertRaisesRegex(errors.UserError, "^clip_steps=0: "):
            config.MomentumConfig(clip_norm=5.0, clip_steps=0)


class MomentumResetTest(absltest.TestCase):
    def test_not_with_nesterov(self):
        made = config.MomentumConfig(momentum_reset="each_epoch")
        self.assertEqual(made.momentum_reset, "each_epoch")
        with self.assertRaisesRegex(errors.UserError, "^momentum_reset='each_epoch': "):
            config.MomentumConfig(momentum_reset="each_epoch", nesterov=True)


class JsonTest(parameterized.TestCase):
    @parameterized.product(
        schedule=SCHEDULES, batch_size_schedule=SCHEDULES[:2] + SCHEDULES[-1:]
    )
    def test_round_trip_of_a_run(self, schedule, batch_size_schedule):
        for warm_up in (None, config.WarmUp(3, 0.25, "steps")):
            run = config.RunConfig(
                optimizer=config.MomentumConfig(schedule=schedule, warm_up=warm_up),
                batch_size_schedule=batch_size_schedule,
            )
            again = config.from_dict(json.loads(json.dumps(config.to_dict(run))))
            self.assertEqual(again, run)
            self.assertEqual(again.key, run.key)

    def test_every_schedule_is_another_run(self):
        keys = set()
        for schedule in SCHEDULES:
            optimizer = config.MomentumConfig(schedule=schedule)
            keys.add(config.RunConfig(optimizer=optimizer).key)
            keys.add(config.RunConfig(batch_size_schedule=schedule).key)
        # The two constant ones are the run without a schedule.
        self.assertLen(keys, 2 * len(SCHEDULES) - 1)

    @parameterized.named_parameters(
        ("unknown_schedule", {"name": "cosine"}),
        ("no_name", {"factors": [1, 2]}),
        ("field_of_another", {"name": "constant", "decay": 2.0}),
        ("out_of_range", {"name": "cyclic", "factors": [1.0]}),
        ("a_word", "constant"),
    )
    def test_what_does_not_fit_is_a_mistake_in_one_line(self, written):
        values = config.to_dict(config.RunConfig())
        values["optimizer"]["schedule"] = written
        with self.assertRaisesRegex(errors.UserError, "^[^\n]*$"):
            config.from_dict(values)


class StretchedTest(parameterized.TestCase):
    @parameterized.parameters(
        (
            config.Stepwise((81, 122.5), (0.1, 0.01)),
            config.Stepwise((202.5, 306.25), (0.1, 0.01)),
        ),
        (config.Cyclic((1, 5), 12), config.Cyclic((1, 5), 30)),
        (config.WarmUp(4, 0.2), config.WarmUp(10, 0.2)),
        *(
            (each, each)
            for each in (
                config.Constant(),
                config.Stepwise((7,), (2,), "steps"),
                config.Cyclic((1, 5), 12, "steps"),
                config.ConstantThenDecay(),
                config.WarmUp(4, unit="steps"),
            )
        ),
    )
    def test_what_counts_epochs_takes_more_of_them(self, schedule, expected):
        self.assertEqual(config.stretched(schedule, 2.5), expected)

    def test_it_does_not_shrink(self):
        with self.assertRaisesRegex(errors.UserError, "^factor=0.9[^\n]*$"):
            config.stretched(config.Constant(), 0.9)


if __name__ == "__main__":
    absltest.main()
