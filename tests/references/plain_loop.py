"""An eager loop over ONE Keras model: the slow twin of the engine for big networks.

Scaling, crops, clipping and momentum in NumPy, one step after the other: no code of
`bsgen.training` or `bsgen.optimizers` is used. The order of the examples, the drawn
crops and the weights of the losses are those of `bsgen.data`.
"""

import keras
import numpy as np
import tensorflow as tf

from bsgen.data import augmentation, loss_weights, sampling


class PlainLoop:
    """Takes steps of given batch sizes and learning rates.

    Attributes:
      accumulators: NumPy arrays, one a weight.
    """

    def __init__(self, run, model, inputs, labels):
        """Takes a run's settings, a model that is changed, and training examples."""
        self._run, self._model = run, model
        self._inputs, self._labels = inputs, labels
        self._mean = inputs.mean(axis=(0, 1, 2), dtype=np.float64)
        self._deviation = inputs.std(axis=(0, 1, 2), dtype=np.float64)
        self._place = self._step = self._epoch = 0
        self.accumulators = [np.zeros(w.shape) for w in model.trainable_variables]

    def step(self, batch_size, learning_rate):
        """Takes a step; returns cross-entropy and accuracy of its batch."""
        weights_of_losses = loss_weights.draws(
            self._run.loss_noise, self._run.seed, self._place, batch_size
        )
        epoch = self._place // len(self._labels)
        if self._run.optimizer.momentum_reset == "each_epoch" and epoch > self._epoch:
            self.accumulators = [np.zeros_like(each) for each in self.accumulators]
        self._epoch = epoch
        inputs, labels = self._batch(batch_size)
        with tf.GradientTape() as tape:
            logits = self._model(tf.constant(inputs, tf.float32), training=True)
            losses = keras.losses.sparse_categorical_crossentropy(
                labels, logits, from_logits=True
            )
            loss = tf.reduce_mean(losses * weights_of_losses)
        weights = [variable.value for variable in self._model.trainable_variables]
        self._update(tape.gradient(loss, weights), learning_rate)
        self._step += 1
        accuracy = (logits.numpy().argmax(axis=1) == labels).mean()
        return losses.numpy().mean(), accuracy

    def _batch(self, size):
        seed, name = self._run.seed, self._run.data.augmentation
        chosen = sampling.stream(seed, self._place, size, len(self._labels))
        inputs = (self._inputs[chosen] - self._mean) / self._deviation
        if name != "none":
            margin = augmentation.by_name(name).margin
            drawn = augmentation.draws(
                augmentation.by_name(name), seed, self._place, size
            )
            inputs = np.stack(
                [
                    _crop(image, margin, *each)
                    for image, *each in zip(inputs, *drawn, strict=True)
                ]
            )
        self._place += size
        return inputs, self._labels[chosen]

    def _update(self, gradients, learning_rate):
        settings = self._run.optimizer
        gradients = [gradient.numpy().astype(np.float64) for gradient in gradients]
        if settings.clip_norm and self._step < (settings.clip_steps or np.inf):
            norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
            gradients = [g * min(1, settings.clip_norm / norm) for g in gradients]
        for index, variable in enumerate(self._model.trainable_variables):
            weight = variable.numpy().astype(np.float64)
            covered = settings.l2_parameters == "all" or weight.ndim > 1
            gradient = gradients[index] + covered * settings.l2 * weight
            accumulator = settings.momentum * self.accumulators[index] - gradient
            self.accumulators[index] = accumulator
            change = accumulator
            if settings.nesterov:
                change = settings.momentum * accumulator - gradient
            variable.assign(weight + learning_rate * change)


def _crop(image, margin, row_shift, column_shift, flip):
    height, width = image.shape[:2]
    padded = np.pad(image, [(margin, margin), (margin, margin), (0, 0)])
    top, left = margin + row_shift, margin + column_shift
    cropped = padded[top : top + height, left : left + width]
    return cropped[:, ::-1] if flip else cropped
