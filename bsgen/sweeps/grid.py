"""The runs of a sweep: every combination of the values on its axes, repeated by seed.

Fields are named as in `bsgen.config`; `dataset` and `model` are the names of these.
Two axes are no fields: `effective_learning_rate`, learning_rate / (1 - momentum), and
`epochs`, the budget in passes over the training set. Where the number of examples in a
ghost batch is an axis, null stands for batch normalization; a dataset comes with its
usual scaling and augmentation.
"""

import dataclasses
import functools
import itertools
import math
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bsgen import config, data, errors
from bsgen.sweeps import axes as axes_lib
from bsgen.training import large_batch

MAX_RUNS = 1_000_000
EFFECTIVE_RATE, EPOCHS = "effective_learning_rate", "epochs"
_NAMES = {"dataset": "data", "model": "model"}
_BESIDES = {EFFECTIVE_RATE: "optimizer", EPOCHS: "run"}  # the parts that they change
_ELSEWHERE = {
    "name": "write dataset or model",
    "data": "write the fields of the data, such as train_size",
    "optimizer": "write the fields of the optimizer, such as learning_rate",
    "seed": "--seeds repeats every setting",
    "evaluation_steps": "--evaluation_steps or --evaluation_epochs sets them",
    "weight_distance": "--weight_distance records it of all runs",
    "final_measures": "launch.measure measures what a run has trained",
    "measured_examples": "launch.measure measures what a run has trained",
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """One combination of values, and its run with the first seed.

    Attributes:
      values: by the names of the axes.
      run: without its budget.
    """

    values: dict[str, Any]
    run: config.RunConfig

    @property
    def words(self) -> str:
        """The values as on a command line."""
        return " ".join(f"{n}={axes_lib.label(v)}" for n, v in self.values.items())


@dataclasses.dataclass(frozen=True)
class Grid:
    """What a sweep trains.

    Attributes:
      base: the run from which all others depart. Its seed is the first one.
      axes: at least one.
      num_seeds: repeats of every setting, with rising seeds.
      base_batch_size: for which the settings are given; None for every batch size.
      remedies: how a setting is taken from there to its own batch size.
      keeps_subset: whether all runs take the base's training subset; otherwise a run's
        seed draws that, too.
    """

    base: config.RunConfig
    axes: tuple[axes_lib.Axis, ...]
    num_seeds: int = 1
    base_batch_size: int | None = None
    remedies: large_batch.Remedies = large_batch.Remedies("none")
    keeps_subset: bool = False

    def __post_init__(self) -> None:
        errors.check_integer("seeds", self.num_seeds, 1)
        axes_lib.check_names(self.axes)
        if not self.axes:
            remedy = "give at least one, such as --axis learning_rate=0.1,0.3,1"
            raise errors.UserError("axis", "", remedy)
        for axis in self.axes:
            _owner(axis.name)
        _check_besides([axis.name for axis in self.axes])
        last_seed = self.base.seed + self.num_seeds - 1
        errors.check_integer("seed", last_seed, 0, config.MAX_SEED)
        if self.num_runs > MAX_RUNS:
            remedy = f"makes {self.num_runs:,} runs; a sweep has at most {MAX_RUNS:,}"
            raise errors.UserError("axis", self.words, remedy)

    @property
    def num_runs(self) -> int:
        """How many runs there are."""
        return self.num_seeds * math.prod(len(axis.values) for axis in self.axes)

    @property
    def words(self) -> str:
        """The size of the grid in words, such as "3 learning_rate x 5 seeds"."""
        counts = [f"{len(axis.values)} {axis.name}" for axis in self.axes]
        return " x ".join([*counts, f"{self.num_seeds} seeds"])

    def settings(self) -> Iterator[Setting]:
        """Yields every setting; the last axis varies fastest.

        Raises:
          UserError: a value is out of range, or does not go with another.
        """
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield self.setting(values)

    def setting(self, values: Sequence[Any]) -> Setting:
        """Returns the setting of some values, one an axis, which need not be on it.

        Raises:
          UserError: as `settings`.
        """
        names = [axis.name for axis in self.axes]
        chosen = dict(zip(names, values, strict=True))
        return Setting(chosen, self._run(chosen))

    def repeats(
        self,
        setting: Setting,
        complete: Callable[[config.RunConfig], config.RunConfig],
    ) -> list[config.RunConfig]:
        """Returns the runs of a setting, one a seed.

        Args:
          setting: of this grid.
          complete: gives a run its budget and evaluations.

        Raises:
          UserError: the budget does not fit the setting.
        """
        first = complete(setting.run)
        seeds = range(self.base.seed, self.base.seed + self.num_seeds)
        return [self._with_seed(first, seed) for seed in seeds]

    def _with_seed(self, run: config.RunConfig, seed: int) -> config.RunConfig:
        drawn = run.data
        if not self.keeps_subset and "subset_seed" not in (a.name for a in self.axes):
            drawn = dataclasses.replace(run.data, subset_seed=seed)
        return dataclasses.replace(run, seed=seed, data=drawn)

    def _run(self, chosen: dict[str, Any]) -> config.RunConfig:
        parts: dict[str, dict[str, Any]] = {"data": {}, "model": {}, "optimizer": {}}
        parts["run"] = {}
        for name in (name for name in chosen if name not in _BESIDES):
            part, value = _owner(name), chosen[name]
            field = "name" if name in _NAMES else name
            parts[part][field] = _typed(part, field, value)
        base = self.base
        if EFFECTIVE_RATE in chosen:
            momentum = parts["optimizer"].get("momentum", base.sgd.momentum)
            rate = _learning_rate(chosen[EFFECTIVE_RATE], momentum)
            parts["optimizer"]["learning_rate"] = rate
        run = dataclasses.replace(
            base,
            data=dataclasses.replace(base.data, **_usual(base.data, parts["data"])),
            model=dataclasses.replace(
                base.model, **_normalization(base.model, parts["model"])
            ),
            optimizer=dataclasses.replace(base.sgd, **parts["optimizer"]),
            evaluation_steps=(),
            **parts["run"],
        )
        if self.base_batch_size is None:
            return run
        return large_batch.rescaled(run, self.base_batch_size, self.remedies)


_CLASSES: dict[str, Any] = {
    "data": config.DataConfig,
    "model": config.ModelConfig,
    "optimizer": config.MomentumConfig,
    "run": config.RunConfig,
}


def _learning_rate(effective: Any, momentum: Any) -> float:
    """Returns the learning rate of an effective one.

    Raises:
      UserError: one of the two is out of range.
    """
    rate = errors.check_real(EFFECTIVE_RATE, effective, 0.0)
    # As it would be written: 0.1, not 0.09999999999999998.
    return float(f"{rate * (1 - errors.check_real('momentum', momentum, 0, 1)):.12g}")


def _check_besides(names: Sequence[str]) -> None:
    """Checks that no field on an axis is what an axis beside the fields sets.

    Raises:
      UserError: one is.
    """
    for name, field in ((EFFECTIVE_RATE, "learning_rate"), (EPOCHS, "num_steps")):
        if name in names and field in names:
            raise errors.UserError("axis", field, f"not with {name}, which sets it")


def _owner(name: str) -> str:
    """Returns the part of a run's configuration that has a field.

    Raises:
      UserError: none has, or it cannot be an axis.
    """
    besides = _NAMES | _BESIDES
    if name in besides:
        return besides[name]
    if name in _ELSEWHERE:
        raise errors.UserError("axis", name, f"not an axis; {_ELSEWHERE[name]}")
    known = dict.fromkeys(besides)
    for part, cls in _CLASSES.items():
        fields = [field.name for field in dataclasses.fields(cls)]
        if name in fields:
            return part
        known |= dict.fromkeys(field for field in fields if field not in _ELSEWHERE)
    raise errors.unknown_name("axis", name, known)


def _typed(part: str, name: str, value: Any) -> Any:
    """Returns a value of JSON's types as that of a field.

    Raises:
      UserError: it is of another type.
    """
    hint = _hints(part)[name]
    types = typing.get_args(hint) or (hint,)
    if config.Constant in types:
        return config.parse_schedule(axes_lib.label(value), name)
    if config.WarmUp in types:
        length = errors.check_real(name, value, 0.0)
        return config.WarmUp(length) if length else None
    if typing.get_origin(hint) is tuple:
        return value if isinstance(value, tuple) else (value,)
    if type(None) in types and value is None:
        return None
    if hint is bool and not isinstance(value, bool):
        raise errors.UserError(name, value, "write true or false")
    if hint is str and not isinstance(value, str):
        raise errors.UserError(name, value, "write a name")
    return value


@functools.cache
def _hints(part: str) -> dict[str, Any]:
    return typing.get_type_hints(_CLASSES[part])


def _usual(base: config.DataConfig, changes: dict[str, Any]) -> dict[str, Any]:
    """Returns changes of the data, with what is usual for another dataset."""
    if "name" not in changes:
        return changes
    before, after = data.find(base.name), data.find(changes["name"])
    for field in ("scaling", "augmentation"):
        if getattr(base, field) == getattr(before, field):
            changes.setdefault(field, getattr(after, field))
    return changes


def _normalization(base: config.ModelConfig, changes: dict[str, Any]) -> dict[str, Any]:
    """Returns changes of the network, in which kind and ghosts go together."""
    if "ghost_batch_size" in changes and "normalization" not in changes:
        is_ghost = changes["ghost_batch_size"] is not None
        without = "batch" if base.normalization == "ghost" else base.normalization
        changes["normalization"] = "ghost" if is_ghost else without
    elif changes.get("normalization", "ghost") != "ghost":
        changes.setdefault("ghost_batch_size", None)
    if changes.get("normalization", "ghost") != "ghost":
        for name in config.GHOST_OPTIONS:
            changes.setdefault(name, getattr(config.ModelConfig(), name))
    return changes
