"""The searches of appendix D of Smith & Le (2017), each tested on new seeds.

Each search of `bsgen.tuning.AppendixD` has training and validation examples of its own
and chooses on the latter. The setting with which phase 1 ended and the one recommended
are then trained with new seeds and compared on test examples: the scores of the search
itself are those that chose. A budget is a number of epochs, so a larger batch takes
fewer updates for the same examples.

The paper says how to search, not how long to train: our choice is 1,000 updates at a
batch size of 32 or more, after which the gap of figure 3 is clear.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bsgen import config, statistics
from bsgen.papers.smith_le_2017 import presets
from bsgen.studies import measurement

if TYPE_CHECKING:
    from bsgen.tuning.procedures import recommendations, settings

TESTED = ("start", "chosen")  # stages of the rows of networks trained with new seeds
_SEEDS_A_SEARCH = 1000  # far more than a search and its test take


@dataclasses.dataclass(frozen=True)
class _Preset:
    """What a search of one scale trains.

    Attributes:
      train_size, validation_size: examples drawn by the search's seed, disjoint.
      num_epochs: of every network.
      num_searches: independent searches.
      num_repeats: of a setting in a search.
      num_tests: networks trained with new seeds for each of the two settings compared.
      seconds: expected of one search on two cores.
    """

    dataset: str
    train_size: int
    validation_size: int
    num_epochs: int
    num_searches: int
    num_repeats: int
    num_tests: int
    seconds: float


_PRESETS = {
    "quick": _Preset("digits", 800, 400, 40, 25, 5, 5, 8.0),
    "paper": _Preset("mnist", 1000, 5000, 60, 8, 5, 5, 120.0),
}


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns the searches of a scale, one a seed; each decides which runs it needs."""
    preset = _PRESETS[scale]
    same = {
        name: value
        for name, value in dataclasses.asdict(preset).items()
        if name not in ("num_searches", "seconds")
    }
    return [
        measurement.Measurement(
            {"seed": seed, **same},
            functools.partial(_search, preset, seed),
            datasets=(preset.dataset,),
            seconds=preset.seconds,
        )
        for seed in range(num_seeds or preset.num_searches)
    ]


def _search(
    preset: _Preset, seed: int, place: measurement.Place
) -> list[dict[str, Any]]:
    """Searches, or resumes a killed search, and tests the setting that it found."""
    from bsgen import tuning  # loads TensorFlow
    from bsgen.tuning import search
    from bsgen.tuning.procedures import settings
    from bsgen.tuning.trainers import protocol

    data = config.DataConfig(
        preset.dataset, preset.train_size, preset.validation_size, subset_seed=seed
    )
    shared = config.RunConfig(data, presets.NETWORK, seed=seed * _SEEDS_A_SEARCH)
    trainer = tuning.RunTrainer(
        shared, preset.num_epochs, place.folder / "runs", place.data_dir
    )
    procedure = tuning.AppendixD(
        batch_sizes=settings.default_batch_sizes(trainer.train_size),
        num_repeats=preset.num_repeats,
        **protocol.numbers(trainer),
    )
    more = {"run": config.to_dict(shared), "num_epochs": preset.num_epochs}
    found = tuning.run_search(
        tuning.BatchSizeHeuristic(procedure),
        trainer,
        place.folder,
        search.describe(procedure, more),
        preset.num_repeats,
    )
    recommended = found.recommendation
    # A setting that phases 2 and 3 share is trained in phase 2.
    tried = ["phase", "batch_size", "learning_rate", "momentum"]
    rows = [
        _outcome(group, recommended, trainer.baseline_score)
        for _, group in found.trials.groupby(tried, sort=False)
    ]
    if recommended is None:
        return rows
    for stage, setting in zip(
        TESTED, (recommended.start, recommended.setting), strict=True
    ):
        rows += _test(preset, shared, stage, setting, place)
    return rows


def _outcome(
    group: pd.DataFrame,
    recommended: "recommendations.Recommendation | None",
    baseline_score: float,
) -> dict[str, Any]:
    """Returns all trials of a setting in a phase as one row."""
    trial = group.to_dict("records")[-1]
    scores = np.array(" ".join(group["scores"].fillna("")).split(), float)
    failed = group["status"][group["status"] != "completed"]
    status = "completed" if failed.empty else failed.iloc[0]
    if status == "completed" and scores.min() <= baseline_score:
        status = "untrained"
    # A diverged repeat has no score.
    is_known = len(scores) > 0 and bool(np.isfinite(scores).all())
    error = float(statistics.standard_error(scores))
    return {
        "stage": f"phase {trial['phase']}",
        **_numbers(trial),
        "num_steps": int(group["num_steps"].sum()) // max(len(scores), 1),
        "status": status,
        "validation_accuracy": float(scores.mean()) if is_known else None,
        "test_accuracy": None,  # no search sees it
        "standard_error": error if np.isfinite(error) else None,
        "decision": "accepted" if _is_accepted(trial, recommended) else "rejected",
    }


def _is_accepted(
    trial: Mapping[str, Any], recommended: "recommendations.Recommendation | None"
) -> bool:
    """Returns whether the search went on from a trial's setting, or ended there."""
    if recommended is None:
        return False
    if trial["phase"] == 2:
        # Momentum grows until a setting has fallen; what it reached before, stays.
        return bool(trial["momentum"] <= recommended.setting.momentum)
    kept = recommended.start if trial["phase"] == 1 else recommended.setting
    return _numbers(trial) == dataclasses.asdict(kept)


def _numbers(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {name: trial[name] for name in ("batch_size", "learning_rate", "momentum")}


def _test(
    preset: _Preset,
    shared: config.RunConfig,
    stage: str,
    setting: "settings.Setting",
    place: measurement.Place,
) -> list[dict[str, Any]]:
    """Trains a setting with seeds that no search has used."""
    first = shared.seed + 2 * preset.num_repeats  # a search takes those before it
    runs = [
        dataclasses.replace(
            shared,
            batch_size=setting.batch_size,
            num_steps=preset.num_epochs * preset.train_size // setting.batch_size,
            evaluation_steps=(),
            optimizer=config.MomentumConfig(setting.learning_rate, setting.momentum),
            seed=first + repeat,
        )
        for repeat in range(preset.num_tests)
    ]
    return [
        {
            "stage": stage,
            **dataclasses.asdict(setting),
            "num_steps": record.run.num_steps,
            "status": record.status,
            "repeat": repeat,
            "validation_accuracy": record.final.get("validation_accuracy"),
            "test_accuracy": record.final.get("test_accuracy"),
        }
        for repeat, record in enumerate(place.train(runs))
    ]
