"""How the learning rate depends on momentum, batch size and curvature.

Smith & Le (2017), arXiv 1710.06451, appendix C (effective learning rate); Smith, Elsen
& De (2020), sections 3.1 and 3.2 (critical learning rate, temperature, linear rule);
Hoffer, Hubara & Soudry (2017), eq. 7 (square-root rule).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.theory import domain

_EXPONENTS = {"linear": 1.0, "sqrt": 0.5, "none": 0.0}


def effective_learning_rate(
    learning_rate: npt.ArrayLike, momentum: npt.ArrayLike
) -> domain.FloatArray:
    """Returns learning_rate / (1 - momentum), which broadcasts.

    Under a constant gradient each step ends up this many times the gradient long, once
    the accumulator is full. Smith & Le (2017), after eq. 26.

    Args:
      learning_rate: at least 0.
      momentum: at least 0 and below 1.

    Raises:
      UserError: an argument is out of range.
    """
    rate = domain.at_least("learning_rate", learning_rate, 0.0)
    return rate / (1.0 - domain.momentum(momentum))


def temperature(
    learning_rate: npt.ArrayLike,
    batch_size: npt.ArrayLike,
    momentum: npt.ArrayLike = 0.0,
) -> domain.FloatArray:
    """Returns learning_rate / (batch_size (1 - momentum)), which broadcasts.

    This is the approximate noise scale divided by the training set's size. Smith,
    Elsen & De (2020), section 3.2, eq. 3; without momentum the "stochastic noise" of
    Jastrzebski et al. (2018), section 2.1.

    Args:
      learning_rate: at least 0.
      batch_size: above 0.
      momentum: at least 0 and below 1.

    Raises:
      UserError: an argument is out of range.
    """
    size = domain.positive("batch_size", batch_size)
    return effective_learning_rate(learning_rate, momentum) / size


def critical_learning_rate(
    max_eigenvalue: npt.ArrayLike, momentum: npt.ArrayLike = 0.0
) -> domain.FloatArray:
    """Returns 2 (1 + momentum) / max_eigenvalue, which broadcasts.

    Above it full-batch descent on a quadratic diverges along the sharpest direction.
    Smith, Elsen & De (2020), section 3.1, give it without momentum. With
    A <- m A - h w, w <- w + e A the iterates obey z^2 - (1 + m - e h) z + m = 0; the
    first root to leave the unit circle does so at z = -1, where e h = 2 (1 + m). This
    is heavy-ball momentum; Nesterov's has a lower limit.

    Args:
      max_eigenvalue: above 0; the largest eigenvalue of the Hessian of the MEAN cost,
        L2 term included (not the largest modulus).
      momentum: at least 0 and below 1.

    Raises:
      UserError: an argument is out of range.
    """
    curvature = domain.positive("max_eigenvalue", max_eigenvalue)
    return 2.0 * (1.0 + domain.momentum(momentum)) / curvature


def scale_learning_rate(
    learning_rate: npt.ArrayLike,
    batch_size: npt.ArrayLike,
    new_batch_size: npt.ArrayLike,
    rule: str,
) -> domain.FloatArray:
    """Returns the learning rate for `new_batch_size`, given a good one for
    `batch_size`.

    learning_rate (new_batch_size / batch_size)^p, with p = 1 for "linear" (keeps the
    noise scale: Smith & Le (2017), section 5; Smith, Elsen & De (2020), section 3.2),
    p = 1/2 for "sqrt" (keeps the covariance of the step: Hoffer et al. (2017), eq. 7)
    and p = 0 for "none". The numbers broadcast.

    Args:
      learning_rate: at least 0.
      batch_size: above 0.
      new_batch_size: above 0.
      rule: "linear", "sqrt" or "none".

    Raises:
      UserError: an argument is out of range or the rule is unknown.
    """
    if rule not in _EXPONENTS:
        raise errors.unknown_name("rule", rule, _EXPONENTS)
    rate = domain.at_least("learning_rate", learning_rate, 0.0)
    size = domain.positive("batch_size", batch_size)
    new_size = domain.positive("new_batch_size", new_batch_size)
    return rate * np.power(new_size / size, _EXPONENTS[rule])
