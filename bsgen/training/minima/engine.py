"""The exact minimum of a convex cost, and the Bayesian evidence for the model there.

Smith & Le (2017), section 3: the cost, its Hessian's eigenvalues and the log evidence
ratio are those of the SUM over the N training examples, as in the paper.
"""

import time
from collections.abc import Iterator, Sequence

import keras
import numpy as np

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
    from the nearby minimum of the one before. The minimum is unique, so the starting
    point does not change it.

    Raises:
      UserError: a run asks for something that Newton's method does not do; see `check`.
    """
    for run in runs:
        check(run)
    solvers: dict[tuple, tuple[keras.Model, newton.NewtonSolver]] = {}
    previous = None
    for run in sorted(runs, key=_order):
        started = time.perf_counter()
        arrays = data.load(run.data, data_dir)
        shape = arrays.train[0].shape[1:]
        key = (run.model, shape, arrays.num_classes)
        if key not in solvers:
            model = models.build(run.model, shape, arrays.num_classes)
            solvers[key] = model, newton.NewtonSolver(model, models.cross_entropy)
        model, solver = solvers[key]
        if previous != _order(run)[0]:
            for weight in model.trainable_variables:
                weight.assign(np.zeros(weight.shape))
            previous = _order(run)[0]
        final = _final(run, arrays, model, solver)
        seconds = time.perf_counter() - started
        yield records.RunRecord(run, "completed", {}, final, seconds)


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


def _final(
    run: config.RunConfig,
    arrays: data.Arrays,
    model: keras.Model,
    solver: newton.NewtonSolver,
) -> dict[str, float | None]:
    inputs, labels = (np.asarray(part) for part in arrays.train)
    train_size = len(labels)
    minimum = solver.minimise(
        (inputs.astype(np.float64), labels), run.optimizer.l2, run.num_steps
    )
    cost = train_size * minimum.cost
    l2 = train_size * run.optimizer.l2
    final: dict[str, float | None] = {
        "cost": cost,
        "log_evidence_ratio": float(
            theory.log_evidence_ratio(
                cost,
                train_size * minimum.eigenvalues(),
                l2,
                train_size,
                arrays.num_classes,
            )
        ),
        "gradient_norm": minimum.gradient_norm,
        "iterations": minimum.iterations,
        "converged": float(minimum.converged),
    }
    for part in ("train", "validation", "test"):
        inputs, labels = getattr(arrays, part)
        if not len(labels):
            continue
        logits = model(inputs.astype(np.float64))
        final[f"{part}_cross_entropy"] = float(
            np.mean(models.cross_entropy(labels, logits))
        )
        final[f"{part}_accuracy"] = float(np.mean(models.correct(labels, logits)))
    return final
