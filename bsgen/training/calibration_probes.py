"""Short trainings that tell how fast this machine is.

Each is timed twice, and the faster one counts: other work on the machine only slows.
"""

import collections
import functools
import tempfile
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from bsgen import config, data, errors, models
from bsgen.training import cost, ensemble, loop, provenance

FAILURES = (tf.errors.OpError, errors.UserError, MemoryError)
_DATA = config.DataConfig("digits", 1000)
_DENSE = config.ModelConfig("mlp", (800,))
_NORMALIZED = config.ModelConfig("normalized_mlp", (32,))
_CONVOLUTIONAL = config.ModelConfig("c1")
_SMALL_BATCH = 8
# The numbers of steps of the two trainings that are compared: of one run, of many runs,
# and of a large batch, each as one program; and of one run alone.
_ONE, _MANY, _LARGE = (1000, 5000), (1000, 3000), (250, 750)
_LOOP_STEPS = (20, 3020)
_IMAGE_SHAPE = (32, 32, 3)


def measure() -> cost.Speed:
    """Returns the speed of this machine: some seconds on an idle one."""
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    begun = time.perf_counter()
    data.load(_DATA)
    tf.zeros(1).numpy()  # the device is there now
    start = time.perf_counter() - begun
    sizes = (128, 32, 512) if on_gpu else (8, 2, 128)
    program, launch, weight, operation = _ensemble(*sizes)
    loop_start, loop_step = _loop()
    return cost.Speed(
        provenance.hardware("ensemble")["device"],
        cost.ONE_CORE.start + start,  # imports were over before they could be timed
        program,
        launch,
        weight,
        operation,
        loop_start,
        max(loop_step, launch),  # a start varies by more than many steps of a GPU take
        _convolutions(*((256, 20) if on_gpu else (32, 4))),
    )


def _ensemble(
    many: int, some: int, large_batch: int
) -> tuple[float, float, float, float]:
    """Returns the seconds of a compilation, a launch, a weight and an operation.

    A step of R runs takes launch + R (P weight + M B operation), with the passes P and
    the operations M an example of `cost`. One run, `many` runs and `some` runs of a
    large batch give the three.
    """
    dataset = data.find(_DATA.name)
    size = models.size(_DENSE, dataset.input_shape, dataset.num_classes)
    compiling, one = _step(1, _SMALL_BATCH, *_ONE)
    _, all_of_many = _step(many, _SMALL_BATCH, *_MANY)
    _, large = _step(some, large_batch, *_LARGE)
    of_example = cost.OPERATIONS_TO_TRAIN * cost.products(size)
    small_run = max(all_of_many - one, 0) / (many - 1)
    launch = max(one - small_run, 0)
    large_run = max(large - launch, 0) / some
    more = of_example * (large_batch - _SMALL_BATCH)
    operation = max(large_run - small_run, 0) / more
    rest = max(small_run - of_example * _SMALL_BATCH * operation, 0)
    return compiling, launch, rest / cost.passed(size), operation


def _step(num_runs: int, batch_size: int, few: int, many: int) -> tuple[float, float]:
    """Returns the seconds of a program's compilation, and of one of its steps.

    From trainings of `few` and `many` steps, so that what each run takes at its start
    and end is not counted as steps.
    """

    def train(num_steps: int) -> float:
        settings = _DATA, _DENSE, config.MomentumConfig(0.1), batch_size, num_steps
        runs = [config.RunConfig(*settings, seed=seed) for seed in range(num_runs)]
        return _seconds(lambda: collections.deque(ensemble.train(runs), maxlen=0))

    first, _ = train(few), train(many)  # these compile
    short, long = (min(train(n) for _ in range(2)) for n in (few, many))
    return max(first - short, 0), max(long - short, 0) / (many - few)


def _loop() -> tuple[float, float]:
    """Returns the seconds of the start of a run alone, and of one of its steps."""
    few, many = _LOOP_STEPS
    short, long = map(_alone, _LOOP_STEPS)
    step = max(long - short, 0) / (many - few)
    return max(short - few * step, 0), step


def _alone(num_steps: int) -> float:
    settings = _DATA, _NORMALIZED, config.MomentumConfig(0.1), 32, num_steps

    def train(seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            loop.train(config.RunConfig(*settings, seed=seed), folder)

    # Another seed has another network, which has to be compiled, too.
    return min(_seconds(functools.partial(train, seed)) for seed in range(2))


def _convolutions(batch_size: int, num_steps: int) -> float:
    """Returns the seconds of an operation in steps of a small convolutional network."""
    network = models.build(_CONVOLUTIONAL, _IMAGE_SHAPE, 10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    images = tf.random.stateless_normal((batch_size, *_IMAGE_SHAPE), (0, 0))
    labels = tf.zeros(batch_size, tf.int32)
    values = [weight.value for weight in network.trainable_variables]

    @tf.function(jit_compile=bool(tf.config.list_physical_devices("GPU")))
    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            height = loss(labels, network(images, training=False))
        return tape.gradient(height, values)

    def take() -> None:
        for _ in range(num_steps):
            last = gradients()
        for each in last:
            each.numpy()

    take()
    size = models.size(_CONVOLUTIONAL, _IMAGE_SHAPE, 10)
    operations = 6 * size.multiplications * batch_size * num_steps
    return min(_seconds(take) for _ in range(2)) / operations


def _seconds(function: Callable[[], object]) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun
