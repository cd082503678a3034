"""Pictures as PNG files."""

import io

from matplotlib import figure

_DOTS_PER_INCH = 150


def png(drawn: figure.Figure) -> bytes:
    """Returns a figure as the content of a PNG file."""
    content = io.BytesIO()
    drawn.savefig(content, format="png", dpi=_DOTS_PER_INCH)
    return content.getvalue()
