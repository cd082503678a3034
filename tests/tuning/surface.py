"""A synthetic surface of validation scores with a known peak, for tests of searches."""

import dataclasses
import math

import numpy as np

from bsgen import theory
from bsgen.tuning.procedures import outcomes, settings


@dataclasses.dataclass(frozen=True)
class Surface:
    """Score = peak - curvature log2(g / best_noise)^2 - costs + noise.

    g is the noise scale; too much of it and the model stays at the baseline; above
    `max_rate` it diverges. `max_memory` bounds 1 / (1 - m), above which the score falls
    linearly in its log2 by `memory_loss`; so it does for rates above `best_rate`,
    in decades and by `rate_loss`. Noise: one part a seed, one a run.
    """

    train_size: int = 100_000
    peak: float = 0.9
    best_noise: float = 10_000.0
    curvature: float = 0.01
    max_rate: float = 3.0
    max_memory: float = 1e12
    memory_loss: float = 0.05
    best_rate: float = 1e12
    rate_loss: float = 0.1
    baseline: float = 0.1
    seed_sd: float = 0.01
    run_sd: float = 0.0
    memory_limit: float = math.inf
    search_seed: int = 0
    own_score: float = 0.85

    def score(self, setting):
        """The expected score; 0 if it diverges, the baseline if it does not train.

        That of the model as compiled is `own_score`.
        """
        if isinstance(setting, settings.AsCompiled):
            return self.own_score
        if setting.learning_rate > self.max_rate:
            return 0.0
        noise = theory.noise_scale(
            setting.learning_rate,
            setting.batch_size,
            self.train_size,
            setting.momentum,
            exact=True,
        )
        octaves = math.log2(max(noise, 1e-9) / self.best_noise)
        if octaves > 3:
            return self.baseline
        memory = math.log2(1 / (1 - setting.momentum) / self.max_memory)
        lost = self.curvature * octaves**2 + self.memory_loss * max(memory, 0.0)
        decades = math.log10(setting.learning_rate / self.best_rate)
        lost += self.rate_loss * max(decades, 0.0)
        return max(self.peak - lost, self.baseline + 0.2)

    def outcome(self, request):
        """Trains a request."""
        setting = request.setting
        if setting.batch_size > self.memory_limit:
            return outcomes.Outcome({}, "out_of_memory")
        score = self.score(setting)
        steps = 10 * self.train_size // setting.batch_size
        examples = steps * setting.batch_size
        scores = {repeat: score for repeat in request.repeats}
        if score > self.baseline:
            scores = {i: score + self._noise(setting, i) for i in request.repeats}
        count = len(scores)
        status = "completed" if score else "diverged"
        return outcomes.Outcome(scores, status, steps * count, examples * count, count)

    def _noise(self, setting, repeat):
        seed = (self.search_seed, repeat)
        shared = np.random.default_rng(seed).normal(scale=self.seed_sd)
        rest = rate = 0
        if isinstance(setting, settings.Setting):
            rest = round(1e9 * (1 - setting.momentum))
            rate = round(1e9 * setting.learning_rate)
        own = np.random.default_rng((*seed, setting.batch_size, rest, rate))
        return shared + own.normal(scale=self.run_sd)


def finish(procedure, surface, results=None, choose=None):
    """Runs a procedure to its end; `choose(review)` picks requests, all by default.

    Returns:
      The last review and the results.
    """
    results = dict(results or {})
    while True:
        review = procedure.review(results)
        if review.is_finished:
            return review, results
        for request in choose(review) if choose else review.wanted:
            outcome = surface.outcome(request)
            before = results.get(request.setting)
            results[request.setting] = before.merged(outcome) if before else outcome
