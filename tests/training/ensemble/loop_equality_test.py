"""Whatever shares its program, a run of an ensemble equals that of the loop engine."""

import functools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, layers, models
from bsgen.data import dataset
from bsgen.models import assembly, network, sizes
from bsgen.training import ensemble, loop

_STEPS = 300
_SIZES = 120, 60
_GROW = config.Stepwise(boundaries=(40.0, 200.0), factors=(2.0, 3.0), unit="steps")
_FALL = config.Stepwise(boundaries=(90.0, 160.0), factors=(0.5, 0.2), unit="steps")
_GHOSTS = {"normalization": "ghost", "ghost_batch_size": 8}
_DENSE = {"name": "normalized_mlp", "hidden_units": (10, 8)}
_PLAIN = {**_DENSE, "normalization": "none"}


class _Images(dataset.Dataset):
    """Noise [6, 6, 2] whose brightness depends on the class."""

    def load(self, settings, data_dir=None):
        del settings, data_dir
        return _images()


@functools.cache
def _images():
    generator = np.random.default_rng(5)
    labels = generator.integers(3, size=sum(_SIZES)).astype(np.int32)
    noise = generator.integers(0, 160, size=[sum(_SIZES), 6, 6, 2])
    places = np.arange(sum(_SIZES))
    return data.Pool(
        name="bright",
        inputs=(noise + 25 * labels[:, None, None, None]).astype(np.uint8),
        labels=labels,
        num_classes=3,
        train_pool=places[: _SIZES[0]],
        test_pool=places[_SIZES[0] :],
    )


def _residual(input_shape, num_classes, seed):
    """A dense network with dropout and SkipInit, whose activations are smooth."""
    parts = assembly.Assembly(seed, None, assembly.glorot_uniform)
    inputs = keras.Input(input_shape)
    outputs = parts.dense(keras.layers.Flatten()(inputs), 12)
    outputs = parts.dropout(keras.activations.tanh(outputs), 0.2)
    branch = parts.dense(keras.activations.tanh(parts.dense(outputs, 12)), 12)
    outputs = keras.layers.Add()([outputs, layers.SkipInit()(branch)])
    return keras.Model(inputs, parts.logits(parts.dropout(outputs, 0.3), num_classes))


def setUpModule():
    if "bright" not in data.names():
        data.register(_Images("bright", (6, 6, 2), 3, *_SIZES))
        models.register("residual", network.Network(_residual, sizes.mlp, stacks=True))


def _run(
    model=_PLAIN,
    batch_size=24,
    num_steps=_STEPS,
    evaluations=(0, 1, 100),
    seed=3,
    validation_size=0,
    augmentation="none",
    growth=None,
    loss_noise=0.0,
    **optimizer,
):
    optimizer = {"learning_rate": 0.02, "momentum": 0.5, "l2": 0.01, **optimizer}
    return config.RunConfig(
        data=config.DataConfig(
            "bright",
            _SIZES[0] - validation_size,
            validation_size,
            "standardize_channels",
            augmentation=augmentation,
        ),
        model=config.ModelConfig(**model),
        optimizer=config.MomentumConfig(**optimizer),
        batch_size=batch_size,
        batch_size_schedule=growth or config.Constant(),
        num_steps=num_steps,
        evaluation_steps=evaluations,
        seed=seed,
        loss_noise=loss_noise,
    )


# What may differ between the runs of one program.
_VARIED = {
    "plain": {},
    "schedule": {"schedule": _FALL, "warm_up": config.WarmUp(20.0, unit="steps")},
    "clipped": {"clip_norm": 0.3, "seed": 4},
    "clipped_at_first": {"clip_norm": 0.2, "clip_steps": 30},
    "augmented": {"augmentation": "crop_flip", "seed": 5},
    "noisy": {"loss_noise": 0.5, "momentum": 0.0},
    "short": {"num_steps": 130, "evaluations": (64,)},
    "validated": {"validation_size": 20, "evaluations": (50, 250)},
}


class LoopEqualityTest(tf.test.TestCase, parameterized.TestCase):
    def _compare(self, runs, atol):
        records = {
            each.run.key: each for each in ensemble.train(runs, memory_bytes=2**30)
        }
        self.assertLen(records, len(runs))
        for run in runs:
            with self.subTest(run=repr(run)):
                expected = loop.train(run, self.create_tempdir().full_path)
                found = records[run.key]
                self.assertEqual(found.status, expected.status)
                for name, values in found.curve.items():
                    self.assertAllClose(values, expected.curve[name], 0, atol)
                self.assertEqual(found.final.keys(), expected.final.keys())
                self.assertAllClose(found.final, expected.final, 0, atol)

    @parameterized.parameters(
        (_PLAIN,),
        ({**_DENSE, **_GHOSTS},),
        ({**_DENSE, "normalization": "batch"},),
        ({"name": "residual"},),
    )
    def test_it(self, model):
        self._compare([_run(model, **each) for each in _VARIED.values()], 1e-5)


if __name__ == "__main__":
    tf.test.main()
