"""The compiled steps of one run of a big network, on all replicas of a strategy.

One call takes many steps: a `tf.while_loop` around `strategy.run`. Each worker brings
its share of the global batch, and each of its replicas takes an equal part of it; the
loss is divided by the GLOBAL batch size, and the optimizer sums the gradients. Only
dropout draws random numbers, and its counters are set to a function of the step before
every use, so weights and accumulators are the whole state, and what a network carries
from batch to batch, which comes in and goes out as tensors.

Several replicas take the same steps as one, up to rounding, if the network has no batch
statistics, or ghost batches that divide a replica's share; the running averages of the
ghosts, which inference uses, are then averaged over replicas. With "batch"
normalisation each replica uses the statistics of its own share, and dropout draws other
masks on each replica, so there the number of replicas changes the result. Dropout also
draws other masks with another number of parts.
"""

from typing import Any

import keras
import tensorflow as tf

from bsgen.models import losses
from bsgen.training.loop import replica
from bsgen.training.loop.batch import Batch
from bsgen.training.loop.preprocessing import Preprocessing
from bsgen.training.loop.replica import States


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
          model: maps inputs to the outputs that the loss takes; see `models.Network`
            for one that carries states.
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
        self._loss = loss
        self._images = images
        self.gradient_accumulation = gradient_accumulation
        self._jit = jit
        self._replica = replica.Replica(
            model,
            optimizer,
            preprocessing,
            loss,
            num_workers,
            gradient_accumulation,
            jit,
        )
        # What steps that are computed in vain must leave as it was.
        self._guarded = [*model.variables, *optimizer.variables] if jit else []
        self._compiled: dict[Any, tf.types.experimental.PolymorphicFunction] = {}

    def take_steps(
        self,
        batches: Batch,
        learning_rates: tf.Tensor,
        first_step: tf.Tensor,
        begin: int = 0,
        end: int | None = None,
        resets: tf.Tensor | tuple[()] = (),
        states: States = (),
        begins_epoch: tf.Tensor | tuple[()] = (),
    ) -> tuple[tf.Tensor, States]:
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
          states: what the network carries, [b, units] each.
          begins_epoch: bool [K], before which steps the states go back to 0; () without
            states.

        Returns:
          Means over each step's batch of what the metrics of the loss sum, under the
          weights before the step, float32 [end - begin, number of metrics]; and the
          states after the last step.
        """
        num_steps = len(learning_rates) if self._jit else None
        key = num_steps, batches.labels.shape[1]
        if key not in self._compiled:
            signature = tf.nest.map_structure(
                lambda each: tf.TensorSpec([num_steps, *each.shape[1:]], each.dtype),
                (batches, learning_rates, resets, begins_epoch),
            )
            of_states = tuple(tf.TensorSpec(each.shape, each.dtype) for each in states)
            numbers = (tf.int64, tf.int32, tf.int32)
            self._compiled[key] = tf.function(
                self._take_steps,
                input_signature=(
                    *signature,
                    of_states,
                    *(tf.TensorSpec([], number) for number in numbers),
                ),
                autograph=False,
                jit_compile=self._jit or None,
            )
        end = len(learning_rates) if end is None else end
        metrics, states = self._compiled[key](
            batches,
            learning_rates,
            resets,
            begins_epoch,
            tuple(states),
            first_step,
            tf.constant(begin),
            tf.constant(end),
        )
        return metrics[begin:end], states

    def _take_steps(
        self,
        batches: Batch,
        learning_rates: tf.Tensor,
        resets: tf.Tensor | tuple[()],
        begins_epoch: tf.Tensor | tuple[()],
        states: States,
        first_step: tf.Tensor,
        begin: tf.Tensor,
        end: tf.Tensor,
    ) -> tuple[tf.Tensor, States]:
        """Returns the metrics of K steps; those not taken mean nothing; and states."""
        first, last = begin, end
        if self._jit:
            first, last = 0, learning_rates.shape[0]

        def step(index: tf.Tensor, metrics: tf.TensorArray, states: States) -> tuple:
            before = [tf.convert_to_tensor(each) for each in self._guarded]
            self._replica.scaled_optimizer.learning_rate.assign(learning_rates[index])
            batch = tf.nest.map_structure(lambda tensor: tensor[index], batches)
            number = first_step + tf.cast(index, tf.int64)
            reset = () if isinstance(resets, tuple) else resets[index]
            old = tuple(
                tf.where(begins_epoch[index], tf.zeros_like(each), each)
                for each in states
            )
            of_replicas, of_shares = self._strategy.run(
                self._replica.step, args=(batch, self._images, number, reset, old)
            )
            total = self._strategy.reduce(tf.distribute.ReduceOp.SUM, of_replicas, None)
            taken = (begin <= index) & (index < end)
            for variable, value in zip(self._guarded, before, strict=True):
                variable.assign(tf.where(taken, tf.convert_to_tensor(variable), value))
            states = tuple(
                tf.where(taken, self._joined(new), before)
                for new, before in zip(of_shares, states, strict=True)
            )
            return index + 1, metrics.write(index, total), states

        metrics = tf.TensorArray(
            tf.float32,
            tf.shape(learning_rates)[0],
            element_shape=[len(self._loss.metrics)],
        )
        _, metrics, states = tf.while_loop(
            lambda index, *_: index < last, step, (first, metrics, states)
        )
        return metrics.stack(), states

    @tf.function(autograph=False)
    def evaluate(
        self, batch: Batch, weights: tf.Tensor, states: States = ()
    ) -> tuple[tf.Tensor, States]:
        """Returns `Loss.sums` of a batch, and the states after it.

        Args:
          batch: [b, ...] with b a multiple of a worker's replicas, not augmented.
          weights: float32 [b], 1 for an example and 0 for padding.
          states: what the network carries, [b, units] each.
        """
        of_replicas, of_shares = self._strategy.run(
            self._replica.evaluate, args=(batch, self._images, weights, states)
        )
        sums = self._strategy.reduce(tf.distribute.ReduceOp.SUM, of_replicas, None)
        return sums, tuple(map(self._joined, of_shares))

    def zero_states(self, batch_size: int) -> States:
        """Returns the states that the network begins with; () if it carries none."""
        return tuple(
            tf.zeros((batch_size, *each.shape[1:]), each.dtype)
            for each in self._model.inputs[1:]
        )

    def _joined(self, of_replicas: Any) -> tf.Tensor:
        """Returns this worker's state, [b, units], from the shares of its replicas."""
        shares = self._strategy.experimental_local_results(of_replicas)
        return tf.concat(shares, axis=0) if len(shares) > 1 else shares[0]
