"""Keras' `fit` with many steps in each call of its compiled function."""

from benchmarks.ensemble_contenders import keras_fit


class Contender(keras_fit.Contender):
    """See `benchmarks.ensemble_contenders`."""

    steps_per_execution = 50
