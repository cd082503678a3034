"""Made-up rows of the simulations on quadratics, by closed forms."""

import numpy as np

from bsgen.papers.jastrzebski_2018 import quadratic_minima


def eq7(rate, size, momentum, eigenvalues):
    """The loss of the SDE."""
    return rate / (4 * size * (1 - momentum)) * eigenvalues.sum()


def exact(rate, size, momentum, eigenvalues):
    """The loss of SGD: each direction by the share of its own critical rate."""
    shares = rate * eigenvalues / (2 * (1 + momentum))
    return rate / (4 * size * (1 - momentum)) * np.sum(eigenvalues / (1 - shares))


def rows(entry, generator, law=exact, error=0.002):
    """One row as a measurement makes it, with the loss of `law` and normal errors."""
    given = entry.settings
    matrix = quadratic_minima.hessian(given["spectrum"], given["dimension"])
    eigenvalues = np.linalg.eigvalsh(matrix)
    rate, size, momentum = (
        given[name] for name in ("learning_rate", "batch_size", "momentum")
    )
    arguments = rate, size, momentum, eigenvalues
    loss = law(*arguments)
    return [
        {
            "loss": loss * (1 + error * generator.normal()),
            "standard_error": error * loss,
            "continuous_loss": eq7(*arguments),
            "exact_loss": exact(*arguments),
            "ratio": rate / (size * (1 - momentum)),
            "critical_share": rate * eigenvalues[-1] / (2 * (1 + momentum)),
            "hessian_trace": eigenvalues.sum(),
        }
    ]
