"""The Bayesian evidence of a model in the Gaussian approximation around its minimum.

Smith & Le (2017), arXiv 1710.06451, section 2: eq. 11 (evidence) and eq. 12 (its ratio
to the null model, which gives every class the same probability). Here `l2` is the
paper's coefficient lambda of the cost that is a SUM over the training examples,

    cost(w) = sum of cross-entropies + l2 |w|^2 / 2.

For training on the mean over N examples with strength s: cost = N * mean cost,
l2 = N s, and the eigenvalues are N times those of the mean cost's Hessian.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bsgen.theory import domain


def log_evidence(
    cost: npt.ArrayLike, eigenvalues: npt.ArrayLike, l2: npt.ArrayLike
) -> domain.FloatArray:
    """Returns ln P(labels | inputs, model) = -(cost + sum_i ln(eigenvalue_i / l2) / 2).

    Smith & Le (2017), eq. 11. As the paper proposes, the sum runs only over the
    eigenvalues of at least `l2`: the others would credit the model for directions in
    which the cost is flatter than the prior. A convex model has no such directions.

    Args:
      cost: [...], the regularised cost at the minimum, a sum over the examples.
      eigenvalues: [..., P], of the Hessian of that cost, L2 term included.
      l2: [...], the coefficient of that cost, above 0.

    Returns:
      [...], the log evidence in nats.

    Raises:
      UserError: an argument is out of range.
    """
    height = domain.real("cost", cost)
    prior = domain.positive("l2", l2)[..., np.newaxis]
    curvatures = np.atleast_1d(domain.real("eigenvalues", eigenvalues))
    # An eigenvalue below l2, raised to l2, contributes a logarithm of 0.
    occam = 0.5 * np.sum(np.log(np.maximum(curvatures, prior) / prior), axis=-1)
    return -(height + occam)


def log_evidence_ratio(
    cost: npt.ArrayLike,
    eigenvalues: npt.ArrayLike,
    l2: npt.ArrayLike,
    train_size: npt.ArrayLike,
    num_classes: npt.ArrayLike,
) -> domain.FloatArray:
    """Returns E = -log_evidence - train_size ln(num_classes), in favour of the null
    model.

    Smith & Le (2017), eq. 12. The model's predictions deserve confidence only if E < 0;
    then it is exp(-E) times as plausible as random labels.

    Args:
      cost: [...], as in `log_evidence`.
      eigenvalues: [..., P], as in `log_evidence`.
      l2: [...], as in `log_evidence`.
      train_size: [...], the number of training examples in the cost.
      num_classes: [...], at least 2.

    Returns:
      [...], the log evidence ratio in nats.

    Raises:
      UserError: an argument is out of range.
    """
    size = domain.positive("train_size", train_size)
    classes = domain.at_least("num_classes", num_classes, 2.0)
    return -log_evidence(cost, eigenvalues, l2) - size * np.log(classes)
