"""The loss on a sphere around the weights, from gradient and Hessian alone.

To second order d = L(w_0 + z v) - L(w_0) = z g.v + z^2 v^T H v / 2. Over directions v
uniform on the unit sphere of P dimensions

    E v_i v_j = delta_ij / P,
    E v_i v_j v_k v_l = (delta_ij delta_kl + delta_ik delta_jl + delta_il delta_jk)
                        / (P (P + 2)),

and odd moments are 0, so that

    E d   = z^2 tr(H) / (2 P)
    E d^2 = z^2 |g|^2 / P + z^4 (tr(H)^2 + 2 |H|_F^2) / (4 P (P + 2)).

The first term makes std linear in z near w_0 for every differentiable loss: only where
it no longer suffices does a linear std say something of the loss (eq. 8 of Hoffer et
al. 2017, arXiv 1705.08741).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bsgen.theory import domain

FloatArray = domain.FloatArray


class SphereMoments(NamedTuple):
    """Moments of the loss difference at distances, each of their shape.

    Attributes:
      first_order_std: z |g| / sqrt(P).
      std: sqrt(E d^2), to second order.
      mean: E d, to second order.
    """

    first_order_std: FloatArray
    std: FloatArray
    mean: FloatArray


def sphere_moments(
    distances: npt.ArrayLike,
    num_parameters: int,
    gradient_norm: float,
    hessian_trace: float,
    hessian_frobenius_norm: float,
) -> SphereMoments:
    """Returns the moments of the loss difference over spheres around the weights.

    Args:
      distances: z, at least 0, of any shape.
      num_parameters: P.
      gradient_norm: |g|, at the centre, of the mean loss; likewise the Hessian's trace
        and Frobenius norm.

    Raises:
      UserError: an argument is out of range.
    """
    z = domain.at_least("distances", distances, 0.0)
    size = domain.positive("num_parameters", num_parameters)
    slope = domain.at_least("gradient_norm", gradient_norm, 0.0)
    trace = domain.real("hessian_trace", hessian_trace)
    norm = domain.at_least("hessian_frobenius_norm", hessian_frobenius_norm, 0.0)
    first = z * slope / np.sqrt(size)
    second = z**4 * (trace**2 + 2 * norm**2) / (4 * size * (size + 2))
    return SphereMoments(first, np.sqrt(first**2 + second), z**2 * trace / (2 * size))
