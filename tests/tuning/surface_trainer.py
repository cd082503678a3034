"""A trainer that reads its scores off a synthetic surface."""

import dataclasses

from bsgen.tuning.procedures import settings
from tests.tuning import surface


class SurfaceTrainer:
    """See `bsgen.tuning.trainers.protocol.Trainer`; `calls` has a row a trial.

    `fail(call)` may raise instead of training the call of that number.
    """

    metric = "validation accuracy"
    lower_is_better = False
    worst_score = 0.0
    baseline = "the best constant answer"
    own_optimizer = "Adam"
    num_epochs = 10

    def __init__(self, surface_=None, fail=lambda call: None):
        self.surface = surface_ or surface.Surface()
        self.train_size = self.surface.train_size
        self.baseline_score = self.surface.baseline
        self.calls = []
        self._fail = fail

    def train_as_compiled(self, batch_size, repeats, num_epochs=None):
        own = settings.AsCompiled(batch_size, self.own_optimizer)
        return self.train(own, repeats, num_epochs)

    def train(self, setting, repeats, num_epochs=None):
        call = len(self.calls)
        self.calls.append((setting, tuple(repeats), num_epochs))
        self._fail(call)
        outcome = self.surface.outcome(settings.Request(setting, tuple(repeats)))
        return dataclasses.replace(outcome, seconds=0.25)
