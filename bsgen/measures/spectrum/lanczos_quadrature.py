"""The density of an operator's eigenvalues, by stochastic Lanczos quadrature.

For a random unit vector v, m Lanczos steps give the Gauss quadrature of v's spectral
measure: nodes theta_i (Ritz values) and weights tau_i (squared first components). Each
eigenvalue drawn as a Gaussian of standard deviation sigma,

    density(t) = 1/P sum_j N(t; lambda_j, sigma^2)
               = E_v[ sum_i tau_i N(t; theta_i, sigma^2) ],

up to the error of the quadrature, which falls exponentially in m for smooth densities
(Lin, Saad & Yang 2016; for neural networks Ghorbani, Krishnan & Xiao 2019). The area is
1: times P it counts eigenvalues.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from bsgen import errors, interrupts, statistics
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.operators.linear_operator import FloatArray
from bsgen.measures.spectrum import lanczos, probes

_RELATIVE_WIDTH = 0.01  # of the range of the Ritz values; our choice
_MARGIN_WIDTHS = 5.0  # of grid beyond the outermost node: 6e-7 of the area is outside


@dataclasses.dataclass(frozen=True)
class SpectralDensity:
    """A density of eigenvalues, of area 1, smoothed with a Gaussian.

    Attributes:
      grid: [G], ascending.
      value: [G], the density on the grid, mean over the probes.
      standard_error: [G], of `value`, over the probes; inf for one probe.
      per_probe: [num_probes, G], the density as each probe saw it.
      nodes: for each probe, its Ritz values [m].
      weights: for each probe, the weights [m] of its nodes, of sum 1.
      gaussian_width: standard deviation sigma of the Gaussians.
      num_products: products taken.
      stopped_because: "max_products", or "interrupted" before all probes were done.
      mode: how the model was measured, see `linear_operator.mode`.
    """

    grid: FloatArray
    value: FloatArray
    standard_error: FloatArray
    per_probe: FloatArray = dataclasses.field(repr=False)
    nodes: tuple[FloatArray, ...] = dataclasses.field(repr=False)
    weights: tuple[FloatArray, ...] = dataclasses.field(repr=False)
    gaussian_width: float
    num_products: int
    stopped_because: progress.StoppedBecause
    mode: str = ""


@interrupts.kept()
def spectral_density(
    hessian: linear_operator.LinearOperator,
    *,
    num_probes: int = 10,
    num_steps: int = 80,
    max_products: int | None = None,
    grid: npt.ArrayLike | None = None,
    gaussian_width: float | None = None,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> SpectralDensity:
    """Estimates the density of the eigenvalues with num_probes num_steps products.

    Args not named here are those of `eigenvalues.top_eigenvalue`.

    Args:
      num_probes: at least 1.
      num_steps: of Lanczos, at least 1; m resolves features wider than about range / m.
      max_products: in place of `num_probes`: as many probes as it allows, of fewer
        steps if it does not allow one; None for `num_probes`.
      grid: [G] ascending; None for 1000 points over all that is not 0.
      gaussian_width: above 0; None for a hundredth of the range of the nodes.
      on_progress: called after every product, with no value.
      keep_partial: whether Ctrl-C returns the probes that are done, or the steps of the
        first where there are none yet, instead of raising.

    Raises:
      UserError: an argument is wrong, or the loss has no finite second derivative.
    """
    size = linear_operator.size(hessian)
    num_probes = errors.check_integer("num_probes", num_probes, 1)
    num_steps = errors.check_integer("num_steps", num_steps, 1)
    if max_products is not None:
        limit = errors.check_integer("max_products", max_products, 1)
        num_steps = min(num_steps, limit)
        num_probes = limit // num_steps
    width = gaussian_width
    if width is not None and errors.check_real("gaussian_width", width, 0.0) == 0.0:
        raise errors.UserError("gaussian_width", width, "give a number above 0")
    draw = np.random.default_rng(seed)
    measures: list[lanczos.RitzPairs] = []
    stopped_because: progress.StoppedBecause = progress.MAX_PRODUCTS
    num_products = 0
    solver: lanczos.Lanczos | None = None
    try:
        for _ in range(num_probes):
            start = probes.rademacher(draw, size)
            solver = lanczos.Lanczos(hessian, start, num_steps)
            while not solver.exhausted:
                solver.advance()
                num_products += 1
                if on_progress is not None:
                    limit = num_probes * num_steps
                    done = progress.Progress(num_products, limit, math.nan, math.inf)
                    on_progress(done)
            measures.append(solver.ritz_pairs())
    except KeyboardInterrupt:
        if keep_partial and not measures and solver and solver.num_products:
            measures.append(solver.ritz_pairs())
        stopped_because = progress.interrupted(keep_partial and measures)
    nodes = tuple(pairs.values for pairs in measures)
    weights = tuple(pairs.first_weights for pairs in measures)
    low, high = min(map(np.min, nodes)), max(map(np.max, nodes))
    # A multiple of the identity has no range; its modulus is the other scale there is.
    scale = float((high - low) or abs(high) or 1.0)
    width = gaussian_width or _RELATIVE_WIDTH * scale
    if grid is None:
        margin = _MARGIN_WIDTHS * width
        grid = np.linspace(low - margin, high + margin, 1000)
    points = np.asarray(grid, float)
    density = np.stack(
        [_smooth(points, *pair, width) for pair in zip(nodes, weights, strict=True)]
    )
    return SpectralDensity(
        grid=points,
        value=density.mean(axis=0),
        standard_error=statistics.standard_error(density),
        per_probe=density,
        nodes=nodes,
        weights=weights,
        gaussian_width=width,
        num_products=num_products,
        stopped_because=stopped_because,
        mode=linear_operator.mode(hessian),
    )


def _smooth(
    grid: FloatArray, nodes: FloatArray, weights: FloatArray, width: float
) -> FloatArray:
    """Returns sum_i weights_i N(grid; nodes_i, width^2) [G]."""
    squares = ((grid[:, np.newaxis] - nodes) / width) ** 2
    return np.exp(-squares / 2) @ weights / (width * math.sqrt(2 * math.pi))
