"""JAX: all runs by `vmap`, the steps by `fori_loop`, in one compiled function."""

import functools

import jax
import numpy as np
from jax import numpy as jnp

from benchmarks import ensemble_problem
from benchmarks.ensemble_contenders import peer


class Contender(peer.Peer):
    """See `benchmarks.ensemble_contenders`."""

    def __init__(self, problem: ensemble_problem.Problem):
        super().__init__(problem)
        self._data = jnp.asarray(problem.inputs), jnp.asarray(problem.labels)
        weights = [jnp.asarray(weight) for weight in problem.weights]
        self._state = weights, [jnp.zeros_like(weight) for weight in weights]

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, R, B]."""
        self._state = _take_steps(self._state, self._data, positions)
        jax.block_until_ready(self._state)

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [R, ...] each."""
        return [np.asarray(weight) for weight in self._state[0]]


def train(state: tuple, data: tuple, positions: jax.Array) -> tuple:
    """Returns the state after a step a batch, positions [K, R, B]."""
    inputs, labels = data

    def step(index: jax.Array, state: tuple) -> tuple:
        weights, velocities = state
        batch = positions[index]
        gradients = jax.vmap(jax.grad(_loss))(weights, inputs[batch], labels[batch])
        velocities = jax.tree.map(
            lambda v, g: ensemble_problem.MOMENTUM * v + g, velocities, gradients
        )
        weights = jax.tree.map(
            lambda w, v: w - ensemble_problem.LEARNING_RATE * v, weights, velocities
        )
        return weights, velocities

    return jax.lax.fori_loop(0, len(positions), step, state)


def _loss(weights: list, inputs: jax.Array, labels: jax.Array) -> jax.Array:
    kernel, bias, head, head_bias = weights
    logits = jax.nn.relu(inputs @ kernel + bias) @ head + head_bias
    own = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
    return -own.mean()


_take_steps = functools.partial(jax.jit, donate_argnums=0)(train)
