"""Measures the random potential of appendix B, and gradient and Hessian at its centre.

w_0 are the initial weights of figure 2's runs of the same seed, and c is the largest
distance that any of these reaches before its learning rate first drops ("the parameter
c so that the maximum weight distance from initialization is equal to the same maximal
distance in Figure 2"). L is the mean cross-entropy of training examples, without L2;
batch norm normalises by their statistics at every place, our choice (see
`measures.random_potential`).
"""

import functools
import math
from typing import Any

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.hoffer_2017 import diffusion, presets, regimes
from bsgen.studies import measurement

NUM_DIRECTIONS = 1000  # the paper's
# Training examples that the loss is the mean of, and how many a call; our choice.
_MEASURED_EXAMPLES = {"quick": 1000, "reduced": 2000, "paper": 5000, "released": 5000}
_BATCH_SIZE = {"quick": 1000, "reduced": 2000, "paper": 1000, "released": 1000}
_PRODUCTS = 20  # with the Hessian, for its trace and norm
_SECONDS = {"quick": 4.0, "reduced": 600.0, "paper": 5e4, "released": 5e4}
_DIGITS = 7  # significant, of what float32 computed
CONSTANTS = (
    *("max_distance", "initial_loss", "num_parameters"),
    *("gradient_norm", "hessian_trace", "hessian_frobenius_norm"),
)


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns one a seed of figure 2's runs."""
    runs = diffusion.runs(regimes.RA, scale, num_seeds)
    seeds = dict.fromkeys(run.seed for run in runs)
    return [
        _measurement(scale, tuple(run for run in runs if run.seed == seed))
        for seed in seeds
    ]


def _measurement(
    scale: str, runs: tuple[config.RunConfig, ...]
) -> measurement.Measurement:
    centre = presets.FIGURES[scale].run(regimes.SB, runs[0].seed)
    settings: dict[str, measurement.Value] = {
        "dataset": centre.data.name,
        "model": centre.model.name,
        "train_size": centre.data.train_size,
        "measured_examples": _MEASURED_EXAMPLES[scale],
        "num_directions": NUM_DIRECTIONS,
        "seed": centre.seed,
    }
    measure = functools.partial(
        _measure,
        centre=centre,
        runs=runs,
        num_examples=_MEASURED_EXAMPLES[scale],
        batch_size=_BATCH_SIZE[scale],
    )
    return measurement.Measurement(
        settings,
        measure,
        datasets=(centre.data.name,),
        seconds=_SECONDS[scale],
        recorded=runs,
    )


def largest_distance(
    place: measurement.Place, runs: tuple[config.RunConfig, ...]
) -> float:
    """Returns the largest |w_t - w_0| of finished runs in their initial phase.

    Runs that diverged do not count; NaN without any.
    """
    found = [math.nan]
    for run in runs:
        record = place.record(run)
        if record.status == "diverged":
            continue
        per_epoch = (run.data.train_size or 0) / (run.batch_size or 1)
        last = regimes.steps_before_drop(run.sgd.schedule, per_epoch, run.num_steps)
        curve = zip(record.curve["step"], record.curve["weight_distance"], strict=True)
        found += [far or 0.0 for step, far in curve if (step or 0.0) <= last]
    return float(np.nanmax(found)) if len(found) > 1 else math.nan


def _measure(
    place: measurement.Place,
    centre: config.RunConfig,
    runs: tuple[config.RunConfig, ...],
    num_examples: int,
    batch_size: int,
) -> list[dict[str, Any]]:
    """Returns a row a direction; one row of None if all runs diverged."""
    reach = largest_distance(place, runs)
    if not reach > 0:
        return [dict.fromkeys(("distance", "difference", *CONSTANTS))]
    import keras

    from bsgen import data, measures, models

    arrays = data.load(centre.data, place.data_dir)
    inputs, labels = arrays.train
    examples = inputs[:num_examples], labels[:num_examples]
    model = models.build(
        centre.model, inputs.shape[1:], arrays.num_classes, centre.seed
    )
    _initialise(model, centre.seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    around = measures.random_potential(
        *(model, loss, examples, reach),
        num_directions=NUM_DIRECTIONS,
        seed=centre.seed,
        batch_size=batch_size,
    )
    # In training mode, by the statistics of the examples too.
    hessian = measures.Hessian(
        model, loss, examples, training=True, batch_size=batch_size
    )
    trace, norm = _curvature(hessian, centre.seed)
    constants = {
        "max_distance": reach,
        "initial_loss": around.initial_loss,
        "num_parameters": around.num_parameters,
        "gradient_norm": float(np.linalg.norm(hessian.gradient())),
        "hessian_trace": trace,
        "hessian_frobenius_norm": norm,
    }
    table = pd.DataFrame(
        {"distance": around.distances, "difference": around.differences, **constants}
    )
    return [
        {name: float(f"{value:.{_DIGITS}g}") for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _curvature(hessian: Any, seed: int) -> tuple[float, float]:
    """Returns estimates of trace and Frobenius norm from the same random probes.

    With signs z, E z^T H z = tr(H) (Hutchinson 1989) and E |H z|^2 = |H|_F^2.
    """
    draw = np.random.default_rng(seed)
    probes = draw.choice([-1.0, 1.0], size=(_PRODUCTS, hessian.size))
    products = np.stack([hessian.matvec(probe) for probe in probes])
    trace = np.mean(np.sum(probes * products, axis=1))
    return float(trace), float(np.sqrt(np.mean(np.sum(products**2, axis=1))))


def _initialise(model: Any, seed: int) -> None:
    """Draws the kernels of a convolutional network by Glorot & Bengio (2010).

    Dense networks have such weights already, the ResNets of the project others.
    """
    import keras

    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    if all(len(kernel.shape) == 2 for kernel in kernels):
        return
    for place, kernel in enumerate(kernels):
        draw = keras.initializers.GlorotUniform(1000 * seed + place)
        kernel.assign(draw(kernel.shape))
