"""The pictures of the studies, drawn from their tables."""

from bsgen.reports.figures.registry import draw

__all__ = ["draw"]
