"""Tests of what `ModelConfig` lets one choose, and of the keys of older runs."""

import dataclasses

from absl.testing import absltest, parameterized

from bsgen import config, errors

_OPTIONAL = {
    "normalization": "none",
    "ghost_batch_size": 128,
    "variant": "released",
    "dropout": 0.0,
    "running_statistics": "pooled",
    "running_spread": "variance",
    "unbiased": True,
    "output_activation": "sigmoid",
    "initialization": "sparse",
}
_OF_GHOSTS = {"normalization": "ghost", "ghost_batch_size": 128}


def _settings(field):
    ghosts = ("ghost_batch_size", *config.GHOST_OPTIONS)
    others = _OF_GHOSTS if field in ghosts else {}
    return config.ModelConfig(**{**others, field: _OPTIONAL[field]})


class ModelConfigTest(parameterized.TestCase):
    def test_a_run_recorded_before_these_choices_keeps_its_key(self):
        run = config.RunConfig(
            config.DataConfig("gaussian_informative", 200, scaling="none"),
            config.ModelConfig("logistic_regression", ()),
            config.NewtonConfig(l2=50.0),
            num_steps=200,
        )
        self.assertEqual(run.key, "3535f9a480369453")
        self.assertEqual(
            config.to_dict(run)["model"],
            {"name": "logistic_regression", "hidden_units": [], "activation": "relu"},
        )

    def test_ghosts_recorded_before_their_rules_could_be_chosen_keep_their_key(self):
        run = config.RunConfig(model=config.ModelConfig("f1", **_OF_GHOSTS))
        self.assertEqual(run.key, "ac5f2369a274a1e9")
        rule = dict(running_statistics="sequential", running_spread="std")
        chosen = config.ModelConfig("f1", **_OF_GHOSTS, **rule, unbiased=False)
        self.assertEqual(dataclasses.replace(run, model=chosen).key, run.key)

    @parameterized.parameters(*_OPTIONAL)
    def test_a_choice_is_recorded_and_changes_the_key(self, field):
        run = config.RunConfig(model=_settings(field))
        values = config.to_dict(run)
        self.assertEqual(values["model"][field], _OPTIONAL[field])
        self.assertEqual(config.from_dict(values), run)
        without = config.RunConfig().key
        if field in config.GHOST_OPTIONS:
            without = config.RunConfig(model=config.ModelConfig(**_OF_GHOSTS)).key
        self.assertNotEqual(run.key, without)

    def test_every_field_but_the_first_three_is_optional(self):
        fields = [field.name for field in dataclasses.fields(config.ModelConfig)]
        self.assertEqual(fields, ["name", "hidden_units", "activation", *_OPTIONAL])

    @parameterized.parameters(
        ("normalization", "layer"),
        ("variant", "realeased"),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("ghost_batch_size", 1),
        ("ghost_batch_size", 0),
        ("ghost_batch_size", 2.5),
        # It means nothing without ghosts.
        ("ghost_batch_size", 64),
        ("running_statistics", "mean"),
        ("running_spread", "variance"),
        ("unbiased", True),
    )
    def test_a_value_out_of_range_is_named(self, field, value):
        with self.assertRaisesRegex(errors.UserError, f"^{field}={value!r}: "):
            config.ModelConfig(**{field: value})

    def test_ghosts_need_a_size(self):
        with self.assertRaisesRegex(
            errors.UserError, "^ghost_batch_size=None: .*ghost"
        ):
            config.ModelConfig(normalization="ghost")


if __name__ == "__main__":
    absltest.main()
