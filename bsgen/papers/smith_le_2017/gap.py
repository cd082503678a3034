"""Smith & Le (2017), figures 3 and 8: training curves of small and of full batches."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import gap_figure, presets
from bsgen.studies import claims, estimates, study

_REGULARISATION = 0.1  # lambda of appendix B, for the sum over the training set
# "Converged", our reading: at these shares of the final test accuracy.
_CONVERGED = (0.95, 0.99, 0.999)
# Seeds of figure 3 at quick scale: of ten others, one in seven draws would not decide
# whether there is a gap.
_QUICK_SEEDS = 16
_SIMILAR = 0.01  # "achieves similar performance at long times", our reading


class Batches(NamedTuple):
    """The runs of one batch size.

    Attributes:
      runs: of the table of runs, by rising seed, which is the index.
      converged: the first evaluated step at each share of the final test accuracy; one
        row a seed, one column a share, NaN for a run that diverged.
    """

    runs: pd.DataFrame
    converged: pd.DataFrame

    def values(self, column: str) -> pd.Series:
        """Returns a column of the table of runs, by seed."""
        return self.runs[column].astype(float)

    def rise(self) -> pd.Series:
        """Returns how far the test cross-entropy ends above its minimum, by seed."""
        final = self.values("final_test_cross_entropy")
        return final - self.values("best_test_cross_entropy")


class Gap(NamedTuple):
    """Small against full batches at one regularisation coefficient."""

    small: Batches
    full: Batches

    def difference(self, column: str) -> pd.Series:
        """Returns a column of small minus full batches, paired by seed."""
        return self.small.values(column) - self.full.values(column)


class Comparison(NamedTuple):
    """Small against full batches.

    Attributes:
      results: that it was made from.
      gaps: one a regularisation coefficient, by rising value.
    """

    results: study.Results
    gaps: list[Gap]


def runs(
    scale: str,
    num_seeds: int | None,
    coefficients: tuple[float, ...],
    quick_seeds: int | None = None,
) -> list[config.RunConfig]:
    """Returns small and full batches at each regularisation coefficient lambda.

    Args:
      scale: of the study.
      num_seeds: repeats; None for the study's own number.
      coefficients: the values of lambda.
      quick_seeds: that number at quick scale; None for the task's.
    """
    if num_seeds is None and scale == "quick":
        num_seeds = quick_seeds
    task = presets.task(scale)
    return [
        task.run(seed=seed, batch_size=batch_size, l2=coefficient / presets.TRAIN_SIZE)
        for coefficient in coefficients
        for batch_size in (task.batch_size, presets.TRAIN_SIZE)
        for seed in task.seeds(num_seeds)
    ]


def analyse(results: study.Results) -> Comparison:
    """Splits the runs by regularisation and batch size; finds where they converge."""
    gaps = []
    for _, rows in results.runs.groupby("l2"):
        full = rows["batch_size"] == rows["train_size"]
        gaps.append(Gap(_batches(results, rows[~full]), _batches(results, rows[full])))
    return Comparison(results, gaps)


def judge_figure3(found: Comparison) -> list[claims.Claim]:
    """Small batches end above the full batch and take longer to converge."""
    (gap,) = found.gaps
    return [
        claims.above(
            "Small batches reach a higher test accuracy than the full batch",
            "final test accuracy, small batch minus full batch",
            estimates.mean(gap.difference("final_test_accuracy"), paired=True),
        ),
        _takes_longer(
            "Small batch training takes longer to converge",
            "small batch / full batch",
            gap.small.converged / gap.full.converged,
        ),
        claims.below(
            "The test cross-entropy of small batches is lower at the end of training",
            "final test cross-entropy in nats, small batch minus full batch",
            estimates.mean(gap.difference("final_test_cross_entropy"), paired=True),
        ),
        claims.below(
            "Small batch training reaches a lower minimum of the test cross-entropy",
            "lowest test cross-entropy in nats, small batch minus full batch",
            estimates.mean(gap.difference("best_test_cross_entropy"), paired=True),
        ),
    ]


def judge_figure8(found: Comparison) -> list[claims.Claim]:
    """L2 regularisation shrinks the gap between small and full batches."""
    plain, regularised = found.gaps
    difference = regularised.difference("final_test_accuracy")
    return [
        claims.above(
            "Regularisation reduces the size of the generalization gap",
            "gap in final test accuracy without minus with lambda = 0.1",
            estimates.mean(
                plain.difference("final_test_accuracy") - difference, paired=True
            ),
        ),
        claims.between(
            "Regularised full batch training achieves similar performance at long "
            "times",
            "final test accuracy at lambda = 0.1, small batch minus full batch",
            estimates.mean(difference, paired=True),
            (-_SIMILAR, _SIMILAR),
            "'similar' read as within 0.01, our choice",
        ),
        _takes_longer(
            "Regularised full batch training takes longer to converge than small batch",
            "full batch / small batch",
            regularised.full.converged / regularised.small.converged,
        ),
        claims.above(
            "The test cross-entropy of regularised models does not degrade after many "
            "updates, as that of unregularised ones does",
            "rise of the full batch's test cross-entropy from its minimum to the end "
            "in nats, without minus with lambda = 0.1",
            estimates.mean(plain.full.rise() - regularised.full.rise(), paired=True),
        ),
    ]


def _batches(results: study.Results, runs: pd.DataFrame) -> Batches:
    runs = runs.set_index("seed", drop=False).sort_index()
    runs.index.name = None
    curves = results.curves.merge(runs[["key", "seed", "final_test_accuracy"]])
    share = curves["test_accuracy"] / curves["final_test_accuracy"].astype(float)
    reached = {
        goal: curves[share >= goal].groupby("seed")["step"].min().clip(lower=1)
        for goal in _CONVERGED
    }
    return Batches(runs, pd.DataFrame(reached, index=runs.index).astype(float))


def _takes_longer(claim: str, ratio: str, steps: pd.DataFrame) -> claims.Claim:
    """Judges that one kind of batches takes longer to converge, by every criterion.

    Args:
      claim: the sentence.
      ratio: of what to what, in words.
      steps: that ratio of the steps to converge, one row a seed, one column a share of
        the final test accuracy.
    """
    criteria = {
        f"{100 * share:g} %": estimates.geometric_mean(
            np.log(steps[share]), paired=True
        )
        for share in steps
    }
    measured = {words: each.interval() for words, each in criteria.items()}
    judged = claims.above(
        claim,
        f"steps to converge, {ratio}: the middle one of {len(criteria)} criteria, "
        "shares of the final test accuracy",
        _whichever(list(criteria.values())),
        ", ".join(
            f"{found.value:.2g} [{found.lower:.2g}, {found.upper:.2g}] at {words}"
            for words, found in measured.items()
        ),
        bound=1,
    )
    verdicts = {
        words: claims.above(claim, ratio, each, bound=1).verdict
        for words, each in criteria.items()
    }
    if len(set(verdicts.values())) == 1:
        return judged
    alone = ", ".join(f"{verdict} at {words}" for words, verdict in verdicts.items())
    return dataclasses.replace(judged, reason=f"depends on the criterion: {alone}")


def _whichever(criteria: Sequence[estimates.Estimate]) -> estimates.Estimate:
    """Returns the middle one of estimates, with an interval that covers all theirs."""

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        ends = np.stack([each.procedure(chosen, confidence) for each in criteria])
        values, lower, upper = np.moveaxis(ends, 1, 0)
        return estimates.Ends(
            np.median(values, axis=0), lower.min(axis=0), upper.max(axis=0)
        )

    words = f"{criteria[0].method}, over all {len(criteria)} criteria"
    return dataclasses.replace(criteria[0], procedure=procedure, method=words)


_CAPTION = (
    "(a) Test accuracy and (b) test cross-entropy during training, small batches "
    "against the full batch: mean over seeds with its 95 % t interval (in (b) of the "
    "logarithms), and each seed as a thin line. Marks: when 95, 99 and 99.9 % of the "
    f"final accuracy are reached, geometric means. {style.ACCURACY_AXIS}"
)
STUDIES = (
    study.Study(
        "smith_le_2017/fig3",
        "Small batch against full batch during training",
        caption=_CAPTION,
        analyse=analyse,
        judge=judge_figure3,
        show=gap_figure.show,
        make_runs=functools.partial(
            runs, coefficients=(0.0,), quick_seeds=_QUICK_SEEDS
        ),
    ),
    study.Study(
        "smith_le_2017/fig8",
        "Small batch against full batch with L2 regularisation",
        caption=f"{_CAPTION} With lambda = 0.1; dashed: the means without it, as in "
        "figure 3.",
        analyse=analyse,
        judge=judge_figure8,
        show=gap_figure.show,
        make_runs=functools.partial(runs, coefficients=(0.0, _REGULARISATION)),
    ),
)
