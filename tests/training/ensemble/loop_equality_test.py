"""Whatever shares its program, a run of an ensemble equals that of the loop engine.

Both compute in float32 and sum in another order. The settings contract, so that old
roundings fade, and activations are smooth where no normalisation follows: 2e-5 is some
ten times what is seen after 200 steps. Each group of runs is one program.
"""

import functools
import tempfile

import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, models
from bsgen.models import losses
from bsgen.training import loop
from bsgen.training.ensemble import chunk, member, stacked_program
from tests.training.ensemble import small_tasks

_FALL = config.Stepwise(boundaries=(70.0, 120.0), factors=(0.5, 0.2), unit="steps")
_RISE = config.WarmUp(20.0, unit="steps")
_GROW = config.Stepwise(boundaries=(30.0, 140.0), factors=(2.0, 1.5), unit="steps")
_DENSE = {"name": "normalized_mlp", "hidden_units": (10, 8)}
_GHOSTS = {**_DENSE, "normalization": "ghost", "ghost_batch_size": 8}
_BATCH = {**_DENSE, "normalization": "batch"}

# What may differ among the runs of a program.
_VARIED = (
    {"num_steps": 90, "evaluations": (0, 64)},
    {"schedule": _FALL, "warm_up": _RISE, "validation_size": 20},
    {"clip_norm": 0.2, "clip_steps": 30, "augmentation": "crop_flip"},
    {"clip_norm": 0.3, "loss_noise": 0.5, "momentum": 0.0, "evaluations": (1, 150)},
    {"momentum": 0.9, "momentum_reset": "each_epoch"},
    {"l2": 0.3, "l2_parameters": "kernels"},
)


def setUpModule():
    small_tasks.register()


def _run(
    model,
    batch_size=24,
    num_steps=200,
    evaluations=(100,),
    dataset="bright",
    validation_size=0,
    augmentation="none",
    growth=None,
    seed=3,
    **settings,
):
    of_run = {
        name: settings.pop(name) for name in ("loss", "loss_noise") if name in settings
    }
    optimizer = {"learning_rate": 0.02, "momentum": 0.5, "l2": 0.01, **settings}
    return config.RunConfig(
        data=config.DataConfig(
            dataset,
            small_tasks.SIZES[0] - validation_size,
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
        **of_run,
    )


def _train_together(runs, on_gpu=False):
    """Returns the records by key, of runs that one program has trained."""
    first = runs[0]
    pool = data.load_pool(first.data)
    model = models.build(first.model, pool.input_shape, pool.num_classes)
    program = stacked_program.Program(
        model,
        pool.inputs,
        pool.labels,
        first.sgd.nesterov,
        losses.of_run(first),
        on_gpu=on_gpu,
    )
    rows = [member.Member(run, data.split(pool, run.data)) for run in runs]
    trained = chunk.Chunk(rows, program, pool).train(lambda run, steps: None)
    return {record.run.key: record for record in trained}


@functools.cache
def _train_alone(run):
    with tempfile.TemporaryDirectory() as folder:
        return loop.train(run, folder)


class LoopEqualityTest(tf.test.TestCase, parameterized.TestCase):
    def _compare(self, runs, **how):
        records = _train_together(runs, **how)
        self.assertLen(records, len(runs))
        for run in runs:
            expected, found = _train_alone(run), records[run.key]
            self.assertEqual(found.status, "completed")
            for name, values in found.curve.items():
                self.assertAllClose(values, expected.curve[name], 0, 2e-5)
            self.assertEqual(found.final.keys(), expected.final.keys())
            self.assertAllClose(found.final, expected.final, 0, 2e-5)
        # Each has its own numbers: what makes it different is not ignored by both.
        finals = sorted(next(iter(each.final.values())) for each in records.values())
        for low, high in zip(finals, finals[1:], strict=False):
            self.assertGreater(high - low, 1e-3)

    def test_what_may_differ_in_a_program_with_ghosts(self):
        runs = [_run(_GHOSTS, seed=s, **each) for s, each in enumerate(_VARIED)]
        self._compare(runs)
        self._compare(runs, on_gpu=True)  # whose calls have steps that change nothing

    def test_a_growing_batch_with_batch_statistics(self):
        rates = (0.02, 0.01)
        runs = [_run(_BATCH, growth=_GROW, learning_rate=rate) for rate in rates]
        self._compare(runs)

    def test_dropout_and_skip_init_in_padded_batches(self):
        more = ({"batch_size": 24}, {"batch_size": 1}, {"batch_size": 16}, {}, {})
        varied = zip(_VARIED[1:], more, strict=True)
        runs = [_run({"name": "residual"}, **a, **b) for a, b in varied]
        self._compare(runs)

    @parameterized.parameters(
        ("reconstruction", "bright", "squared_error"),
        ("words", "tokens", "token_cross_entropy"),
    )
    def test_losses_in_padded_batches(self, name, dataset, loss):
        sizes = (12, 24)
        runs = [
            _run({"name": name}, size, 120, dataset=dataset, loss=loss, seed=size)
            for size in sizes
        ]
        # On a GPU such small networks take four steps an iteration.
        self._compare(runs, on_gpu=True)

    def test_convolutions(self):
        runs = [
            _run({"name": "convolutional"}, 24, 120, (60,), nesterov=True, **each)
            for each in ({}, {"augmentation": "crop_flip", "seed": 4})
        ]
        # On a GPU such small networks take four steps an iteration.
        self._compare(runs, on_gpu=True)


if __name__ == "__main__":
    tf.test.main()
