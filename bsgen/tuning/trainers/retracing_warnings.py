"""Keeps TensorFlow from warning that a search retraces, which it has to.

Every trial compiles a new model, so "triggered tf.function retracing. Tracing is
expensive ..." would come with most of them, five lines long.
"""

import contextlib
import logging
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Hides the warning while what is inside runs; also a decorator."""
    logger = tf.get_logger()
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
