"""Every loss, trained by the loop and by plain Keras."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, models
from bsgen.data import loss_weights, sampling
from bsgen.training import loop, records
from bsgen.training.loop import trainee
from tests.training import made_up_runs, made_up_tasks

# Sums of few float32 terms in another order, over a dozen stable steps.
_ROUNDING = 2e-5
_TASKS = parameterized.parameters("reconstruct", "regress", "tokens")


def _of_examples(task, inputs, labels, outputs):
    """The loss of each example, by Keras' own functions."""
    if task == "tokens":
        found = keras.losses.sparse_categorical_crossentropy(
            labels, outputs, from_logits=True
        )
        return tf.reduce_mean(found, axis=1)
    targets = tf.reshape(inputs, outputs.shape) if task == "reconstruct" else labels
    return keras.losses.mean_squared_error(targets, outputs) * outputs.shape[1]


def _plain(run):
    """Trains with Keras alone; returns the model and the test loss."""
    task, settings = run.data.name, run.optimizer
    pool = data.load_pool(run.data)
    split = data.split(pool, run.data)
    shape = pool.input_shape
    model = models.build(run.model, shape, pool.num_classes, run.seed)
    # With a constant rate it does not matter that it stands inside the velocity.
    optimizer = keras.optimizers.SGD(
        settings.learning_rate, settings.momentum, global_clipnorm=settings.clip_norm
    )
    for step in range(run.num_steps):
        size = run.batch_size
        places = sampling.batch_positions(run.seed, step, size, len(split.train))
        inputs, labels = pool.gather(split.train[places])
        drawn = loss_weights.draws(run.loss_noise, run.seed, step * size, size)
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            mean = tf.reduce_mean(_of_examples(task, inputs, labels, outputs) * drawn)
        gradients = tape.gradient(mean, [v.value for v in model.trainable_variables])
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        optimizer.apply(gradients, model.trainable_variables)
    inputs, labels = pool.gather(split.test)
    return model, np.mean(_of_examples(task, inputs, labels, model(inputs)))


class LossesTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(made_up_tasks.registered())

    def _train(self, run, replicas=1, **hardware):
        strategy = "mirrored" if replicas > 1 else "single"
        settings = config.HardwareConfig(strategy=strategy, **hardware)
        trained = trainee.Trainee(run, made_up_runs.devices(replicas), settings)
        self.addCleanup(trained.close)
        step = 0
        while step < run.num_steps:
            last = trained.end_of_call(step, run.num_steps)
            trained.take_steps(step, last)
            step = last
        return trained

    @parameterized.product(
        task=("reconstruct", "regress", "tokens"),
        noise=(0.0, 1.0),
        hardware=(
            {},
            {"gradient_accumulation": 2},
            {"replicas": 2},
            {"data_placement": "stream"},
            {"jit": True},
        ),
    )
    def test_steps_are_those_of_keras(self, task, noise, hardware):
        run = made_up_tasks.run(task, loss_noise=noise)
        model, test_loss = _plain(run)
        trained = self._train(run, **hardware)
        for ours, theirs in zip(
            trained.model.trainable_variables, model.trainable_variables, strict=True
        ):
            self.assertAllClose(ours.numpy(), theirs.numpy(), _ROUNDING, _ROUNDING)
        found = trained.evaluate("test")
        if task == "tokens":
            self.assertAllClose(found["test_cross_entropy"], test_loss, _ROUNDING)
            perplexity = np.exp(test_loss)
            self.assertAllClose(found["test_perplexity"], perplexity, _ROUNDING)
        else:
            self.assertEqual([*found], ["test_mse"])
            self.assertAllClose(found["test_mse"], test_loss, _ROUNDING)

    @_TASKS
    def test_records_have_the_names_of_the_loss(self, task):
        run = made_up_tasks.run(task)
        record = loop.train(run, self.create_tempdir().full_path)
        names = ["mse"] if task != "tokens" else ["cross_entropy", "perplexity"]
        expected = [f"{part}_{name}" for part in ("test", "batch") for name in names]
        self.assertContainsSubset(expected, record.curve)
        others = {"step", "epoch", "learning_rate", "batch_size"}
        others |= {"images_per_second", "seconds"}
        self.assertEqual({*record.curve}, {*expected} | others)
        final = [f"{part}_{name}" for part in ("test", "train") for name in names]
        self.assertCountEqual(record.final, final)
        store = records.RunStore(self.create_tempdir().full_path)
        store.add([record])
        again = records.RunStore(store.path.parent).find(run)
        self.assertEqual(again.final, record.final)

    def test_dropping_examples_is_not_what_noise_does(self):
        # Noise changes the steps, and not what is recorded of equal weights.
        runs = [made_up_tasks.run("regress", loss_noise=noise) for noise in (0.0, 1.0)]
        plain, noisy = (
            trainee.Trainee(run, made_up_runs.devices(1), config.HardwareConfig())
            for run in runs
        )
        first = plain.take_steps(0, 1), noisy.take_steps(0, 1)
        self.assertAllClose(*first, _ROUNDING)
        second = plain.take_steps(1, 2), noisy.take_steps(1, 2)
        self.assertNotAllClose(*second, 1e-3)


if __name__ == "__main__":
    tf.test.main()
