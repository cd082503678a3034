"""What peers share: the host draws the batches of a call, then they are trained on."""

import abc
import time
from typing import ClassVar

import numpy as np

from benchmarks import ensemble_problem


class Peer(abc.ABC):
    """See `benchmarks.ensemble_contenders`."""

    most_steps_per_call: ClassVar[int] = 1000

    def __init__(self, problem: ensemble_problem.Problem):
        self._problem = problem
        self.steps_per_call = min(problem.steps_per_call, self.most_steps_per_call)
        self.num_steps = 0
        self.first_call_ended = 0.0

    @abc.abstractmethod
    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, R, B], and returns when all are done."""

    @abc.abstractmethod
    def weights(self) -> list[np.ndarray]:
        """Returns the weights [R, ...] in the order of the problem's."""

    def call(self) -> tuple[int, float]:
        """See `benchmarks.ensemble_contenders`."""
        begun = time.perf_counter()
        self.draw_and_take_steps()
        ended = time.perf_counter()
        self.num_steps += self.steps_per_call
        self.first_call_ended = self.first_call_ended or ended
        return self.steps_per_call * self._problem.num_runs, ended - begun

    def draw_and_take_steps(self) -> None:
        """Takes the steps of a call."""
        self.take_steps(self._problem.positions(self.num_steps, self.steps_per_call))

    def score(self) -> tuple[float, float]:
        """See `benchmarks.ensemble_contenders`."""
        return self._problem.score(self.weights())
