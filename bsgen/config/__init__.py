"""Configurations of a run: frozen dataclasses, checked when made, written as JSON.

A "step" is one parameter update everywhere in this project; `batch_size` is the global
batch. A run's key is a hash of its whole configuration, by which it is found again.
"""

from bsgen.config.checked import choices
from bsgen.config.columns import columns
from bsgen.config.data import MAX_SEED, DataConfig
from bsgen.config.hardware import HardwareConfig
from bsgen.config.model import GHOST_OPTIONS, ModelConfig
from bsgen.config.optimizer import MomentumConfig, NewtonConfig, check_falling_rates
from bsgen.config.run import (
    FINAL_MEASURES,
    MAX_EVALUATIONS,
    MAX_STEPS,
    RunConfig,
    from_dict,
)
from bsgen.config.schedule import (
    Constant,
    ConstantThenDecay,
    Cyclic,
    Schedule,
    Stepwise,
    WarmUp,
    stretched,
)
from bsgen.config.schedule_text import parse_schedule
from bsgen.config.serialization import to_dict

__all__ = [
    "FINAL_MEASURES",
    "GHOST_OPTIONS",
    "MAX_EVALUATIONS",
    "MAX_SEED",
    "MAX_STEPS",
    "Constant",
    "ConstantThenDecay",
    "Cyclic",
    "DataConfig",
    "HardwareConfig",
    "ModelConfig",
    "MomentumConfig",
    "NewtonConfig",
    "RunConfig",
    "Schedule",
    "Stepwise",
    "WarmUp",
    "check_falling_rates",
    "choices",
    "columns",
    "from_dict",
    "parse_schedule",
    "stretched",
    "to_dict",
]
