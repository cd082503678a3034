"""A small text, registered for the time of a test, and runs of an LSTM on it."""

import contextlib
from unittest import mock

import numpy as np

from bsgen import config
from bsgen.data import dataset, registry, text

TOKENS, LENGTH = 7, 4
SIZES = {"train": 11, "validation": 6, "test": 5}  # windows


class _Text(dataset.Dataset):
    def load(self, settings, data_dir=None):
        rng = np.random.default_rng(3)
        parts = []
        for count in SIZES.values():
            # The next token mostly is the sum of the last two.
            tokens = [1, 2]
            while len(tokens) <= count * LENGTH:
                noise = rng.choice([0, 1, 2], p=[0.8, 0.1, 0.1])
                tokens.append((tokens[-1] + tokens[-2] + noise) % TOKENS)
            parts.append(np.array(tokens))
        return text.pool(self.name, parts, TOKENS, LENGTH)


_ENTRY = _Text(
    "made_up_text",
    (LENGTH,),
    TOKENS,
    SIZES["train"],
    SIZES["test"],
    scaling="none",
    sampling="contiguous",
    labels="tokens",
)


@contextlib.contextmanager
def registered():
    """Makes the text known."""
    with mock.patch.dict(registry._DATASETS, {_ENTRY.name: _ENTRY}):
        yield


def run(dropout=0.0, data_settings=None, **fields):
    """Eight steps of two streams of five windows, so that the second epoch is begun."""
    made_of = {"validation_size": 6, "scaling": "none", "sampling": "contiguous"}
    return config.RunConfig(
        **{
            "data": config.DataConfig(
                _ENTRY.name, **{**made_of, **(data_settings or {})}
            ),
            "model": config.ModelConfig("lstm", (4, 3), dropout=dropout),
            "optimizer": config.MomentumConfig(0.5, 0.8, l2=1e-3, clip_norm=2.0),
            "batch_size": 2,
            "num_steps": 8,
            "evaluation_steps": (3, 6),
            "seed": 4,
            "loss": "summed_token_cross_entropy",
            **fields,
        }
    )
