"""Tuning batch size, learning rate and momentum: appendix D through keras-tuner."""

from bsgen.tuning.appendix_d import AppendixD
from bsgen.tuning.guided import Guided
from bsgen.tuning.model_trainer import ModelTrainer
from bsgen.tuning.oracle import BatchSizeHeuristic
from bsgen.tuning.outcomes import Outcome
from bsgen.tuning.plans import Decision, Plan
from bsgen.tuning.recommendations import Baseline, NextLarger, Recommendation
from bsgen.tuning.run_trainer import RunTrainer
from bsgen.tuning.settings import AsCompiled, Request, Setting, logarithmic_batch_sizes
from bsgen.tuning.theory_inputs import TheoryInputs
from bsgen.tuning.theory_inputs import guided as measured_guided
from bsgen.tuning.tune import SearchResult, run_search, tune_batch_size
from bsgen.tuning.tuner import SettingTuner, search_space

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
    "Plan",
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
