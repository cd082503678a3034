"""The exact minimum of a convex cost, and the Bayesian evidence for the model there.

Smith & Le (2017), section 3: the cost, its Hessian's eigenvalues and the log evidence
ratio are those of the SUM over the N training examples, as in the paper.
"""

import functools
import itertools
import time
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, models, theory
from bsgen.training import records
from bsgen.training.minima import newton

# The fields of a run and its data that mean something here, or are checked elsewhere.
_HONOURED = {
    *("data", "model", "optimizer", "num_steps", "evaluation_steps", "seed"),
    *("name", "train_size", "validation_size", "scaling", "subset_seed", "precision"),
}


def train(
    runs: Sequence[config.RunConfig], data_dir: str | None = None
) -> Iterator[records.RunRecord]:
    """Minimises the cost of each run, which has a `NewtonConfig`; yields its record.

    Runs that differ only in `l2` go from the strongest to the weakest, each starting
    where the minimum of the one before is predicted to move. The minimum is unique, so
    the starting point does not change it.

    Raises:
      UserError: a run asks for something that Newton's method does not do; see `check`.
    """
    for run in runs:
        check(run)
    for path in paths(runs):
        started = time.perf_counter()
        parts, num_classes = _load(path[0].data, data_dir)
        shape = tuple(parts["train"][0].shape[1:])
        model, solver = _solver(path[0].model, shape, num_classes)
        minimum = None
        for run in path:
            solver.place(minimum.predicted(run.optimizer.l2) if minimum else 0.0)
            minimum = solver.minimise(parts["train"], run.optimizer.l2, run.num_steps)
            final = _evidence(run, minimum, len(parts["train"][0]), num_classes)
            for part, examples in parts.items():
                final |= _evaluate(model, part, examples)
            seconds = time.perf_counter() - started
            yield records.RunRecord(run, "completed", {}, final, seconds)
            started = time.perf_counter()


def paths(runs: Sequence[config.RunConfig]) -> list[list[config.RunConfig]]:
    """Returns the runs divided into those that differ only in `l2`, in their order."""
    ordered = sorted(runs, key=_order)
    same = itertools.groupby(ordered, lambda run: (run.data, run.model))
    return [[*path] for _, path in same]


def check(run: config.RunConfig) -> None:
    """Checks that a run asks for nothing but the minimum.

    Any seed is accepted, as the minimum is unique.

    Raises:
      UserError: it has a setting of stochastic steps, another loss than the
        cross-entropy, or a final measure.
    """
    for field, value in (run.chosen() | run.data.chosen()).items():
        if field not in _HONOURED:
            remedy = "Newton's method takes no stochastic steps; leave it out"
            if field == "loss":
                remedy = "Newton's method minimises the 'cross_entropy' alone; take it"
            raise errors.UserError(field, value, remedy)
    if run.evaluation_steps != (run.num_steps,):
        remedy = "Newton's method is evaluated at the minimum alone; leave it out"
        raise errors.UserError("evaluation_steps", run.evaluation_steps, remedy)
    models.check(run.model, run.precision)


def _order(run: config.RunConfig) -> tuple[str, float]:
    return f"{run.data}{run.model}", -run.optimizer.l2


@functools.lru_cache(maxsize=8)
def _solver(
    settings: config.ModelConfig, shape: tuple[int, ...], num_classes: int
) -> tuple[keras.Model, newton.NewtonSolver]:
    """Returns network and solver, cached with what they have compiled."""
    model = models.build(settings, shape, num_classes)
    return model, newton.NewtonSolver(model, models.cross_entropy)


def _load(
    settings: config.DataConfig, data_dir: str | None
) -> tuple[dict[str, tuple[tf.Tensor, tf.Tensor]], int]:
    """Returns the parts that have examples, inputs in float64, and the classes."""
    arrays = data.load(settings, data_dir)
    parts = {
        part: (
            tf.constant(getattr(arrays, part)[0], tf.float64),
            tf.constant(getattr(arrays, part)[1]),
        )
        for part in ("train", "validation", "test")
        if len(getattr(arrays, part)[1])
    }
    return parts, arrays.num_classes


def _evidence(
    run: config.RunConfig, minimum: newton.Minimum, train_size: int, num_classes: int
) -> dict[str, float | None]:
    cost = train_size * minimum.cost
    l2 = train_size * run.optimizer.l2
    ratio = theory.log_evidence_ratio(
        cost, train_size * minimum.eigenvalues(), l2, train_size, num_classes
    )
    return {
        "cost": cost,
        "log_evidence_ratio": float(ratio),
        "gradient_norm": minimum.gradient_norm,
        "iterations": minimum.iterations,
        "converged": float(minimum.converged),
    }


def _evaluate(
    model: keras.Model, part: str, examples: tuple[tf.Tensor, tf.Tensor]
) -> dict[str, float]:
    inputs, labels = examples
    logits = model(inputs)
    return {
        f"{part}_cross_entropy": float(np.mean(models.cross_entropy(labels, logits))),
        f"{part}_accuracy": float(np.mean(models.correct(labels, logits))),
    }
