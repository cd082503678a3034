"""No option of a run is ignored: each changes the result or is refused."""

import dataclasses
import itertools

import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import config, errors, models
from bsgen.training import loop, minima
from tests.training import small_runs

# Another value of every field of a run, by part and field.
_OTHER = {
    "data": {
        "name": "gaussian_informative",
        "train_size": 40,
        "validation_size": 30,
        "scaling": "standardize",
        "subset_seed": 9,
        "sampling": "independent",
        "augmentation": "crop_flip",
    },
    "model": {
        "name": "mlp4",
        "hidden_units": (5,),
        "activation": "sigmoid",
        "normalization": "none",
        "ghost_batch_size": 8,
        "variant": "released",
        "dropout": 0.5,
        "running_statistics": "mean",
        "running_spread": "variance",
        "unbiased": True,
        "output_activation": "sigmoid",
        "initialization": "sparse",
    },
    "optimizer": {
        "learning_rate": 0.2,
        "momentum": 0.5,
        "nesterov": True,
        "l2": 0.01,
        "clip_norm": 1e-3,
        "clip_steps": 1,
        "momentum_reset": "each_epoch",
        "l2_parameters": "kernels",
        "schedule": config.Stepwise((2,), (0.1,), "steps"),
        "warm_up": config.WarmUp(2, unit="steps"),
    },
    "run": {
        "batch_size": 8,
        "num_steps": 3,
        "evaluation_steps": (1, 4),
        "seed": 8,
        "batch_size_schedule": config.Stepwise((2,), (0.5,), "steps"),
        "precision": "mixed_bfloat16",
        "final_measures": ("max_eigenvalue",),
        "measured_examples": 20,
        "loss": "squared_error",
        "loss_noise": 0.5,
        "stop_train_loss": 1e6,
        "weight_distance": True,
    },
}
_CLASSES = {
    "data": config.DataConfig,
    "model": config.ModelConfig,
    "optimizer": config.MomentumConfig,
    "run": config.RunConfig,
}
_PARTS = ("data", "model", "optimizer")
_GHOSTS = {"normalization": "ghost", "ghost_batch_size": 8}
# Fields that make sense with another one alone.
_TOGETHER = {
    "ghost_batch_size": {"normalization": "ghost"},
    **dict.fromkeys(config.GHOST_OPTIONS, _GHOSTS),
    "clip_steps": {"clip_norm": 1e-3},
    "l2_parameters": {"l2": 0.01},
    "measured_examples": {"final_measures": ("max_eigenvalue",)},
}
# What an option may leave as it was, and why.
_UNCHANGED = {
    "minima": {"seed": "the minimum is unique, and no step is drawn"},
    "ensemble": {},
    "loop": {},
}
_DIGITS = config.DataConfig("digits", 48)  # three steps an epoch
_BASES = {
    "minima": config.RunConfig(
        config.DataConfig("gaussian_random", 60, scaling="none"),
        config.ModelConfig("logistic_regression", ()),
        config.NewtonConfig(l2=0.1),
    ),
    "ensemble": config.RunConfig(
        _DIGITS,
        config.ModelConfig("mlp", (4,)),
        config.MomentumConfig(0.5),
        batch_size=16,
        num_steps=4,
    ),
    "loop": config.RunConfig(
        _DIGITS,
        config.ModelConfig("normalized_mlp", (4,)),
        config.MomentumConfig(0.5),
        batch_size=16,
        num_steps=4,
    ),
}
_TIMES = ("seconds", "images_per_second")


def _options(engine):
    """Every field of a run but its parts and the names of its optimizers."""
    for part, cls in _CLASSES.items():
        chosen = (
            config.NewtonConfig if (engine, part) == ("minima", "optimizer") else cls
        )
        for field in dataclasses.fields(chosen):
            if field.name not in _PARTS and (part, field.name) != ("optimizer", "name"):
                yield part, field.name


def _changed(run, part, field):
    changes = {**_TOGETHER.get(field, {}), field: _OTHER[part][field]}
    if part == "run":
        if field == "num_steps":
            changes["evaluation_steps"] = (changes["num_steps"],)
        return dataclasses.replace(run, **changes)
    own = dataclasses.replace(getattr(run, part), **changes)
    return dataclasses.replace(run, **{part: own})


class OptionsTest(parameterized.TestCase):
    def _train(self, engine, run):
        """Returns the result of a run, without times."""
        if engine == "minima":
            (record,) = minima.train([run])
        elif engine == "ensemble":
            record = small_runs.train([run])[run.key]
        else:
            # Tracing would take most of the time, but the measures need it.
            tf.config.run_functions_eagerly(not run.final_measures)
            self.addCleanup(tf.config.run_functions_eagerly, False)
            record = loop.train(run, self.create_tempdir().full_path)
        curve = {
            name: values for name, values in record.curve.items() if name not in _TIMES
        }
        return record.status, curve, record.final

    def test_every_field_has_another_value(self):
        fields = {
            part: [field for own, field in _options("loop") if own == part]
            for part in _CLASSES
        }
        self.assertEqual(fields, {part: [*values] for part, values in _OTHER.items()})

    @parameterized.parameters(*_BASES)
    def test_an_option_changes_the_result_or_is_refused(self, engine):
        base = _BASES[engine]
        before = self._train(engine, base)
        unchanged = set()
        for part, field in _options(engine):
            with self.subTest(part=part, field=field):
                try:
                    expected = before
                    for other in _TOGETHER.get(field, {}):
                        if other != "normalization":  # ghosts need a size
                            expected = self._train(engine, _changed(base, part, other))
                    after = self._train(engine, _changed(base, part, field))
                except errors.UserError:
                    continue
                if after == expected:
                    unchanged.add(field)
        self.assertCountEqual(unchanged, _UNCHANGED[engine])

    def test_a_network_in_float64_trains_alike_in_both_engines(self):
        linear = config.ModelConfig("logistic_regression", ())
        run = dataclasses.replace(_BASES["ensemble"], model=linear)
        (_, _, alone), (_, _, together) = (
            self._train(engine, run) for engine in ("loop", "ensemble")
        )
        self.assertEqual({*alone}, {*together})
        for name, value in together.items():
            # The loop sums its metrics in float32, and scales its inputs there.
            self.assertAlmostEqual(alone[name], value, delta=1e-5 * abs(value))


class NetworksTest(parameterized.TestCase):
    @parameterized.parameters(*itertools.product(models.names(), ("paper", "released")))
    def test_a_network_takes_a_choice_or_refuses_it(self, name, variant):
        base = config.ModelConfig(name, variant=variant)
        try:
            takes = models.takes(base)
        except errors.UserError:
            return  # there is no such variant
        models.check(base)
        for field, value in _OTHER["model"].items():
            if field in ("name", "variant"):
                continue
            changes = {**_TOGETHER.get(field, {}), field: value}
            settings = dataclasses.replace(base, **changes)
            of_ghosts = field in ("ghost_batch_size", *config.GHOST_OPTIONS)
            if ("normalization" if of_ghosts else field) in takes:
                models.check(settings)
            else:
                with self.assertRaises(errors.UserError, msg=field):
                    models.check(settings)

    @parameterized.parameters(*models.names())
    def test_a_precision_is_that_of_the_layers_or_refused(self, name):
        flat = "mlp" in name or name in ("f1", "lstm")
        shape = (4,) if flat else (32, 32, 3)
        shape = (64, 64, 3) if name == "alexnet" else shape
        settings = config.ModelConfig(name)
        try:
            model = models.build(settings, shape, 3, precision="mixed_bfloat16")
        except errors.UserError as error:
            self.assertEqual(
                (error.argument, name), ("precision", "logistic_regression")
            )
            return
        with_weights = [layer for layer in model.layers if layer.trainable_weights]
        types = [layer.compute_dtype for layer in with_weights]
        self.assertEqual(types, ["bfloat16"] * (len(types) - 1) + ["float32"])
        self.assertEqual({w.dtype for w in model.trainable_weights}, {"float32"})


if __name__ == "__main__":
    absltest.main()
