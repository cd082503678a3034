"""What a protocol finds in the runs of a sweep: the optimal rate of every setting.

There are two answers, the rate of the best score and that of the least training loss;
they need not agree.
"""

import dataclasses
from typing import Any

import pandas as pd

from bsgen.studies import best_rate, best_runs
from bsgen.sweeps.plan import Plan
from bsgen.sweeps.protocol import RATE_AXES, Protocol

_RATE = "effective_learning_rate"  # the column that `best_runs` looks for


@dataclasses.dataclass(frozen=True, eq=False)
class Optima:
    """The optimal rates.

    Attributes:
      protocol: by which they were found.
      axes: names of the other axes, whose values make a setting.
      rate: name of the learning rate's axis.
      by_score: the rates tried at each setting and how good they are.
      by_loss: the same runs by their training loss.
    """

    protocol: Protocol
    axes: tuple[str, ...]
    rate: str
    by_score: dict[tuple, best_runs.Sweep]
    by_loss: dict[tuple, best_runs.Sweep]

    def table(self) -> pd.DataFrame:
        """Returns one row a setting.

        Its columns are the axes and, of the score: `rate`, `rate_low`, `rate_high` and
        `edge` (see `best_runs.Sweep`), `moves` (see `best_rate.moves`), `score`, its
        `score_lower` and `score_upper` (95 % interval, the rate chosen anew, less the
        bias of a best one), `std`, `plain`, `train_loss`, that of the same runs, `runs`
        and `diverged`, of all rates; and of the training loss the same from `loss_rate`
        to `loss_plain`.
        """
        rows = []
        for key, found in self.by_score.items():
            row = dict(zip(self.axes, key, strict=True))
            loss = self.by_loss[key]
            more = {
                "train_loss": found.optimum[loss.selection.column],
                "runs": int(found.rates["runs"].sum()),
                "diverged": int(found.rates["diverged"].sum()),
            }
            rows.append(row | _found(found, "", "score") | more)
            rows[-1] |= _found(loss, "loss_", "loss")
        return pd.DataFrame(rows)

    def rates(self) -> pd.DataFrame:
        """Returns one row a setting and rate, as in `best_runs.Sweep.rates`."""
        parts = []
        for key, found in self.by_score.items():
            loss = self.by_loss[key].rates[["mean", "std", "plain"]]
            columns = ["mean", "std", "plain", "runs", "diverged"]
            part = found.rates[columns].join(loss.add_prefix("loss_"))
            for place, name in enumerate(self.axes):
                part.insert(place, name, [key[place]] * len(part))
            part.insert(len(self.axes), self.rate, part.index)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def edges(self) -> list[tuple]:
        """Returns the settings of which an optimum, or its error bar, has an edge."""
        both = self.by_score, self.by_loss
        return [key for key in self.by_score if any(found[key].edge for found in both)]


def find(plan: Plan, runs: pd.DataFrame) -> Optima | None:
    """Returns the optima of a sweep; None if it has no protocol, or no run has ended.

    Args:
      plan: of the sweep.
      runs: its `results.table`.
    """
    protocol = plan.protocol
    if protocol is None:
        return None
    rate = next(name for name in plan.axes if name in RATE_AXES)
    axes = tuple(name for name in plan.axes if name != rate)
    runs = runs.assign(**{_RATE: runs[rate].astype(float)})
    for selection in (protocol.score, protocol.training_loss):
        if selection.column not in runs:
            return None
    return Optima(
        protocol,
        axes,
        rate,
        best_runs.by_setting(runs, axes, protocol.score),
        best_runs.by_setting(runs, axes, protocol.training_loss),
    )


def _found(found: best_runs.Sweep, prefix: str, name: str) -> dict[str, Any]:
    interval, at_optimum = best_rate.score(found).interval(), found.optimum
    return {
        f"{prefix}rate": found.best,
        f"{prefix}rate_low": found.low,
        f"{prefix}rate_high": found.high,
        f"{prefix}edge": found.edge,
        f"{prefix}moves": best_rate.moves(found).share,
        name: at_optimum["mean"],
        f"{name}_lower": interval.lower,
        f"{name}_upper": interval.upper,
        f"{prefix}std": at_optimum["std"],
        f"{prefix}plain": at_optimum["plain"],
    }
