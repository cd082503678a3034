"""Smith & Le (2017), figures 3 and 8: training curves of small and of full batches."""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import gap_figure, presets
from bsgen.studies import claims, estimates, study

_REGULARISATION = 0.1  # lambda of appendix B, for the sum over the training set
_CONVERGED = 0.95  # share of the final test accuracy, our reading
_SIMILAR = 0.01  # "achieves similar performance at long times", our reading


class Batches(NamedTuple):
    """The runs of one batch size, by rising seed.

    Attributes:
      runs: of the table of runs.
      converged: [seeds], the first evaluated step at 95 % of the final test accuracy.
    """

    runs: pd.DataFrame
    converged: np.ndarray

    def values(self, column: str) -> np.ndarray:
        """Returns a column of the table of runs, [seeds]."""
        return self.runs[column].to_numpy(float)

    def rise(self) -> np.ndarray:
        """Returns how far the test cross-entropy ends above its minimum, [seeds]."""
        final = self.values("final_test_cross_entropy")
        return final - self.values("best_test_cross_entropy")


class Gap(NamedTuple):
    """Small against full batches at one regularisation coefficient."""

    small: Batches
    full: Batches

    def difference(self, column: str) -> np.ndarray:
        """Returns a column of the small batches minus that of the full ones."""
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
    scale: str, num_seeds: int | None, coefficients: tuple[float, ...]
) -> list[config.RunConfig]:
    """Returns small and full batches at each regularisation coefficient lambda."""
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
    for _, rows in results.runs.sort_values("seed", kind="stable").groupby("l2"):
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
        claims.above(
            "Small batch training takes longer to converge",
            "steps to 95 % of the final test accuracy, small batch / full batch",
            _convergence_ratio(gap.small, gap.full),
            bound=1,
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
        claims.above(
            "Regularised full batch training takes longer to converge than small batch",
            "steps to 95 % of the final test accuracy, full batch / small batch",
            _convergence_ratio(regularised.full, regularised.small),
            bound=1,
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
    curves = results.curves.merge(runs[["key", "final_test_accuracy"]], on="key")
    goal = _CONVERGED * curves["final_test_accuracy"].astype(float)
    reached = curves[curves["test_accuracy"] >= goal].groupby("key")["step"].min()
    # A run that diverged, and so has no final accuracy, is NaN.
    return Batches(runs, reached.clip(lower=1).reindex(runs["key"]).to_numpy(float))


def _convergence_ratio(slow: Batches, fast: Batches) -> estimates.Estimate:
    return estimates.geometric_mean(
        np.log(slow.converged / fast.converged), paired=True
    )


_CAPTION = (
    "(a) Test accuracy and (b) test cross-entropy during training, small batches "
    "against the full batch: mean over seeds with its 95 % t interval (in (b) of the "
    "logarithms), and each seed as a thin line. Dotted: 95 % of the final accuracy is "
    f"reached. {style.ACCURACY_AXIS}"
)
STUDIES = (
    study.Study(
        "smith_le_2017/fig3",
        "Small batch against full batch during training",
        caption=_CAPTION,
        analyse=analyse,
        judge=judge_figure3,
        show=gap_figure.show,
        make_runs=functools.partial(runs, coefficients=(0.0,)),
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
