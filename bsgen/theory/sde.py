"""The loss at which SGD settles on a quadratic: that of its SDE, and the exact one.

Jastrzebski et al. (2018), section 2. With H the Hessian of the mean loss w^T H w / 2, C
the covariance of the gradient of one example, eta the learning rate and S the batch
size, eq. 5 becomes the Ornstein-Uhlenbeck process (eq. 6)

    dw = -H w dt + sqrt(eta / S) R dW,    R R^T = C,

whose stationary covariance X solves H X + X H = (eta / S) C. Its trace gives

    E[loss] = tr(H X) / 2 = eta / (4 S) tr(C)

for any C. Eq. 7 has tr(H) here, under the paper's assumption 2, C = H. (The paper's
text before eq. 6 drops the factor 1/2 of the quadratic, which eqs. 6 and 7 have.)

SGD itself is the discretisation of eq. 4. With heavy-ball momentum m,

    A <- m A - H w - noise,    w <- w + eta A,    noise of covariance C / S,

each eigen-coordinate of H follows an autoregression of order 2. With
u_i = eta lambda_i,

    w_i(t + 1) = (1 + m - u_i) w_i(t) - m w_i(t - 1) - eta noise_i,

whose stationary variance is

    X_ii = (eta^2 / S) C_ii / ((1 - m) u_i (2 - u_i / (1 + m))), so that

    E[loss] = eta / (4 S (1 - m)) sum_i C_ii / (1 - eta lambda_i / (2 (1 + m))):

each direction has the loss of the SDE, enlarged as eta approaches that direction's
critical learning rate 2 (1 + m) / lambda_i. For eta -> 0 at a fixed m this is the SDE
with the effective learning rate eta / (1 - m) in place of eta. The paper has no
momentum; that it enters the SDE this way is our choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.theory import domain, scaling_rules

# Eigenvalues below this, times P and the largest, are rounding errors of zero.
_ROUNDING = float(np.finfo(np.float64).eps)


def stationary_loss(
    hessian: npt.ArrayLike,
    learning_rate: float,
    batch_size: float,
    gradient_covariance: npt.ArrayLike | None = None,
    momentum: float = 0.0,
    exact: bool = False,
) -> float:
    """Returns the expected loss in the stationary state, above that of the minimum.

    eta / (4 S (1 - m)) tr(C), Jastrzebski et al. (2018), eq. 7 (where m = 0 and C = H);
    if `exact`, that of SGD with steps of this size, which is larger.

    Args:
      hessian: H of the MEAN loss, [P, P], symmetric, without negative eigenvalues.
        There must be no noise in a direction without curvature.
      learning_rate: above 0.
      batch_size: above 0; batches are drawn independently, so the noise is C / S.
      gradient_covariance: C, of ONE example, [P, P], symmetric, without negative
        eigenvalues; None for C = H, assumption 2 of the paper.
      momentum: at least 0 and below 1.
      exact: whether to compute the loss of SGD's finite steps instead of the SDE's.

    Raises:
      UserError: an argument is out of range; or, if `exact`, the learning rate is not
        below the critical one: there is no stationary state.
    """
    matrix = _positive("hessian", hessian)
    rate = float(domain.positive("learning_rate", learning_rate))
    size = float(domain.positive("batch_size", batch_size))
    mass = float(domain.momentum(momentum))
    curvatures, basis = np.linalg.eigh(matrix)
    curvatures = np.where(curvatures > _zero(curvatures), curvatures, 0.0)
    noise = curvatures
    if gradient_covariance is not None:
        spread = _positive("gradient_covariance", gradient_covariance)
        if spread.shape != basis.shape:
            remedy = f"it must have the shape {basis.shape} of the Hessian"
            raise errors.UserError("gradient_covariance", spread.shape, remedy)
        noise = np.diag(basis.T @ spread @ basis)
        flat = noise[curvatures == 0.0]
        if np.any(flat > np.sqrt(_ROUNDING) * np.trace(spread)):
            remedy = "it has noise where the Hessian has no curvature: no stationary "
            remedy += "state"
            raise errors.UserError("gradient_covariance", float(flat.max()), remedy)
        noise = np.where(curvatures == 0.0, 0.0, noise)
    noise = noise / size
    if exact:
        top = float(curvatures.max())
        critical = scaling_rules.critical_learning_rate(top, mass) if top else np.inf
        if rate >= critical:
            remedy = f"SGD is unstable: give a rate below the critical {critical:g}"
            raise errors.UserError("learning_rate", rate, remedy)
        noise = noise / (1.0 - rate * curvatures / (2.0 * (1.0 + mass)))
    return float(rate * np.sum(noise) / (4.0 * (1.0 - mass)))


def _positive(argument: str, values: npt.ArrayLike) -> domain.FloatArray:
    """Returns a symmetric matrix without negative eigenvalues."""
    matrix = domain.real(argument, values)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] > 0
    if not square or not np.allclose(matrix, matrix.T, rtol=1e-6, atol=0.0):
        remedy = "give a symmetric matrix [P, P]"
        raise errors.UserError(argument, matrix.shape, remedy)
    eigenvalues = np.linalg.eigvalsh(matrix)
    if eigenvalues[0] < -_zero(eigenvalues):
        remedy = "its smallest eigenvalue must not be negative"
        raise errors.UserError(argument, float(eigenvalues[0]), remedy)
    return (matrix + matrix.T) / 2


def _zero(eigenvalues: npt.NDArray[Any]) -> float:
    """Returns the size up to which an eigenvalue may be a rounding error of zero."""
    return _ROUNDING * len(eigenvalues) * float(np.max(np.abs(eigenvalues)))
