"""The whole configuration of a training run, and its key."""

import dataclasses
import functools
import hashlib
import json
from typing import Any, Literal

from bsgen import errors
from bsgen.config import checked, schedule, serialization
from bsgen.config.data import MAX_SEED, DataConfig
from bsgen.config.model import ModelConfig
from bsgen.config.optimizer import MomentumConfig, NewtonConfig

FINAL_MEASURES = ("max_eigenvalue", "hessian_frobenius_norm", "hessian_trace")
# The plan of a run holds some numbers a step: 0.7 GB at this limit.
MAX_STEPS = 10**7
MAX_EVALUATIONS = 10**5


@dataclasses.dataclass(frozen=True)
class RunConfig(checked.Checked):
    """A training run: two runs with equal configurations are the same run.

    Attributes:
      data, model, optimizer: see their classes.
      batch_size: B, examples per step, 1 to N; None is the full batch.
      batch_size_schedule: how the batch size changes; B times its factor, rounded.
      num_steps: parameter updates (the most that Newton's method may take), at most
        `MAX_STEPS`.
      evaluation_steps: the steps after which the run is evaluated, rising, from 0 on;
        the last one is always `num_steps`. At most `MAX_EVALUATIONS`.
      seed: of the initial weights and the order of the batches, at most `MAX_SEED`.
      precision: "float32", or the Keras policy "mixed_bfloat16" or "mixed_float16" (the
        latter with dynamic loss scaling); weights are float32 always.
      final_measures: what is measured on the trained network, of `FINAL_MEASURES`; see
        `bsgen.training.loop.final_measures`.
      measured_examples: training examples it is measured on, at most N; None for N.
      loss: what is minimised, a loss of `bsgen.models.losses`.
      loss_noise: sigma; each example's loss is multiplied by a number drawn from
        N(1, sigma^2), see `bsgen.data.loss_weights`. Recorded losses are without it.
      stop_train_loss: the run ends at its first evaluation that finds the mean loss on
        the training set, in inference mode, at or below this; None for `num_steps`.
      weight_distance: whether every evaluation also records how far the weights have
        moved from where they began; see `bsgen.training.weight_distance`.
    """

    data: DataConfig = checked.always(DataConfig())
    model: ModelConfig = checked.always(ModelConfig())
    optimizer: MomentumConfig | NewtonConfig = checked.always(MomentumConfig())
    batch_size: int | None = checked.always(None)
    num_steps: int = checked.always(1000)
    evaluation_steps: tuple[int, ...] = checked.always((), column=False)
    seed: int = checked.always(0)
    batch_size_schedule: schedule.Schedule = schedule.Constant()
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    final_measures: tuple[str, ...] = checked.no_column(())
    measured_examples: int | None = None
    loss: str = "cross_entropy"
    loss_noise: float = 0.0
    stop_train_loss: float | None = None
    weight_distance: bool = checked.no_column(False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("num_steps", errors.check_integer, 1, MAX_STEPS)
        self._check_field("seed", errors.check_integer, 0, MAX_SEED)
        self._check_field("batch_size", errors.check_integer, 1)
        self._check_field("measured_examples", errors.check_integer, 1)
        self._check_field("loss_noise", errors.check_float32)
        self._check_field("stop_train_loss", errors.check_float32)
        if len(self.evaluation_steps) > MAX_EVALUATIONS:
            remedy = f"give at most {MAX_EVALUATIONS}; evaluate less often"
            raise errors.UserError("evaluation_steps", self.evaluation_steps, remedy)
        steps = {
            errors.check_integer("evaluation_steps", step, 0)
            for step in self.evaluation_steps
        }
        if steps and max(steps) > self.num_steps:
            remedy = f"none may exceed num_steps={self.num_steps}"
            raise errors.UserError("evaluation_steps", max(steps), remedy)
        self._set(evaluation_steps=tuple(sorted(steps | {self.num_steps})))
        is_constant = self.batch_size_schedule == schedule.Constant()
        if self.data.sampling == "contiguous" and not is_constant:
            remedy = "as many streams as at the start have to be read on; leave the "
            remedy += "schedule out, or take another sampling"
            raise errors.UserError("batch_size_schedule", "not constant", remedy)
        train_size = self.data.train_size
        if train_size is not None and (self.batch_size or 1) > train_size:
            remedy = f"a batch is at most the training set, train_size={train_size}"
            raise errors.UserError("batch_size", self.batch_size, remedy)
        for name in self.final_measures:
            if name not in FINAL_MEASURES:
                raise errors.unknown_name("final_measures", name, FINAL_MEASURES)
        if self.final_measures and not isinstance(self.optimizer, MomentumConfig):
            remedy = f"not with optimizer={self.optimizer.name!r}; leave it out"
            raise errors.UserError("final_measures", self.final_measures, remedy)
        if self.stop_train_loss is not None:
            if not isinstance(self.optimizer, MomentumConfig):
                remedy = f"not with optimizer={self.optimizer.name!r}; leave it out"
                raise errors.UserError("stop_train_loss", self.stop_train_loss, remedy)
        if not isinstance(self.weight_distance, bool):
            remedy = "give True or False"
            raise errors.UserError("weight_distance", self.weight_distance, remedy)
        if self.weight_distance and not isinstance(self.optimizer, MomentumConfig):
            remedy = f"not with optimizer={self.optimizer.name!r}; leave it out"
            raise errors.UserError("weight_distance", True, remedy)
        if self.measured_examples is not None and not self.final_measures:
            remedy = "give final_measures, what to measure, too"
            raise errors.UserError("measured_examples", self.measured_examples, remedy)

    @property
    def sgd(self) -> MomentumConfig:
        """The optimizer's settings, of a run that takes stochastic steps.

        Raises:
          UserError: the run has another optimizer.
        """
        if not isinstance(self.optimizer, MomentumConfig):
            remedy = "takes no stochastic steps; give 'momentum' here"
            raise errors.UserError("optimizer", self.optimizer.name, remedy)
        return self.optimizer

    @functools.cached_property
    def key(self) -> str:
        """16 hexadecimal digits: a hash of the whole configuration."""
        text = json.dumps(serialization.to_dict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def from_dict(values: dict[str, Any]) -> RunConfig:
    """Returns the run that `bsgen.config.to_dict` wrote.

    Raises:
      UserError: a field is unknown, missing or out of range.
    """
    return serialization.structure(values, RunConfig)
