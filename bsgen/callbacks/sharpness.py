"""A Keras callback that follows the largest eigenvalue of the Hessian during training.

Smith, Elsen & De (2020), arXiv 2006.15081, section 3.1: the learning rate beyond which
descent is unstable. Jastrzebski et al. (2018), arXiv 1711.04623, section 3: the width
of the minimum that is found.
"""

import math
import os
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bsgen import errors, measures, theory
from bsgen.callbacks import measured_steps, sgd_settings
from bsgen.data import forms


class Sharpness(keras.callbacks.Callback):
    """Measures the largest Hessian eigenvalue and holds the learning rate against it.

    For SGD with momentum m, the critical learning rate is 2 (1 + m) / eigenvalue
    (`theory.critical_learning_rate`): with a larger one the full gradient leads out of
    a minimum of this curvature. Noise lowers the limit, and so does Nesterov's form.

    Logs, at the end of each epoch: `max_eigenvalue`, the last one measured;
    `critical_learning_rate`, which follows from it; and `rate_over_critical`, the
    present learning rate over that: near 1 and above, a smaller rate or more of the
    schedule's warm-up is due. NaN before the first measurement.

    >>> import keras, numpy as np
    >>> from bsgen.callbacks import Sharpness
    >>> inputs = np.array([[1.0], [-1.0]], "float32")
    >>> layers = [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
    >>> model = keras.Sequential(layers)
    >>> model.compile(keras.optimizers.SGD(0.25, momentum=0.5), "mse")
    >>> history = model.fit(inputs, 3 * inputs, epochs=2, verbose=0,
    ...                     callbacks=[Sharpness((inputs, 3 * inputs))]).history
    >>> history["max_eigenvalue"]  # of the mean of (w x - 3 x)^2
    [2.0, 2.0]
    >>> history["critical_learning_rate"], history["rate_over_critical"]
    ([1.5, 1.5], [0.16666666666666666, 0.16666666666666666])

    A measurement takes some 10 to 50 Hessian-vector products, each of about two
    gradients of all of `data`: a few hundred examples are often enough.
    """

    def __init__(
        self,
        data: Any,
        every: int = 1,
        tolerance: float = 0.01,
        max_products: int = 100,
        training: bool = False,
        backup_dir: str | os.PathLike | None = None,
    ):
        """Measures nothing yet.

        Args:
          data: the training set or a part of it, in one of the forms of
            `bsgen.data.forms`.
          every: epochs from one measurement to the next, at least 1.
          tolerance: relative error of the eigenvalue at which to stop, at least 0.
          max_products: Hessian-vector products of a measurement, at least 1.
          training: whether batch normalization uses the statistics of a batch, instead
            of its running averages.
          backup_dir: a folder of its own for what was measured, so that a training
            that continues after its process has ended keeps it; None for none.

        Raises:
          UserError: the data are of another form, or a number is out of its range.
        """
        super().__init__()
        self._data, self._training = forms.read("data", data), training
        self._every = errors.check_integer("every", every, 1)
        errors.check_real("tolerance", tolerance, 0.0)
        errors.check_integer("max_products", max_products, 1)
        self._options: dict[str, Any] = {
            "tolerance": tolerance,
            "max_products": max_products,
        }
        self._rows = measured_steps.MeasuredSteps(
            "sharpness", ["max_eigenvalue"], backup_dir
        )
        self._hessian: measures.Hessian | None = None
        self._optimizer: keras.optimizers.Optimizer | None = None  # it belongs to

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The steps after which it measured, rising, [n]."""
        return self._rows.steps

    @property
    def max_eigenvalues(self) -> npt.NDArray[np.float64]:
        """The largest eigenvalues after `steps`, [n]."""
        return self._rows.column("max_eigenvalue")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuses an optimizer that is not SGD; Keras calls this."""
        sgd_settings.momentum(self.model)
        if self.model.optimizer is not self._optimizer:
            self._optimizer, self._hessian = self.model.optimizer, None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finds what was measured before; Keras calls this."""
        # Other callbacks may load weights where training begins, but not after.
        self._rows.begin(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures if it is time, and fills the logs; Keras calls this."""
        if (epoch + 1) % self._every == 0 and self._is_finite():
            eigenvalue = self._measure()
            self._rows.add(sgd_settings.num_steps(self.model), [eigenvalue])
        if logs is not None:
            known = self.max_eigenvalues
            eigenvalue = float(known[-1]) if len(known) else math.nan
            critical = self._critical_rate(eigenvalue)
            logs["max_eigenvalue"] = eigenvalue
            logs["critical_learning_rate"] = critical
            rate = sgd_settings.learning_rate(self.model)
            logs["rate_over_critical"] = rate / critical

    def _measure(self) -> float:
        if self._hessian is None:
            optimizer = sgd_settings.optimizer_of(self.model)
            covers_all = getattr(optimizer, "l2_parameters", None) == "all"
            self._hessian = measures.Hessian(
                self.model,
                None,
                self._data,
                l2=optimizer.l2 if covers_all else 0.0,
                training=self._training,
            )
        return measures.top_eigenvalue(self._hessian, **self._options).value

    def _critical_rate(self, eigenvalue: float) -> float:
        if eigenvalue <= 0.0:
            return math.inf  # nothing curves upwards
        if math.isnan(eigenvalue):
            return math.nan
        momentum = sgd_settings.momentum(self.model)
        return float(theory.critical_learning_rate(eigenvalue, momentum))

    def _is_finite(self) -> bool:
        weights = self.model.trainable_variables
        return all(np.isfinite(v.numpy()).all() for v in weights)
