"""Results of named measures in words, as JSON and as curves."""

import math
from typing import Any


def value_and_error(found: Any) -> str:
    """Returns "12.3 ± 0.1"."""
    error = getattr(found, "standard_error", getattr(found, "error", math.nan))
    return f"{found.value:.5g} ± {error:.2g}"


def from_value_to_upper(found: Any) -> str:
    """Returns "from 1.5 to 1.6"."""
    return f"from {found.value:.5g} to {found.upper:.5g}"


def ends_of_density(found: Any) -> str:
    """Returns the range of a spectrum: "from -0.1 to 12"."""
    values = density_record(found)
    return f"from {values['lowest']:.4g} to {values['highest']:.4g}"


def density_record(found: Any) -> dict[str, Any]:
    """Returns what is kept of a density beside its curve."""
    kept = ("gaussian_width", "num_products", "stopped_because", "mode")
    return {
        "lowest": min(float(nodes.min()) for nodes in found.nodes),
        "highest": max(float(nodes.max()) for nodes in found.nodes),
        "num_probes": len(found.nodes),
        **{name: getattr(found, name) for name in kept},
    }


def density_curve(found: Any) -> dict[str, Any]:
    """Returns the columns of a density."""
    return {
        "eigenvalue": found.grid,
        "density": found.value,
        "standard_error": found.standard_error,
    }


def alpha_and_exponent(found: Any) -> str:
    """Returns "alpha 1.9 ± 0.1, std ~ distance^0.95"."""
    return f"alpha {value_and_error(found)}, std ~ distance^{found.spread.exponent:.4g}"


def potential_points(found: Any) -> dict[str, Any]:
    """Returns the columns of a random potential."""
    return {"distance": found.distances, "difference": found.differences}
