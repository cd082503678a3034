"""What captions say of the runs of a study: their settings and their hardware."""

import collections
from collections.abc import Iterable, Sequence

import pandas as pd

from bsgen.studies import study

# Columns in which runs differ that a study does not vary, and the batch size.
_NOT_VARIED = "key", "seed", "subset_seed", "num_steps", "recorded", "batch_size"
_MOST_VARIED = 3  # settings in words; a sentence with more cannot be read
_UNRECORDED = "hardware that was not recorded"
_DOING = {"run": "trained", "measurement": "measured"}


def settings(results: study.Results, scale: str) -> str:
    """Returns a sentence with scale, dataset, N, steps, seeds and diverged runs.

    For a study without runs: scale, number of measurements and of their seeds.
    """
    runs, measured = results.runs, results.measurements
    if not len(runs):
        parts = [f"{_words(scale)} scale: {measured['key'].nunique()} measurements"]
        if "seed" in measured:
            parts.append(f"{measured['seed'].nunique()} seeds")
        return ", ".join(parts) + "."
    datasets = " and ".join(sorted(set(runs["dataset"])))
    parts = [
        f"{_words(scale)} scale: {datasets}",
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


def work(studies: Iterable[study.Results]) -> str:
    """Returns "N runs and N measurements (M min of ...)"; shared ones count once."""
    studies = list(studies)
    training = _seconds(results.runs for results in studies)
    measuring = _seconds(results.measurements for results in studies)
    minutes = sum([*training.values(), *measuring.values()]) / 60
    made, doing = f"{len(training):,} runs", "training"
    if measuring:
        made = f"{made} and {len(measuring):,} measurements"
        doing = f"{doing} and measuring"
    return f"{made} ({minutes:.0f} min of {doing}, added over processes)"


def hardware(studies: Iterable[study.Results]) -> str:
    """Returns a sentence with the devices of some studies.

    Of several devices it has the number of runs that each trained and of measurements
    that it made; those that studies share count once. Empty where none is recorded.
    """
    studies = list(studies)
    number = {
        "run": _devices(results.runs for results in studies),
        "measurement": _devices(results.measurements for results in studies),
    }
    total = number["run"] + number["measurement"]
    if set(total) <= {_UNRECORDED}:
        return ""
    parts = []
    for device, _ in total.most_common():
        counts = {name: count[device] for name, count in number.items()}
        own = [f"{n:,} {name}{'s' * (n != 1)}" for name, n in counts.items() if n]
        parts.append(f"{device} ({_listed(own)})" if len(total) > 1 else device)
    doing = _listed([_DOING[name] for name, count in number.items() if count])
    return f"{doing.capitalize()} on {_listed(parts)}."


def _seconds(tables: Iterable[pd.DataFrame]) -> dict[str, float]:
    """Returns how long each run, or measurement, took by its key."""
    return {
        key: seconds
        for table in tables
        if len(table)
        for key, seconds in zip(table["key"], table["seconds"], strict=True)
    }


def _devices(tables: Iterable[pd.DataFrame]) -> collections.Counter[str]:
    """Returns how many different runs, or measurements, each device has made."""
    made: dict[str, str] = {}
    for table in tables:
        rows = table.reindex(columns=["key", "hardware"]).astype(object)
        devices = rows["hardware"].fillna(_UNRECORDED)
        made |= dict(zip(rows["key"], devices, strict=True))
    return collections.Counter(made.values())


def missing(results: study.Results) -> str:
    """Returns a sentence with the settings at which runs are missing.

    The batch sizes at which they are, at each combination of the other settings that
    the study varies; those at which the same ones are missing are joined. Where it
    varies many, the sentence names the file that lists them.
    """
    table = results.missing
    both = pd.concat([results.runs.reindex(columns=table.columns), table])
    varied = [
        name
        for name in table.columns
        if name not in _NOT_VARIED and both[name].nunique() > 1
    ]
    if len(varied) > _MOST_VARIED:
        return "The file missing.csv of the study's folder lists their settings."
    places = collections.defaultdict(list)
    for values, rows in table.groupby(varied) if varied else [((), table)]:
        sizes = ", ".join(map(str, sorted(set(rows["batch_size"]))))
        places[sizes].append(" with ".join(map(str, values)))
    names = " with ".join(varied).replace("_", " ")
    parts = [
        f"batch size {sizes}" + (f" at {names} {_listed(found)}" if varied else "")
        for sizes, found in places.items()
    ]
    return f"Without {'; '.join(parts)}."


def _words(scale: str) -> str:
    """Returns the name of a scale as a sentence begins with it."""
    return "GPU" if scale == "gpu" else scale.capitalize()


def _listed(parts: Sequence[str]) -> str:
    """Returns "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _range(values: pd.Series) -> str:
    ends = f"{values.min():,g}", f"{values.max():,g}"
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
