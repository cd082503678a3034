"""Batch size, gradient noise and generalization.

    import bsgen

    bsgen.layers.GhostBatchNormalization(ghost_batch_size=32)
    bsgen.tune_batch_size(build_model, train_data, validation_data)
    print(bsgen.advise(model, loss, data, batch_size=32, learning_rate=0.1,
                       target_batch_size=512))

The rooms named in `__all__` are imported when they are first used, so that `import
bsgen` is quick and does not load TensorFlow.

Keras loads a saved model only if the modules of the classes in it have been imported.
`import bsgen` imports ours as soon as Keras itself is imported, before or after.
"""

import importlib
import types
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from bsgen import (
        callbacks,
        config,
        data,
        layers,
        measures,
        models,
        optimizers,
        theory,
        tuning,
    )
    from bsgen.advice import advise
    from bsgen.errors import UserError
    from bsgen.tuning import tune_batch_size

__version__ = "0.1.0"  # setup.cfg reads it here
__all__ = [
    "UserError",
    "advise",
    "callbacks",
    "config",
    "data",
    "layers",
    "measures",
    "models",
    "optimizers",
    "theory",
    "tune_batch_size",
    "tuning",
]
# Where those are that are no rooms.
_HOMES = {"UserError": "errors", "advise": "advice", "tune_batch_size": "tuning"}
_WITH_REGISTERED_CLASSES = ("bsgen.layers", "bsgen.optimizers")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"bsgen.{_HOMES[name]}"), name)
    return importlib.import_module(f"bsgen.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@wrapt.when_imported("keras")
def _register(keras: types.ModuleType) -> None:
    """Imports the classes that a `model.keras` may name."""
    del keras
    for room in _WITH_REGISTERED_CLASSES:
        importlib.import_module(room)
