"""The networks of the papers, by name, as plain Keras functional models.

Their names are known without TensorFlow, which takes seconds to import.
"""

from typing import Any

from bsgen.models.classification import correct, cross_entropy
from bsgen.models.registry import (
    Network,
    build,
    carries_state,
    check,
    names,
    reconstructs,
    register,
    size,
    stacks,
    takes,
)
from bsgen.models.sizes import Size

__all__ = [
    "Network",
    "Size",
    "build",
    "carries_state",
    "check",
    "correct",
    "cross_entropy",
    "logistic_regression",
    "mlp",
    "names",
    "reconstructs",
    "register",
    "size",
    "stacks",
    "takes",
]


def __getattr__(name: str) -> Any:
    """Imports what needs Keras, `mlp` and `logistic_regression`, when asked for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bsgen.models import dense

    return getattr(dense, name)
