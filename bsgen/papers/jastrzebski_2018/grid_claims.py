"""What figure 3 of Jastrzebski et al. (2018) claims, judged by the slopes of each seed.

After equal epochs, as in the paper, and at equal training loss, as in its theory.
"""

from typing import TYPE_CHECKING

import pandas as pd

from bsgen.papers.jastrzebski_2018 import grid_slopes
from bsgen.studies import claims, estimates

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import grid


def judge(found: "grid.Grid") -> list[claims.Claim]:
    """A higher ratio goes with a wider minimum and a better accuracy."""
    return [*_after_equal_epochs(found), *_at_equal_loss(found)]


def _after_equal_epochs(found: "grid.Grid") -> list[claims.Claim]:
    correlation = "rank correlation with the ratio of learning rate to batch size"
    loss = _correlation(
        found.ended, "final_max_eigenvalue", "final_train_cross_entropy"
    )
    confound = f"{found.note}; with the training loss it is {loss.interval().value:.2g}"
    width, error = "largest eigenvalue", "test error"
    return [
        claims.below(
            "A higher ratio of learning rate to batch size gives a lower largest "
            "eigenvalue of the Hessian",
            f"{correlation}, largest eigenvalue",
            _correlation(found.ended, "final_max_eigenvalue"),
            confound,
        ),
        claims.below(
            "A higher ratio gives a lower Frobenius norm of the Hessian",
            f"{correlation}, Frobenius norm",
            _correlation(found.ended, "final_hessian_frobenius_norm"),
            found.note,
        ),
        claims.above(
            "A higher ratio gives a better accuracy",
            f"{correlation}, final test accuracy",
            _correlation(found.ended, "final_test_accuracy"),
            found.note,
        ),
        _direction(
            "The same ratio gives the same width, whatever the batch size",
            width,
            found.slopes[width],
            f"{found.note}, and the ratio is also the length of training",
        ),
        _direction(
            "The accuracy is consistent as long as the ratio is constant",
            error,
            found.slopes[error],
            f"{found.note}, and the ratio is also the length of training",
        ),
    ]


def _at_equal_loss(found: "grid.Grid") -> list[claims.Claim]:
    slopes, note = found.slopes_at_equal_loss, found.note_at_equal_loss
    return [
        *(
            claims.below(
                f"At equal training loss, a higher ratio gives a {result}",
                f"power of eta / S, {quantity}",
                slopes[quantity].power,
                f"{note}; slopes {slopes[quantity].words}",
            )
            for quantity, result in (
                ("trace", "lower trace of the Hessian"),
                ("largest eigenvalue", "lower largest eigenvalue"),
                ("Frobenius norm", "lower Frobenius norm"),
                ("test error", "better accuracy"),
            )
        ),
        *(
            _direction(
                f"At equal training loss, the same ratio gives the same {result}",
                quantity,
                slopes[quantity],
                note,
            )
            for quantity, result in (
                ("trace", "trace, whatever the batch size"),
                ("largest eigenvalue", "largest eigenvalue"),
                ("test error", "accuracy"),
            )
        ),
        claims.scales_as(
            "At equal training loss, the trace is inversely proportional to the ratio "
            "(eq. 7)",
            "power of eta / S, trace",
            slopes["trace"].power,
            predicted=-1,
            band=(-1.25, -0.75),
            alternatives=(-0.5, 0),
            note=f"{note}; eq. 7 is of chains that have settled, and these still train",
        ),
    ]


def _direction(
    claim: str, quantity: str, slopes: grid_slopes.Slopes, note: str
) -> claims.Claim:
    """Judges that a quantity falls with eta / S, not with another rule."""
    return claims.scales_as(
        claim,
        f"angle of the slopes on log eta and log S, {quantity} [degrees]",
        slopes.angle,
        predicted=grid_slopes.PREDICTED,
        band=grid_slopes.BAND,
        alternatives=grid_slopes.ALTERNATIVES,
        note=f"{note}; slopes {slopes.words}; eta alone has 0 degrees, eta / sqrt(S) "
        "26.6, S alone 90",
    )


def _correlation(
    trained: pd.DataFrame, column: str, other: str = "ratio"
) -> estimates.Estimate:
    """Returns the median over seeds of Spearman's rank correlation."""
    from scipy import stats  # takes half a second

    correlations = [
        stats.spearmanr(rows[other], rows[column]).statistic
        for _, rows in trained.groupby("seed")
    ]
    return estimates.median(correlations)
