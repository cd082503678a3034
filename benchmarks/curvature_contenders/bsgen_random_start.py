"""This project from a Gaussian start, as without a sample of the data."""

from benchmarks.curvature_contenders import bsgen_lanczos


class Contender(bsgen_lanczos.Contender):
    """See `benchmarks.curvature_contenders`."""

    samples = False
