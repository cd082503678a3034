"""The numbers of advice, by the names that its JSON has them under."""

import math

from bsgen.advice import rates
from bsgen.advice.advice import Number
from bsgen.advice.situation import Situation

_OF_SITUATION = (
    *("batch_size", "target_batch_size", "learning_rate", "momentum", "train_size"),
    *("num_examples", "mode", "gradient_noise_scale", "gradient_noise_scale_error"),
    *("critical_learning_rate", "critical_learning_rate_error"),
    *("share_of_critical_rate", "boundary_batch_size", "noise_scale", "temperature"),
)


def named(present: Situation) -> dict[str, Number]:
    """Returns all numbers by name; None where there is no bound."""
    rules = rates.by_rule(present)
    found: dict[str, Number] = {
        **{name: getattr(present, name) for name in _OF_SITUATION},
        "regime": rates.regime(present),
        "advised_learning_rate": rates.advised(present),
        "linear_learning_rate": rules["linear"],
        "square_root_learning_rate": rules["sqrt"],
        "updates_ratio": rates.updates_needed(present),
        "ghost_batch_size": ghost_batch_size(present),
    }
    return {
        name: None if isinstance(value, float) and math.isinf(value) else value
        for name, value in found.items()
    }


def ghost_batch_size(present: Situation) -> int | None:
    """Returns the size of the ghosts to take; None without batch normalization."""
    if present.normalization == "none":
        return None
    if present.normalization == "ghost" and present.ghost_batch_size:
        return present.ghost_batch_size
    return min(present.batch_size, present.target_batch_size)
