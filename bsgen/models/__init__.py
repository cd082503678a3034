"""The networks of the papers, by name, as plain Keras functional models."""

from bsgen.models.classification import correct, cross_entropy
from bsgen.models.dense import logistic_regression, mlp
from bsgen.models.registry import build, names, takes

__all__ = [
    "build",
    "correct",
    "cross_entropy",
    "logistic_regression",
    "mlp",
    "names",
    "takes",
]
