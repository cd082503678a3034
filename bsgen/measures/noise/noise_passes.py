"""The two passes over the data that measure gradient noise.

The first finds the mean gradient, the second how the gradients of the groups deviate
from it. There is an estimate all the time, for progress displays and for Ctrl-C. In the
first pass it comes from sums of gradients over a few runs of neighbouring groups, each
run taken as one large group; in the second, once enough groups have been seen, from the
groups themselves, around the mean of all.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from bsgen import errors
from bsgen.measures import progress
from bsgen.measures.noise import group_gradients, noise_moments
from bsgen.measures.operators.linear_operator import FloatArray

# Neighbouring runs are merged when there are more than this many, or when they take
# more bytes than this. The standard error of a trace from 32 runs is a quarter of the
# trace where the covariance has rank 1, and less by the root of its rank elsewhere. Our
# choice.
_MAX_RUNS = 32
_MIN_RUNS = 4
_MAX_BYTES = 2**29
# This many groups, or half of all, make a better estimate than the runs. Our choice.
_ENOUGH = 100


class Runs:
    """Sums of gradients over runs of neighbouring groups.

    Run b has c_b groups of mean m_b. With m the mean of all groups and c the mean size
    of a run, d_b = root(c_b / c) (m_b - m) are deviations of gradients of c groups
    each, whatever the sizes are, so sum |d_b|^2 / (number of runs - 1) is unbiased.
    """

    def __init__(self, num_parameters: int):
        """Keeps as many runs of P parameters as memory allows."""
        affordable = _MAX_BYTES // (8 * num_parameters)
        self._most = max(_MIN_RUNS, min(_MAX_RUNS, affordable))
        self._target = 0  # groups in every run but the last
        self._counts: list[int] = []
        self._sums: list[FloatArray] = []

    @property
    def num_groups(self) -> int:
        """The number of groups in all runs."""
        return sum(self._counts)

    def add(self, count: int, total: FloatArray) -> None:
        """Adds a run of `count` groups whose gradients sum to `total` [P]."""
        if not self._counts:
            self._target = count
        if self._counts and self._counts[-1] < self._target:
            self._counts[-1] += count
            self._sums[-1] = self._sums[-1] + total
            return
        self._counts.append(count)
        self._sums.append(total)
        if len(self._sums) > self._most:
            starts = range(0, len(self._sums), 2)
            self._target *= 2
            self._counts = [sum(self._counts[i : i + 2]) for i in starts]
            self._sums = [np.sum(self._sums[i : i + 2], axis=0) for i in starts]

    def mean(self) -> FloatArray:
        """Returns the mean gradient of a group [P]."""
        return np.sum(self._sums, axis=0) / self.num_groups

    def noise(
        self, penalty: FloatArray, group_size: int
    ) -> noise_moments.GradientNoise | None:
        """Returns the moments estimated from the runs; None from fewer than two.

        The gradient is the mean plus `penalty` [P], which has no noise.
        """
        if len(self._sums) < 2:
            return None
        mean = self.mean()
        gradient = mean + penalty
        size = self.num_groups / len(self._sums)
        squares, projections = [], []
        for count, total in zip(self._counts, self._sums, strict=True):
            move = np.sqrt(count / size) * (total / count - mean)
            squares.append(move @ move)
            projections.append(move @ gradient)
        return noise_moments.from_deviations(
            np.array(squares),
            np.array(projections),
            float(gradient @ gradient),
            size * group_size,
        )


class TwoPasses:
    """Measures gradient noise on the gradients of groups."""

    def __init__(
        self,
        groups: group_gradients.GroupGradients,
        l2: float,
        on_progress: progress.OnProgress | None,
        keep_partial: bool,
    ):
        """Takes the settings; nothing is computed yet."""
        self._groups = groups
        self._penalty = l2 * groups.weights()
        self._on_progress = on_progress
        self._keep_partial = keep_partial
        self._runs = Runs(len(self._penalty))
        self._seen: list[group_gradients.Deviations] = []
        self._squared_gradient = np.nan

    def measure(self) -> noise_moments.GradientNoise:
        """Goes through the data twice.

        Raises:
          UserError: there are fewer than two groups, or something is not finite.
          KeyboardInterrupt: Ctrl-C, unless there is an estimate that is to be kept.
        """
        stopped_because: progress.StoppedBecause = progress.COMPLETE
        try:
            self._pass_for_the_mean()
            self._pass_for_deviations()
        except KeyboardInterrupt:
            stopped_because = progress.interrupted(self._keep_partial)
        known = self._known()
        if known is None:
            raise KeyboardInterrupt
        return dataclasses.replace(
            known, mode=self._groups.mode, stopped_because=stopped_because
        )

    def _pass_for_the_mean(self) -> None:
        for count, total in self._groups.sums():
            self._runs.add(count, total)
            self._report(self._runs.num_groups)
        if self._runs.num_groups < 2:
            size = self._groups.group_size
            remedy = f"a covariance needs at least 2 groups of {size} example(s)"
            groups = f"{self._runs.num_groups} group(s)"
            raise errors.UserError("data", groups, remedy)

    def _pass_for_deviations(self) -> None:
        mean = self._runs.mean()
        gradient = mean + self._penalty
        self._squared_gradient = float(gradient @ gradient)
        for deviations in self._groups.deviations_of_chunks(mean, gradient):
            self._seen.append(deviations)
            self._report(self._runs.num_groups + self._num_seen)

    @property
    def _num_seen(self) -> int:
        return sum(len(part.projections) for part in self._seen)

    def _known(self) -> noise_moments.GradientNoise | None:
        """Returns the best estimate so far; None before there is one."""
        if self._seen and self._num_seen >= min(_ENOUGH, self._runs.num_groups / 2):
            squares, projections = map(np.concatenate, zip(*self._seen, strict=True))
            return noise_moments.from_deviations(
                squares,
                projections,
                self._squared_gradient,
                self._groups.group_size,
                self._runs.num_groups,
            )
        return self._runs.noise(self._penalty, self._groups.group_size)

    def _report(self, num_gradients: int) -> None:
        if self._on_progress is None:
            return
        known = self._known()
        value, error = np.nan, np.inf
        if known is not None:
            value, error = known.noise_scale, known.noise_scale_standard_error
        if self._seen:
            limit: Any = 2 * self._runs.num_groups
        else:
            expected = self._groups.expected_groups
            limit = None if expected is None else 2 * expected
        self._on_progress(progress.Progress(num_gradients, limit, value, error))
