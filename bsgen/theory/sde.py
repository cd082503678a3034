"""The stationary state of SGD at a quadratic minimum: of its SDE, and exactly.

Jastrzebski et al. (2018), section 2. With H the Hessian of the mean loss w^T H w / 2, C
the covariance of the gradient of one example, eta the learning rate and S the batch
size, eq. 5 becomes the Ornstein-Uhlenbeck process (eq. 6)

    dw = -H w dt + sqrt(eta / S) R dW,    R R^T = C,

whose stationary covariance X solves H X + X H = (eta / S) C. Its trace gives

    E[loss] = tr(H X) / 2 = eta / (4 S) tr(C),

for any C: eq. 7 says tr(H), which is this under the paper's assumption 2, C = H, where
X = eta / (2 S) I. (The paper's text before eq. 6 drops the factor 1/2 of the quadratic
that eqs. 6 and 7 have.)

SGD itself is the discretisation of eq. 4. Heavy-ball momentum m, here

    A <- m A - H w - noise,    w <- w + eta A,    noise of covariance C / S,

makes every eigen-coordinate of H an autoregression of order 2, with u_i = eta lambda_i,

    w_i(t + 1) = (1 + m - u_i) w_i(t) - m w_i(t - 1) - eta noise_i.

Multiplying that of i by that of j, and each by the other's past, and taking means gives
three linear equations for the mean of w_i(t) w_j(t), w_i(t + 1) w_j(t) and
w_i(t) w_j(t + 1); the first is, with C in the eigenbasis of H,

    X_ij = (eta^2 / S) C_ij (1 - m^2)
           / ((1 + m)(1 - m)^2 (u_i + u_j) + m (u_i - u_j)^2 - (1 - m)^2 u_i u_j),

so without momentum (eta / S) C_ij / (lambda_i + lambda_j - eta lambda_i lambda_j), and

    E[loss] = eta / (4 S (1 - m)) sum_i C_ii / (1 - eta lambda_i / (2 (1 + m))):

each direction has the loss of the SDE, enlarged as its critical learning rate
2 (1 + m) / lambda_i comes near. For eta -> 0 at a fixed m this is the SDE with eta
replaced by the effective learning rate eta / (1 - m), which is how momentum enters the
approximate form here; the paper has no momentum.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.theory import domain, scaling_rules

# Eigenvalues below this, times P and the largest, are rounding errors of zero.
_ROUNDING = float(np.finfo(np.float64).eps)


def stationary_covariance(
    hessian: npt.ArrayLike,
    learning_rate: float,
    batch_size: float,
    gradient_covariance: npt.ArrayLike | None = None,
    momentum: float = 0.0,
    exact: bool = False,
) -> domain.FloatArray:
    """Returns the stationary covariance of the weights around the minimum.

    Args:
      hessian: H of the MEAN loss, [P, P], symmetric, without negative eigenvalues.
        A direction without curvature must be without noise; it then stays in place.
      learning_rate: above 0.
      batch_size: above 0; batches are drawn independently, noise is C / S.
      gradient_covariance: C, of ONE example, [P, P], symmetric, without negative
        eigenvalues; None for C = H, assumption 2 of the paper.
      momentum: at least 0 and below 1.
      exact: of SGD with steps of this size, instead of the SDE.

    Returns:
      The covariance [P, P].

    Raises:
      UserError: an argument is out of range; or, if `exact`, the learning rate is not
        below the critical one: there is no stationary state.
    """
    curvatures, basis, noise, rate, momentum = _prepared(
        hessian, learning_rate, batch_size, gradient_covariance, momentum
    )
    if exact:
        _check_stable(rate, momentum, curvatures)
    # Rows and columns of directions without curvature are zero, whatever they divide.
    curved = curvatures > 0.0
    pairs = np.outer(curved, curved)
    u, v = rate * curvatures[:, np.newaxis], rate * curvatures
    share = (1.0 - momentum) * (u + v)
    if exact:
        bend = momentum * (u - v) ** 2 - (1.0 - momentum) ** 2 * u * v
        share = share + bend / (1.0 - momentum**2)
    quotients = np.divide(rate**2 * noise, share, where=pairs, out=np.zeros_like(noise))
    return basis @ quotients @ basis.T


def stationary_loss(
    hessian: npt.ArrayLike,
    learning_rate: float,
    batch_size: float,
    gradient_covariance: npt.ArrayLike | None = None,
    momentum: float = 0.0,
    exact: bool = False,
) -> float:
    """Returns the expected loss, above that of the minimum, in the stationary state.

    eta / (4 S (1 - m)) tr(C), Jastrzebski et al. (2018), eq. 7 (where m = 0 and C = H);
    if `exact`, that of SGD with steps of this size, which is larger. Arguments and
    errors are those of `stationary_covariance`.
    """
    curvatures, _, noise, rate, momentum = _prepared(
        hessian, learning_rate, batch_size, gradient_covariance, momentum
    )
    shares = np.diag(noise)
    if exact:
        _check_stable(rate, momentum, curvatures)
        shares = shares / (1.0 - rate * curvatures / (2.0 * (1.0 + momentum)))
    return float(rate * np.sum(shares) / (4.0 * (1.0 - momentum)))


def _prepared(
    hessian: npt.ArrayLike,
    learning_rate: float,
    batch_size: float,
    gradient_covariance: npt.ArrayLike | None,
    momentum: float,
) -> tuple[domain.FloatArray, domain.FloatArray, domain.FloatArray, float, float]:
    """Returns eigenvalues, eigenvectors, C / S in their basis, rate and momentum."""
    matrix = _positive("hessian", hessian)
    rate = float(domain.positive("learning_rate", learning_rate))
    size = float(domain.positive("batch_size", batch_size))
    mass = float(domain.momentum(momentum))
    curvatures, basis = np.linalg.eigh(matrix)
    curvatures = np.where(curvatures > _zero(curvatures), curvatures, 0.0)
    if gradient_covariance is None:
        return curvatures, basis, np.diag(curvatures) / size, rate, mass
    spread = _positive("gradient_covariance", gradient_covariance)
    if spread.shape != matrix.shape:
        remedy = f"it must have the shape {matrix.shape} of the Hessian"
        raise errors.UserError("gradient_covariance", spread.shape, remedy)
    noise = basis.T @ spread @ basis
    flat = np.diag(noise)[curvatures == 0.0]
    if np.any(flat > np.sqrt(_ROUNDING) * np.trace(spread)):
        remedy = "it has noise where the Hessian has no curvature: no stationary state"
        raise errors.UserError("gradient_covariance", float(flat.max()), remedy)
    noise[curvatures == 0.0] = noise[:, curvatures == 0.0] = 0.0
    return curvatures, basis, noise / size, rate, mass


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
    return _ROUNDING * len(eigenvalues) * float(np.max(np.abs(eigenvalues)))


def _check_stable(rate: float, momentum: float, curvatures: domain.FloatArray) -> None:
    top = float(curvatures.max())
    critical = scaling_rules.critical_learning_rate(top, momentum) if top else np.inf
    if rate >= critical:
        remedy = f"SGD is unstable: give a rate below the critical {critical:g}"
        raise errors.UserError("learning_rate", rate, remedy)
