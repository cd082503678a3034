"""One run of a big network ready to train: model, optimizer, data, compiled program."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, models
from bsgen.models import losses
from bsgen.optimizers import Momentum
from bsgen.training import step_plan
from bsgen.training.loop import (
    blocks,
    feeds,
    preprocessing,
    replica_program,
    resident_images,
    shares,
    strategies,
    training_state,
)


class Trainee:
    """What the loop trains: a state that `take_steps` changes.

    Attributes:
      model: the Keras model.
      plan: of every step.
      state: of model and optimizer.
      loss: what is minimised, and its metrics.
    """

    def __init__(
        self,
        run: config.RunConfig,
        devices: strategies.Devices,
        hardware: config.HardwareConfig,
        data_dir: str | None = None,
    ):
        """Loads the data, builds model and optimizer, and checks that they fit.

        Raises:
          UserError: the run does not fit the data, the network or the devices.
        """
        self.loss = losses.of_run(run)
        source = data.load_source(run.data, data_dir)
        self._split = data.split(source, run.data)
        self.plan = step_plan.make(run, len(self._split.train))
        shares.check(
            run,
            self.plan.batch_sizes,
            devices.num_replicas,
            hardware.gradient_accumulation,
        )
        resident = resident_images.choose(source, hardware.data_placement)
        self._feed = feeds.Feed(
            run,
            self.plan,
            source,
            self._split.train,
            resident,
            devices,
        )
        self._source = source
        jit = _jit(hardware)
        self._scaling = preprocessing.fitted_scaling(run, source, self._split.train)
        with devices.strategy.scope():
            self.model = models.build(
                run.model,
                source.input_shape,
                source.num_classes,
                run.seed,
                run.precision,
            )
            shares.check_statistics(
                self.model, self.plan.batch_sizes, devices.num_replicas
            )
            self._optimizer = _optimizer(run)
            self._optimizer.build(self.model.trainable_variables)
            self._program = replica_program.ReplicaProgram(
                self.model,
                self._optimizer,
                preprocessing.make(run, source, self._scaling),
                resident_images.place(resident, devices),
                devices.num_workers,
                hardware.gradient_accumulation,
                jit,
                self.loss,
            )
        self.state = training_state.TrainingState(self.model, self._optimizer)
        self._devices = devices
        # Under XLA a part of a block takes as long as all of it.
        calls_end = run.evaluation_steps if jit else None
        self._blocks = blocks.Blocks(self._feed, self.plan, calls_end)

    def end_of_call(self, first_step: int, last_step: int) -> int:
        """Returns where a call should end that would take steps up to `last_step`."""
        return self._blocks.end_of_call(first_step, last_step)

    def take_steps(self, first_step: int, last_step: int) -> np.ndarray:
        """Takes the steps first_step to last_step - 1, of equal batch size.

        Returns:
          Means of the metrics over each step's batch, float32 [K, number of metrics];
          `Loss.recorded` makes values of them.

        Raises:
          UserError: a device is out of memory.
        """
        metrics = []
        step = first_step
        try:
            while step < last_step:
                block = self._blocks.at(step)
                end = min(last_step, block.last_step)
                metrics.append(
                    self._program.take_steps(
                        block.batches,
                        block.learning_rates,
                        tf.constant(block.first_step, tf.int64),
                        step - block.first_step,
                        end - block.first_step,
                    )
                )
                step = end
            return np.concatenate(metrics)  # waits for the device
        except tf.errors.ResourceExhaustedError as error:
            batch_size = int(self.plan.batch_sizes[first_step])
            parts = self._program.gradient_accumulation
            size = batch_size // (self._devices.num_replicas * parts)
            remedy = f"the memory of a device does not hold {size} examples at once; "
            remedy += f"take more devices, or --gradient_accumulation={2 * parts}, "
            remedy += "which makes the same update in smaller parts (but has no batch "
            remedy += "statistics: take ghosts)"
            raise errors.OutOfMemory("batch_size", batch_size, remedy) from error

    def evaluate(self, part: str) -> dict[str, float]:
        """Returns the metrics of a part of the split, as they are recorded."""
        positions = getattr(self._split, part)
        sums = np.zeros(len(self.loss.metrics))
        for batch, weights in self._feed.evaluation(positions):
            batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
            sums += self._program.evaluate(batch, tf.constant(weights)).numpy()
        return self.loss.recorded(part, (sums / len(positions)).tolist())

    def training_examples(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Returns scaled inputs and targets of training examples.

        Args:
          count: how many, the first in a random order; None for all.

        Raises:
          UserError: there are fewer.
        """
        train = self._split.train
        if count is not None and count > len(train):
            remedy = f"give at most the training set, {len(train)}"
            raise errors.UserError("measured_examples", count, remedy)
        inputs, labels = self._source.gather(train[:count])
        inputs = self._scaling.apply(inputs)
        return inputs, self.loss.targets(inputs, labels)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the split that are measured during training."""
        return ("test", "validation") if len(self._split.validation) else ("test",)

    def close(self) -> None:
        """Stops reading ahead."""
        self._blocks.close()


def _optimizer(run: config.RunConfig) -> keras.optimizers.Optimizer:
    settings = run.sgd
    # The learning rate is assigned before every step.
    optimizer = Momentum(
        settings.learning_rate,
        settings.momentum,
        settings.nesterov,
        settings.l2,
        global_clipnorm=settings.clip_norm,
        clip_steps=settings.clip_steps,
    )
    if run.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _jit(hardware: config.HardwareConfig) -> bool:
    """XLA's convolutions are fast on a GPU and slow on a CPU; it needs one device."""
    if hardware.jit is not None:
        return hardware.jit
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return on_gpu and hardware.strategy == "single"
