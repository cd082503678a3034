"""The handwritten digits inside scikit-learn: 1797 images of 8x8, no download.

Source: test part of "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak,
1998, UCI), https://archive.ics.uci.edu/dataset/80. It has no official split here.
"""

import functools

import numpy as np

from bsgen.data import pool

NAME = "digits"
IMAGE_SHAPE = (8, 8)


@functools.lru_cache(maxsize=1)
def load() -> pool.Pool:
    """Returns the digits: inputs [1797, 8, 8] uint8 from 0 to 16, 10 classes."""
    from sklearn import datasets  # Takes about a second: only for those who read it.

    digits = datasets.load_digits()
    return pool.Pool(
        name=NAME,
        inputs=digits.images.astype(np.uint8),
        labels=digits.target.astype(np.int32),
        num_classes=10,
    )
