"""Smith & Le (2017), figure 4: the test accuracy peaks at an optimum batch size."""

from typing import NamedTuple

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import best_batch_size_figure, presets, sweeps
from bsgen.studies import claims, estimates, optimum, study

_UNTRAINABLE = 10  # "cannot train when B <~ 10", section 4
_TRAINS = 0.5  # accuracy below which we say "cannot train"
_FAR = 4  # times the optimum, where "a clear peak" has fallen: our choice


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
    """A peak with two sides exists, and very small batches cannot train."""
    accuracies = peak.sweep.accuracies
    means, sizes = accuracies.mean(axis=1), accuracies.index
    trained = min(sizes[means >= _TRAINS], default=sizes.max())
    far = min(sizes[sizes >= _FAR * means.idxmax()], default=sizes.max())
    small = sizes[sizes <= _UNTRAINABLE].max()
    larger = sizes[sizes > _UNTRAINABLE].min()
    chosen = "the optimum is chosen on the other seeds"
    read = f"'train' read as an accuracy of {_TRAINS}, our choice"
    return [
        claims.repeats(
            claims.above(
                "There is an optimum batch size: it beats the full batch",
                "test accuracy at the optimum minus at the full batch",
                optimum.advantage(accuracies, over=sizes.max()),
                chosen,
            ),
            "smith_le_2017/fig3",
        ),
        claims.above(
            f"The optimum batch size beats one {_FAR} times as large",
            f"test accuracy at the optimum minus at batch size {far}",
            optimum.advantage(accuracies, over=far),
            chosen,
        ),
        claims.above(
            "The optimum batch size beats the smallest one that trains",
            f"test accuracy at the optimum minus at batch size {trained}",
            optimum.advantage(accuracies, over=trained),
            f"{chosen}; {read}",
        ),
        claims.below(
            "The model cannot train when B is below about 10",
            f"test accuracy at batch size {small}",
            estimates.mean(accuracies.loc[small]),
            read,
            bound=_TRAINS,
        ),
        claims.above(
            "It can train when B is above about 10",
            f"test accuracy at batch size {larger}",
            estimates.mean(accuracies.loc[larger]),
            read,
            bound=_TRAINS,
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
