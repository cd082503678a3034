"""Made-up records of the quick studies, with a known optimum batch size."""

import dataclasses
import itertools
import pathlib
import zlib

import numpy as np

from bsgen import config, papers
from bsgen.models import losses
from bsgen.studies import folder, measurement_store, tables
from bsgen.training import records
from tests.papers.hoffer_2017 import (
    made_up_increments,
    made_up_inference,
    made_up_potential,
)
from tests.papers.jastrzebski_2018 import made_up_lines, made_up_simulations
from tests.papers.smith_le_2017 import made_up_noise, made_up_search

NUM_SEEDS = 3
HARDWARE = {"device": "a card", "tensorflow": "2.21.0", "engine": "ensemble"}
# For each study that measures beside training: a measurement and a generator of random
# numbers to made-up rows.
ROWS = {
    "hoffer_2017/algorithm1": lambda entry, generator: made_up_inference.rows(
        generator
    ),
    "hoffer_2017/appendix_a": lambda entry, generator: made_up_increments.rows(entry),
    "hoffer_2017/fig4": lambda entry, generator: made_up_potential.rows(
        entry, made_up_potential.linear
    ),
    "jastrzebski_2018/fig4": made_up_lines.rows,
    "jastrzebski_2018/theory": made_up_simulations.rows,
    "smith_elsen_de_2020/fig4": lambda entry, generator: entry.measure(None),
    "smith_le_2017/appendix_d": lambda entry, generator: made_up_search.rows(generator),
    "smith_le_2017/noise": made_up_noise.rows,
}


def optimum(run):
    """B_opt of `record`: the paper's scaling, 32 at N = 1000, rate 1, momentum 0.9."""
    settings = run.optimizer
    scale = settings.learning_rate * 0.1 / (1 - settings.momentum)
    return 32 * scale * run.data.train_size / 1000


def record(run):
    """A run whose accuracy falls with the distance of log(B) from log(B_opt)."""
    generator = np.random.default_rng([run.seed, int(run.key, 16)])
    if isinstance(run.optimizer, config.NewtonConfig):
        return _minimum(run, generator)
    if isinstance(run.sgd.schedule, config.ConstantThenDecay):
        return _of_rate(run, generator)
    if run.weight_distance:
        return _of_regime(run, generator)
    if run.model.name != "mlp":
        return _of_ratio(run, generator)
    size = run.batch_size or run.data.train_size
    diverged = size == 1 and run.seed == 0
    steps = run.evaluation_steps[: 3 if diverged else None]
    decades = np.log10(size / optimum(run))
    last = np.clip(0.98 - 0.02 * decades**2 + generator.normal(0, 1e-3), 0.1, 0.999)
    share = np.linspace(0, 1, len(steps))
    curve = {
        "step": list(steps),
        "test_accuracy": (0.1 + (last - 0.1) * share).tolist(),
        "test_cross_entropy": (2.3 - 2.2 * share + 0.1 * share * last).tolist(),
    }
    final = {name: None if diverged else v[-1] for name, v in curve.items()}
    del final["step"]
    status = "diverged" if diverged else "completed"
    return records.RunRecord(run, status, curve, final, 0.5, HARDWARE)


def _of_rate(run, generator):
    """A run whose metrics are best at an effective rate in proportion to the batch."""
    rate = run.sgd.learning_rate / (1 - run.sgd.momentum)
    octaves = np.log2(rate * 32 / run.batch_size)
    lost = 0.01 + 0.005 * octaves**2 + abs(generator.normal(0, 1e-3))
    names = [metric.name for metric in losses.of_run(run).metrics]
    ends = {
        name: max(0.1, 1 - lost) if name == "accuracy" else 1 + lost for name in names
    }
    share = np.linspace(1, 0, len(run.evaluation_steps))
    curve = {"step": list(run.evaluation_steps)}
    for name, end in ends.items():
        curve[f"test_{name}"] = (end + 0.1 * share).tolist()
    parts = ["test", "train", *(["validation"] if run.data.validation_size else [])]
    pairs = itertools.product(parts, ends.items())
    final = {f"{part}_{name}": end for part, (name, end) in pairs}
    return records.RunRecord(run, "completed", curve, final, 0.5, HARDWARE)


def _of_ratio(run, generator):
    """A run whose width and accuracy follow from learning rate / batch size."""
    log = np.log(run.optimizer.learning_rate / run.batch_size)
    log += generator.normal(0, 0.1)
    last = 0.95 + 0.005 * log
    share = np.linspace(0, 1, len(run.evaluation_steps))
    curve = {
        "step": list(run.evaluation_steps),
        "epoch": (20 * share).tolist(),
        "test_accuracy": (0.1 + (last - 0.1) * share).tolist(),
    }
    final = {
        "test_accuracy": last,
        "train_accuracy": 1.0,
        "max_eigenvalue": np.exp(-log),
        "hessian_frobenius_norm": 3 * np.exp(-log),
        "train_cross_entropy": 1e-5 * np.exp(-log),
    }
    if run.stop_train_loss is not None:
        final["train_cross_entropy"] = 0.95 * run.stop_train_loss
        final["hessian_trace"] = 10 * np.exp(-log)
    return records.RunRecord(run, "completed", curve, final, 0.5)


def _of_regime(run, generator):
    """A run whose error falls with its updates, and whose weights go as log t."""
    steps = np.array(run.evaluation_steps)
    logs = np.log1p(steps)
    errors = 0.9 - 0.1 * logs + generator.normal(0, 1e-3, len(steps))
    accuracies = (1 - errors.clip(0.01, 0.9)).tolist()
    curve = {
        "step": steps.tolist(),
        "epoch": (steps * run.batch_size / run.data.train_size).tolist(),
        "test_accuracy": accuracies,
        "weight_distance": (logs * (1 + generator.normal(0, 0.01))).tolist(),
        "first_kernel_distance": (0.5 * logs).tolist(),
    }
    final = {
        "test_accuracy": accuracies[-1],
        "test_cross_entropy": 3 * (1 - accuracies[-1]),
        "train_accuracy": 1.0,
        "train_cross_entropy": 1 / run.num_steps,
    }
    return records.RunRecord(run, "completed", curve, final, 0.5, HARDWARE)


def _minimum(run, generator):
    decades = np.log10(run.optimizer.l2 * run.data.train_size)
    noise = generator.normal(0, 1e-3, 5)
    final = {
        "train_accuracy": 1 - 0.02 * (decades + 4) - abs(noise[0]),
        "test_accuracy": 0.7 + noise[1],
        "train_cross_entropy": 0.1 * (decades + 4) + 0.01 + abs(noise[2]),
        "test_cross_entropy": 0.5 + 0.1 * (decades - 1) ** 2 + noise[3],
        "log_evidence_ratio": 5 * (decades - 1) ** 2 - 10 + noise[4],
    }
    return records.RunRecord(run, "completed", {}, final, 0.1)


def results(name):
    """The tables of a study."""
    (study,) = papers.find(name)
    measured = [
        measurement_store.MeasurementRecord(
            entry.key, dict(entry.settings), rows_of(name, entry), 0.5
        )
        for entry in study.measurements("quick", NUM_SEEDS)
    ]
    return tables.results(map(record, study.runs("quick", NUM_SEEDS)), measured)


def rows_of(name, entry):
    """The made-up rows of a measurement."""
    generator = np.random.default_rng(zlib.crc32(entry.key.encode()))
    return ROWS[name](entry, generator)


def write(output_dir, *names, scale="quick"):
    """Leaves the raw runs and `config.json` of studies, as a killed program might."""
    store = records.RunStore(output_dir)
    measured = measurement_store.MeasurementStore(output_dir)
    for name in names:
        (study,) = papers.find(name)
        runs = study.runs("quick", NUM_SEEDS)
        entries = study.measurements("quick", NUM_SEEDS)
        store.add(map(record, store.missing(runs)))
        for entry in measured.missing(entries):
            measured.add(entry, rows_of(name, entry), 0.5, {})
        place = folder.Folder(pathlib.Path(output_dir), name)
        place.claim_for(scale, runs, entries)


def claim_more(output_dir, name):
    """Starts a study again with a run more, as a killed program might leave it."""
    (study,) = papers.find(name)
    runs = study.runs("quick", NUM_SEEDS)
    more = dataclasses.replace(runs[0], seed=10_000)
    folder.Folder(pathlib.Path(output_dir), name).claim_for("quick", [*runs, more])
