"""A picture in words, from its own titles, axes and legends, for who cannot see it."""

import re

from matplotlib import axes as mpl_axes
from matplotlib import figure
from matplotlib import legend as mpl_legend

_MOST_ENTRIES = 12  # of a legend; more cannot be listened to
_COMMANDS = {"sqrt": "square root of ", "pm": "plus or minus", "mathrm": ""}


def describe(drawn: figure.Figure) -> str:
    """Returns a sentence a panel: title, what is against what, lines by their names."""
    parts = [_panel(axes) for axes in drawn.axes]
    return " ".join(filter(None, [*parts, _legends(drawn.legends)]))


def _panel(axes: mpl_axes.Axes) -> str:
    titles = (axes.get_title(loc) for loc in ("left", "center", "right"))
    title = _plain(" ".join(filter(None, titles)))
    names = []
    for axis, label, scale in (
        (axes.yaxis, axes.get_ylabel(), axes.get_yscale()),
        (axes.xaxis, axes.get_xlabel(), axes.get_xscale()),
    ):
        if label and axis.get_visible():
            words = " (logarithmic)" if scale == "log" else ""
            names.append(f"{_plain(label)}{words}")
    found = axes.get_legend()
    entries = _legends([found] if found else [])
    sentence = ": ".join(filter(None, [title, " against ".join(names)]))
    return " ".join(filter(None, [f"{sentence}." if sentence else "", entries]))


def _legends(found: list[mpl_legend.Legend]) -> str:
    texts = [_plain(text.get_text()) for each in found for text in each.get_texts()]
    texts = list(dict.fromkeys(filter(None, texts)))
    if not texts:
        return ""
    more = len(texts) - _MOST_ENTRIES
    listed = "; ".join(texts[:_MOST_ENTRIES]) + (f"; and {more} more" * (more > 0))
    titles = [_plain(each.get_title().get_text()) for each in found]
    name = ", ".join(dict.fromkeys(filter(None, titles))) or "Drawn"
    return f"{name}: {listed}."


def _plain(text: str) -> str:
    """Returns a label without the marks of mathematical type."""
    text = text.replace(r"\,", " ")
    text = re.sub(r"\\([A-Za-z]+)", _command, text)
    return " ".join(re.sub(r"[${}]", "", text).split())


def _command(found: re.Match[str]) -> str:
    return _COMMANDS.get(found[1], found[1])
