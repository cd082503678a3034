"""What one replica does with its share of a batch: a step, or an evaluation.

`replica_program` runs it on all replicas of a strategy.
"""

import math
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from bsgen.models import losses
from bsgen.training import draw_counters
from bsgen.training.loop import batch as batch_lib
from bsgen.training.loop import resident_images
from bsgen.training.loop.batch import Batch
from bsgen.training.loop.preprocessing import Preprocessing

States: TypeAlias = tuple[tf.Tensor, ...]  # what a network carries from batch to batch


class Replica:
    """The computations of a replica, to be called in its context.

    Attributes:
      scaled_optimizer: the optimizer whose learning rate is assigned.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        preprocessing: Preprocessing,
        loss: losses.Loss,
        num_workers: int,
        num_parts: int,
        jit: bool,
    ):
        """Takes the arguments of `ReplicaProgram`; `num_parts` is of a share."""
        self._model = model
        self._optimizer = optimizer
        self._preprocessing = preprocessing
        self._loss = loss
        self._num_workers = num_workers
        self._num_parts = num_parts
        self._jit = jit
        self.scaled_optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        self._draw_counters = draw_counters.of(model)

    def step(
        self,
        batch: Batch,
        images: tf.Tensor | None,
        number: tf.Tensor,
        reset: tf.Tensor | tuple[()],
        states: States,
    ) -> tuple[tf.Tensor, States]:
        """Takes one step with this replica's share; returns its metrics and states."""
        global_size = tf.cast(tf.shape(batch.labels)[0] * self._num_workers, tf.float32)
        share, states = self._share((batch, states))
        parts = self._num_parts

        def add(
            part: tf.Tensor | int, metrics: tf.Tensor, gradients: list, states: States
        ) -> tuple:
            own = batch_lib.part(share, part, parts)
            inputs, targets = self._prepare(own, images)
            self._set_draw_counters(number * parts + tf.cast(part, tf.int64))
            sums, added, states = self._gradient(
                inputs, targets, own, global_size, states
            )
            if gradients:
                added = [a + b for a, b in zip(gradients, added, strict=True)]
            return part + 1, metrics + sums, added, states

        metrics, gradients = tf.zeros([len(self._loss.metrics)]), []
        # One part after the other, so that they are not in memory at the same time.
        if self._jit and parts > 1:
            weights = self._model.trainable_variables
            zeros = [tf.zeros(weight.shape, weight.dtype) for weight in weights]
            _, metrics, gradients, states = tf.while_loop(
                lambda part, *_: part < parts, add, (0, metrics, zeros, states)
            )
        else:
            for part in range(parts):
                with tf.control_dependencies([metrics, *gradients]):
                    _, metrics, gradients, states = add(
                        part, metrics, gradients, states
                    )
        if self.scaled_optimizer is not self._optimizer:
            gradients = _overflowing_together(gradients)
        if not isinstance(reset, tuple):
            for each in self.scaled_optimizer.accumulators:
                value = tf.convert_to_tensor(each)
                each.assign(tf.where(reset, tf.zeros_like(value), value))
        self._optimizer.apply(gradients, self._model.trainable_variables)
        return metrics / global_size, states

    def _gradient(
        self,
        inputs: tf.Tensor,
        targets: tf.Tensor,
        part: Batch,
        global_size: tf.Tensor,
        states: States,
    ) -> tuple[tf.Tensor, list[tf.Tensor], States]:
        """Returns sums of the metrics, a part of the gradient of the mean loss, states.

        The states are constants to the gradient, which does not reach back beyond them.
        """
        with tf.GradientTape() as tape:
            outputs, states = self._outputs(inputs, states, training=True)
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
        return self._loss.sums(targets, outputs, ones), gradients, states

    def evaluate(
        self,
        batch: Batch,
        images: tf.Tensor | None,
        weights: tf.Tensor,
        states: States,
    ) -> tuple[tf.Tensor, States]:
        """Returns `Loss.sums` of this replica's share, and the states after it."""
        batch, weights, states = self._share((batch, weights, states))
        inputs, targets = self._prepare(batch, images)
        outputs, states = self._outputs(inputs, states, training=False)
        return self._loss.sums(targets, outputs, weights), states

    def _outputs(
        self, inputs: tf.Tensor, states: States, training: bool
    ) -> tuple[tf.Tensor, States]:
        """Returns what the loss takes, and the states after it, in their old types."""
        if not states:
            return self._model(inputs, training=training), ()
        outputs, *new = self._model([inputs, *states], training=training)
        pairs = zip(new, states, strict=True)
        return outputs, tuple(tf.cast(state, old.dtype) for state, old in pairs)

    def _prepare(
        self, batch: Batch, images: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the inputs of the network, and its targets."""
        examples = batch.examples
        if images is not None:
            shape = self._model.inputs[0].shape[1:]
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
