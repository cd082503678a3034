"""Smith & Le (2017), figure 4: the test accuracy peaks at an optimum batch size."""

from typing import NamedTuple

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import best_batch_size_figure, presets, sweeps
from bsgen.studies import claims, estimates, optimum, study

_UNTRAINABLE = 10  # "cannot train when B <~ 10", section 4


class Peak(NamedTuple):
    """The sweep of figure 4, with the results that it was made from."""

    results: study.Results
    sweep: sweeps.Sweep


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns batch sizes from 1 to N at learning rate 1, momentum 0.9."""
    task = presets.task(scale)
    return [
        task.run(seed=seed, batch_size=batch_size)
        for batch_size in presets.batch_sizes()
        for seed in task.seeds(num_seeds)
    ]


def analyse(results: study.Results) -> Peak:
    """Finds the optimum batch size."""
    (sweep,) = sweeps.by_setting(results, "learning_rate")
    return Peak(results, sweep)


def judge(peak: Peak) -> list[claims.Claim]:
    """An optimum batch size exists, and very small batches cannot train."""
    accuracies = peak.sweep.accuracies
    small = max(size for size in accuracies.index if size <= _UNTRAINABLE)
    return [
        claims.above(
            "There is an optimum batch size: it beats the full batch",
            "test accuracy at the optimum minus at the full batch",
            optimum.advantage(accuracies, over=accuracies.index.max()),
        ),
        claims.above(
            "There is an optimum batch size: it beats the smallest batch",
            "test accuracy at the optimum minus at batch size 1",
            optimum.advantage(accuracies, over=accuracies.index.min()),
        ),
        claims.below(
            "The model cannot train when B is below about 10",
            f"test accuracy at batch size {small}",
            estimates.mean(accuracies.loc[small]),
            "'cannot train' read as accuracy below 0.5, our choice",
            bound=0.5,
        ),
    ]


STUDY = study.Study(
    "smith_le_2017/fig4",
    "Test accuracy against batch size",
    caption="(a) Test accuracy during training, mean over seeds, coloured by batch "
    "size. (b) Final test accuracy against batch size, mean over seeds with its 95 % t "
    "interval; the green line is the optimum, the top of a parabola through the "
    "accuracies beside the best one, with its 95 % interval over seeds and spacing. "
    f"{style.ACCURACY_AXIS}",
    analyse=analyse,
    judge=judge,
    show=best_batch_size_figure.show,
    make_runs=runs,
)
