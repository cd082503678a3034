"""Batch size, gradient noise and generalization.

Keras loads a saved model only if the classes in it are registered, by the import of
their modules. `import bsgen` sees to it as soon as Keras itself is imported, before or
after, and costs nothing of TensorFlow's start where it is not.
"""

import importlib
import types

import wrapt

_WITH_REGISTERED_CLASSES = ("bsgen.layers", "bsgen.optimizers")


@wrapt.when_imported("keras")
def _register(keras: types.ModuleType) -> None:
    """Imports what a `model.keras` may name."""
    del keras
    for room in _WITH_REGISTERED_CLASSES:
        importlib.import_module(room)
