"""The papers as reports name them: authors, title, place, and what they say."""

from typing import NamedTuple


class _Paper(NamedTuple):
    authors: str
    title: str
    place: str
    says: str


_PAPERS = {
    "smith_le_2017": _Paper(
        "Smith & Le (2017)",
        "A Bayesian perspective on generalization and stochastic gradient descent",
        "arXiv 1710.06451",
        "Why do networks that could memorise random labels generalize when labels are "
        "real? The Bayesian evidence weighs the depth of a minimum against its "
        "width, and tells the two cases apart (figures 1 and 2). The noise of small "
        "batches drives training towards wide minima, so there is a best batch size, "
        "neither the smallest nor the largest (3, 4 and 8). Seen as a stochastic "
        "differential equation, SGD has the noise scale g ≈ epsilon N / (B (1 - "
        "m)), with learning rate epsilon, N training examples, batch size B and "
        "momentum m: the best B is in proportion to epsilon, to N and to 1 / (1 - m) "
        "(5 to 7). Appendix D turns this into a way to tune all three.",
    ),
    "hoffer_2017": _Paper(
        "Hoffer, Hubara & Soudry (2017)",
        "Train longer, generalize better: closing the generalization gap in large "
        "batch training of neural networks",
        "arXiv 1705.08741",
        "Large batches end with a lower test accuracy than small ones, the "
        "generalization gap. The paper puts it down to the number of updates: "
        "weights diffuse over a random potential, as slowly as the logarithm of "
        "time, and a large batch trained for as many epochs takes fewer steps. Three "
        "remedies close the gap: a learning rate that grows as the square root of "
        "the batch size; ghost batch normalization, which takes statistics over "
        "small parts of the batch; and training for as many updates, called regime "
        "adaptation (tables 1 and 2).",
    ),
    "jastrzebski_2018": _Paper(
        "Jastrzebski et al. (2018)",
        "Width of minima reached by stochastic gradient descent is influenced by "
        "learning rate to batch size ratio",
        "ICANN 2018; arXiv 1711.04623",
        "What the noise of SGD does depends on learning rate and batch size only by "
        "their ratio: runs of equal ratio have equal learning curves (figures 1 and "
        "2), and a higher ratio ends in wider minima, where the curvature of the "
        "loss is lower and the test accuracy higher (3 and 4). Scaled too far by one "
        "factor, the two break apart (5).",
    ),
    "smith_elsen_de_2020": _Paper(
        "Smith, Elsen & De (2020)",
        "On the generalization benefit of noise in stochastic gradient descent",
        "arXiv 2006.15081",
        "Do small batches generalize better if every learning rate is tuned? There "
        "are two regimes. While the batch is small, noise dominates: the best "
        "learning rate grows with the batch, momentum gains nothing, and accuracy "
        "does not depend on the batch size. When it is large, curvature bounds the "
        "rate, momentum helps, and at equal epochs accuracy falls (figures 1, 6 to 8). "
        "In equal steps, too, very large batches have a worse test accuracy, at a "
        "lower training loss (tables 1, 3 to 7). With more epochs the rate that is "
        "best for the test set stays, while the one that is best for the training "
        "loss falls (figures 2, 3, 9 and 10).",
    ),
}


def authors(paper: str) -> str:
    """Returns authors and year of a paper; its key if it is not known."""
    return _PAPERS[paper].authors if paper in _PAPERS else paper


def source(paper: str) -> str:
    """Returns title and place of a paper; empty if it is not known."""
    if paper not in _PAPERS:
        return ""
    found = _PAPERS[paper]
    return f"{found.title}. {found.place}"


def says(paper: str) -> str:
    """Returns what a paper says, in a paragraph; empty if it is not known."""
    return _PAPERS[paper].says if paper in _PAPERS else ""


def place_in_paper(study_name: str) -> str:
    """Returns "Figure 5", "Table 1", "Appendix D" or "Rule of thumb" for a study."""
    name = study_name.split("/")[-1].replace("fig", "figure")
    words = name.replace("_", " ").rstrip("0123456789")
    number = name[len(words) :]
    if words.startswith("appendix "):
        words = f"appendix {words.removeprefix('appendix ').upper()}"
    words = f"{words} {number}".strip()
    return words[:1].upper() + words[1:]
