"""Smith & Le (2017), figures 3 and 8: training curves of small and of full batches."""

import numpy as np
import pandas as pd

from bsgen import config, statistics
from bsgen.papers.smith_le_2017 import presets
from bsgen.studies import claims, study

_REGULARISATION = 0.1  # lambda of appendix B, for the sum over the training set
_CONVERGED = (
    0.95  # share of the final test accuracy at which a curve counts as converged
)
_SIMILAR = 0.01  # "achieves similar performance at long times", our reading


def figure3_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns small and full batches without regularisation."""
    return _runs(scale, num_seeds, l2=0.0)


def figure8_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns figure 3's runs and the same with lambda = 0.1."""
    return _runs(scale, num_seeds, 0.0) + _runs(scale, num_seeds, _REGULARISATION)


def _runs(scale: str, num_seeds: int | None, l2: float) -> list[config.RunConfig]:
    preset = presets.PRESETS[scale]
    return [
        presets.run(preset, batch_size, seed, l2=l2)
        for batch_size in (preset.small_batch_size, preset.train_size)
        for seed in range(num_seeds or preset.num_seeds)
    ]


def judge_figure3(results: study.Results) -> list[claims.Claim]:
    """Small batches end above the full batch and take longer to converge."""
    small, full = _small_and_full(results.runs)
    note = _note(small)
    ratio = _log_convergence_ratio(results, small, full)
    cross_entropy = "final_test_cross_entropy"
    lowest = "best_test_cross_entropy"
    return [
        claims.above(
            "Small batches reach a higher test accuracy than the full batch",
            "final test accuracy, small batch minus full batch",
            _difference(small, full, "final_test_accuracy"),
            0,
            note,
        ),
        claims.above(
            "Small batch training takes longer to converge",
            "steps to 95 % of the final test accuracy, small batch / full batch",
            ratio,
            1,
            note + " on the logarithm",
        ),
        claims.below(
            "The test cross-entropy of small batches is lower at the end of training",
            "final test cross-entropy in nats, small batch minus full batch",
            _difference(small, full, cross_entropy),
            0,
            note,
        ),
        claims.below(
            "Small batch training reaches a lower minimum of the test cross-entropy",
            "lowest test cross-entropy in nats, small batch minus full batch",
            _difference(small, full, lowest),
            0,
            note,
        ),
    ]


def judge_figure8(results: study.Results) -> list[claims.Claim]:
    """L2 regularisation shrinks the gap between small and full batches."""
    plain = results.runs[results.runs["l2"] == 0]
    small, full = _small_and_full(plain)
    regular_small, regular_full = _small_and_full(results.runs[results.runs["l2"] > 0])
    gap = _values(small, "final_test_accuracy") - _values(full, "final_test_accuracy")
    regular_gap = _values(regular_small, "final_test_accuracy") - _values(
        regular_full, "final_test_accuracy"
    )
    note = _note(small)
    ratio = _log_convergence_ratio(results, regular_full, regular_small)
    return [
        claims.above(
            "Regularisation reduces the size of the generalization gap",
            "gap in final test accuracy without minus with lambda = 0.1",
            statistics.mean_interval(gap - regular_gap),
            0,
            note,
        ),
        claims.between(
            "Regularised full batch training achieves similar performance at long "
            "times",
            "final test accuracy at lambda = 0.1, small batch minus full batch",
            statistics.mean_interval(regular_gap),
            (-_SIMILAR, _SIMILAR),
            note + "; 'similar' read as within 0.01, our choice",
        ),
        claims.above(
            "Regularised full batch training takes longer to converge than small batch",
            "steps to 95 % of the final test accuracy, full batch / small batch",
            ratio,
            1,
            note + " on the logarithm",
        ),
        claims.above(
            "The test cross-entropy of regularised models does not degrade after many "
            "updates, as that of unregularised ones does",
            "rise of the full batch's test cross-entropy from its minimum to the end "
            "in nats, without minus with lambda = 0.1",
            statistics.mean_interval(_rise(full) - _rise(regular_full)),
            0,
            note,
        ),
    ]


def convergence_steps(results: study.Results, runs: pd.DataFrame) -> np.ndarray:
    """Returns the first evaluated step at 95 % of the final test accuracy, by seed."""
    curves = dict(tuple(results.curves.groupby("key")))
    steps = []
    for _, row in runs.sort_values("seed").iterrows():
        if row["status"] != "completed":
            steps.append(np.nan)
            continue
        curve = curves[row["key"]]
        reached = curve["test_accuracy"] >= _CONVERGED * row["final_test_accuracy"]
        steps.append(float(max(curve["step"][reached].iloc[0], 1)))
    return np.array(steps)


def _log_convergence_ratio(
    results: study.Results, slow: pd.DataFrame, fast: pd.DataFrame
) -> statistics.Interval:
    """Returns the geometric mean of the steps to converge, `slow` over `fast`."""
    logs = np.log(convergence_steps(results, slow) / convergence_steps(results, fast))
    return statistics.log_ratio_interval(logs)


def _small_and_full(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    full = runs["batch_size"] == runs["train_size"]
    return runs[~full], runs[full]


def _values(runs: pd.DataFrame, column: str) -> np.ndarray:
    return runs.sort_values("seed")[column].to_numpy(float)


def _difference(
    small: pd.DataFrame, full: pd.DataFrame, column: str
) -> statistics.Interval:
    return statistics.mean_interval(_values(small, column) - _values(full, column))


def _rise(runs: pd.DataFrame) -> np.ndarray:
    final = _values(runs, "final_test_cross_entropy")
    return final - _values(runs, "best_test_cross_entropy")


def _note(runs: pd.DataFrame) -> str:
    return statistics.t_interval_note(len(runs), paired=True)
