"""Made-up rows of the random potential, by any law of it."""

import numpy as np

from bsgen.papers.hoffer_2017 import potential_measurement
from bsgen.studies import study
from tests.studies import made_up

SIZE = 400  # of the weights
SLOPE = 2.0  # |g|


def rows(entry, law, num_points=1000):
    """The rows of a measurement if differences followed `law(distances, normals)`."""
    seed = entry.settings["seed"]
    draw = np.random.default_rng(seed)
    reach = 10.0 + seed
    distances = draw.uniform(0.0, reach, num_points)
    differences = law(distances, draw.normal(size=num_points))
    constants = {
        "max_distance": reach,
        "initial_loss": 2.3,
        "num_parameters": SIZE,
        "gradient_norm": SLOPE,
        "hessian_trace": 5.0,
        "hessian_frobenius_norm": 3.0,
    }
    return [
        {"distance": float(z), "difference": float(d), **constants}
        for z, d in zip(distances, differences, strict=True)
    ]


def linear(distances, normals):
    """What the gradient alone gives."""
    return SLOPE / np.sqrt(SIZE) * distances * normals


def results(law=linear, num_seeds=16, diverged=()) -> study.Results:
    """The tables of the study at quick scale."""
    nothing = dict.fromkeys(
        ("distance", "difference", *potential_measurement.CONSTANTS)
    )
    return made_up.measured(
        potential_measurement.measurements("quick", num_seeds),
        lambda entry: (
            [nothing] if entry.settings["seed"] in diverged else rows(entry, law)
        ),
    )
