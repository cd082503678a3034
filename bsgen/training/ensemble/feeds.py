"""The batches of runs that take their steps together, drawn on the host.

They are those of `bsgen.training.loop.feeds`: what a batch holds, how it is augmented
and how its examples are weighted follows from seed and place in the stream of examples.
Runs for which all of this is equal share the drawing.
"""

import collections
import functools
import os
from collections.abc import Mapping, Sequence
from concurrent import futures
from typing import NamedTuple, TypeAlias

import numpy as np

from bsgen import data, models
from bsgen.data import augmentation, loss_weights, sampling, text
from bsgen.training.ensemble.member import Member
from bsgen.training.ensemble.stacked_data import Batches

# On a CPU the steps themselves need the cores.
_NUM_THREADS = max(1, min(8, (os.cpu_count() or 1) // 2))


class _Piece(NamedTuple):
    """What a run's batches in a call follow from, besides the steps of the call."""

    split: data.Split
    seed: int
    sampling: str
    augmentation: str
    loss_noise: float
    first_place: int
    batch_size: int

    @property
    def stream(self) -> "_Piece":
        """What is equal for all pieces of a run."""
        return self._replace(first_place=0, batch_size=0)


_Pieces: TypeAlias = Mapping[_Piece, list[int]]  # with the runs that take them


class Feed:
    """Draws the batches of the runs of one program."""

    def __init__(self, rows: Sequence[Member], dtype: np.dtype):
        """Prepares the feed.

        Args:
          rows: the runs, along the run axis.
          dtype: of the weights, and of rates, norms and weights of examples.
        """
        self._rows = rows
        self._dtype = dtype
        self._clips = any(row.run.sgd.clip_norm is not None for row in rows)
        self._resets = any(row.run.sgd.momentum_reset != "never" for row in rows)
        self._carries = any(models.carries_state(row.run.model) for row in rows)
        self._augments = any(row.run.data.augmentation != "none" for row in rows)
        self._noisy = any(row.run.loss_noise for row in rows)
        self._streams: dict[_Piece, sampling.Stream] = {}

    def batch_size(self, step: int) -> int:
        """Returns B of a step, the largest of all runs."""
        return max(row.batch_size_at(step) for row in self._rows)

    def batches(self, first_step: int, last_step: int, length: int) -> Batches:
        """Returns batches of the steps first_step to last_step - 1.

        Within them no run's batch size may change, and no run may end.

        Args:
          first_step, last_step: numbers of steps taken.
          length: K, to which they are padded with steps that no run takes.
        """
        num_steps, num_runs = last_step - first_step, len(self._rows)
        rates = np.zeros((length, num_runs), self._dtype)
        momenta = np.zeros((length, num_runs), self._dtype)
        clip_norms = np.full((length, num_runs), np.inf, self._dtype)
        begins_epoch = np.zeros((length, num_runs), bool)
        pieces = collections.defaultdict(list)
        for index, row in enumerate(self._rows):
            if row.run.num_steps > first_step:
                pieces[_piece(row, first_step)].append(index)
                steps = slice(first_step, last_step)
                rates[:num_steps, index] = row.plan.learning_rates[steps]
                # An accumulator that does not count is as good as one of 0.
                momenta[:num_steps, index] = np.where(
                    row.plan.resets[steps], 0.0, row.run.sgd.momentum
                )
                begins_epoch[:num_steps, index] = row.plan.begins_epoch[steps]
                clipped = _num_clipped(row, first_step, num_steps)
                clip_norms[:clipped, index] = row.run.sgd.clip_norm
        positions = np.zeros((length, num_runs, self.batch_size(first_step)), np.int32)
        draw = functools.partial(self._positions, step=first_step, num_steps=num_steps)
        # NumPy's generators draw without Python's lock.
        with futures.ThreadPoolExecutor(_NUM_THREADS) as threads:
            drawn = list(threads.map(draw, pieces))
        for (piece, runs), own in zip(pieces.items(), drawn, strict=True):
            _set(positions, runs, own)
            # Padding repeats an example of the batch, and has the weight 0.
            positions[:num_steps, runs, piece.batch_size :] = own[:, None, :1]
        return Batches(
            positions,
            rates,
            clip_norms if self._clips else (),
            self._draws(pieces, num_steps, positions.shape) if self._augments else (),
            self._weights(pieces, first_step, num_steps, positions.shape),
            momenta if self._resets else (),
            begins_epoch if self._carries else (),
        )

    def _draws(
        self, pieces: _Pieces, num_steps: int, shape: tuple[int, ...]
    ) -> augmentation.Draws:
        """Returns shifts and flips, [K, R, B] each, 0 where a run does not augment."""
        kinds = (np.int32, np.int32, np.bool_)
        draws = augmentation.Draws(*(np.zeros(shape, kind) for kind in kinds))
        for piece, runs in pieces.items():
            chosen = augmentation.by_name(piece.augmentation)
            if chosen is not None:
                count = num_steps * piece.batch_size
                own = augmentation.draws(chosen, piece.seed, piece.first_place, count)
                for array, drawn in zip(draws, own, strict=True):
                    _set(array, runs, drawn.reshape(num_steps, -1))
        return draws

    def _weights(
        self, pieces: _Pieces, step: int, num_steps: int, shape: tuple[int, ...]
    ) -> np.ndarray | tuple[()]:
        """Returns the weights of examples, [K, R, B], if they are not all equal."""
        padded = any(row.batch_size_at(step) < shape[-1] for row in self._rows)
        if not self._noisy and not padded:
            return ()
        weights = np.zeros(shape, self._dtype)
        for piece, runs in pieces.items():
            count = num_steps * piece.batch_size
            own = loss_weights.draws(
                piece.loss_noise, piece.seed, piece.first_place, count
            )
            _set(weights, runs, own.reshape(num_steps, -1) / piece.batch_size)
        return weights

    def _positions(self, piece: _Piece, step: int, num_steps: int) -> np.ndarray:
        """Returns positions in the pool, [num_steps, batch_size]."""
        train, size = piece.split.train, piece.batch_size
        if piece.sampling == "contiguous":
            return train[text.contiguous_batches(step, num_steps, size, len(train))]
        if piece.sampling == "independent":
            drawn = sampling.independent_batches(
                piece.seed, step, num_steps, size, len(train)
            )
            return train[drawn]
        stream = self._streams.get(piece.stream)
        if stream is None:
            stream = sampling.Stream(piece.seed, len(train))
            self._streams[piece.stream] = stream
        drawn = stream.positions(piece.first_place, num_steps * size)
        return train[drawn].reshape(num_steps, size)


def _piece(row: Member, step: int) -> _Piece:
    return _Piece(
        row.split,
        row.run.seed,
        row.run.data.sampling,
        row.run.data.augmentation,
        row.run.loss_noise,
        int(row.plan.first_places[step]),
        row.batch_size_at(step),
    )


def _num_clipped(row: Member, first_step: int, num_steps: int) -> int:
    """Returns how many steps, from the first on, are clipped."""
    sgd = row.run.sgd
    if sgd.clip_norm is None:
        return 0
    if sgd.clip_steps is None:
        return num_steps
    return int(np.clip(sgd.clip_steps - first_step, 0, num_steps))


def _set(array: np.ndarray, runs: list[int], values: np.ndarray) -> None:
    """Sets some runs' part of an array [K, R, B] to values [num_steps, batch_size]."""
    num_steps, batch_size = values.shape
    for run in runs:  # faster than all at once, which copies indices
        array[:num_steps, run, :batch_size] = values
