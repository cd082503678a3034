"""What the studies of this project found about each piece of advice.

A verdict is of one claim of one study at quick scale: small networks on the digits of
scikit-learn. docs/results/ has them all, a page a paper; a test holds this table
against it.
"""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

Verdict = Literal["holds", "fails", "undecided"]
_VERBS: dict[Verdict, str] = {
    "holds": "hold",
    "fails": "fail",
    "undecided": "undecided",
}
UNTESTED = "not tested"
# By `python -m benchmarks.advice` (docs/use/advice.md).
AGAINST_SWEEPS = (
    "within half a point of accuracy, or 2 % of a cost, of the best rate at 72 % of "
    "204 pairs of batch sizes of recorded sweeps that had not been looked at when the "
    "advice was made (linear rule 45 %, square root 52 %, no change 51 %); without "
    "normalization at 36 % of 42 pairs (linear rule 24 %, square root 45 %)"
)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The verdict on one claim.

    Attributes:
      study: its name.
      claim: its sentence, to the letter.
      verdict: at quick scale.
    """

    study: str
    claim: str
    verdict: Verdict

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Evidence":
        """Returns what `dataclasses.asdict` took apart."""
        return cls(**values)


def grade(evidence: Sequence[Evidence]) -> str:
    """Returns how sure the evidence makes one, in one or a few words.

    Returns:
      "holds", "fails" or "undecided" where all verdicts are alike, "not tested" without
      any, and otherwise how many there are of each: "3 hold, 1 undecided".
    """
    counts = collections.Counter(each.verdict for each in evidence)
    if len(counts) <= 1:
        return next(iter(counts), UNTESTED)
    parts = [f"{counts[v]} {word}" for v, word in _VERBS.items() if counts[v]]
    return ", ".join(parts)


_FIG1 = "smith_elsen_de_2020/fig1"
_TABLE1 = "hoffer_2017/table1"
_JASTRZEBSKI = "jastrzebski_2018/fig2"
_RISES = "the optimal effective learning rate rises in proportion to the batch size"
_SMALL = "when that is small"
_HEAVY = "SGD with momentum 0.9"
_MATCHES = "normalized_mlp: rescaling the learning rate as the batch size matches"
_RESNET, _F1 = "ResNet-8, digits", "narrow F1, digits"
_AS_MANY = (
    "with as many updates the gap disappears: as good as the small batch, or better"
)
_GHOSTS = "ghost batch normalization closes more of it"
_ROOT = "a learning rate scaled by the square root closes part of the gap"
_DEGRADES = (
    "the optimal test accuracy begins to degrade when the batch is sufficiently large"
)
_PLATEAU = "the optimal effective learning rate is constant when the batch is large"

LINEAR_RULE = (
    Evidence(_FIG1, f"{_HEAVY}: {_RISES} {_SMALL}", "undecided"),
    Evidence(_FIG1, f"SGD: {_RISES} {_SMALL}", "undecided"),
    Evidence(
        _JASTRZEBSKI,
        f"{_MATCHES} the small batch better than not rescaling it",
        "holds",
    ),
    Evidence(
        "smith_le_2017/fig5", "B_opt is proportional to the learning rate", "holds"
    ),
)
CONSTANT_RATE = (
    Evidence(_FIG1, f"SGD: {_PLATEAU}", "holds"),
    Evidence(_FIG1, f"{_HEAVY}: {_PLATEAU}", "undecided"),
)
# For it, and against it.
SQUARE_ROOT = tuple(
    Evidence(_TABLE1, f"{network}: {_ROOT}", "holds") for network in (_F1, _RESNET)
)
LINEAR_OVER_SQUARE_ROOT = (
    Evidence(
        _JASTRZEBSKI,
        f"{_MATCHES} the small batch better than by its square root",
        "holds",
    ),
)
LOSS_OF_LARGE_BATCHES = (
    Evidence(_FIG1, f"SGD: {_DEGRADES}", "holds"),
    Evidence(_FIG1, f"{_HEAVY}: {_DEGRADES}", "holds"),
)
SAME_WITHOUT_MOMENTUM = (
    Evidence(
        _FIG1,
        "Both methods have the same optimal test accuracy when the batch is small",
        "holds",
    ),
)
MOMENTUM = (
    Evidence(
        _FIG1,
        "SGD with momentum can scale to larger effective learning rates",
        "holds",
    ),
    Evidence(
        _FIG1, "SGD with momentum performs better when the batch is large", "undecided"
    ),
)
GHOSTS = (
    Evidence(_TABLE1, f"{_F1}: {_GHOSTS}", "holds"),
    Evidence(_TABLE1, f"{_RESNET}: {_GHOSTS}", "undecided"),
)
AS_MANY_UPDATES = (
    Evidence(_TABLE1, f"{_F1}: {_AS_MANY}", "holds"),
    Evidence(_TABLE1, f"{_RESNET}: {_AS_MANY}", "holds"),
    Evidence(
        "hoffer_2017/fig5",
        "The gap stems from the number of updates, not from the batch size: a large "
        "batch that only trains for as many ends as good as the small one",
        "fails",
    ),
)
BOUNDARY = (
    Evidence(
        "smith_elsen_de_2020/rule_of_thumb",
        "SGD: training near the boundary is a good rule of thumb: little accuracy is "
        "lost",
        "undecided",
    ),
    Evidence(
        "smith_elsen_de_2020/rule_of_thumb",
        f"{_HEAVY}: training near the boundary is a good rule of thumb: little "
        "accuracy is lost",
        "fails",
    ),
)
EVERY = (
    *LINEAR_RULE,
    *CONSTANT_RATE,
    *SQUARE_ROOT,
    *LINEAR_OVER_SQUARE_ROOT,
    *LOSS_OF_LARGE_BATCHES,
    *SAME_WITHOUT_MOMENTUM,
    *MOMENTUM,
    *GHOSTS,
    *AS_MANY_UPDATES,
    *BOUNDARY,
)
