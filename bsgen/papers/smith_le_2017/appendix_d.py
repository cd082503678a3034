"""Smith & Le (2017), arXiv 1710.06451, appendix D: does the tuning procedure pay?"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen.papers.smith_le_2017 import appendix_d_figure, appendix_d_searches, presets
from bsgen.papers.smith_le_2017.appendix_d_searches import TESTED
from bsgen.studies import claims, estimates, study

_UNIT = "searches"
_MARGIN = 0.005  # a smaller loss of test accuracy counts as none, our choice


class Searches(NamedTuple):
    """Independent searches, and what they brought.

    Attributes:
      rows: all that was recorded, see `appendix_d_searches`.
      tested: the rows of networks trained with new seeds; those that diverged have the
        accuracy of a guess.
      changes: one row a search, by its seed: `batch_size` and `num_steps` of the
        recommended setting over those of phase 1's best, and the mean `test_accuracy`
        of the former minus that of the latter; NaN where nothing is recommended.
    """

    rows: pd.DataFrame
    tested: pd.DataFrame
    changes: pd.DataFrame


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
    return Searches(rows, tested, (chosen / start).assign(test_accuracy=gain))


def judge(searches: Searches) -> list[claims.Claim]:
    """The procedure ends at a larger batch and fewer updates, as accurate as before.

    A search that ends where phase 1 did has lost nothing, but tested no larger batch:
    what larger batches lose is measured where the batch has grown.
    """
    compared = searches.changes
    grown = compared[compared["batch_size"] > 1]
    num_kept = int((compared["batch_size"] == 1).sum())
    note = f"{num_kept} of which recommend phase 1's best itself"
    difference = "test accuracy of networks trained anew, recommended minus best of "
    return [
        claims.above(
            "The procedure reaches a larger batch",
            "batch size, recommended / best of phase 1, geometric mean",
            estimates.geometric_mean(np.log(compared["batch_size"]), unit=_UNIT),
            note,
            bound=1,
        ),
        claims.below(
            "It reduces the number of gradient updates required to train a model",
            "updates, recommended / best of phase 1, geometric mean",
            estimates.geometric_mean(np.log(compared["num_steps"]), unit=_UNIT),
            f"{note}; all train for the same number of epochs",
            bound=1,
        ),
        claims.above(
            "A larger batch that it reaches loses no test accuracy",
            f"{difference}phase 1, where the batch has grown",
            estimates.mean(grown["test_accuracy"], unit=_UNIT),
            f"those that end at a larger batch; 'no' read as less than {_MARGIN:g}, "
            "our choice",
            bound=-_MARGIN,
        ),
        claims.above(
            "The procedure increases the final test set accuracy",
            f"{difference}phase 1, all searches",
            estimates.mean(compared["test_accuracy"], unit=_UNIT),
            f"{note}; read as what phases 2 and 3 add, our choice",
        ),
    ]


STUDY = study.Study(
    "smith_le_2017/appendix_d",
    "Tuning batch size, learning rate and momentum by the heuristic of appendix D",
    caption="Independent searches by appendix D, one a colour, each with data of its "
    "own. (a) Mean validation accuracy over the repeats of a setting, on an axis "
    "logarithmic in the error rate and cut off 0.1 below the best, against its batch "
    "size: phase 1 with learning rate and momentum fixed (solid), phase 2 with 1 - m "
    "proportional to 1/B (dashed), phase 3 around the last batch size that had not "
    "fallen (dotted); a ring is what a search recommends. (b) Test accuracy of phase "
    "1's best and of the recommended setting against the updates of a training run, "
    "both trained with new seeds: mean over them with its 95 % t interval. A dot "
    "within a circle: both are the same setting. Colours are moved apart sideways, by "
    "less than 10 %.",
    analyse=analyse,
    judge=judge,
    show=appendix_d_figure.show,
    make_measurements=appendix_d_searches.measurements,
)
