"""Where the runs of a program begin, and the settings that they keep."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from bsgen import data
from bsgen.data import augmentation, scaling
from bsgen.training.ensemble import initial_variables
from bsgen.training.ensemble.member import Member
from bsgen.training.ensemble.stacked_data import Settings, State

_KEPT = initial_variables.Kept()


def make(
    rows: Sequence[Member],
    pool: data.Pool,
    carried: Sequence[int] = (),
    num_streams: int = 1,
) -> tuple[State, Settings]:
    """Returns the state before the first step, and the settings of the runs.

    Args:
      rows: the runs.
      pool: of all of them.
      carried: the widths of what the network carries.
      num_streams: in which a text is read, the largest batch size.
    """
    shape, num_classes = pool.inputs.shape[1:], pool.num_classes
    variables = [
        _KEPT.of(row.run.model, shape, num_classes, row.run.seed) for row in rows
    ]
    weights, statistics, seeds = (
        [tf.constant(np.stack(copies)) for copies in zip(*of_rows, strict=True)]
        for of_rows in zip(*variables, strict=True)
    )
    dtype = weights[0].dtype
    state = State(
        weights,
        [tf.zeros_like(weight) for weight in weights],
        statistics,
        [tf.zeros([len(rows), num_streams, units], dtype) for units in carried],
    )
    return state, _settings(rows, pool, dtype, seeds)


def _settings(
    rows: Sequence[Member], pool: data.Pool, dtype: tf.DType, seeds: list[tf.Tensor]
) -> Settings:
    fitted = _scalings(rows, pool)
    # With the rank of an input each, so that none of their axes meets the run axis.
    rank_of_input = (1,) * (pool.inputs.ndim - 1)
    shape = np.broadcast_shapes(rank_of_input, *(np.shape(s.scale) for s in fitted))
    fills = [_fill(row, s, pool) for row, s in zip(rows, fitted, strict=True)]

    def stacked(values: Iterable) -> tf.Tensor:
        return tf.constant(np.stack(list(values)), dtype)

    optimizers = [row.run.sgd for row in rows]
    on_kernels = [each.l2_parameters == "kernels" for each in optimizers]
    of_vectors = (
        0.0 if kernels else each.l2
        for each, kernels in zip(optimizers, on_kernels, strict=True)
    )
    return Settings(
        momentum=stacked(each.momentum for each in optimizers),
        l2=stacked(each.l2 for each in optimizers),
        offset=stacked(
            np.broadcast_to(s.offset, pool.inputs.shape[1:]) for s in fitted
        ),
        scale=stacked(np.broadcast_to(s.scale, shape) for s in fitted),
        fill=stacked(fills),
        draw_seeds=seeds,
        vector_l2=stacked(of_vectors) if any(on_kernels) else (),
    )


def _scalings(rows: Sequence[Member], pool: data.Pool) -> list[data.Scaling]:
    """Returns the scaling of each run; runs of equal training sets share it."""
    fitted: dict[tuple, data.Scaling] = {}
    for row in rows:
        key = row.run.data.scaling, row.split
        if key not in fitted:
            fitted[key] = scaling.fit(key[0], pool.inputs[row.split.train])
    return [fitted[row.run.data.scaling, row.split] for row in rows]


def _fill(row: Member, fitted: data.Scaling, pool: data.Pool) -> np.ndarray:
    """Returns what augmentation pads the images of a run with, [channels]."""
    chosen = augmentation.by_name(row.run.data.augmentation)
    if chosen is None:
        return np.zeros(pool.inputs.shape[-1])
    return np.broadcast_to(
        augmentation.fill_value(chosen, fitted), pool.inputs.shape[-1]
    )
