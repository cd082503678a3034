"""The plan of a sweep: which runs, by their keys, stand at which values of the axes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from bsgen import config
from bsgen.sweeps import axes, grid
from bsgen.sweeps.protocol import Protocol


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
      protocol: how they are compared; None for setting by setting.
    """

    axes: tuple[str, ...]
    seed: int
    scaling: str
    settings: tuple[PlannedSetting, ...]
    protocol: Protocol | None = None

    @property
    def keys(self) -> list[str]:
        """The keys of all runs."""
        return [key for setting in self.settings for key in setting.keys]

    def to_values(self) -> dict[str, Any]:
        """Returns the plan as JSON's types."""
        values = dataclasses.asdict(self)
        if self.protocol is None:  # as always, for those without
            del values["protocol"]
        return values

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
            own = values.get("protocol")
            found = cls(
                tuple(values["axes"]),
                values["seed"],
                values["scaling"],
                settings,
                None if own is None else Protocol(**own),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("it is no plan of a sweep") from error
        if any(len(each.values) != len(found.axes) for each in settings):
            raise ValueError("a setting lacks a value")
        return found


def make(
    planned: grid.Grid,
    settings: Sequence[tuple[grid.Setting, list[config.RunConfig]]],
    protocol: Protocol | None = None,
) -> Plan:
    """Returns the plan of a grid, given the runs of each of its settings."""
    return Plan(
        tuple(axis.name for axis in planned.axes),
        planned.base.seed,
        planned.remedies.scaling,
        tuple(
            PlannedSetting(
                tuple(map(shown, setting.values.values())),
                tuple(run.key for run in runs),
            )
            for setting, runs in settings
        ),
        protocol,
    )


def shown(value: Any) -> Any:
    """Returns a value of an axis as in `PlannedSetting.values`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else axes.label(value)
