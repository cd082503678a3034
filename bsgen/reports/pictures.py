"""Pictures as the page embeds them, a sixth as large as the files of the studies."""

import base64
import io
from typing import NamedTuple

from PIL import Image as image

_COLORS = 128  # more than the pictures tell apart
_EFFORT = 2  # of WebP, 0 to 6; beyond, a picture takes 20 times as long for 3 %


class Picture(NamedTuple):
    """A picture inside the page.

    Attributes:
      source: a `data:` URL.
      width: in pixels.
      height: in pixels.
      description: what is seen, as its file says; empty if it does not.
    """

    source: str
    width: int
    height: int
    description: str


def embedded(content: bytes | None) -> Picture | None:
    """Returns a PNG file as lossless WebP of few colours; None for None."""
    if content is None:
        return None
    opened = image.open(io.BytesIO(content))
    few = opened.convert("RGB").quantize(_COLORS, dither=image.Dither.NONE)
    smaller = io.BytesIO()
    few.convert("RGB").save(smaller, "WEBP", lossless=True, method=_EFFORT)
    text = base64.b64encode(smaller.getvalue()).decode()
    description = str(opened.info.get("Description", ""))
    return Picture(f"data:image/webp;base64,{text}", *opened.size, description)
