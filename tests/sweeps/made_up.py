"""A made-up sweep: its grid, its plan, and records as if its runs had ended."""

from bsgen import config, sweeps
from bsgen.sweeps import plan
from bsgen.training import records


def grid(num_seeds=3, validation_size=0, **axes):
    base = config.RunConfig(
        data=config.DataConfig(
            "digits", train_size=100, validation_size=validation_size
        ),
        model=config.ModelConfig("mlp", (4,)),
        optimizer=config.MomentumConfig(0.1),
        batch_size=20,
        num_steps=4,
    )
    axes = axes or {"learning_rate": (0.1, 1.0), "batch_size": (10, 20, 50)}
    made = tuple(sweeps.Axis(name, values) for name, values in axes.items())
    return sweeps.Grid(base, made, num_seeds)


def settings(made):
    """The settings of a grid with their runs."""
    same = lambda run: run  # noqa: E731
    return [(each, made.repeats(each, same)) for each in made.settings()]


def planned(made):
    return plan.make(made, settings(made))


def record(run, accuracy, part="test"):
    """The record of a run of so high an accuracy; None for one that diverged."""
    if accuracy is None:
        return records.RunRecord(run, "diverged", {}, {}, 0.5)
    final = {f"{part}_cross_entropy": 1.0, f"{part}_accuracy": accuracy}
    final["test_accuracy"] = accuracy
    final["train_cross_entropy"] = 1 - accuracy
    curve = {"step": [run.num_steps], **{k: [v] for k, v in final.items()}}
    return records.RunRecord(run, "completed", curve, final, 0.5)


def store(folder, made, accuracy, part="test"):
    """A store of all runs for which `accuracy`, a function of a run, gives a number.

    It may give "diverged", too.
    """
    return store_of(folder, settings(made), accuracy, part)


def store_of(folder, made_settings, accuracy, part="test"):
    """As `store`, of settings with their runs."""
    found = records.RunStore(folder)
    for _, runs in made_settings:
        for run in found.missing(runs):
            value = accuracy(run)
            if value is not None:
                value = None if value == "diverged" else value
                found.add([record(run, value, part)])
    return found
