"""The plan of a sweep: which runs, by their keys, stand at which values of the axes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from bsgen import config
from bsgen.sweeps import axes, grid


@dataclasses.dataclass(frozen=True)
class PlannedSetting:
    """One combination of values.

    Attributes:
      values: one an axis, numbers or labels (see `axes.label`).
      keys: of its runs, one a seed.
    """

    values: tuple[Any, ...]
    keys: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a sweep's records are put together by.

    Attributes:
      axes: their names.
      seed: the first one; those of a setting's runs rise from there.
      scaling: the rule for the learning rate, as in `Grid.remedies`.
      settings: in the order of the grid, the last axis fastest.
    """

    axes: tuple[str, ...]
    seed: int
    scaling: str
    settings: tuple[PlannedSetting, ...]

    @property
    def keys(self) -> list[str]:
        """The keys of all runs."""
        return [key for setting in self.settings for key in setting.keys]

    def to_values(self) -> dict[str, Any]:
        """Returns the plan as JSON's types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Plan":
        """Returns the plan that `to_values` made.

        Raises:
          ValueError: they are those of no plan.
        """
        try:
            settings = tuple(
                PlannedSetting(tuple(entry["values"]), tuple(entry["keys"]))
                for entry in values["settings"]
            )
            found = cls(
                tuple(values["axes"]), values["seed"], values["scaling"], settings
            )
        except (KeyError, TypeError) as error:
            raise ValueError("it is no plan of a sweep") from error
        if any(len(each.values) != len(found.axes) for each in settings):
            raise ValueError("a setting lacks a value")
        return found


def make(
    planned: grid.Grid, settings: Sequence[tuple[grid.Setting, list[config.RunConfig]]]
) -> Plan:
    """Returns the plan of a grid, given the runs of each of its settings."""
    return Plan(
        tuple(axis.name for axis in planned.axes),
        planned.base.seed,
        planned.remedies.scaling,
        tuple(
            PlannedSetting(
                tuple(map(_shown, setting.values.values())),
                tuple(run.key for run in runs),
            )
            for setting, runs in settings
        ),
    )


def _shown(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else axes.label(value)
