"""Tests of the configurations: checks, the JSON round trip and the key of a run."""

import dataclasses
import json
import math

from absl.testing import absltest, parameterized

from bsgen import config, errors


def momentum_run():
    return config.RunConfig(
        data=config.DataConfig("mnist", 500, 100, "none", subset_seed=3),
        model=config.ModelConfig(hidden_units=(20, 10)),
        optimizer=config.MomentumConfig(
            learning_rate=0.3, momentum=0.5, nesterov=True, l2=1e-3, clip_norm=5.0
        ),
        batch_size=32,
        num_steps=70,
        evaluation_steps=(0, 10),
        seed=4,
    )


def newton_run():
    return config.RunConfig(
        data=config.DataConfig("gaussian_informative", 200),
        model=config.ModelConfig("logistic_regression", ()),
        optimizer=config.NewtonConfig(l2=0.01),
    )


class CheckTest(parameterized.TestCase):
    @parameterized.parameters(
        (config.DataConfig, "train_size", 0),
        (config.DataConfig, "train_size", 2.5),
        (config.DataConfig, "validation_size", -1),
        (config.DataConfig, "subset_seed", -1),
        (config.DataConfig, "train_size", math.inf),
        (config.DataConfig, "train_size", "100"),
        (config.MomentumConfig, "learning_rate", "fast"),
        (config.MomentumConfig, "learning_rate", -1.0),
        (config.MomentumConfig, "learning_rate", math.inf),
        (config.MomentumConfig, "momentum", 1.0),
        (config.MomentumConfig, "momentum", -0.1),
        (config.MomentumConfig, "l2", math.nan),
        (config.MomentumConfig, "clip_norm", 0.0),
        (config.NewtonConfig, "l2", 0.0),
        (config.RunConfig, "batch_size", 0),
        (config.RunConfig, "batch_size", -1),
        (config.RunConfig, "batch_size", True),
        (config.RunConfig, "num_steps", 0),
        (config.RunConfig, "seed", -1),
        (config.RunConfig, "precision", "float16"),
        (config.RunConfig, "precision", "bfloat16"),
    )
    def test_a_value_out_of_range_is_named(self, cls, argument, value):
        with self.assertRaises(errors.UserError) as raised:
            cls(**{argument: value})
        self.assertStartsWith(str(raised.exception), f"{argument}={value!r}: ")

    @parameterized.parameters(((0,),), ((10, -2),))
    def test_hidden_units_are_at_least_one(self, units):
        with self.assertRaisesRegex(errors.UserError, "hidden_units"):
            config.ModelConfig(hidden_units=units)

    def test_batch_is_at_most_the_training_set(self):
        data = config.DataConfig(train_size=100)
        self.assertEqual(config.RunConfig(data, batch_size=100).batch_size, 100)
        with self.assertRaisesRegex(errors.UserError, "batch_size=101.*train_size=100"):
            config.RunConfig(data, batch_size=101)

    def test_evaluation_steps_are_sorted_once_each_and_end_with_the_last(self):
        run = config.RunConfig(num_steps=9, evaluation_steps=(5, 0, 5))
        self.assertEqual(run.evaluation_steps, (0, 5, 9))
        with self.assertRaisesRegex(errors.UserError, "evaluation_steps=10"):
            config.RunConfig(num_steps=9, evaluation_steps=(10,))

    def test_a_configuration_cannot_be_changed(self):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            config.RunConfig().seed = 1


class JsonTest(parameterized.TestCase):
    @parameterized.parameters(config.RunConfig, momentum_run, newton_run)
    def test_round_trip(self, make):
        text = json.dumps(config.to_dict(make()))
        again = config.from_dict(json.loads(text))
        self.assertEqual(again, make())
        self.assertEqual(again.key, make().key)

    @parameterized.named_parameters(
        ("extra_field", (), "batchsize", 32, "batchsize"),
        ("extra_inner_field", ("model",), "depth", 3, "depth"),
        ("field_of_another_optimizer", ("optimizer",), "name", "newton", "optimizer"),
        ("unknown_optimizer", ("optimizer",), "name", "adam", "optimizer"),
        ("words_for_a_number", (), "num_steps", "many", "num_steps"),
        ("a_list_for_a_number", (), "seed", [1], "seed"),
        ("out_of_range", ("optimizer",), "momentum", 2.0, "momentum"),
    )
    def test_what_does_not_fit_is_a_mistake_in_one_line(
        self, where, field, value, named
    ):
        values = config.to_dict(momentum_run())
        inner = values
        for name in where:
            inner = inner[name]
        inner[field] = value
        with self.assertRaisesRegex(errors.UserError, f"^[^\n]*{named}[^\n]*$"):
            config.from_dict(values)

    def test_key_is_the_same_for_equal_runs_however_written(self):
        run = config.RunConfig(batch_size=32, num_steps=10)
        same = config.RunConfig(
            batch_size=32.0,
            num_steps=10,
            evaluation_steps=(10,),
            optimizer=config.MomentumConfig(learning_rate=1),
        )
        self.assertEqual(run.key, same.key)
        self.assertRegex(run.key, "^[0-9a-f]{16}$")

    def test_keys_of_runs_recorded_before_are_as_they_were(self):
        # From before schedules, warm-up, clip_steps, augmentation and precision: fields
        # that have their defaults do not enter the key.
        self.assertEqual(momentum_run().key, "d3e2f12b77715e33")
        self.assertEqual(newton_run().key, "1ec56f2d0c373037")
        self.assertEqual(config.RunConfig().key, "37b37ebab6fc90b9")

    @parameterized.parameters("mixed_bfloat16", "mixed_float16")
    def test_precision_enters_the_key_and_the_round_trip(self, precision):
        run = config.RunConfig(precision=precision)
        self.assertNotEqual(run.key, config.RunConfig().key)
        self.assertEqual(config.from_dict(config.to_dict(run)), run)

    def test_later_fields_are_written_where_they_are_not_the_default(self):
        optimizer = config.MomentumConfig(clip_norm=5.0, clip_steps=10)
        written = config.to_dict(config.RunConfig(optimizer=optimizer))
        self.assertEqual(written["optimizer"]["clip_steps"], 10)
        for field in ("schedule", "warm_up"):
            self.assertNotIn(field, written["optimizer"])
        for field in ("batch_size_schedule", "precision"):
            self.assertNotIn(field, written)

    def test_a_new_field_is_left_out_at_its_default(self):
        @dataclasses.dataclass(frozen=True)
        class LaterRun(config.RunConfig):
            later: int = 7

        self.assertEqual(LaterRun(seed=3).key, config.RunConfig(seed=3).key)
        written = config.to_dict(LaterRun(later=8))
        self.assertEqual(written.pop("later"), 8)
        self.assertEqual(written, config.to_dict(config.RunConfig()))
        self.assertNotIn("later", config.columns(LaterRun()))
        self.assertEqual(config.columns(LaterRun(later=8))["later"], 8)

    def test_fields_of_the_first_version_are_written_always(self):
        self.assertEqual(
            config.to_dict(config.RunConfig()),
            {
                "data": {
                    "name": "digits",
                    "train_size": None,
                    "validation_size": 0,
                    "scaling": "unit_norm",
                    "subset_seed": 0,
                    "sampling": "shuffle",
                },
                "model": {"name": "mlp", "hidden_units": [800], "activation": "relu"},
                "optimizer": {
                    "name": "momentum",
                    "learning_rate": 1.0,
                    "momentum": 0.9,
                    "nesterov": False,
                    "l2": 0.0,
                    "clip_norm": None,
                },
                "batch_size": None,
                "num_steps": 1000,
                "evaluation_steps": [1000],
                "seed": 0,
            },
        )

    def test_chosen_fields_are_those_not_at_their_default(self):
        self.assertEqual(config.DataConfig().chosen(), {})
        chosen = config.MomentumConfig(0.5, warm_up=config.WarmUp()).chosen()
        self.assertEqual(chosen, {"learning_rate": 0.5, "warm_up": config.WarmUp()})

    def test_key_differs_with_every_field(self):
        change = {
            str: lambda value: "independent" if value == "shuffle" else value + "_2",
            list: lambda value: value[1:],
            bool: lambda value: not value,
            int: lambda value: value + 1,
            float: lambda value: value / 2,
        }
        run = config.to_dict(momentum_run())
        keys = [momentum_run().key]
        for group, values in [(None, run), *run.items()]:
            for field, value in values.items() if isinstance(values, dict) else ():
                if isinstance(value, dict) or (group, field) == ("optimizer", "name"):
                    continue
                changed = json.loads(json.dumps(run))
                inner = changed[group] if group else changed
                inner[field] = change[type(value)](value)
                keys.append(config.from_dict(changed).key)
        self.assertGreater(len(keys), 15)
        self.assertLen(set(keys), len(keys))


if __name__ == "__main__":
    absltest.main()
