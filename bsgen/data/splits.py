"""Training, validation and test examples, drawn from a pool by seed.

Smith & Le (2017), arXiv:1710.06451, section 4, train on 1000 images "selected at random
from the MNIST training set" and test on the whole test set.
"""

import dataclasses

import numpy as np

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import pool as pool_lib
from bsgen.data import random_streams, sources


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Disjoint positions in a pool, int32: train [N], validation [V] and test [T]."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(pool: sources.Source, config: configuration.DataConfig) -> Split:
    """Draws the examples of a run.

    A permutation of the training pool follows from `subset_seed` alone. The first N of
    it are trained on, so the subset of a smaller N is the beginning of the subset of a
    larger N; the last V of it are set aside for validation. The test set is the
    official one; where there is none, it is drawn by the same seed.

    A text has nothing to draw: the first N windows of its training part are trained on,
    and the first V of its validation part are set aside.

    Raises:
      UserError: the pool is too small.
    """
    if isinstance(pool, pool_lib.Pool) and pool.in_order:
        return _split_text(pool, config)
    purpose = random_streams.Purpose.SUBSET
    generator = random_streams.generator(purpose, config.subset_seed)
    if pool.train_pool is None or pool.test_pool is None:
        size = len(pool)
        test_size = size // 3 if pool.test_size is None else pool.test_size
        test, train_pool = np.split(generator.permutation(size), [test_size])
    else:
        test, train_pool = pool.test_pool, generator.permutation(pool.train_pool)
    available = len(train_pool) - config.validation_size
    if available < 1:
        remedy = f"give at most {len(train_pool) - 1}: {pool.name} has "
        remedy += f"{len(train_pool)} examples for training and validation"
        raise errors.UserError("validation_size", config.validation_size, remedy)
    train_size = available if config.train_size is None else config.train_size
    if train_size > available:
        remedy = f"give at most {available}: {pool.name} has {len(train_pool)} "
        remedy += f"training examples, {config.validation_size} of them set aside for "
        remedy += "validation"
        raise errors.UserError("train_size", train_size, remedy)
    return Split(
        train=train_pool[:train_size].astype(np.int32),
        validation=train_pool[available:].astype(np.int32),
        test=test.astype(np.int32),
    )


def _split_text(text: pool_lib.Pool, config: configuration.DataConfig) -> Split:
    train, validation, test = (
        np.asarray(() if part is None else part, np.int32)
        for part in (text.train_pool, text.validation_pool, text.test_pool)
    )
    for argument, part in (("train_size", train), ("validation_size", validation)):
        wanted = getattr(config, argument) or 0
        if wanted > len(part):
            remedy = f"give at most {len(part)}: so many windows has that part of "
            remedy += text.name
            raise errors.UserError(argument, wanted, remedy)
    return Split(train[: config.train_size], validation[: config.validation_size], test)
