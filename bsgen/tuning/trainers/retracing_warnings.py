"""Hides TensorFlow's warning of retracing, which a search cannot avoid.

Every trial compiles a new model, and most of them would print the five lines of
"triggered tf.function retracing. Tracing is expensive ...".
"""

import contextlib
import logging
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Hides the warning inside a `with`; also a decorator."""
    logger = tf.get_logger()
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
