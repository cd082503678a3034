"""Tuning batch size, learning rate and momentum: appendix D through keras-tuner."""

from bsgen.tuning.keras_tuner_adapter.batch_size_heuristic import BatchSizeHeuristic
from bsgen.tuning.keras_tuner_adapter.tuner import SettingTuner, search_space
from bsgen.tuning.procedures.appendix_d import AppendixD
from bsgen.tuning.procedures.guided import Guided
from bsgen.tuning.procedures.outcomes import Outcome
from bsgen.tuning.procedures.recommendations import Baseline, NextLarger, Recommendation
from bsgen.tuning.procedures.replay import Decision, Review
from bsgen.tuning.procedures.settings import (
    AsCompiled,
    Request,
    Setting,
    logarithmic_batch_sizes,
)
from bsgen.tuning.theory_measurement import TheoryInputs
from bsgen.tuning.theory_measurement import guided as measured_guided
from bsgen.tuning.trainers.model_trainer import ModelTrainer
from bsgen.tuning.trainers.run_trainer import RunTrainer
from bsgen.tuning.tune import SearchResult, run_search, tune_batch_size

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
    "Review",
    "Recommendation",
    "Request",
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
