"""Tests of the batch size that changes inside one `fit`."""

import doctest
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.callbacks import BatchSizeSchedule, batch_size_schedule
from tests.callbacks import small_fits


class _Bar(keras.callbacks.ProgbarLogger):
    """The progress bar, which keeps what it was told in each epoch."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append((self.seen, int(self.progbar.target)))
        super().on_epoch_end(epoch, logs)


def _fit(model, schedule, data, *callbacks, epochs=3, verbose=0, **settings):
    return model.fit(
        schedule.batches(*data, **settings),
        epochs=epochs,
        verbose=verbose,
        callbacks=[schedule, *callbacks],
    )


def _twin(model, data, sizes, rates):
    """Trains batch by batch, an epoch for each size and rate."""
    count = len(data[0])
    for size, rate in zip(sizes, rates, strict=True):
        model.optimizer.learning_rate = rate
        for start in range(0, count, size):
            model.train_on_batch(*(part[start : start + size] for part in data))
    return model


def _read(schedule, epoch, *data, **settings):
    """Returns the batches of one epoch."""
    batches = schedule.batches(*data, **settings)
    batches.begin_epoch(epoch, schedule.batch_size(epoch))
    return [*batches.get_tf_dataset().as_numpy_iterator()]


class BatchSizeScheduleTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(batch_size_schedule), (0, 10))

    @parameterized.parameters(*[w for w in small_fits.WAYS if w != "several_steps"])
    def test_as_the_slow_twin(self, way):
        data = small_fits.examples(count=48)
        schedule = BatchSizeSchedule({0: 12, 1: 24}, "linear")
        batches = schedule.batches(*data, shuffle=False)
        model, _ = small_fits.trained_in(
            way, self, schedule, data=(batches, None), batch_size=None, normalized=False
        )
        if way == "float16":
            keras.config.set_dtype_policy("mixed_float16")
        twin = _twin(small_fits.model(normalized=False), data, (12, 24), (0.25, 0.5))
        # Sums in another order; the weights are 1 at most.
        found = [small_fits.weights(each) for each in (model, twin)]
        self.assertAllClose(*found, atol=1e-3 if way == "float16" else 1e-6)

    def test_examples_left_over_and_the_progress_bar(self):
        data, bar, traced = small_fits.examples(), _Bar(), []

        def loss(targets, outputs):
            traced.append(outputs.shape)
            return tf.reduce_mean(tf.square(targets - outputs), axis=-1)

        model = small_fits.model()
        model.compile("sgd", loss)
        sizes = {0: 8, 1: 16, 2: 50, 3: 7, 4: 30}
        history = _fit(model, BatchSizeSchedule(sizes), data, bar, epochs=5, verbose=1)
        self.assertEqual(bar.ends, [(7, 7), (4, 4), (1, 1), (8, 8), (2, 2)])
        self.assertEqual(history.history["batch_size"], [8, 16, 50, 7, 30])
        self.assertEqual(model.optimizer.iterations.numpy(), 22)
        self.assertLessEqual(len(traced), 2)  # one of them builds the loss

    def test_several_steps_a_call(self):
        data, models = small_fits.examples(), []
        for steps in (1, 3):
            models.append(small_fits.model(steps_per_execution=steps))
            _fit(models[-1], BatchSizeSchedule({0: 10, 1: 25}), data, epochs=2)
            self.assertEqual(models[-1].optimizer.iterations.numpy(), 7)
        self.assertAllEqual(*map(small_fits.weights, models))

    def test_order_of_the_examples(self):
        data = np.arange(20), np.arange(20) % 3, np.arange(20) / 7
        schedule = BatchSizeSchedule({0: 6, 1: 9})
        orders = []
        for epoch, lengths in ((0, [6, 6, 6, 2]), (1, [9, 9, 2]), (2, [9, 9, 2])):
            batches = _read(schedule, epoch, *data)
            self.assertEqual([len(batch[0]) for batch in batches], lengths)
            inputs, targets, weights = map(np.concatenate, zip(*batches, strict=True))
            self.assertAllEqual(np.sort(inputs), data[0])
            self.assertAllEqual(targets, inputs % 3)
            self.assertAllClose(weights, inputs / 7)
            orders.append(inputs.tolist())
        self.assertLen({*map(tuple, orders)}, 3)
        again = [batch[0] for batch in _read(schedule, 1, *data)]
        self.assertAllEqual(np.concatenate(again), orders[1])
        other = [batch[0] for batch in _read(schedule, 1, *data, seed=1)]
        self.assertNotAllEqual(np.concatenate(other), orders[1])
        whole = _read(schedule, 1, *data, drop_remainder=True, shuffle=False)
        self.assertAllEqual([batch[0] for batch in whole], np.arange(18).reshape(2, 9))
        structured = _read(schedule, 0, {"a": data[0], "b": data[2]}, data[1])
        self.assertEqual({*structured[0][0]}, {"a", "b"})

    def test_a_dataset(self):
        data = small_fits.examples()
        examples = tf.data.Dataset.from_tensor_slices(data)
        schedule, twin = BatchSizeSchedule({0: 20, 1: 25}), small_fits.model()
        model = small_fits.model()
        _fit(model, schedule, [examples], epochs=2)
        _twin(twin, data, (20, 25), (0.25, 0.25))
        found = [small_fits.weights(each) for each in (model, twin)]
        self.assertAllClose(*found, atol=1e-6)  # sums in another order
        shuffled = examples.shuffle(50, seed=3)
        batches = schedule.batches(shuffled)
        dataset = batches.get_tf_dataset()
        epochs = []
        for epoch in (0, 1):
            batches.begin_epoch(epoch, 25)
            epochs.append([batch[0] for batch in dataset.as_numpy_iterator()])
        self.assertNotAllEqual(*epochs)  # as the dataset says
        odd = examples.filter(lambda inputs, _: inputs[0] > 0)
        number = int(np.sum(data[0][:, 0] > 0))
        small = BatchSizeSchedule({0: 5})
        for known in (None, number):
            batches = small.batches(odd, num_examples=known)
            self.assertEqual(batches.num_examples, number)
            self.assertEqual(batches.num_batches, -(-number // 5))

    def test_a_dataset_that_is_not_of_the_form_that_it_seemed(self):
        schedule, pair = BatchSizeSchedule({0: 5}), np.ones((50, 5), np.float32)
        examples = tf.data.Dataset.from_tensor_slices((pair, pair))
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)])
        model.compile("sgd", "mse")
        whole = examples.batch(10, drop_remainder=True)  # seems of single examples
        with self.assertRaisesRegex(errors.UserError, "^x='batches': give single exam"):
            _fit(model, schedule, [whole])
        spec = tf.TensorSpec([None], tf.float32)
        words = tf.data.Dataset.from_generator(  # seems of batches of numbers
            lambda: zip(pair, pair, strict=True), output_signature=(spec, spec)
        )
        with self.assertRaisesRegex(errors.UserError, "^x='single examples': give bat"):
            _fit(model, schedule, [words], num_examples=50)

    def test_weights_by_class(self):
        inputs, _ = small_fits.examples()
        labels, weights = np.arange(50) % 3, np.array([0.25, 1.0, 4.0])
        fitted = []
        for given in (
            {"sample_weight": weights[np.arange(50) % 3]},
            {"class_weight": {0: 0.25, 2: 4.0}},
        ):
            model = keras.Sequential(
                [
                    keras.Input((5,)),
                    keras.layers.Dense(3, "softmax", kernel_initializer="ones"),
                ]
            )
            model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
            _fit(model, BatchSizeSchedule({0: 10, 1: 25}), [inputs, labels], **given)
            fitted.append(small_fits.weights(model))
        self.assertAllEqual(*fitted)

    def test_continued_in_another_process(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        data = small_fits.examples()

        def trained(epochs, *callbacks):
            model = small_fits.model()
            schedule = BatchSizeSchedule({0: 10, 2: 20}, "sqrt", learning_rate=0.2)
            history = _fit(model, schedule, data, *callbacks, epochs=epochs)
            return model, history.history["learning_rate"]

        def backup():
            return keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)

        trained(2, backup())
        model, rates = trained(4, backup())
        whole, all_rates = trained(4)
        self.assertAllEqual(*map(small_fits.weights, (model, whole)))
        self.assertEqual(rates, all_rates[2:])
        self.assertAllClose(all_rates, [0.2, 0.2] + [0.2 * 2**0.5] * 2)
        with self.assertRaisesRegex(
            errors.UserError, "^learning_rate=None: .*taken 16"
        ):
            _fit(model, BatchSizeSchedule({0: 10, 2: 20}, "sqrt"), data)

    @parameterized.parameters(
        ({}, "^batch_sizes={}: give the batch size by epoch"),
        ({1: 8}, "^batch_sizes={1: 8}: give the batch size by epoch"),
        ({0: 0}, "^batch_sizes=0: give an integer"),
        ({0: 8, -1: 9}, "^batch_sizes=-1: give an integer"),
        ([8, 16], "^batch_sizes=.8, 16.: give the batch size by epoch"),
    )
    def test_wrong_sizes(self, sizes, message):
        with self.assertRaisesRegex(errors.UserError, message):
            BatchSizeSchedule(sizes)

    def test_mistakes(self):
        data = small_fits.examples()
        with self.assertRaisesRegex(errors.UserError, "^rule='square': unknown"):
            BatchSizeSchedule({0: 8}, "square")
        schedule = BatchSizeSchedule({0: 8, 3: 51})
        with self.assertRaisesRegex(errors.UserError, "^batch_sizes=51: a batch is at"):
            schedule.batches(*data)
        schedule = BatchSizeSchedule({0: 8}, "linear")
        for used in (False, True):
            if used:
                schedule.batches(*data)
            with self.assertRaisesRegex(errors.UserError, "^x=None: `fit` has other"):
                small_fits.model().fit(*data, verbose=0, callbacks=[schedule])
        with self.assertRaisesRegex(errors.UserError, "^callbacks=None: the schedule"):
            small_fits.model().fit(schedule.batches(*data), verbose=0)
        rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
        model = small_fits.model(keras.optimizers.SGD(rate))
        with self.assertRaisesRegex(
            errors.UserError, "^rule='linear': the optimizer t"
        ):
            _fit(model, schedule, data)
        examples = tf.data.Dataset.from_tensor_slices(data)
        with self.assertRaisesRegex(errors.UserError, "^y, sample_weight='given': "):
            schedule.batches(examples, data[1])
        with self.assertRaisesRegex(
            errors.UserError, "^x='tf.data.Dataset': it does n"
        ):
            schedule.batches(examples.repeat())


if __name__ == "__main__":
    absltest.main()
