"""An ordinary training loop over ONE Keras model: the slow twin of the ensemble engine.

One model, its own optimizer, one batch after the other, metrics in NumPy: nothing is
stacked, nothing goes through XLA, and no code of `bsgen.training` is used.
"""

import numpy as np
import tensorflow as tf

from bsgen import config, data, models, optimizers
from bsgen.data import sampling

_DRAW = {"shuffle": sampling.batches, "independent": sampling.independent_batches}


def train(run: config.RunConfig) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Returns the curve and the final metrics of a run, named as in its record."""
    arrays = data.load(run.data)
    inputs, labels = arrays.train
    model = models.build(run.model, inputs.shape[1:], arrays.num_classes, run.seed)
    settings = run.optimizer
    optimizer = optimizers.Momentum(
        settings.learning_rate,
        settings.momentum,
        settings.nesterov,
        settings.l2,
        global_clipnorm=settings.clip_norm,
    )
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def take_step(batch_inputs: tf.Tensor, batch_labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = model(batch_inputs, training=True)
            loss = tf.reduce_mean(models.cross_entropy(batch_labels, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    start = [variable.numpy() for variable in model.trainable_variables]
    parts = {"test": arrays.test}
    if run.data.validation_size:
        parts["validation"] = arrays.validation
    batch_size = run.batch_size or len(labels)
    draw = _DRAW[run.data.sampling]
    curve: dict[str, list[float]] = {}
    for step in range(run.num_steps + 1):
        if step in run.evaluation_steps:
            metrics = evaluate(model, parts)
            if run.weight_distance:
                metrics |= _distances(start, model)
            place = {"step": step, "epoch": step * batch_size / len(labels)}
            for name, value in {**place, **metrics}.items():
                curve.setdefault(name, []).append(value)
        if step < run.num_steps:
            chosen = draw(run.seed, step, 1, batch_size, len(labels))[0]
            take_step(inputs[chosen], labels[chosen])
    return curve, {**metrics, **evaluate(model, {"train": arrays.train})}


def _distances(start: list[np.ndarray], model) -> dict[str, float]:
    """Returns |w_t - w_0| over all weights and over the first array, in float64."""
    moved = [
        variable.numpy().astype(np.float64).ravel() - then.ravel()
        for variable, then in zip(model.trainable_variables, start, strict=True)
    ]
    return {
        "weight_distance": np.linalg.norm(np.concatenate(moved)),
        "first_kernel_distance": np.linalg.norm(moved[0]),
    }


def evaluate(model, parts: dict[str, tuple]) -> dict[str, float]:
    """Returns mean cross-entropy and accuracy on each part, in float64 NumPy."""
    values = {}
    for name, (inputs, labels) in parts.items():
        logits = model(inputs).numpy().astype(np.float64)
        if logits.shape[1] == 1:  # one logit: the other class has logit 0
            logits = np.hstack([np.zeros_like(logits), logits])
        log_sum = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1))
        losses = log_sum + logits.max(1) - logits[np.arange(len(labels)), labels]
        values[f"{name}_cross_entropy"] = losses.mean()
        values[f"{name}_accuracy"] = (logits.argmax(1) == labels).mean()
    return values
