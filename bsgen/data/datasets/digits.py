"""The handwritten digits inside scikit-learn: 1797 images of 8x8, no download.

Source: test part of "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak,
1998, UCI), https://archive.ics.uci.edu/dataset/80. It has no official split here.
"""

import functools

import numpy as np

from bsgen.config import DataConfig
from bsgen.data import dataset
from bsgen.data.pool import Pool

_TRAIN_SIZE, _TEST_SIZE = 1200, 597  # our choice


class _Digits(dataset.Dataset):
    def load(self, settings: DataConfig, data_dir: str | None = None) -> Pool:
        return load()


@functools.lru_cache(maxsize=1)
def load() -> Pool:
    """Returns the digits: inputs [1797, 8, 8] uint8 from 0 to 16, 10 classes."""
    from sklearn import datasets  # takes about a second

    digits = datasets.load_digits()
    return Pool(
        name=DIGITS.name,
        inputs=digits.images.astype(np.uint8),
        labels=digits.target.astype(np.int32),
        num_classes=DIGITS.num_classes,
        test_size=_TEST_SIZE,
    )


DIGITS = _Digits("digits", (8, 8), 10, _TRAIN_SIZE, _TEST_SIZE)
