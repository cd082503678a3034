"""The stationary covariance of SGD on a quadratic, from SciPy's Lyapunov solver."""

import numpy as np
import scipy.linalg


def stationary_covariance(hessian, rate, batch_size, covariance, momentum):
    """Returns that of the weights, [P, P]; `covariance` is one example's gradient's.

    The state is (w, eta A): eta A <- m eta A - eta (H w + noise), w <- w + eta A.
    """
    size = len(hessian)
    identity = np.eye(size)
    step = np.block(
        [
            [identity - rate * hessian, momentum * identity],
            [-rate * hessian, momentum * identity],
        ]
    )
    noise = np.kron(np.ones((2, 2)), rate**2 / batch_size * covariance)
    return scipy.linalg.solve_discrete_lyapunov(step, noise)[:size, :size]
