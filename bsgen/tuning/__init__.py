"""Tuning batch size, learning rate and momentum: appendix D through keras-tuner.

The procedures are pure Python; what trains, or adapts keras-tuner, loads TensorFlow
when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from bsgen.tuning.procedures.appendix_d import AppendixD
from bsgen.tuning.procedures.guided import Guided
from bsgen.tuning.procedures.outcomes import Outcome
from bsgen.tuning.procedures.procedure import Review
from bsgen.tuning.procedures.recommendations import Baseline, NextLarger, Recommendation
from bsgen.tuning.procedures.replay import Decision
from bsgen.tuning.procedures.settings import (
    AsCompiled,
    Request,
    Setting,
    logarithmic_batch_sizes,
)
from bsgen.tuning.procedures.theory_inputs import TheoryInputs

if TYPE_CHECKING:
    from bsgen.tuning.keras_tuner_adapter.batch_size_heuristic import BatchSizeHeuristic
    from bsgen.tuning.keras_tuner_adapter.tuner import SettingTuner, search_space
    from bsgen.tuning.search import SearchResult, run_search
    from bsgen.tuning.theory_measurement import measured_guided
    from bsgen.tuning.trainers.model_trainer import ModelTrainer
    from bsgen.tuning.trainers.run_trainer import RunTrainer
    from bsgen.tuning.tune import tune_batch_size

_WITH_TENSORFLOW = {
    "BatchSizeHeuristic": "keras_tuner_adapter.batch_size_heuristic",
    "SettingTuner": "keras_tuner_adapter.tuner",
    "search_space": "keras_tuner_adapter.tuner",
    "measured_guided": "theory_measurement",
    "ModelTrainer": "trainers.model_trainer",
    "RunTrainer": "trainers.run_trainer",
    "SearchResult": "search",
    "run_search": "search",
    "tune_batch_size": "tune",
}

__all__ = [
    "AppendixD",
    "AsCompiled",
    "Baseline",
    "BatchSizeHeuristic",
    "Decision",
    "Guided",
    "ModelTrainer",
    "NextLarger",
    "Outcome",
    "Recommendation",
    "Request",
    "Review",
    "RunTrainer",
    "SearchResult",
    "Setting",
    "SettingTuner",
    "TheoryInputs",
    "logarithmic_batch_sizes",
    "measured_guided",
    "run_search",
    "search_space",
    "tune_batch_size",
]


def __getattr__(name: str) -> Any:
    if name not in _WITH_TENSORFLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_WITH_TENSORFLOW[name]}")
    return getattr(module, name)
