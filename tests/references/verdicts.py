"""Verdicts from raw numbers alone, in plain NumPy and SciPy.

`lines` are those of `runs.jsonl`, of two seeds.
"""

import collections

import numpy as np
from scipy import stats


def t_interval(samples):
    """Returns the mean and its interval of 95 %."""
    samples = np.asarray(samples)
    half = stats.t.ppf(0.975, len(samples) - 1) * samples.std(ddof=1)
    half /= np.sqrt(len(samples))
    return samples.mean(), samples.mean() - half, samples.mean() + half


def verdict(low, high, above=-np.inf, below=np.inf):
    """Returns what an interval says of a claim of such bounds."""
    if above < low and high < below:
        return "holds"
    return "fails" if high <= above or low >= below else "undecided"


def final(lines, metric, dataset, **settings):
    """Returns {(settings that differ): [value of each seed]} of the runs that match."""
    table = collections.defaultdict(dict)
    for line in lines:
        run = line["config"]
        flat = {**run["data"], **run["optimizer"], "num_steps": run["num_steps"]}
        flat["batch_size"] = run["batch_size"]
        if run["data"]["name"] == dataset and settings.items() <= flat.items():
            point = (flat["l2"], flat.get("momentum"), flat["batch_size"])
            table[point][run["seed"]] = line["final"].get(metric)
    return {point: list(by_seed.values()) for point, by_seed in sorted(table.items())}


def trained(lines, **settings):
    """Returns {(l2, momentum, batch size): accuracies}; a diverged run guesses."""
    fixed = {"train_size": 1000, "learning_rate": 1.0, "num_steps": 2000}
    table = final(lines, "test_accuracy", "digits", **{**fixed, **settings})
    return {
        point: np.array([0.1 if value is None else value for value in values])
        for point, values in table.items()
    }


def memorisation(lines):
    """Smith & Le, figure 1: the training accuracy at the smallest lambda."""
    table = final(lines, "train_accuracy", "gaussian_random")
    return t_interval(next(iter(table.values())))


def largest_batch(lines):
    """Hoffer et al., figure 1: the smallest batch's lead over the largest."""
    table = final(lines, "test_accuracy", "digits", learning_rate=0.02)
    accuracies = {size: np.array(table[5e-4, 0.9, size]) for size in (10, 500)}
    return t_interval(accuracies[10] - accuracies[500])


def slope_of_optima(lines):
    """Smith & Le, figure 7: the exponent of B_opt in 1/(1 - m)."""
    sweeps = collections.defaultdict(dict)
    for (_, momentum, size), values in trained(lines, l2=0, num_steps=3000).items():
        sweeps[momentum][size] = values
    best = {m: max(s, key=lambda b: s[b].mean()) for m, s in sweeps.items()}
    highest = max(sweeps[m][best[m]].mean() for m in sweeps)
    used = [
        m
        for m, sweep in sweeps.items()
        if 1 < best[m] < 64 and sweep[best[m]].mean() >= 0.9 * highest
    ]
    x = -np.log(1 - np.array(used))
    optima = [[_top(sweeps[m], seed) for m in used] for seed in (0, 1)]
    slopes = np.polyfit(x, np.transpose(optima), 1)[0]
    value, low, _ = t_interval(slopes)
    # The spacing: a fifth of the mean distance to the neighbours at each optimum.
    around = [np.log(sorted(sweeps[m])) for m in used]
    places = [sorted(sweeps[m]).index(best[m]) for m in used]
    steps = [
        (logs[k + 1] - logs[k - 1]) / 2 for logs, k in zip(around, places, strict=True)
    ]
    pull = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    spacing = stats.norm.ppf(0.975) * 0.2 * np.sqrt((pull**2 * np.square(steps)).sum())
    reach = np.hypot(value - low, spacing)
    return value, value - reach, value + reach


def _top(sweep, seed):
    """Returns log(B) at the top of a parabola through the accuracies of one seed."""
    sizes = sorted(sweep)
    curve = np.array([sweep[size][seed] for size in sizes])
    best = int(curve.argmax())
    if best in (0, len(sizes) - 1):
        return np.log(sizes[best])
    near = [size for size in sizes if 1 / 2.1 <= size / sizes[best] <= 2.1]
    x = np.log(near) - np.log(sizes[best])
    values = [sweep[size][seed] for size in near]
    columns = np.column_stack([x**2, x, np.ones(len(x))])
    square, linear, _ = np.linalg.lstsq(columns, values, rcond=None)[0]
    top = min(max(-linear / (2 * square), x[0]), x[-1]) if square < 0 else 0
    return np.log(sizes[best]) + top
