"""The ensemble engine of this project, as `bsgen.training.ensemble.train` runs it.

What is counted are the steps of all calls but the first of each program, with all that
the engine does between two calls; building the networks, compiling and the evaluation
at the end are not.
"""

import time

from benchmarks import ensemble_problem
from bsgen import config
from bsgen.training import ensemble, records


class Contender:
    """See `benchmarks.ensemble_contenders`."""

    def __init__(self, problem: ensemble_problem.Problem):
        ensemble_problem.register_random_images()
        self._problem = problem
        self.steps_per_call = self.num_steps = 0
        self.first_call_ended = 0.0

    def call(self) -> tuple[int, float]:
        """Trains all runs from their beginning to their end."""
        counted, elapsed, last = 0, 0.0, 0.0
        begun: set[int] = set()

        def on_steps(run: config.RunConfig, num_steps: int) -> None:
            nonlocal counted, elapsed, last
            now = time.perf_counter()
            if run.seed in begun:
                counted += num_steps
                elapsed += now - last
            begun.add(run.seed)
            self.first_call_ended = self.first_call_ended or now
            last = now
            self.steps_per_call = max(self.steps_per_call, num_steps)

        trained = ensemble.train(
            self._problem.runs, self._problem.data_dir, on_steps=on_steps
        )
        finished = {record.run.seed: record for record in trained}
        self._first: records.RunRecord = finished[0]
        self.num_steps = self._problem.run.num_steps
        return counted, elapsed

    def score(self) -> tuple[float, float]:
        """See `benchmarks.ensemble_contenders`."""
        final = self._first.final
        return final["train_cross_entropy"], final["train_accuracy"]
