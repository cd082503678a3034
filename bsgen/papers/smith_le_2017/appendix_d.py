"""Smith & Le (2017), arXiv 1710.06451, appendix D: does the tuning procedure pay?

The paper believes that the procedure will "increase the final test set accuracy,
reduce the computational cost of tuning hyper-parameters, and significantly reduce the
number of gradient updates required to train a model", and says neither beside what, nor
for how long to train. Here phases 2 and 3 are judged beside phase 1's best, in equal
epochs, without which a larger batch would take no fewer updates. Many searches end
where phase 1 did, so that many differences are exactly 0, and a t interval of their
mean would cover it as rarely as 74 times in 100 if few of them move: so shares of
searches are judged by exact intervals, and accuracies where there is a difference. The
cost of tuning is not judged here; `benchmarks.tuning` compares it with keras-tuner.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen.papers.smith_le_2017 import appendix_d_figure, appendix_d_searches, presets
from bsgen.papers.smith_le_2017.appendix_d_searches import TESTED
from bsgen.studies import claims, estimates, study

_MARGIN = 0.005  # a smaller loss of accuracy counts as none, our choice


class Searches(NamedTuple):
    """Independent searches, and what they brought.

    Attributes:
      rows: all that was recorded, see `appendix_d_searches`.
      tested: the rows of networks trained with new seeds; those that diverged have the
        accuracy of a guess.
      changes: one row a search, by its seed: `batch_size` and `num_steps` of the
        recommended setting over those of phase 1's best, and the mean `test_accuracy`
        of the former minus that of the latter; NaN where nothing is recommended.
        `first_step` is the validation accuracy at the first larger batch of phase 2
        minus that at phase 1's best, in repeats that did not choose the latter.
      outcomes: where the searches ended, and what that brought, for readers.
      margin: a smaller loss of accuracy counts as none.
    """

    rows: pd.DataFrame
    tested: pd.DataFrame
    changes: pd.DataFrame
    outcomes: pd.DataFrame
    margin: float = _MARGIN


def analyse(results: study.Results) -> Searches:
    """Compares each search's recommendation with phase 1's best."""
    rows = results.measurements
    tested = rows[rows["stage"].isin(TESTED)].astype({"test_accuracy": float})
    tested = tested.fillna({"test_accuracy": presets.CHANCE})
    names = ["batch_size", "num_steps", "test_accuracy"]
    means = tested.groupby(["stage", "seed"])[names].mean()
    seeds = pd.Index(sorted(set(rows["seed"])), name="seed")
    start, chosen = (
        means[means.index.get_level_values("stage") == stage]
        .droplevel("stage")
        .reindex(seeds)
        for stage in TESTED
    )
    gain = chosen["test_accuracy"] - start["test_accuracy"]
    changes = (chosen / start).assign(
        test_accuracy=gain,
        first_step=_first_steps(rows),
    )
    return Searches(rows, tested, changes, _outcomes(changes))


def _first_steps(rows: pd.DataFrame) -> pd.Series:
    """Returns what the first step of phase 2 does to the validation accuracy."""
    grown = rows[rows["stage"] == "phase 2"].astype({"validation_accuracy": float})
    grown = grown.fillna({"validation_accuracy": presets.CHANCE})
    accuracy = grown.sort_values("batch_size").groupby("seed")["validation_accuracy"]
    return accuracy.agg(lambda of: of.iloc[1] - of.iloc[0] if len(of) > 1 else np.nan)


def _outcomes(changes: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each place where searches ended."""
    ratio = changes["batch_size"]
    places = {
        "larger batch": ratio > 1,
        "phase 1's best": ratio == 1,
        "smaller batch": ratio < 1,
        "nothing": ratio.isna(),
    }
    found = []
    for name, hits in places.items():
        share = estimates.share(hits).interval()
        own = changes[hits]
        gain = own["test_accuracy"]
        ends = f"{gain.min():.4f} to {gain.max():.4f}"
        found.append(
            {
                "recommended": name,
                "searches": int(hits.sum()),
                "share": f"{share.value:.2f} [{share.lower:.2f}, {share.upper:.2f}]",
                "updates, median ratio": own["num_steps"].median(),
                "gain, mean": gain.mean(),
                "gain, range": "none" if gain.isna().all() else ends,
            }
        )
    table = pd.DataFrame(found)
    return table[table["searches"] > 0].reset_index(drop=True)


def judge(searches: Searches) -> list[claims.Claim]:
    """Phases 2 and 3 save updates and gain accuracy, and larger batches lose none.

    A search that ends where phase 1 did has lost nothing, but tested no larger batch:
    what larger batches lose is measured at the first one, which every search tries, and
    where the batch has grown at the end.
    """
    compared = searches.changes
    grown = compared[compared["batch_size"] > 1]
    moved = compared[compared["batch_size"].notna() & (compared["batch_size"] != 1)]
    note = f"{len(moved)} recommend another setting than phase 1's best"
    difference = "test accuracy of networks trained anew, recommended minus best of "
    margin = f"'no loss' read as less than {_MARGIN:g}, our choice"
    return [
        claims.above(
            "It significantly reduces the number of gradient updates required to train "
            "a model",
            "share of searches whose recommendation takes fewer updates than phase 1's "
            "best",
            estimates.share(compared["num_steps"] < 1, unit="searches"),
            f"{note}; any saving counts, and most searches must save, our reading",
            bound=0.5,
        ),
        claims.above(
            "The procedure increases the final test set accuracy",
            f"{difference}phase 1, where they differ",
            estimates.mean(
                moved["test_accuracy"],
                paired=True,
                unit="searches that end elsewhere than phase 1",
            ),
            f"of {len(compared)}; read as what phases 2 and 3 add, our choice",
        ),
        claims.above(
            "With 1 - m in proportion to 1/B, five times the batch size loses no "
            "accuracy",
            "validation accuracy, first step of phase 2 minus phase 1's best",
            estimates.mean(
                compared["first_step"].dropna(), paired=True, unit="searches"
            ),
            "in equal epochs, so a fifth of the updates, and in repeats that did not "
            f"choose phase 1's best; {margin}; our reading of section 5",
            bound=-_MARGIN,
        ),
        claims.above(
            "A larger batch that it reaches loses no test accuracy",
            f"{difference}phase 1, where the batch has grown",
            estimates.mean(
                grown["test_accuracy"],
                paired=True,
                unit="searches that end at a larger batch",
            ),
            f"of {len(compared)}; {margin}; our reading",
            bound=-_MARGIN,
        ),
    ]


STUDY = study.Study(
    "smith_le_2017/appendix_d",
    "Tuning batch size, learning rate and momentum by the heuristic of appendix D",
    caption="Independent searches by appendix D, with data of their own. (a) Mean "
    "validation accuracy over the repeats of a setting, on an axis logarithmic in the "
    "error rate and cut off 0.1 below the best, against its batch size: phase 1 with "
    "learning rate and momentum fixed, phase 2 with 1 - m proportional to 1/B, phase 3 "
    "around the last batch size that had not fallen; a ring is what a search "
    "recommends. (b) Test accuracy of the recommended setting minus that of phase 1's "
    "best, both trained with new seeds, against the ratio of their updates: mean over "
    "these seeds with its 95 % t interval, moved apart sideways where searches agree. "
    "Grey: a loss that counts as none. Table: where the searches ended, the share of "
    "these with its exact 95 % interval, and their gain of test accuracy.",
    analyse=analyse,
    judge=judge,
    show=appendix_d_figure.show,
    make_measurements=appendix_d_searches.measurements,
)
