"""Keras' batch normalization with running averages shared by all replicas."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="bsgen")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`; its running averages are means over replicas.

    Keras' own drift apart under `tf.distribute`: each replica averages over its part of
    the batch only, and reading them gives the first replica's. In training, both layers
    normalize by the statistics of a replica's part. The arguments are Keras'.
    """

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """Makes a weight; Keras calls this for gamma, beta and the averages."""
        if not kwargs.get("trainable", True):
            kwargs["aggregation"] = "mean"
        return super().add_weight(*args, **kwargs)
