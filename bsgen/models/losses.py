"""Every loss by its name, and which one fits a run.

What a network is compared with, its targets, follows from network and dataset: inputs,
as the network sees them, for one that reconstructs them (`Network.reconstructs`), else
the dataset's labels (`Dataset.labels`).
"""

import dataclasses

from bsgen import config, data, errors
from bsgen.models import registry
from bsgen.models.binary_cross_entropy import BINARY_CROSS_ENTROPY
from bsgen.models.classification import CROSS_ENTROPY
from bsgen.models.loss import Loss, Metric
from bsgen.models.squared_error import SQUARED_ERROR
from bsgen.models.token_cross_entropy import (
    SUMMED_TOKEN_CROSS_ENTROPY,
    TOKEN_CROSS_ENTROPY,
)

_LOSSES = {
    loss.name: loss
    for loss in (
        CROSS_ENTROPY,
        SQUARED_ERROR,
        BINARY_CROSS_ENTROPY,
        TOKEN_CROSS_ENTROPY,
        SUMMED_TOKEN_CROSS_ENTROPY,
    )
}


def register(loss: Loss) -> None:
    """Adds a loss for the rest of the process.

    Raises:
      UserError: there is one of that name.
    """
    if loss.name in _LOSSES:
        raise errors.UserError("loss", loss.name, "there is one of that name")
    _LOSSES[loss.name] = loss


def names() -> tuple[str, ...]:
    """Returns the names of all losses; the first is the usual one."""
    return tuple(_LOSSES)


def find(name: str) -> Loss:
    """Returns the loss of a name.

    Raises:
      UserError: there is none.
    """
    if name not in _LOSSES:
        raise errors.unknown_name("loss", name, _LOSSES)
    return _LOSSES[name]


def of_run(run: config.RunConfig) -> Loss:
    """Returns the loss of a run, which knows the run's targets; without TensorFlow.

    Raises:
      UserError: no loss has that name, or it does not fit the run's network and data.
    """
    loss = find(run.loss)
    reconstructs = registry.reconstructs(run.model)
    kind = "inputs" if reconstructs else data.find(run.data.name).labels
    if kind not in loss.fits:
        fitting = [each.name for each in _LOSSES.values() if kind in each.fits]
        remedy = f"{run.model.name} on {run.data.name} predicts {kind}; take "
        raise errors.UserError("loss", run.loss, remedy + " or ".join(fitting))
    if loss.logistic:
        _check_logistic(run)
    return dataclasses.replace(loss, reconstructs=reconstructs)


def _check_logistic(run: config.RunConfig) -> None:
    if run.model.output_activation != "linear":
        remedy = f"{run.loss} takes the sigmoid itself; let the outputs be linear"
        field, value = "output_activation", run.model.output_activation
        raise errors.UserError(field, value, remedy)
    if run.data.scaling != "unit_interval":
        remedy = f"{run.loss} needs inputs from 0 to 1; take 'unit_interval'"
        raise errors.UserError("scaling", run.data.scaling, remedy)


def recorded_metric(column: str) -> Metric | None:
    """Returns the metric of a column `{metric}` or `{part}_{metric}`, else None."""
    for metric in (each for loss in _LOSSES.values() for each in loss.metrics):
        if f"_{column}".endswith(f"_{metric.name}"):
            return metric
    return None
