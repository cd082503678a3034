"""SGD with momentum whose learning rate stands outside the accumulator.

Smith & Le (2017), arXiv:1710.06451, appendix C, eqs. 23-24, which they call the
TensorFlow update equations (PyTorch's are the same with the sign of A reversed):

    A <- m A - g        (eq. 23; g is the mean gradient over the batch)
    w <- w + e A        (eq. 24; e is the learning rate)

`keras.optimizers.SGD` keeps e INSIDE its velocity, v <- m v - e g, w <- w + v. Both
take the same steps while e is constant. When e changes, this optimizer rescales its
whole memory at once (v = e A), while in Keras' the earlier steps keep the old rate and
fade as m^t.

The paper does not specify the following; they are our choice, as in PyTorch:

    L2        g <- g + l2 w, coupled: it adds (l2/2)|w|^2 to the mean loss, for every
              parameter unless told otherwise. The paper's lambda multiplies the sum
              over N examples, so l2 = lambda / N.
    Nesterov  w <- w + e (m A - g), with the new A.
    Clipping  acts on the gradient of the loss before L2 is added, as in the released
              code of Hoffer et al. (2017).

A step is one parameter update.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from bsgen import config, errors, theory
from bsgen.optimizers import clipping

L2_PARAMETERS = config.choices(config.MomentumConfig, "l2_parameters")


def has_l2(l2_parameters: str, rank: int) -> bool:
    """Returns whether L2 covers a parameter of `rank` axes."""
    return l2_parameters == "all" or rank > 1


@keras.saving.register_keras_serializable(package="bsgen")
class Momentum(keras.optimizers.Optimizer):
    """SGD with momentum, Smith & Le (2017), eqs. 23-24, for any `model.compile`.

    Keeps one accumulator for each parameter. Under `tf.distribute`, clipping acts on
    the gradient of the global batch (Keras' own optimizers clip each replica's part
    before the sum).

    Args:
      learning_rate: e, a finite number of at least 0, a
        `keras.optimizers.schedules.LearningRateSchedule`, or a callable without
        arguments that returns the rate.
      momentum: m in [0, 1). The paper uses 0.9 where it does not vary it.
      nesterov: whether to use Nesterov's form.
      l2: adds (l2/2)|w|^2 to the mean loss (PyTorch calls it `weight_decay`);
        `exclude_from_weight_decay` does not affect it.
      clipnorm: bound on the norm of each parameter's gradient.
      clipvalue: bound on the magnitude of each entry of the gradient.
      global_clipnorm: bound on the norm of the whole gradient. Give at most one of
        these three; None, the default, means no bound.
      clip_steps: clips only this many first steps, at least 1, as Hoffer et al. (2017),
        section 4, did "for the first few iterations"; None clips all.
      l2_parameters: "all", or "kernels" for those of two axes or more, so that gains
        and biases have no L2.
      name: of the optimizer.
      **kwargs: further arguments of `keras.optimizers.Optimizer` except `weight_decay`,
        which in Keras is decoupled and scaled by the learning rate.

    Raises:
      UserError: an argument is out of its range.
    """

    def __init__(
        self,
        learning_rate: Any = 1.0,
        momentum: float = 0.9,
        nesterov: bool = False,
        l2: float = 0.0,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        clip_steps: int | None = None,
        l2_parameters: str = "all",
        name: str = "momentum",
        **kwargs: Any,
    ) -> None:
        if not callable(learning_rate):  # Keras' schedules are callable.
            learning_rate = errors.check_real("learning_rate", learning_rate, 0.0)
        if kwargs.get("weight_decay") is not None:
            remedy = "use l2, which adds (l2/2)|w|^2 to the mean loss"
            raise errors.UserError("weight_decay", kwargs["weight_decay"], remedy)
        clips = _checked_clips(
            clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm
        )
        if clip_steps is not None:
            clip_steps = errors.check_integer("clip_steps", clip_steps, 1)
            if not clips:
                remedy = "give clipnorm, clipvalue or global_clipnorm, the bound, too"
                raise errors.UserError("clip_steps", clip_steps, remedy)
        super().__init__(learning_rate=learning_rate, name=name, **clips, **kwargs)
        self.clip_steps = clip_steps
        self.momentum = errors.check_real("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)
        self.l2 = errors.check_real("l2", l2, 0.0)
        if l2_parameters not in L2_PARAMETERS:
            raise errors.unknown_name("l2_parameters", l2_parameters, L2_PARAMETERS)
        self.l2_parameters = l2_parameters

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes an accumulator of zeros for each variable."""
        if not self.built:
            super().build(variables)
            self.accumulators = self.add_optimizer_variables(variables, "accumulator")

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Takes one step of eqs. 23-24 on one variable; Keras calls this."""
        accumulator = self.accumulators[self._get_variable_index(variable)]
        new_weight, new_accumulator = theory.momentum_update(
            tf.convert_to_tensor(variable),
            tf.convert_to_tensor(accumulator),
            tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
            tf.cast(learning_rate, variable.dtype),
            self.momentum,
            self.l2 if has_l2(self.l2_parameters, len(variable.shape)) else 0.0,
            self.nesterov,
        )
        self.assign(accumulator, new_accumulator)
        self.assign(variable, new_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments for `from_config`, without the optimizer's state."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "l2": self.l2,
            "clip_steps": self.clip_steps,
            "l2_parameters": self.l2_parameters,
        }

    def _clip_gradients(self, grads: list[tf.Tensor]) -> list[tf.Tensor]:
        """Clips during the first `clip_steps` steps; Keras calls this at every step."""
        if not (self.clipnorm or self.clipvalue or self.global_clipnorm):
            return grads
        clipped = clipping.of_all_replicas(super()._clip_gradients, grads)
        if self.clip_steps is None:
            return clipped
        return clipping.in_first_steps(self, self.clip_steps, clipped, grads)


def _checked_clips(**bounds: float | None) -> dict[str, float]:
    given = {key: value for key, value in bounds.items() if value is not None}
    for key, value in given.items():
        if errors.check_real(key, value, 0.0) == 0:
            raise errors.UserError(key, value, "give None to switch clipping off")
        if len(given) > 1:
            remedy = f"give one kind of clipping, not {' and '.join(given)}"
            raise errors.UserError(key, value, remedy)
    return {key: float(value) for key, value in given.items()}
