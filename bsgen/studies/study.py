"""What a study is: a figure or table of a paper, as runs and as claims on them.

Some studies measure something besides training runs: see `measurement`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import pandas as pd

from bsgen import config, errors
from bsgen.studies import claims, measurement, shown

# "quick" takes minutes on two cores and no download, "paper" is the paper's own;
# "reduced" is the paper's task with less of everything, for an hour or so, "gpu" its
# big networks for minutes of one GPU, and "released" has the settings of its authors'
# code, where they differ.
SCALES = ("quick", "reduced", "gpu", "released", "paper")


def none(scale: str, num_seeds: int | None) -> list[Any]:
    """Returns nothing, for a study without runs, or measurements, of its own."""
    return []


class Results(NamedTuple):
    """The recorded numbers of a study's finished runs.

    Attributes:
      runs: one row per run: `key`, the fields of its configuration (`dataset`, `model`,
        `batch_size`, which is N for the full batch, ...; fields such as `schedule` only
        where a run departs from the default), `status`, `seconds`, `hardware` (the
        device; None if it was not recorded), `final_<metric>`, and with its step
        `best_<metric>`, the best value of the curve: the highest accuracy, the lowest
        cross-entropy.
      curves: one row per evaluation: `key`, `step` and the metrics measured there.
      measurements: the rows of all measurements: `key`, settings, `seconds`, values.
      missing: of a study that is not finished, the runs at settings of which a repeat
        is not recorded; they are not in `runs`. `key`, the fields of the configuration,
        and `recorded`, whether this repeat is.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame
    measurements: pd.DataFrame = pd.DataFrame()
    missing: pd.DataFrame = pd.DataFrame()

    @property
    def num_missing(self) -> int:
        """The number of runs that are not recorded."""
        return int((~self.missing["recorded"]).sum()) if len(self.missing) else 0


Analysis = TypeVar("Analysis")


@dataclasses.dataclass(frozen=True)
class Study(Generic[Analysis]):
    """A figure or table of a paper that one command remakes.

    Attributes:
      name: `PAPERKEY/figN` or `PAPERKEY/tableN`.
      title: what the figure shows, in one line.
      caption: what is plotted or listed and how intervals are made; the reports add the
        settings of the runs.
      analyse: results to all that claims and figure are made from; computed once.
      judge: the analysis to the paper's claims with their verdicts.
      show: the analysis to a figure, a table or both.
      make_runs: (scale, number of seeds or None for the scale's own) to the runs.
      make_measurements: as `make_runs`, to what is measured besides training.
      scales: those of `SCALES` that it has.
      shows_parts: whether `analyse` takes results with some settings missing, so that
        reports show a study that is not finished.
      judges_parts: whether `judge` then makes only claims whose settings are all there,
        so that each has its verdict; else none is decided.
    """

    name: str
    title: str
    caption: str
    analyse: Callable[[Results], Analysis]
    judge: Callable[[Analysis], list[claims.Claim]]
    show: Callable[[Analysis], shown.Shown]
    make_runs: Callable[[str, int | None], list[config.RunConfig]] = none
    make_measurements: Callable[[str, int | None], list[measurement.Measurement]] = none
    scales: tuple[str, ...] = ("quick", "paper")
    shows_parts: bool = False
    judges_parts: bool = False

    def runs(self, scale: str, num_seeds: int | None = None) -> list[config.RunConfig]:
        """Returns the runs of a scale, with those that its measurements need.

        Raises:
          UserError: the study has no such scale.
        """
        self._check(scale)
        runs = list(self.make_runs(scale, num_seeds))
        for entry in self.make_measurements(scale, num_seeds):
            runs += entry.needs
        return list({run.key: run for run in runs}.values())

    def measurements(
        self, scale: str, num_seeds: int | None = None
    ) -> list[measurement.Measurement]:
        """Returns the measurements of a scale; their settings name the study.

        Raises:
          UserError: the study has no such scale.
        """
        self._check(scale)
        return [
            dataclasses.replace(entry, settings={"study": self.name, **entry.settings})
            for entry in self.make_measurements(scale, num_seeds)
        ]

    def _check(self, scale: str) -> None:
        if scale not in self.scales:
            remedy = f"{self.name} has {', '.join(self.scales)}"
            raise errors.UserError("scale", scale, remedy)
