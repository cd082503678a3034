"""SGD on a quadratic loss with Gaussian gradient noise, many chains at once.

Jastrzebski et al. (2018), eq. 4, with the heavy-ball momentum of this project:

    A <- m A - H w + L z / sqrt(S),    w <- w + eta A,    z normal, L L^T = C.

The same steps at a smaller eta and equal eta / S approach the SDE of eq. 5. No formula
of `bsgen.theory` enters the result, so that the two can be compared.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bsgen import errors, statistics, theory

_FORGOTTEN = 1e-6  # share of the initial covariance left when averaging begins


@dataclasses.dataclass(frozen=True)
class StationaryMeans:
    """Means over independent chains in their stationary state.

    Attributes:
      loss: mean loss above that of the minimum.
      standard_error: of `loss`, over the chains.
      covariance: of the weights, [P, P], about the known mean 0.
      burn_in_steps: steps before those that were averaged over.
    """

    loss: float
    standard_error: float
    covariance: npt.NDArray[np.float64]
    burn_in_steps: int


def simulate(
    hessian: npt.NDArray[np.float64],
    learning_rate: float,
    batch_size: float,
    gradient_covariance: npt.NDArray[np.float64] | None = None,
    momentum: float = 0.0,
    *,
    num_chains: int = 256,
    num_steps: int = 1000,
    seed: int = 0,
) -> StationaryMeans:
    """Runs the chains from the minimum and averages over their stationary state.

    Args:
      hessian: [P, P], positive definite.
      learning_rate: above 0, below the critical one.
      batch_size: above 0.
      gradient_covariance: of one example, [P, P]; None for the Hessian.
      momentum: at least 0 and below 1.
      num_chains: at least 2.
      num_steps: at least 1, after a burn-in of as many steps as the chains need to
        forget their start.
      seed: of the noise.

    Raises:
      UserError: an argument is out of range, or the learning rate is unstable.
    """
    chains = errors.check_integer("num_chains", num_chains, 2)
    steps = errors.check_integer("num_steps", num_steps, 1)
    spread = hessian if gradient_covariance is None else gradient_covariance
    # Checks the arguments; its value is not used.
    theory.stationary_loss(
        hessian, learning_rate, batch_size, spread, momentum, exact=True
    )
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0) / batch_size)
    burn_in = _burn_in_steps(np.linalg.eigvalsh(hessian), learning_rate, momentum)
    draw = np.random.default_rng(seed)
    weights = np.zeros((chains, len(hessian)))
    accumulator = np.zeros_like(weights)
    losses = np.zeros(chains)
    products = np.zeros_like(hessian, dtype=np.float64)
    for step in range(burn_in + steps):
        noise = draw.normal(size=weights.shape) @ root.T
        accumulator = momentum * accumulator - weights @ hessian + noise
        weights = weights + learning_rate * accumulator
        if step >= burn_in:
            losses += np.sum(weights @ hessian * weights, axis=1) / 2
            products += weights.T @ weights
    losses /= steps
    return StationaryMeans(
        loss=float(losses.mean()),
        standard_error=float(statistics.standard_error(losses)),
        covariance=products / (steps * chains),
        burn_in_steps=burn_in,
    )


def _burn_in_steps(curvatures: npt.NDArray[Any], rate: float, momentum: float) -> int:
    """Returns how many steps the covariance takes to forget its start.

    The weight along a direction decays as the larger root of
    z^2 - (1 + m - rate curvature) z + m = 0, its variance as the square of that.
    """
    middle = (1.0 + momentum - rate * curvatures) / 2
    roots = middle[:, np.newaxis] + np.sqrt(
        (middle**2 - momentum)[:, np.newaxis].astype(complex)
    ) * np.array([1.0, -1.0])
    slowest = float(np.max(np.abs(roots)))
    if slowest >= 1.0:
        remedy = "it must be positive definite: a flat direction never settles"
        raise errors.UserError("hessian", float(curvatures.min()), remedy)
    if slowest == 0.0:
        return 1
    return math.ceil(math.log(_FORGOTTEN) / (2.0 * math.log(slowest)))
