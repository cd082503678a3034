"""One run of a big network made ready: model, optimizer, data and compiled program."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, layers, models
from bsgen.data import augmentation, scaling
from bsgen.optimizers import Momentum
from bsgen.training import step_plan
from bsgen.training.loop import (
    feeds,
    replica_program,
    resident_images,
    shares,
    strategies,
)

_MAX_RESIDENT_BYTES = 2 * 2**30  # a small part of any GPU; CIFAR takes 0.18 GB
_OF_STD = "/variance"  # ends the name of a ghost variance; older ones were deviations
_UNFITTED_SCALINGS = ("imagenet", "none")


class Trainee:
    """What the loop trains: a state that `take_steps` changes.

    Attributes:
      model: the Keras model.
      plan: of every step.
    """

    def __init__(
        self,
        run: config.RunConfig,
        devices: strategies.Devices,
        hardware: config.HardwareConfig,
        data_dir: str | None = None,
    ):
        """Loads the data, builds model and optimizer, and checks that all fits.

        Raises:
          UserError: something of the run does not fit the data, the network or the
            devices.
        """
        source = data.load_source(run.data, data_dir)
        self._split = data.split(source, run.data)
        self.plan = step_plan.make(run, len(self._split.train))
        shares.check(
            run,
            self.plan.batch_sizes,
            devices.num_replicas,
            hardware.gradient_accumulation,
        )
        resident = _resident(source, hardware.data_placement)
        self._feed = feeds.Feed(
            run,
            self.plan,
            source,
            self._split.train,
            resident,
            devices.worker,
            devices.num_workers,
            devices.num_replicas // devices.num_workers,
        )
        self._source = source
        self._scaling = _fitted_scaling(run, source, self._split.train)
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
                _preprocessing(run, source, self._scaling),
                _place(resident, devices),
                devices.num_workers,
                hardware.gradient_accumulation,
                _jit(hardware),
            )
        self._devices = devices
        self.max_steps = self._feed.max_steps

    def take_steps(self, first_step: int, last_step: int) -> np.ndarray:
        """Takes steps of equal batch size.

        Args:
          first_step: the number of steps taken before.
          last_step: the number of steps taken afterwards.

        Returns:
          Mean cross-entropy and accuracy of each step's batch, float32 [K, 2].

        Raises:
          UserError: the device's memory does not suffice.
        """
        batches = self._feed.training(first_step, last_step)
        rates = self.plan.learning_rates[first_step:last_step]
        with self._memory(int(self.plan.batch_sizes[first_step])):
            metrics = self._program.take_steps(
                tf.nest.map_structure(tf.convert_to_tensor, batches),
                tf.constant(rates),
                tf.constant(first_step, tf.int64),
            )
            return metrics.numpy()

    def evaluate(self, part: str) -> dict[str, float]:
        """Returns mean cross-entropy and accuracy on a part of the split.

        Args:
          part: "train", "validation" or "test"; the names of the metrics begin with it.
        """
        positions = getattr(self._split, part)
        sums = np.zeros(2)
        for batch, weights in self._feed.evaluation(positions):
            batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
            sums += self._program.evaluate(batch, tf.constant(weights)).numpy()
        cross_entropy, accuracy = (sums / len(positions)).tolist()
        return {f"{part}_cross_entropy": cross_entropy, f"{part}_accuracy": accuracy}

    def training_examples(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Returns inputs as the network gets them, and labels, of training examples.

        Args:
          count: how many, the first of a random order; None for all.

        Raises:
          UserError: there are fewer.
        """
        train = self._split.train
        if count is not None and count > len(train):
            remedy = f"give at most the training set, {len(train)}"
            raise errors.UserError("measured_examples", count, remedy)
        inputs, labels = self._source.gather(train[:count])
        return self._scaling.apply(inputs), labels

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the split that are measured during training."""
        return ("test", "validation") if len(self._split.validation) else ("test",)

    def state(self) -> dict[str, np.ndarray]:
        """Returns everything that steps change, by name."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Goes back to a `state`.

        Raises:
          UserError: it is one of another model.
        """
        variables = self._variables()
        arrays = self._of_this_version(arrays)
        for name in sorted({*variables, *arrays}):
            found = arrays[name].shape if name in arrays else None
            wanted = tuple(variables[name].shape) if name in variables else None
            if found != wanted:
                remedy = f"a checkpoint of another model: {name} has shape {found}, "
                remedy += f"not {wanted}; give another folder or --resume=never"
                raise errors.UserError("output_dir", "checkpoint", remedy)
        for name, variable in variables.items():
            variable.assign(arrays[name])

    def share_state_of_chief(self) -> None:
        """Gives every worker the chief's state."""
        self._devices.share_of_chief(self._variables().values())

    def close(self) -> None:
        """Ends reading ahead."""
        self._feed.close()

    def _variables(self) -> dict[str, keras.Variable]:
        # The counters of random draws follow from the step.
        counters = {id(each) for each in replica_program.draw_counters(self.model)}
        kept = [each for each in self.model.variables if id(each) not in counters]
        of_std = self._of_std()
        # Keras numbers layers through a whole process, so paths are no names.
        return {
            f"{kind}/{index:04d}" + _OF_STD * (id(variable) in of_std): variable
            for kind, variables in (
                ("model", kept),
                ("optimizer", self._optimizer.variables),
            )
            for index, variable in enumerate(variables)
        }

    def _of_std(self) -> dict[int, layers.GhostBatchNormalization]:
        """Layers that average standard deviations, by the `id` of their variances."""
        return {
            id(layer.moving_variance): layer
            for layer in self.model.layers
            if isinstance(layer, layers.GhostBatchNormalization)
            and layer.running_spread == "std"
        }

    def _of_this_version(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Squares the standard deviations that older checkpoints hold."""
        arrays = dict(arrays)
        for name, variable in self._variables().items():
            older = name.removesuffix(_OF_STD)
            if older != name and older in arrays:
                layer = self._of_std()[id(variable)]
                arrays[name] = layer.variance_of_std(arrays.pop(older)).numpy()
        return arrays

    @contextlib.contextmanager
    def _memory(self, batch_size: int) -> Iterator[None]:
        """Says in the user's terms that a device's memory did not suffice."""
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            parts = self._program.gradient_accumulation
            size = batch_size // (self._devices.num_replicas * parts)
            remedy = f"the memory of a device does not hold {size} examples at once; "
            remedy += f"take more devices, or --gradient_accumulation={2 * parts}, "
            remedy += "which makes the same update in smaller parts (but has no batch "
            remedy += "statistics: take ghosts)"
            raise errors.OutOfMemory("batch_size", batch_size, remedy) from error


def _resident(source: data.Source, placement: str) -> data.Pool | None:
    """Returns the source if its images are to lie on the device."""
    if not isinstance(source, data.Pool):
        if placement == "device":
            remedy = f"{source.name} is too large for a device; take 'stream' or 'auto'"
            raise errors.UserError("data_placement", placement, remedy)
        return None
    fits = source.inputs.nbytes <= _MAX_RESIDENT_BYTES
    return source if placement == "device" or (fits and placement == "auto") else None


def _place(resident: data.Pool | None, devices: strategies.Devices) -> Any:
    if resident is None:
        return None
    try:
        return devices.on_each_replica(resident_images.pack(resident.inputs))
    except tf.errors.ResourceExhaustedError as error:
        remedy = "the memory of a device does not hold the images; take 'stream'"
        raise errors.OutOfMemory("data_placement", "device", remedy) from error


def _fitted_scaling(
    run: config.RunConfig, source: data.Source, train: np.ndarray
) -> data.Scaling:
    fitted_on = train
    if not isinstance(source, data.Pool):
        if run.data.scaling not in _UNFITTED_SCALINGS:
            remedy = f"{source.name} is too large to fit one; take 'imagenet' or 'none'"
            raise errors.UserError("scaling", run.data.scaling, remedy)
        fitted_on = train[:1]
    return scaling.fit(run.data.scaling, source.gather(fitted_on)[0])


def _preprocessing(
    run: config.RunConfig, source: data.Source, scale: data.Scaling
) -> replica_program.Preprocessing:
    fill = np.zeros([])
    chosen = augmentation.by_name(run.data.augmentation)
    if chosen is not None:
        if len(source.input_shape) != 3:
            remedy = f"{source.name} has no images of [height, width, channels]"
            raise errors.UserError("augmentation", run.data.augmentation, remedy)
        fill = augmentation.fill_value(chosen, scale)
    values = (scale.offset, scale.scale, fill)
    return replica_program.Preprocessing(*(tf.constant(v, tf.float32) for v in values))


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
    """XLA's convolutions are fast on a GPU and slow on a CPU; it takes one device."""
    if hardware.jit is not None:
        return hardware.jit
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return on_gpu and hardware.strategy == "single"
