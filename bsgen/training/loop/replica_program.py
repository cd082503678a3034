"""The compiled steps of one run of a big network, on all replicas of a strategy.

One call takes many steps: a `tf.while_loop` around `strategy.run`. Each worker brings
its share of the global batch, and each of its replicas takes an equal part of it; the
loss is divided by the GLOBAL batch size, and the optimizer sums the gradients. Only
dropout draws random numbers, and its counters are set to a function of the step before
every use, so weights and accumulators are the whole state.

Several replicas take the same steps as one, up to rounding, if the network has no batch
statistics, or ghost batches that divide a replica's share; the running averages of the
ghosts, which inference uses, are then averaged over replicas. With "batch"
normalisation each replica uses the statistics of its own share, and dropout draws other
masks on each replica, so there the number of replicas changes the result. Dropout also
draws other masks with another number of parts.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from bsgen.models import losses
from bsgen.training import draw_counters
from bsgen.training.loop import batch as batch_lib
from bsgen.training.loop import resident_images
from bsgen.training.loop.batch import Batch
from bsgen.training.loop.preprocessing import Preprocessing


class ReplicaProgram:
    """Trains and evaluates one model on all replicas of a strategy."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        preprocessing: Preprocessing,
        images: tf.Tensor | None = None,
        num_workers: int = 1,
        gradient_accumulation: int = 1,
        jit: bool = False,
        loss: losses.Loss = losses.CROSS_ENTROPY,
    ):
        """Prepares the program; call this within the scope of the strategy.

        Args:
          model: maps inputs to the outputs that the loss takes.
          optimizer: with a learning rate that can be assigned, or a
            `keras.optimizers.LossScaleOptimizer` of one.
          preprocessing: of the images.
          images: what positions refer to, as packed by `resident_images`, one copy for
            each replica; None if batches hold their images.
          num_workers: how many workers share a batch.
          gradient_accumulation: the number of parts in which a replica processes its
            share, one after the other.
          jit: whether XLA compiles the steps; on a single device only.
          loss: what is minimised, and its metrics.
        """
        self._strategy = tf.distribute.get_strategy()
        self._model = model
        self._optimizer = optimizer
        self._loss = loss
        self._preprocessing = preprocessing
        self._images = images
        self._num_workers = num_workers
        self.gradient_accumulation = gradient_accumulation
        self._jit = jit
        # What steps that are computed in vain must leave as it was.
        self._guarded = [*model.variables, *optimizer.variables] if jit else []
        self._scaled_optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        self._draw_counters = draw_counters.of(model)
        self._compiled: dict[Any, tf.types.experimental.PolymorphicFunction] = {}

    def take_steps(
        self,
        batches: Batch,
        learning_rates: tf.Tensor,
        first_step: tf.Tensor,
        begin: int = 0,
        end: int | None = None,
        resets: tf.Tensor | tuple[()] = (),
    ) -> tf.Tensor:
        """Takes the steps `begin` to `end` - 1 of K in one call.

        Compiles once for each batch size, which layers need to know. XLA compiles anew
        for each K as well, and computes all K steps, of which only those few change
        anything: it must not wait for the device after each step to learn whether there
        is another one.

        Args:
          batches: K shares of equal size.
          learning_rates: float32 [K].
          first_step: int64, the number of steps taken before the first of the K.
          begin: where to begin among the K.
          end: where to end, above `begin`; None for K.
          resets: bool [K], before which steps the optimizer's accumulators go back to
            0; () for no step of the run.

        Returns:
          Means over each step's batch of what the metrics of the loss sum, under the
          weights before the step, float32 [end - begin, number of metrics].
        """
        num_steps = len(learning_rates) if self._jit else None
        key = num_steps, batches.labels.shape[1]
        if key not in self._compiled:
            signature = tf.nest.map_structure(
                lambda each: tf.TensorSpec([num_steps, *each.shape[1:]], each.dtype),
                (batches, learning_rates, resets),
            )
            numbers = (tf.int64, tf.int32, tf.int32)
            self._compiled[key] = tf.function(
                self._take_steps,
                input_signature=signature
                + tuple(tf.TensorSpec([], n) for n in numbers),
                autograph=False,
                jit_compile=self._jit or None,
            )
        end = len(learning_rates) if end is None else end
        return self._compiled[key](
            batches,
            learning_rates,
            resets,
            first_step,
            tf.constant(begin),
            tf.constant(end),
        )[begin:end]

    def _take_steps(
        self,
        batches: Batch,
        learning_rates: tf.Tensor,
        resets: tf.Tensor | tuple[()],
        first_step: tf.Tensor,
        begin: tf.Tensor,
        end: tf.Tensor,
    ) -> tf.Tensor:
        """Returns the metrics of K steps; those not taken mean nothing."""
        first, last = begin, end
        if self._jit:
            first, last = 0, learning_rates.shape[0]

        def step(index: tf.Tensor, metrics: tf.TensorArray) -> tuple:
            before = [tf.convert_to_tensor(each) for each in self._guarded]
            self._scaled_optimizer.learning_rate.assign(learning_rates[index])
            batch = tf.nest.map_structure(lambda tensor: tensor[index], batches)
            number = first_step + tf.cast(index, tf.int64)
            reset = () if isinstance(resets, tuple) else resets[index]
            of_replicas = self._strategy.run(
                self._step, args=(batch, self._images, number, reset)
            )
            total = self._strategy.reduce(tf.distribute.ReduceOp.SUM, of_replicas, None)
            taken = (begin <= index) & (index < end)
            for variable, value in zip(self._guarded, before, strict=True):
                variable.assign(tf.where(taken, tf.convert_to_tensor(variable), value))
            return index + 1, metrics.write(index, total)

        metrics = tf.TensorArray(
            tf.float32,
            tf.shape(learning_rates)[0],
            element_shape=[len(self._loss.metrics)],
        )
        _, metrics = tf.while_loop(
            lambda index, _: index < last, step, (first, metrics)
        )
        return metrics.stack()

    @tf.function(autograph=False)
    def evaluate(self, batch: Batch, weights: tf.Tensor) -> tf.Tensor:
        """Returns `Loss.sums` of a batch.

        Args:
          batch: [b, ...] with b a multiple of a worker's replicas, not augmented.
          weights: float32 [b], 1 for an example and 0 for padding.
        """
        of_replicas = self._strategy.run(
            self._evaluate, args=(batch, self._images, weights)
        )
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, of_replicas, None)

    def _step(
        self,
        batch: Batch,
        images: tf.Tensor | None,
        number: tf.Tensor,
        reset: tf.Tensor | tuple[()],
    ) -> tf.Tensor:
        """Takes one step with this replica's share; returns its part of the metrics."""
        global_size = tf.cast(tf.shape(batch.labels)[0] * self._num_workers, tf.float32)
        share = self._share(batch)
        parts = self.gradient_accumulation

        def add(part: tf.Tensor | int, metrics: tf.Tensor, gradients: list) -> tuple:
            own = batch_lib.part(share, part, parts)
            inputs, targets = self._prepare(own, images)
            self._set_draw_counters(number * parts + tf.cast(part, tf.int64))
            sums, added = self._gradient(inputs, targets, own, global_size)
            if gradients:
                added = [a + b for a, b in zip(gradients, added, strict=True)]
            return part + 1, metrics + sums, added

        metrics, gradients = tf.zeros([len(self._loss.metrics)]), []
        # One part after the other, so that they are not in memory at the same time.
        if self._jit and parts > 1:
            weights = self._model.trainable_variables
            zeros = [tf.zeros(weight.shape, weight.dtype) for weight in weights]
            _, metrics, gradients = tf.while_loop(
                lambda part, *_: part < parts, add, (0, metrics, zeros)
            )
        else:
            for part in range(parts):
                with tf.control_dependencies([metrics, *gradients]):
                    _, metrics, gradients = add(part, metrics, gradients)
        if self._scaled_optimizer is not self._optimizer:
            gradients = _overflowing_together(gradients)
        if not isinstance(reset, tuple):
            for each in self._scaled_optimizer.accumulators:
                value = tf.convert_to_tensor(each)
                each.assign(tf.where(reset, tf.zeros_like(value), value))
        self._optimizer.apply(gradients, self._model.trainable_variables)
        return metrics / global_size

    def _gradient(
        self, inputs: tf.Tensor, targets: tf.Tensor, part: Batch, global_size: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns sums of the metrics, and a part of the gradient of the mean loss."""
        with tf.GradientTape() as tape:
            outputs = self._model(inputs, training=True)
            of_examples = self._loss.per_example(targets, outputs)
            ones = tf.ones_like(of_examples)
            for weights in part.loss_weights:
                of_examples *= tf.cast(weights, of_examples.dtype)
            mean = tf.reduce_sum(of_examples) / tf.cast(global_size, of_examples.dtype)
            scaled = self._optimizer.scale_loss(mean)
        weights = [variable.value for variable in self._model.trainable_variables]
        gradients = tape.gradient(scaled, weights)
        # Those of embeddings are sparse, with a row for every time that a token occurs:
        # no sum of parts, and another norm.
        gradients = [tf.convert_to_tensor(each) for each in gradients]
        return self._loss.sums(targets, outputs, ones), gradients

    def _evaluate(
        self, batch: Batch, images: tf.Tensor | None, weights: tf.Tensor
    ) -> tf.Tensor:
        batch, weights = self._share((batch, weights))
        inputs, targets = self._prepare(batch, images)
        return self._loss.sums(targets, self._model(inputs, training=False), weights)

    def _prepare(
        self, batch: Batch, images: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the inputs of the network, and its targets."""
        examples = batch.examples
        if images is not None:
            shape = self._model.input_shape[1:]
            examples = resident_images.gather(images, examples, shape)
        inputs = self._preprocessing.apply(examples, batch.draws)
        return inputs, self._loss.targets(inputs, batch.labels)

    def _share(self, tensors: Any) -> Any:
        """Returns this replica's part of its worker's share."""
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync // self._num_workers
        # Replicas are numbered worker by worker.
        return batch_lib.part(
            tensors, context.replica_id_in_sync_group % replicas, replicas
        )

    def _set_draw_counters(self, draw: tf.Tensor) -> None:
        """Makes the next draws of dropout a function of step, part and replica."""
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, tf.int64)
        draw = draw * context.num_replicas_in_sync + replica
        for variable in self._draw_counters:
            count = tf.cast(draw, variable.dtype)
            variable.assign(tf.stack([tf.convert_to_tensor(variable)[0], count]))


def _overflowing_together(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Makes the gradients NaN on all replicas if they are not finite on one of them.

    Keras' loss scaling skips a step by the gradients of one replica alone; this way all
    replicas decide alike.
    """
    context = tf.distribute.get_replica_context()
    finite = [tf.reduce_all(tf.math.is_finite(each)) for each in gradients]
    overflow = tf.cast(~tf.reduce_all(finite), tf.float32)
    count = context.all_reduce(tf.distribute.ReduceOp.SUM, overflow)
    return [tf.where(count > 0, math.nan, gradient) for gradient in gradients]
