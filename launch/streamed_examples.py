"""Examples of a dataset that does not fit in memory, as a `tf.data` set."""

from typing import TYPE_CHECKING

import numpy as np

from bsgen import config, errors

if TYPE_CHECKING:
    import tensorflow as tf

    from bsgen import data

_READ_AT_ONCE = 64  # examples


def load(
    source: "data.Source", settings: config.DataConfig, part: str, seed: int
) -> "tf.data.Dataset":
    """Returns the scaled examples of a part, one by one, in the same order every time.

    Args:
      source: reads examples on demand.
      settings: of the data; its scaling must not need fitting, as for every run
        that was trained on such a source.
      part: "train", "validation" or "test".
      seed: of their order, so that the first few are a random sample.

    Raises:
      UserError: the part has no examples.
    """
    import tensorflow as tf

    from bsgen import data
    from bsgen.data import scaling, streaming

    positions = getattr(data.split(source, settings), part)
    if not len(positions):
        raise errors.UserError("data", part, "this part has no examples")
    positions = np.random.default_rng(seed).permutation(positions)
    fitted = scaling.fit(settings.scaling, source.gather(positions[:1])[0])

    def positions_of(step: int) -> np.ndarray:
        return positions[step * _READ_AT_ONCE : (step + 1) * _READ_AT_ONCE]

    def scaled(inputs: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return (tf.cast(inputs, tf.float32) - fitted.offset) * fitted.scale, labels

    num_reads = -(-len(positions) // _READ_AT_ONCE)
    examples = streaming.dataset(source, positions_of, 0, num_reads).unbatch()
    counted = tf.data.experimental.assert_cardinality(len(positions))
    return examples.map(scaled).apply(counted)
