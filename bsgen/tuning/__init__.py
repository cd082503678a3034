# ruff: noqa: F401, what is imported for type checkers is what `__getattr__` finds
"""Tuning batch size, learning rate and momentum: appendix D through keras-tuner.

Every name is imported when it is first used, so that the procedures load no TensorFlow,
and launchers read their flags at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bsgen.tuning.boundary import find_boundary, rule_of_thumb
    from bsgen.tuning.keras_tuner_adapter.batch_size_heuristic import BatchSizeHeuristic
    from bsgen.tuning.keras_tuner_adapter.tuner import SettingTuner, search_space
    from bsgen.tuning.procedures.appendix_d import AppendixD
    from bsgen.tuning.procedures.guided import Guided
    from bsgen.tuning.procedures.halving import Halving
    from bsgen.tuning.procedures.outcomes import Outcome
    from bsgen.tuning.procedures.procedure import Review
    from bsgen.tuning.procedures.recommendations import (
        Baseline,
        NextLarger,
        Recommendation,
    )
    from bsgen.tuning.procedures.replay import Decision
    from bsgen.tuning.procedures.rule_of_thumb import Boundary, RuleOfThumb
    from bsgen.tuning.procedures.settings import (
        AsCompiled,
        Prefix,
        Request,
        Setting,
        logarithmic_batch_sizes,
    )
    from bsgen.tuning.procedures.theory_inputs import TheoryInputs
    from bsgen.tuning.search import SearchResult, run_search
    from bsgen.tuning.theory_measurement import measured_guided
    from bsgen.tuning.trainers.model_trainer import ModelTrainer
    from bsgen.tuning.trainers.run_trainer import RunTrainer
    from bsgen.tuning.tune import tune_batch_size

_MODULES = {
    "keras_tuner_adapter.batch_size_heuristic": ["BatchSizeHeuristic"],
    "keras_tuner_adapter.tuner": ["SettingTuner", "search_space"],
    "procedures.appendix_d": ["AppendixD"],
    "procedures.guided": ["Guided"],
    "procedures.halving": ["Halving"],
    "procedures.outcomes": ["Outcome"],
    "procedures.procedure": ["Review"],
    "procedures.recommendations": ["Baseline", "NextLarger", "Recommendation"],
    "procedures.replay": ["Decision"],
    "procedures.settings": [
        "AsCompiled",
        "Prefix",
        "Request",
        "Setting",
        "logarithmic_batch_sizes",
    ],
    "procedures.theory_inputs": ["TheoryInputs"],
    "procedures.rule_of_thumb": ["Boundary", "RuleOfThumb"],
    "boundary": ["find_boundary", "rule_of_thumb"],
    "search": ["SearchResult", "run_search"],
    "theory_measurement": ["measured_guided"],
    "trainers.model_trainer": ["ModelTrainer"],
    "trainers.run_trainer": ["RunTrainer"],
    "tune": ["tune_batch_size"],
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(name for names in _MODULES.values() for name in names)
