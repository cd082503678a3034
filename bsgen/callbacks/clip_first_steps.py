"""A Keras callback that clips the gradient in the first steps of any optimizer.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 4: a rate scaled up for a
large batch needed clipping "for the first few iterations".
"""

from typing import Any

import keras
import tensorflow as tf

from bsgen import errors, optimizers
from bsgen.callbacks import sgd_settings
from bsgen.optimizers import clipping


class ClipFirstSteps(keras.callbacks.Callback):
    """Clips the norm of the whole gradient during the first steps.

    g <- g min(1, norm / |g|) in the steps 0 to `num_steps` - 1 that the optimizer
    counts; later gradients are left alone. The norm is over all weights together, of
    the gradient of the global batch, and of the unscaled one under loss scaling. What
    the optimizer clips by itself comes after.

    Steps are the optimizer's own, so a training that continues after its process has
    ended clips no step twice and leaves none out. `bsgen.optimizers.Momentum` can do
    this by itself (`global_clipnorm`, `clip_steps`); this is for other optimizers.

    >>> import keras, numpy as np
    >>> from bsgen.callbacks import ClipFirstSteps
    >>> inputs = np.full((4, 1), 300.0, "float32")  # the first gradient is enormous
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.5), "mae")
    >>> before = np.concatenate([w.ravel() for w in model.get_weights()])
    >>> history = model.fit(inputs, -inputs, verbose=0, callbacks=[
    ...     ClipFirstSteps(norm=1.0, num_steps=1)])
    >>> after = np.concatenate([w.ravel() for w in model.get_weights()])
    >>> print(f"{np.linalg.norm(after - before):.3f}")  # rate times norm
    0.500

    Logs: nothing; the loss shows whether the start was calm. It costs the norm of the
    gradient in every step.
    """

    def __init__(self, norm: float = 1.0, num_steps: int = 100):
        """Sets the bound.

        Args:
          norm: largest norm of the whole gradient, above 0; our choice of 1.
          num_steps: how many first steps are clipped, at least 1; our choice.

        Raises:
          UserError: an argument is out of its range.
        """
        super().__init__()
        if errors.check_real("norm", norm, 0.0) == 0.0:
            raise errors.UserError("norm", norm, "give a number above 0")
        self.norm = float(norm)
        self.num_steps = errors.check_integer("num_steps", num_steps, 1)

    def set_model(self, model: keras.Model) -> None:
        """Puts the clipping into the optimizer, before Keras compiles the step."""
        super().set_model(model)
        optimizer = sgd_settings.optimizer_of(model)
        present = getattr(optimizer, _PLACE)
        if isinstance(present, _Clipping):
            if (present.norm, present.num_steps) == (self.norm, self.num_steps):
                return
            present = present.own
        clip = _Clipping(optimizer, present, self.norm, self.num_steps)
        setattr(optimizer, _PLACE, clip)
        model.make_train_function(force=True)


_PLACE = "_clip_gradients"  # what Keras calls with the gradients of each step


class _Clipping:
    """Clips in the first steps, and then as the optimizer does by itself."""

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        own: clipping.Clip,
        norm: float,
        num_steps: int,
    ):
        self._optimizer, self.own = optimizer, own
        self.norm, self.num_steps = norm, num_steps

    def __call__(self, gradients: list[Any]) -> list[tf.Tensor]:
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        clipped = clipping.of_all_replicas(self._by_norm, dense)
        chosen = clipping.in_first_steps(
            self._optimizer, self.num_steps, clipped, dense
        )
        return self.own(chosen)

    def _by_norm(self, gradients: list[Any]) -> list[tf.Tensor]:
        return optimizers.clip_by_global_norm(gradients, self.norm)
