"""One run of a big network ready to train: model, optimizer, data, compiled program."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, measures, models
from bsgen.models import losses
from bsgen.optimizers import Momentum
from bsgen.training import carried_state, same_network, step_plan
from bsgen.training.loop import (
    blocks,
    feeds,
    networks,
    preprocessing,
    replica_program,
    resident_images,
    shares,
    strategies,
    training_state,
)

_MEASURED_AT_ONCE = 1000  # examples; speed and memory alone depend on it


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
        kept: networks.Networks | None = None,
    ):
        """Loads the data, builds model and optimizer, and checks that they fit.

        Args:
          run: of SGD.
          devices: that train it.
          hardware: how to use them.
          data_dir: folder of the prepared datasets; None for the default one.
          kept: may hold the network of a run before, which is then given up to this
            one; None builds a new one.

        Raises:
          UserError: the run does not fit the data, the network or the devices.
        """
        self.loss = losses.of_run(run)
        carried_state.check(run, hardware)
        self._ends_by_train_loss = run.stop_train_loss is not None
        self._measures_distance = run.weight_distance
        self._resets = run.sgd.momentum_reset != "never"
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
        self._scaling = preprocessing.fitted_scaling(run, source, self._split.train)

        def build() -> networks.Network:
            with devices.strategy.scope():
                return self._build(run, devices, hardware, resident)

        self._network = (kept or networks.Networks()).of(
            # The usual strategy is always the same, any other a new one.
            (same_network.alike(run), hardware, devices.strategy),
            source,
            build,
        )
        self.model = self._network.model
        self._optimizer = self._network.optimizer
        self._program = self._network.program
        shares.check_statistics(self.model, self.plan.batch_sizes, devices.num_replicas)
        self.state = training_state.TrainingState(
            self.model,
            self._optimizer,
            self._program.zero_states(int(self.plan.batch_sizes[0])),
        )
        self._devices = devices
        # Under XLA a part of a block takes as long as all of it.
        calls_end = run.evaluation_steps if _jit(hardware) else None
        self._blocks = blocks.Blocks(self._feed, self.plan, calls_end)

    def _build(
        self,
        run: config.RunConfig,
        devices: strategies.Devices,
        hardware: config.HardwareConfig,
        resident: data.Pool | None,
    ) -> networks.Network:
        source = self._source
        shape, num_classes = source.input_shape, source.num_classes
        model = models.build(run.model, shape, num_classes, run.seed, run.precision)
        optimizer = _optimizer(run)
        optimizer.build(model.trainable_variables)
        program = replica_program.ReplicaProgram(
            model,
            optimizer,
            preprocessing.make(run, source, self._scaling),
            resident_images.place(resident, devices),
            devices.num_workers,
            hardware.gradient_accumulation,
            _jit(hardware),
            self.loss,
        )
        return networks.Network(model, optimizer, program)

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
                found, self.state.carried = self._program.take_steps(
                    block.batches,
                    block.learning_rates,
                    tf.constant(block.first_step, tf.int64),
                    step - block.first_step,
                    end - block.first_step,
                    block.resets if self._resets else (),
                    self.state.carried,
                    block.begins_epoch if self.state.carried else (),
                )
                metrics.append(found)
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
        states: replica_program.States | None = None
        for batch, weights in self._feed.evaluation(positions):
            batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
            states = states or self._program.zero_states(len(weights))
            added, states = self._program.evaluate(batch, tf.constant(weights), states)
            sums += added.numpy()
        return self.loss.recorded(part, (sums / len(positions)).tolist())

    def distances(self) -> dict[str, float]:
        """Returns how far the weights have moved; nothing if the run does not ask."""
        return self._network.distances() if self._measures_distance else {}

    def hessian(self, count: int | None) -> measures.Hessian:
        """Returns the Hessian of the mean loss over `training_examples`."""
        found = self._network.hessians
        if count not in found:
            found[count] = measures.Hessian(
                self.model,
                self.loss.per_example,
                self.training_examples(count),
                batch_size=_MEASURED_AT_ONCE,
            )
        return found[count]

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
        validation = ("validation",) if len(self._split.validation) else ()
        train = ("train",) if self._ends_by_train_loss else ()
        return ("test", *validation, *train)

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
        l2_parameters=settings.l2_parameters,
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
