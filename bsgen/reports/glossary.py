"""Symbols and terms of the studies in words, for those who have not read the papers."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_OTHERS = "smith_le_2017", "hoffer_2017", "smith_elsen_de_2020"
_RATE = "learning rate: what a step multiplies the gradient by"
_SIZE = "batch size: how many examples a step takes the mean gradient of"


class Term(NamedTuple):
    """A word of the reports.

    Attributes:
      name: as it is shown.
      pattern: a regular expression that finds it as a whole word.
      meaning: in words.
      papers: the keys of those that mean this by it; empty for all.
    """

    name: str
    pattern: str
    meaning: str
    papers: tuple[str, ...] = ()


_TERMS = (
    Term("B", "B|B_opt|B_SB|B_LB", _SIZE, _OTHERS),
    Term("S", "S", _SIZE, ("jastrzebski_2018",)),
    Term("B_opt", "B_opt", "the batch size with the highest test accuracy"),
    Term("epsilon", "epsilon|ε", _RATE, ("smith_le_2017", "smith_elsen_de_2020")),
    Term("eta", "eta|η", _RATE, ("hoffer_2017", "jastrzebski_2018")),
    Term(
        "effective rate",
        "effective (?:learning )?rates?",
        "learning rate / (1 - m), what the steps of one gradient sum up to",
    ),
    Term("m", "m", "momentum: the share of the last step that the next one repeats"),
    Term("N", "N", "number of training examples", _OTHERS),
    Term(
        "lambda",
        "lambda|λ",
        "strength of the L2 penalty on the weights",
        ("smith_le_2017",),
    ),
    Term(
        "evidence",
        "evidence",
        "how probable a model makes the training labels, over all of its weights; E is "
        "the logarithm of its ratio to that of guessing, negative where it favours the "
        "model",
        ("smith_le_2017",),
    ),
    Term(
        "F",
        "F",
        "covariance of the gradients of single examples",
        ("smith_le_2017", "hoffer_2017"),
    ),
    Term(
        "H",
        "H|Hessian",
        "matrix of second derivatives of the loss; its largest eigenvalue is the "
        "curvature in the sharpest direction",
    ),
    Term("C", "C", "covariance of the gradient's noise", ("jastrzebski_2018",)),
    Term(
        "alignment",
        "alignments?|aligned",
        "cosine of the angle between two matrices, the noise's covariance and the "
        "Hessian: 1 where they are in proportion",
    ),
    Term(
        "noise scale",
        "noise scale",
        "g = learning rate (N/B - 1) / (1 - m), how strongly the choice of examples "
        "shakes the weights",
    ),
    Term(
        "appendix D",
        "appendix D",
        "Smith & Le's procedure for tuning batch size, learning rate and momentum, in "
        "three phases",
    ),
    Term(
        "phase 1, 2, 3",
        "phases? [123]",
        "of appendix D: 1 finds the best batch size at a fixed learning rate and "
        "momentum; 2 raises batch size and momentum, with 1 - m proportional to 1/B, "
        "until the validation accuracy falls; 3 looks around the last batch size that "
        "had not fallen",
        ("smith_le_2017",),
    ),
    Term(
        "ghosts",
        "ghosts?|GBN",
        "parts of a large batch that batch normalisation treats each as a batch of "
        "its own",
    ),
    Term(
        "adapted",
        "adapted|adaptation|adapts?",
        "trained with a learning rate raised as the square root of the batch size and "
        "with ghosts; an adapted regime also has as many updates as the small batch",
        ("hoffer_2017",),
    ),
    Term(
        "SB, LB, +LR, +GBN, +RA",
        r"SB|LB|\+LR|\+GBN|\+RA",
        "small batch; large batch; and, one added to the other, the large batch's "
        "learning rate raised as the square root, ghosts, and as many updates as the "
        "small batch",
        ("hoffer_2017",),
    ),
    Term(
        "alpha",
        "alpha",
        "the loss's mean squared change grows as this power of the distance from the "
        "initial weights; at 2 the weights move as the logarithm of the steps",
        ("hoffer_2017",),
    ),
    Term(
        "perplexity",
        "perplexity",
        "exponential of the cross-entropy: among how many equally likely next "
        "characters or words the model would be guessing",
    ),
    Term(
        "AICc",
        "AICc",
        "Akaike's criterion of how well a law fits, which allows for its number of "
        "parameters; less is better",
    ),
    Term(
        "jackknife",
        "jackknife",
        "an interval from leaving out one seed after the other",
    ),
    Term(
        "bootstrap", "bootstrap", "an interval from seeds drawn again with replacement"
    ),
    Term("Fieller's theorem", "Fieller's theorem", "an interval for a ratio of means"),
)
_FOUND = [(term, re.compile(rf"(?<!\w)(?:{term.pattern})(?!\w)")) for term in _TERMS]


def used_in(paper: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the names and meanings of the terms that a study's texts use.

    Args:
      paper: the key of its paper; some letters mean different things elsewhere.
      texts: caption, claims, headings of tables, words of pictures.
    """
    text = " ".join(texts)
    return [
        (term.name, term.meaning)
        for term, pattern in _FOUND
        if (not term.papers or paper in term.papers) and pattern.search(text)
    ]
