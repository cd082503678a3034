"""A batch size that changes inside one `fit`, with the learning rate that goes with it.

Smith, Kindermans, Ying & Le (2018), arXiv 1711.00489: increase the batch size in place
of decaying the learning rate. The noise scale, e N / (B (1 - m)) by eq. 26 of Smith &
Le (2017), arXiv 1710.06451, falls alike, and the larger batches take fewer updates.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors, measures, theory
from bsgen.callbacks import scheduled_batches, sgd_settings
from bsgen.data import forms


class BatchSizeSchedule(keras.callbacks.Callback):
    """Trains with other batch sizes from given epochs on.

    An epoch stays one pass over the data; how many steps it has changes, and progress
    bar and `History` follow. The training step is compiled once for all sizes, except
    by XLA (`jit_compile=True`), which compiles once a size.

    The learning rate follows by a rule of `theory.scale_learning_rate`: "none" leaves
    it alone, so that the noise scale falls where the batch grows, in place of a decay
    of the rate (Smith, Kindermans, Ying & Le 2018); "linear" scales it with the batch,
    which keeps the noise scale (Smith & Le 2017, section 5); "sqrt" keeps the
    covariance of a step (Hoffer et al. 2017, eq. 7).

    Logs: `batch_size` and `learning_rate` (of the epoch's end) for each epoch.

    >>> import keras, numpy as np
    >>> from bsgen.callbacks import BatchSizeSchedule
    >>> inputs = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
    >>> targets = np.sin(inputs.sum(axis=1, keepdims=True))
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.125), "mse")
    >>> schedule = BatchSizeSchedule({0: 10, 2: 40}, rule="linear")
    >>> history = model.fit(schedule.batches(inputs, targets), epochs=3, verbose=0,
    ...                     callbacks=[schedule]).history
    >>> history["batch_size"], history["learning_rate"]
    ([10, 10, 40], [0.125, 0.125, 0.5])
    >>> int(model.optimizer.iterations.numpy())  # 10 + 10 + 3
    23

    Size and order of the batches depend on the seed and the number of the epoch alone,
    so a training that `BackupAndRestore` continues has the same batches as one that
    never stopped.
    """

    def __init__(
        self,
        batch_sizes: Mapping[int, int],
        rule: str = "none",
        learning_rate: float | None = None,
    ):
        """Plans the batch sizes.

        Args:
          batch_sizes: batch size by the epoch from which it holds, counted from 0; 0
            must be there. Sizes are of all devices together, at least 1.
          rule: "none", "linear" or "sqrt". Other callbacks may set the learning rate
            only with "none".
          learning_rate: at the first of the batch sizes; None for the optimizer's when
            training begins. A training that continues in another process must be told.

        Raises:
          UserError: an argument is wrong.
        """
        super().__init__()
        if not isinstance(batch_sizes, Mapping) or 0 not in batch_sizes:
            remedy = "give the batch size by epoch, from 0 on, such as {0: 32, 10: 128}"
            raise errors.UserError("batch_sizes", batch_sizes, remedy)
        sizes = {
            errors.check_integer("batch_sizes", epoch, 0): errors.check_integer(
                "batch_sizes", size, 1
            )
            for epoch, size in batch_sizes.items()
        }
        self._sizes = dict(sorted(sizes.items()))
        theory.scale_learning_rate(1.0, 1, 1, rule)  # refuses an unknown one
        self._rule = rule
        if learning_rate is not None:
            errors.check_real("learning_rate", learning_rate, 0.0)
        self._learning_rate = learning_rate
        self._data: scheduled_batches.ScheduledBatches | None = None

    def batch_size(self, epoch: int) -> int:
        """Returns the batch size in an epoch, counted from 0."""
        return [size for start, size in self._sizes.items() if start <= epoch][-1]

    def batches(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        class_weight: Mapping[int, float] | None = None,
        num_examples: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> scheduled_batches.ScheduledBatches:
        """Returns the examples for `fit`, in batches by this schedule.

        Give `fit` this in place of `x` and `y`, and leave `batch_size` and
        `class_weight` to this: Keras passes on neither of them.

        Args:
          x: the inputs; or all data at once, in one of the forms of `bsgen.data.forms`.
            A data set of batches is cut anew. Without a model at hand, one whose
            tensors have first axes of one known length is taken for single examples.
          y: the targets, if x is the inputs.
          sample_weight: weights of the examples, if x is the inputs.
          class_weight: weights of the examples by class, as for `fit`, in place of
            `sample_weight`.
          num_examples: of a data set that does not know it; None to count them, for
            which it is read to its end once.
          shuffle: whether arrays come in a new order in each epoch; a data set shuffles
            by its own `shuffle`.
          seed: of that order.
          drop_remainder: whether the examples that fill no batch are left out; by
            default they are a smaller last batch, as in `fit`.

        Raises:
          UserError: the data are of another form, or fewer than a batch.
        """
        examples = _read(x, y, sample_weight)
        if class_weight is not None:
            examples = measures.class_weighted(examples, class_weight)
        data = scheduled_batches.ScheduledBatches(
            examples,
            num_examples,
            self._sizes[0],
            drop_remainder,
            errors.check_integer("seed", seed, 0) if shuffle else None,
        )
        largest = max(self._sizes.values())
        if largest > data.num_examples:
            known = f"{data.num_examples:,}"
            remedy = f"a batch is at most the {known} examples that there are"
            raise errors.UserError("batch_sizes", largest, remedy)
        self._data = data
        return data

    def set_model(self, model: keras.Model) -> None:
        """Checks that the data are of the form that they seemed; Keras calls this."""
        super().set_model(model)
        if self._data is not None:
            self._data.check_model(model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets batch size and learning rate; Keras calls this."""
        if self._data is None:
            raise self._unused()
        size = self.batch_size(epoch)
        if self._rule != "none":
            self._set_rate(size)
        self._data.begin_epoch(epoch, size)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts both into the logs; Keras calls this."""
        if self._data is None or not self._data.was_read:
            raise self._unused()
        if logs is not None:
            logs["batch_size"] = self.batch_size(epoch)
            logs["learning_rate"] = sgd_settings.learning_rate(self.model)

    def _unused(self) -> errors.UserError:
        remedy = "`fit` has other data than this schedule's: "
        remedy += "fit(schedule.batches(...), callbacks=[schedule])"
        return errors.UserError("x", None, remedy)

    def _set_rate(self, size: int) -> None:
        first = self._sizes[0]
        if self._learning_rate is None:
            taken = sgd_settings.num_steps(self.model)
            if taken:
                remedy = f"the optimizer has taken {taken:,} steps, perhaps at another "
                remedy += f"batch size; give the rate for a batch size of {first}"
                raise errors.UserError("learning_rate", None, remedy)
            self._learning_rate = sgd_settings.learning_rate(self.model)
        rate = theory.scale_learning_rate(self._learning_rate, first, size, self._rule)
        optimizer = sgd_settings.optimizer_of(self.model)
        try:
            optimizer.learning_rate = float(rate)
        except (TypeError, AttributeError) as error:
            remedy = 'the optimizer takes its rate from a schedule; use "none", and '
            remedy += "scale the schedule itself"
            raise errors.UserError("rule", self._rule, remedy) from error


def _read(x: Any, y: Any, sample_weight: Any) -> Any:
    if y is None and sample_weight is None:
        return forms.read("x", x)
    if not isinstance(x, tf.data.Dataset | keras.utils.PyDataset):
        return forms.read("x, y", (x, y, sample_weight))
    remedy = "a data set holds the targets and the weights itself"
    raise errors.UserError("y, sample_weight", "given", remedy)
