"""Plain TensorFlow: two nested tapes, eager, and power iteration."""

from collections.abc import Callable, Iterator

import tensorflow as tf

from benchmarks import curvature_contenders, curvature_problem


class Contender:
    """See `benchmarks.curvature_contenders`."""

    start_products = 0.0

    def __init__(self, problem: curvature_problem.Problem):
        self._model = curvature_problem.keras_model(problem.network)
        self._model.set_weights(problem.weights)
        self._weights = [v.value for v in self._model.trainable_variables]
        data = tf.data.Dataset.from_tensor_slices((problem.inputs, problem.labels))
        self._batches = list(data.batch(problem.batch_size))

    def gradient(self) -> None:
        """Takes the gradient."""
        for inputs, labels in self._batches:
            with tf.GradientTape() as tape:
                loss = self._loss(inputs, labels)
            gradient = tape.gradient(loss, self._weights)
        gradient[-1].numpy()

    def products(self) -> dict[str, Callable[[], object]]:
        """Returns the one way."""
        vector = self._start(0)
        return {"nested tapes": lambda: self._product(vector)[-1].numpy()}

    def search(self, max_products: int, seed: int) -> Iterator[tuple[float, bool]]:
        """Yields Rayleigh quotients of power iteration."""
        vector, value = self._start(seed), None
        for _ in range(max_products):
            product = self._product(vector)
            last, value = value, float(_inner(product, vector))
            change = float("inf") if last is None else abs(value - last)
            yield value, change < curvature_contenders.POWER_TOLERANCE * abs(value)
            vector = _normalized(product)

    def _start(self, seed: int) -> list[tf.Tensor]:
        draw = tf.random.Generator.from_seed(seed)
        return _normalized([draw.normal(weight.shape) for weight in self._weights])

    def _loss(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(
            curvature_problem.cross_entropy(labels, self._model(inputs))
        )

    def _product(self, vector: list[tf.Tensor]) -> list[tf.Tensor]:
        totals = [tf.zeros_like(part) for part in vector]
        count = 0
        for inputs, labels in self._batches:
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    loss = self._loss(inputs, labels)
                gradient = inner.gradient(loss, self._weights)
                slope = _inner(gradient, vector)
            parts = outer.gradient(slope, self._weights, unconnected_gradients="zero")
            size = len(labels)
            totals = [t + size * p for t, p in zip(totals, parts, strict=True)]
            count += size
        return [total / count for total in totals]


def _inner(first: list[tf.Tensor], second: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([tf.reduce_sum(a * b) for a, b in zip(first, second, strict=True)])


def _normalized(parts: list[tf.Tensor]) -> list[tf.Tensor]:
    length = tf.sqrt(_inner(parts, parts))
    return [part / length for part in parts]
