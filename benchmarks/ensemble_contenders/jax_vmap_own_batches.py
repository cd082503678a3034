"""JAX as in `jax_vmap`, but every run draws its epochs on the device, in the loop.

Its batches are not those of the others, and an epoch ends with its last whole batch.
"""

import functools

import jax
from jax import numpy as jnp

from benchmarks import ensemble_problem
from benchmarks.ensemble_contenders import jax_vmap


class Contender(jax_vmap.Contender):
    """See `benchmarks.ensemble_contenders`."""

    def __init__(self, problem: ensemble_problem.Problem):
        super().__init__(problem)
        self._steps_per_epoch = len(problem.inputs) // problem.run.batch_size
        self._num_epochs = max(self.steps_per_call // self._steps_per_epoch, 1)
        self.steps_per_call = self._num_epochs * self._steps_per_epoch
        self._keys = jax.vmap(jax.random.key)(jnp.arange(problem.num_runs))

    def draw_and_take_steps(self) -> None:
        """Takes the steps of a call."""
        self._state = _take_epochs(
            self._state,
            self._data,
            self._keys,
            self.num_steps // self._steps_per_epoch,
            self._num_epochs,
            self._problem.run.batch_size,
        )
        jax.block_until_ready(self._state)


@functools.partial(jax.jit, donate_argnums=0, static_argnums=(4, 5))
def _take_epochs(
    state: tuple,
    data: tuple,
    keys: jax.Array,
    first_epoch: jax.Array,
    num_epochs: int,
    batch_size: int,
) -> tuple:
    train_size = len(data[1])
    num_batches = train_size // batch_size

    def draw(key: jax.Array, epoch: jax.Array) -> jax.Array:
        order = jax.random.permutation(jax.random.fold_in(key, epoch), train_size)
        return order[: num_batches * batch_size].reshape(num_batches, batch_size)

    def take_epoch(index: jax.Array, state: tuple) -> tuple:
        positions = jax.vmap(draw, (0, None), 1)(keys, first_epoch + index)
        return jax_vmap.train(state, data, positions)

    return jax.lax.fori_loop(0, num_epochs, take_epoch, state)
