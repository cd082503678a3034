"""Batch size, gradient noise and generalization.

Keras loads a saved model only if the modules of the classes in it have been imported.
`import bsgen` imports ours as soon as Keras itself is imported, before or after; until
then it does not load TensorFlow.
"""

import importlib
import types

import wrapt

_WITH_REGISTERED_CLASSES = ("bsgen.layers", "bsgen.optimizers")


@wrapt.when_imported("keras")
def _register(keras: types.ModuleType) -> None:
    """Imports the classes that a `model.keras` may name."""
    del keras
    for room in _WITH_REGISTERED_CLASSES:
        importlib.import_module(room)
