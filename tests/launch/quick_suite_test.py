"""Studies of the quick suite by `launch.reproduce`, killed and started again.

Its verdicts are recomputed here from `runs.jsonl` alone, in plain NumPy and SciPy: what
is shown to a reader must follow from the raw numbers.
"""

import collections
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from absl.testing import absltest
from scipy import stats

from tests.launch import process

# Those whose verdicts are recomputed here, and one that measures what it has trained.
_STUDIES = [f"smith_le_2017/fig{number}" for number in (1, 2, 3, 4, 7, 8)]
_STUDIES += ["hoffer_2017/fig1", "jastrzebski_2018/fig4"]


def _lines(path):
    """Returns the whole lines of `runs.jsonl`."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def _trained_keys(path):
    """Returns the keys of the finished runs that took stochastic steps."""
    lines = _lines(path)
    return [a["key"] for a in lines if a["config"]["optimizer"]["name"] == "momentum"]


def _t_interval(samples):
    samples = np.asarray(samples)
    half = stats.t.ppf(0.975, len(samples) - 1) * samples.std(ddof=1)
    half /= np.sqrt(len(samples))
    return samples.mean(), samples.mean() - half, samples.mean() + half


def _verdict(low, high, above=-np.inf, below=np.inf):
    if above < low and high < below:
        return "holds"
    return "fails" if high <= above or low >= below else "undecided"


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


class QuickSuiteTest(absltest.TestCase):
    """By two processes, with two seeds; killed in the middle and started again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls("test_finished_runs_are_kept")
        cls.output = pathlib.Path(test.create_tempdir("suite").full_path) / "results"
        path = cls.output / "runs.jsonl"
        flags = f"--figure={','.join(_STUDIES)}", f"--output_dir={cls.output}"
        flags += "--seeds=2", "--processes=2"
        first = subprocess.Popen(
            [sys.executable, "-m", "launch.reproduce", *flags],
            cwd=process.ROOT,
            env=process.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # The middle: all exact minima and some of the trained runs have finished.
        while first.poll() is None and len(_trained_keys(path)) < 20:
            time.sleep(0.2)
        first.kill()
        cls.killed = first.wait() == -9
        cls.kept = [line["key"] for line in _lines(path)]
        cls.second = process.reproduce(*flags)
        cls.lines = _lines(path)
        cls.runs = list({line["key"]: line for line in cls.lines}.values())

    def _claim(self, number, words, paper="smith_le_2017"):
        claims = json.loads(
            (self.output / f"{paper}/fig{number}/claims.json").read_text()
        )
        (claim,) = (claim for claim in claims if words in claim["claim"])
        return claim

    def _assert_claim(self, claim, interval, **bounds):
        np.testing.assert_allclose(
            [claim["measured"], *claim["interval"]], interval, rtol=1e-9, atol=1e-12
        )
        self.assertEqual(claim["verdict"], _verdict(*interval[1:], **bounds))

    def _final(self, metric, dataset, **settings):
        """Returns {(settings that differ): {seed: value}} of the runs that match."""
        table = collections.defaultdict(dict)
        for line in self.runs:
            run = line["config"]
            flat = {**run["data"], **run["optimizer"], "num_steps": run["num_steps"]}
            flat["batch_size"] = run["batch_size"]
            if run["data"]["name"] == dataset and settings.items() <= flat.items():
                point = (flat["l2"], flat.get("momentum"), flat["batch_size"])
                table[point][run["seed"]] = line["final"].get(metric)
        return {
            point: list(by_seed.values()) for point, by_seed in sorted(table.items())
        }

    def _trained(self, **settings):
        """Returns {(l2, momentum, batch size): accuracies}; a diverged run guesses."""
        fixed = {"train_size": 1000, "learning_rate": 1.0, "num_steps": 2000}
        table = self._final("test_accuracy", "digits", **{**fixed, **settings})
        return {
            point: np.array([0.1 if value is None else value for value in values])
            for point, values in table.items()
        }

    def test_finished_runs_are_kept(self):
        self.assertTrue(self.killed, "the first start ended by itself")
        self.assertEqual(self.second.returncode, 0, self.second.stderr)
        counts = collections.Counter(line["key"] for line in self.lines)
        self.assertGreater(len(self.kept), 20)
        self.assertLess(len(self.kept), 0.8 * len(counts))
        self.assertEqual({counts[key] for key in self.kept}, {1})
        self.assertEqual(set(counts.values()), {1})

    def test_files(self):
        self.assertTrue((self.output / "report.html").is_file())
        keys = {run["key"] for run in self.runs}
        for name in _STUDIES:
            path = self.output / name
            for file in ("runs.csv", "curves.csv", "claims.json", "config.json"):
                self.assertTrue((path / file).is_file(), file)
            picture = (path / "figure.png").read_bytes()
            self.assertStartsWith(picture, b"\x89PNG")
            self.assertContainsSubset(
                json.loads((path / "config.json").read_text())["runs"], keys
            )
        # Nothing half-written, and no checkpoint of a run that is over.
        hidden = {path.name for path in self.output.rglob(".*")}
        self.assertEqual(hidden, {".lock"})
        in_runs = {path.name for path in self.output.glob("runs/*/*")}
        files = {"config.json", "metrics.jsonl", "summary.json", "model.keras"}
        self.assertEqual(in_runs, files | {".lock"})

    def test_output_is_quiet_when_piped(self):
        self.assertNotIn("\r", self.second.stdout)
        self.assertNotIn("\x1b", self.second.stdout)
        for name in _STUDIES:
            self.assertIn(f"finished {name}", self.second.stdout)
        self.assertIn(f"report: {self.output / 'report.html'}", self.second.stdout)
        self.assertEmpty(self.second.stderr)

    def test_figure1_memorisation(self):
        table = self._final("train_accuracy", "gaussian_random")
        self.assertLen(table, 33)
        interval = _t_interval(next(iter(table.values())))  # the smallest lambda
        self._assert_claim(self._claim(1, "memorises"), interval, above=0.99)

    def test_figure2_sign_and_minimum_of_the_evidence(self):
        for dataset, words, bounds in (
            ("gaussian_random", "never favours", {"above": -1}),
            ("gaussian_informative", "favours the well", {"below": -1}),
        ):
            ratios = self._final("log_evidence_ratio", dataset)
            lowest = np.min(list(ratios.values()), axis=0)
            self._assert_claim(self._claim(2, words), _t_interval(lowest), **bounds)
        decades = np.log10([200 * point[0] for point in ratios])
        errors = self._final("test_cross_entropy", "gaussian_informative")
        places = [
            decades[np.argmin(list(table.values()), axis=0)]
            for table in (ratios, errors)
        ]
        interval = _t_interval(places[0] - places[1])
        claim = self._claim(2, "minima at the same")
        self._assert_claim(claim, interval, above=-0.5, below=0.5)

    def test_figure3_gap(self):
        table = self._trained(l2=0, momentum=0.9)
        interval = _t_interval(table[0, 0.9, 32] - table[0, 0.9, 1000])
        self._assert_claim(self._claim(3, "higher test accuracy"), interval, above=0)

    def test_figure4_optimum_against_full_batch(self):
        table = self._trained(l2=0, momentum=0.9)
        sizes = [*(2**k for k in range(10)), 1000]
        rows = np.array([table[0, 0.9, size] for size in sizes])
        # With two seeds: chosen on one, measured on the other.
        chosen = rows[:, ::-1].argmax(axis=0)
        differences = rows[chosen, [0, 1]] - rows[-1]
        claim = self._claim(4, "beats the full batch")
        self._assert_claim(claim, _t_interval(differences), above=0)

    def test_figure7_exponent(self):
        sweeps = collections.defaultdict(dict)
        for (_, momentum, size), values in self._trained(l2=0, num_steps=3000).items():
            sweeps[momentum][size] = values
        self.assertEqual(sorted(sweeps), [0, 0.5, 0.8, 0.9])
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
        value, low, _ = _t_interval(slopes)
        # The spacing: a fifth of the mean distance to the neighbours at each optimum.
        around = [np.log(sorted(sweeps[m])) for m in used]
        places = [sorted(sweeps[m]).index(best[m]) for m in used]
        steps = [
            (logs[k + 1] - logs[k - 1]) / 2
            for logs, k in zip(around, places, strict=True)
        ]
        pull = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        spacing = (
            stats.norm.ppf(0.975) * 0.2 * np.sqrt((pull**2 * np.square(steps)).sum())
        )
        reach = np.hypot(value - low, spacing)
        claim = self._claim(7, "1/(1 - m)")
        interval = value, value - reach, value + reach
        self._assert_claim(claim, interval, above=0.75, below=1.25)

    def test_figure8_difference_of_gaps(self):
        plain, regular = (
            table[l2, 0.9, 32] - table[l2, 0.9, 1000]
            for l2 in (0, 0.1 / 1000)
            for table in [self._trained(momentum=0.9)]
        )
        interval = _t_interval(plain - regular)
        self._assert_claim(self._claim(8, "reduces the size"), interval, above=0)

    def test_hoffer_figure1_largest_batch_against_the_smallest(self):
        table = self._final("test_accuracy", "digits", learning_rate=0.02)
        accuracies = {size: np.array(table[5e-4, 0.9, size]) for size in (10, 500)}
        interval = _t_interval(accuracies[10] - accuracies[500])
        claim = self._claim(1, "largest batch ends with a higher", "hoffer_2017")
        self._assert_claim(claim, interval, above=0)


if __name__ == "__main__":
    absltest.main()
