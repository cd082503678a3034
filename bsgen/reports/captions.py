"""What captions say of the runs of a study: their settings, as the tables have them."""

import pandas as pd

from bsgen.studies import study


def settings(results: study.Results, scale: str) -> str:
    """Returns a sentence with scale, dataset, N, steps, seeds and diverged runs.

    For a study without runs: scale, number of measurements and of their seeds.
    """
    runs, measured = results.runs, results.measurements
    if not len(runs):
        parts = [
            f"{scale.capitalize()} scale: {measured['key'].nunique()} measurements"
        ]
        if "seed" in measured:
            parts.append(f"{measured['seed'].nunique()} seeds")
        return ", ".join(parts) + "."
    datasets = " and ".join(sorted(set(runs["dataset"])))
    parts = [
        f"{scale.capitalize()} scale: {datasets}",
        f"N = {_range(runs['train_size'])}",
    ]
    if set(runs["optimizer"]) == {"newton"}:
        parts.append("exact minimum by Newton's method")
    else:
        parts.append(f"{_range(runs['num_steps'])} steps")
        parts.append(f"learning rate {_range(runs['learning_rate'])}")
        parts.append(f"momentum {_range(runs['momentum'])}")
    num_seeds = runs["seed"].nunique()
    parts.append("1 seed, no intervals" if num_seeds == 1 else f"{num_seeds} seeds")
    diverged = int((runs["status"] == "diverged").sum())
    if diverged:
        parts.append(f"{diverged} of {len(runs)} runs diverged")
    return ", ".join(parts) + "."


def _range(values: pd.Series) -> str:
    ends = f"{values.min():,g}", f"{values.max():,g}"
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
