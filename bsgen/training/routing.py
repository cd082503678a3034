"""Which engine trains which run, and why; known without TensorFlow."""

from typing import Literal

from bsgen import config, data, models

Engine = Literal["minima", "ensemble", "loop"]

# The fields of a run, its data and its optimizer that the ensemble engine supports.
_STACKED = {
    *("data", "model", "optimizer"),
    *("batch_size", "num_steps", "evaluation_steps", "seed"),
    *("name", "train_size", "validation_size", "scaling", "subset_seed", "sampling"),
    *("learning_rate", "momentum", "nesterov", "l2", "clip_norm", "clip_steps"),
    *("momentum_reset", "l2_parameters"),
    *("schedule", "warm_up", "batch_size_schedule", "augmentation"),
    *("loss", "loss_noise", "weight_distance"),
}


def engine(run: config.RunConfig, keeps_network: bool = False) -> Engine:
    """Returns which engine trains a run.

    Exact minima have their own; dense networks are trained many at once, on data that
    fit in memory; everything else one by one.

    Args:
      run: any configuration.
      keeps_network: whether the trained network is needed afterwards; only runs that
        are trained one by one leave it.

    Raises:
      UserError: no network or dataset has that name.
    """
    if isinstance(run.optimizer, config.NewtonConfig):
        return "minima"
    return "loop" if keeps_network or only_in_loop(run) else "ensemble"


def only_in_loop(run: config.RunConfig) -> dict[str, object]:
    """Returns what of a run of SGD only `loop` can train, value by field.

    Raises:
      UserError: no network or dataset has that name.
    """
    chosen = run.sgd.chosen() | run.data.chosen() | run.chosen()
    found = {name: value for name, value in chosen.items() if name not in _STACKED}
    dataset = data.find(run.data.name)
    if not dataset.fits_in_memory:
        found["dataset"] = dataset.name
    if not models.stacks(run.model, dataset.input_shape):
        found["model"] = run.model.name
    return found
