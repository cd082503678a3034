"""Learning rate, momentum and step of a compiled model's optimizer, as they are now."""

import keras
import numpy as np

from bsgen import errors, optimizers


def optimizer_of(model: keras.Model) -> keras.optimizers.Optimizer:
    """Returns the optimizer, without the loss scaling that Keras may put around it."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def learning_rate(model: keras.Model) -> float:
    """Returns the rate of the next step, whether a number or a schedule gives it."""
    rate = optimizer_of(model).learning_rate
    return float(rate.numpy() if hasattr(rate, "numpy") else rate)


def momentum(model: keras.Model) -> float:
    """Returns m of `keras.optimizers.SGD` or `bsgen.optimizers.Momentum`.

    Raises:
      UserError: it is another optimizer, for which no formula of ours holds.
    """
    optimizer = optimizer_of(model)
    if not isinstance(optimizer, keras.optimizers.SGD | optimizers.Momentum):
        remedy = "the papers' formulas are those of SGD; compile with "
        remedy += "keras.optimizers.SGD or bsgen.optimizers.Momentum"
        raise errors.UserError("optimizer", type(optimizer).__name__, remedy)
    return float(optimizer.momentum)


def num_steps(model: keras.Model) -> int:
    """Returns the updates of the weights so far, as the optimizer counts them."""
    return int(np.asarray(model.optimizer.iterations.numpy()))
