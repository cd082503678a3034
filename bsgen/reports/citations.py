"""The papers' authors and titles, as the page names them."""

_PAPERS = {
    "smith_le_2017": (
        "Smith & Le (2017)",
        "A Bayesian perspective on generalization and stochastic gradient descent",
        "arXiv 1710.06451",
    ),
    "hoffer_2017": (
        "Hoffer, Hubara & Soudry (2017)",
        "Train longer, generalize better: closing the generalization gap in large "
        "batch training of neural networks",
        "arXiv 1705.08741",
    ),
    "jastrzebski_2018": (
        "Jastrzebski et al. (2018)",
        "Width of minima reached by stochastic gradient descent is influenced by "
        "learning rate to batch size ratio",
        "ICANN 2018; arXiv 1711.04623",
    ),
    "smith_elsen_de_2020": (
        "Smith, Elsen & De (2020)",
        "On the generalization benefit of noise in stochastic gradient descent",
        "arXiv 2006.15081",
    ),
}


def authors(paper: str) -> str:
    """Returns authors and year of a paper; its key if it is not known."""
    return _PAPERS[paper][0] if paper in _PAPERS else paper


def source(paper: str) -> str:
    """Returns title and place of a paper; empty if it is not known."""
    if paper not in _PAPERS:
        return ""
    _, title, place = _PAPERS[paper]
    return f"{title}. {place}"


def place_in_paper(study_name: str) -> str:
    """Returns "Figure 5", "Table 1", "Appendix D" or "Rule of thumb" for a study."""
    name = study_name.split("/")[-1].replace("fig", "figure")
    words = name.replace("_", " ").rstrip("0123456789")
    number = name[len(words) :]
    if words.startswith("appendix "):
        words = f"appendix {words.removeprefix('appendix ').upper()}"
    words = f"{words} {number}".strip()
    return words[:1].upper() + words[1:]
