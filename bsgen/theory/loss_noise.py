"""Multiplicative noise that gives a large batch the gradients of a small one.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 4 and appendix A: weights
z_n ~ N(1, sigma^2) of the examples' losses leave the mean of a batch's gradient as it
is, and sigma^2 in proportion to the batch size M keeps its covariance constant.
"""

import numpy as np
import numpy.typing as npt

from bsgen.theory import domain


def loss_noise(
    batch_size: npt.ArrayLike, small_batch_size: npt.ArrayLike
) -> domain.FloatArray:
    """Returns sigma = sqrt(M / m - 1), with which a batch of M is as noisy as one of m.

    Drawn without replacement, a batch's gradient sum_n z_n g_n / M has the covariance

        (1/M - 1/N) F + (sigma^2 / M) (1/N) sum_n g_n g_n^T

    with F the covariance of one example's gradient (divided by N - 1), by the steps of
    appendix A. The second sum is F (N - 1) / N + g g^T. Where g g^T is small beside it,
    which the paper finds, and N - 1 is about N, the covariance is
    ((1 + sigma^2) / M - 1/N) F: that of a batch of m = M / (1 + sigma^2) examples. The
    paper says sigma^2 in proportion to M, which this is for M >> m.

    Both arguments broadcast.

    Args:
      batch_size: M, of the batches that are trained on, at least m.
      small_batch_size: m, above 0.

    Returns:
      Standard deviations, at least 0, for `RunConfig.loss_noise`.

    Raises:
      UserError: an argument is out of range.
    """
    small = domain.positive("small_batch_size", small_batch_size)
    ratio = domain.positive("batch_size", batch_size) / small
    return np.sqrt(domain.at_least("batch_size / small_batch_size", ratio, 1.0) - 1.0)
