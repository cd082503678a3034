"""A figure and a table of a made-up paper: all that such an addition takes."""

import pandas as pd

from bsgen import config, papers
from bsgen.figures import style
from bsgen.studies import budgets, claims, estimates, shown, study, tasks

_TASK = tasks.Task(
    config.DataConfig("digits", 60),
    config.ModelConfig("mlp", (4,)),
    config.MomentumConfig(0.1),
    batch_size=10,
    budget=budgets.Steps(5),
    num_seeds=2,
)
_PAPERS_OWN = {10: 0.9, 30: None}  # accuracy by batch size; it does not give the second


def _runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    return [
        _TASK.run(seed=seed, batch_size=batch_size)
        for batch_size in _PAPERS_OWN
        for seed in _TASK.seeds(num_seeds)
    ]


def _analyse(results: study.Results) -> pd.DataFrame:
    """Returns the accuracy, one row a batch size, one column a seed."""
    return results.runs.pivot(
        index="batch_size", columns="seed", values="final_test_accuracy"
    )


def _judge(accuracies: pd.DataFrame) -> list[claims.Claim]:
    measured = estimates.mean(accuracies.loc[10])
    return [claims.above("It learns", "test accuracy, B = 10", measured, bound=0.9)]


def _show_figure(accuracies: pd.DataFrame) -> shown.Shown:
    drawn, ((axes,),) = style.panels(["accuracy"])
    style.band(axes, accuracies, style.BLUE, "test set")
    return shown.Shown(drawn)


def _show_table(accuracies: pd.DataFrame) -> shown.Shown:
    ours = style.over_seeds(accuracies)["value"]
    table = pd.DataFrame({"batch size": ours.index, "here": ours.to_numpy()})
    table.insert(1, "paper", [_PAPERS_OWN[size] for size in ours.index])
    return shown.Shown(table=table)


for _name, _show in (("fig1", _show_figure), ("table1", _show_table)):
    papers.register(
        study.Study(
            f"toy_2026/{_name}",
            f"Accuracy by batch size, as {_name}",
            caption="Test accuracy: mean over seeds with its 95 % t interval.",
            analyse=_analyse,
            judge=_judge,
            show=_show,
            make_runs=_runs,
            scales=("quick",),
        )
    )
