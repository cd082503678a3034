"""The grid: every combination once, each equal to a run that is written out."""

import dataclasses

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, errors, sweeps, theory
from bsgen.training import large_batch

_BASE = config.RunConfig(
    data=config.DataConfig("digits", train_size=200),
    model=config.ModelConfig("normalized_mlp", (16,)),
    optimizer=config.MomentumConfig(0.1),
    batch_size=32,
    num_steps=10,
)
_NO_AXES = ("data", "optimizer", "seed", "evaluation_steps", "weight_distance")


def _grid(axes, base=_BASE, **more):
    axes = tuple(sweeps.Axis(name, tuple(values)) for name, values in axes.items())
    return sweeps.Grid(base, axes, **more)


class GridTest(parameterized.TestCase):
    def test_every_combination_once(self):
        rates, sizes = (0.1, 1.0), (16, 64, 128)
        grid = _grid({"learning_rate": rates, "batch_size": sizes}, num_seeds=3)
        runs = [
            run
            for setting in grid.settings()
            for run in grid.repeats(setting, lambda run: run)
        ]
        expected = [
            config.RunConfig(
                data=config.DataConfig("digits", train_size=200, subset_seed=seed),
                model=_BASE.model,
                optimizer=config.MomentumConfig(rate),
                batch_size=size,
                num_steps=10,
                seed=seed,
            )
            for rate in rates
            for size in sizes
            for seed in range(3)
        ]
        self.assertEqual(runs, expected)
        self.assertEqual(grid.num_runs, 18)

    def test_effective_rates_and_epochs_are_no_fields(self):
        axes = {"effective_learning_rate": (1, 0.3), "momentum": (0, 0.9)}
        for base in (_BASE, dataclasses.replace(_BASE, batch_size=None)):
            found = [each.run.sgd for each in _grid(axes, base).settings()]
            self.assertEqual([s.learning_rate for s in found], [1, 0.1, 0.3, 0.03])
        axes = {"effective_learning_rate": (1, 0.3), "epochs": (2, 4)}
        first, *_ = _grid(axes).settings()
        self.assertAlmostEqual(first.run.sgd.learning_rate, 0.1)  # of momentum 0.9
        self.assertEqual(first.values["epochs"], 2)
        off_grid = _grid(axes).setting((7, 3))
        self.assertAlmostEqual(off_grid.run.sgd.learning_rate, 0.7)

    @parameterized.product(rule=("none", "sqrt", "linear"))
    def test_the_learning_rate_follows_the_batch_size(self, rule):
        rates = np.random.default_rng(3).uniform(0.1, 1, 2)
        axes = {"batch_size": (16, 128), "learning_rate": rates.tolist()}
        for setting in _grid(
            axes, base_batch_size=32, remedies=large_batch.Remedies(rule)
        ).settings():
            size, rate = setting.values.values()
            expected = theory.scale_learning_rate(rate, 32, size, rule)
            self.assertEqual(setting.run.sgd.learning_rate, float(expected))
            self.assertEqual(setting.run.batch_size, size)

    @parameterized.parameters(
        ("dataset", "mnist", "data", "name", "mnist"),
        ("model", "f1", "model", "name", "f1"),
        ("hidden_units", (8, 8), "model", "hidden_units", (8, 8)),
        ("hidden_units", 8, "model", "hidden_units", (8,)),
        ("activation", "tanh", "model", "activation", "tanh"),
        ("clip_norm", 2, "optimizer", "clip_norm", 2.0),
        ("clip_norm", None, "optimizer", "clip_norm", None),
        ("schedule", "constant", "optimizer", "schedule", config.Constant()),
        (
            "schedule",
            "stepwise boundaries=3 factors=0.5",
            "optimizer",
            "schedule",
            config.Stepwise(boundaries=(3,), factors=(0.5,)),
        ),
        ("warm_up", 2, "optimizer", "warm_up", config.WarmUp(2.0)),
        ("warm_up", 0, "optimizer", "warm_up", None),
        ("validation_size", 7, "data", "validation_size", 7),
        ("precision", "mixed_bfloat16", None, "precision", "mixed_bfloat16"),
        ("num_steps", 3, None, "num_steps", 3),
    )
    def test_any_field(self, name, value, part, field, expected):
        other = {"dataset": "digits", "model": "mlp"}.get(name, value)
        grid = _grid({name: (value, other if other != value else "?")})
        run = next(grid.settings()).run
        found = run if part is None else getattr(run, part)
        self.assertEqual(getattr(found, field), expected)

    def test_every_field_is_an_axis_or_says_why_not(self):
        for cls in (config.DataConfig, config.ModelConfig, config.MomentumConfig):
            for field in dataclasses.fields(cls):
                if field.name != "name":
                    _grid({field.name: (1, 2)})
        for field in dataclasses.fields(config.RunConfig):
            if field.name in _NO_AXES:
                with self.assertRaisesRegex(errors.UserError, "not an axis; "):
                    _grid({field.name: (1, 2)})

    def test_a_dataset_comes_with_what_is_usual_for_it(self):
        first, second = _grid({"dataset": ("digits", "cifar10")}).settings()
        self.assertEqual(first.run, _BASE)
        usual = (second.run.data.scaling, second.run.data.augmentation)
        self.assertEqual(usual, ("standardize_channels", "crop_flip"))

    def test_ghosts_and_normalization_go_together(self):
        sizes = [s.run.model for s in _grid({"ghost_batch_size": (None, 8)}).settings()]
        self.assertEqual([m.normalization for m in sizes], ["batch", "ghost"])
        ghost = config.ModelConfig(
            "normalized_mlp", (16,), normalization="ghost", ghost_batch_size=8
        )
        base = dataclasses.replace(_BASE, model=ghost)
        kinds = _grid({"normalization": ("ghost", "batch", "none")}, base).settings()
        sizes = [each.run.model.ghost_batch_size for each in kinds]
        self.assertEqual(sizes, [8, None, None])

    def test_the_rules_of_ghosts_leave_with_them(self):
        model = config.ModelConfig(
            "f1", normalization="ghost", ghost_batch_size=8, unbiased=True
        )
        base = dataclasses.replace(_BASE, model=model)
        axes = {"running_statistics": ("mean", "pooled"), "ghost_batch_size": (4, 8)}
        found = [each.run.model for each in _grid(axes, base).settings()]
        self.assertEqual(
            [(m.running_statistics, m.ghost_batch_size, m.unbiased) for m in found],
            [("mean", 4, True), ("mean", 8, True)]
            + [("pooled", 4, True), ("pooled", 8, True)],
        )
        _, without = _grid({"ghost_batch_size": (4, None)}, base).settings()
        self.assertEqual(without.run.model, config.ModelConfig("f1"))

    def test_a_subset_may_be_kept(self):
        grid = _grid({"l2": (0, 1)}, num_seeds=2, keeps_subset=True)
        runs = grid.repeats(next(grid.settings()), lambda run: run)
        self.assertEqual([run.data.subset_seed for run in runs], [0, 0])
        self.assertEqual([run.seed for run in runs], [0, 1])

    @parameterized.parameters(
        ({"learning_rte": (1, 2)}, "did you mean 'learning_rate'"),
        ({"seed": (1, 2)}, "--seeds"),
        ({"name": (1, 2)}, "write dataset or model"),
        ({}, "give at least one"),
        ({"l2": range(999), "momentum": range(999), "clip_norm": (1, 2)}, "1,000,000"),
    )
    def test_no_grid(self, axes, message):
        with self.assertRaisesRegex(errors.UserError, message):
            _grid(axes)

    @parameterized.parameters(
        ("nesterov", 1, "true or false"),
        ("activation", 3, "write a name"),
        ("learning_rate", "fast", "finite number"),
        ("batch_size", 0, "integer"),
        ("batch_size", 500, "train_size=200"),
        ("schedule", "stepwse", "did you mean 'stepwise'"),
        ("warm_up", "long", "finite number"),
        ("normalization", "bach", "did you mean 'batch'"),
        ("hidden_units", "wide", "integer"),
    )
    def test_values_that_cannot_be(self, name, value, message):
        with self.assertRaisesRegex(errors.UserError, message):
            list(_grid({name: (value, "?")}).settings())

    def test_a_full_batch_has_no_number_to_scale_by(self):
        grid = _grid(
            {"batch_size": (None, 16)},
            base_batch_size=32,
            remedies=large_batch.Remedies("linear"),
        )
        with self.assertRaisesRegex(errors.UserError, "batch_size=None"):
            list(grid.settings())


if __name__ == "__main__":
    absltest.main()
