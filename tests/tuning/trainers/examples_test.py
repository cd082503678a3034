"""Batches of arrays and data sets: a permutation an epoch, of data of any form."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.data import dataset_rows
from bsgen.tuning.trainers import examples


def arrays(size, seed=0):
    """Inputs that name their example, and targets that follow from them."""
    inputs = np.random.default_rng(seed).permutation(size).astype(np.float32)[:, None]
    return inputs, (inputs[:, 0] % 3).astype(np.int32)


def as_dataset(pair):
    return tf.data.Dataset.from_tensor_slices(pair)


def first_column(batches):
    return np.concatenate([batch[0][:, 0] for batch in batches.as_numpy_iterator()])


class ExamplesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((lambda pair: pair,), (as_dataset,))
    def test_batches_are_exact_and_an_epoch_meets_each_example_once(self, form):
        pair = arrays(24)
        found = examples.examples("train_data", form(pair))
        self.assertLen(found, 24)
        batches = [*found.batches(10, 5, seed=1).as_numpy_iterator()]
        self.assertLen(batches, 5)
        for inputs, targets in batches:
            self.assertEqual((inputs.shape, targets.shape), ((10, 1), (10,)))
            self.assertAllEqual(targets, inputs[:, 0] % 3)
        seen = np.concatenate([inputs[:, 0] for inputs, _ in batches])
        for epoch in (seen[:24], seen[24:48]):  # a batch lies in two of them
            self.assertAllEqual(np.sort(epoch), np.arange(24))
        self.assertNotAllEqual(seen[:24], seen[24:48])

    def test_a_dataset_gives_the_batches_that_arrays_give(self):
        pair = arrays(24)
        forms = (pair, as_dataset(pair), as_dataset(pair).batch(7))
        batches = [
            first_column(
                examples.examples("train_data", form, [(None, 1)]).batches(5, 9, 3)
            )
            for form in forms
        ]
        self.assertAllEqual(batches[0], batches[1])
        self.assertAllEqual(batches[0], batches[2])

    def test_the_order_of_the_data_does_not_show(self):
        """The place of an example in an epoch is uniform: no buffer keeps it near."""
        size, num_epochs = 600, 40
        ordered = np.arange(size, dtype=np.float32)[:, None]
        rows = as_dataset((ordered, ordered[:, 0]))
        found = examples.examples("train_data", rows)
        seen = first_column(found.batches(size, num_epochs, 0))
        places = np.argsort(seen.reshape(num_epochs, size), axis=1)
        # Mean of a uniform draw of 600 places, 5 standard errors of 40 draws of it, the
        # largest of 600: each is beyond that in 6e-7 of all cases.
        error = np.sqrt((size**2 - 1) / 12 / num_epochs)
        self.assertLess(np.abs(places.mean(axis=0) - (size - 1) / 2).max(), 5 * error)

    @parameterized.parameters((lambda pair: pair,), (as_dataset,))
    def test_seeds(self, form):
        found = examples.examples("train_data", form(arrays(24)))

        def order(seed):
            drawn = found.batches(24, 1, seed).as_numpy_iterator()
            return next(drawn)[0][:, 0]

        self.assertAllEqual(order(1), order(1))
        self.assertNotAllEqual(order(1), order(2))

    @parameterized.parameters((lambda pair: pair,), (as_dataset,))
    def test_in_order(self, form):
        pair = arrays(10)
        found = examples.examples("validation_data", form(pair))
        sizes, inputs = [], []
        for batch, _ in found.in_order(4).as_numpy_iterator():
            sizes.append(len(batch))
            inputs.append(batch)
        self.assertEqual(sizes, [4, 4, 2])
        self.assertAllEqual(np.concatenate(inputs), pair[0])
        self.assertAllEqual(found.targets, pair[1])

    def test_large_examples_are_evaluated_few_at_a_time(self):
        wide = np.zeros((3, 2**23), np.int8)
        found = examples.examples("validation_data", (wide, np.zeros(3)))
        sizes = [len(batch) for batch, _ in found.in_order()]
        self.assertEqual(sizes, [1, 1, 1])

    def test_nested_inputs_targets_and_weights(self):
        inputs, targets = arrays(6)
        weights = inputs[:, 0] + 1
        pair = {"a": inputs, "b": -inputs}, (targets, targets + 1), weights
        for data in (pair, as_dataset(pair)):
            found = examples.examples("train_data", data)
            (batch,) = found.batches(6, 1, 0).as_numpy_iterator()
            given, (first, second), weight = batch
            self.assertAllEqual(given["a"], -given["b"])
            self.assertAllEqual(second, first + 1)
            self.assertAllEqual(weight, given["a"][:, 0] + 1)
            self.assertAllEqual(found.targets[1], targets + 1)
            self.assertAllEqual(found.weights, weights)

    @parameterized.parameters(
        (lambda x, y: [[x, -x], y],),
        (lambda x, y: ((x, -x), y),),
        (lambda x, y: ([tf.constant(x), pd.DataFrame(-x)], pd.Series(y)),),
    )
    def test_several_inputs(self, form):
        found = examples.examples("train_data", form(*arrays(6)))
        ((first, second), targets) = next(iter(found.batches(6, 1, 0)))
        self.assertAllEqual(first, -second)
        self.assertAllEqual(targets, first[:, 0] % 3)

    def test_numbers_that_are_written_out(self):
        rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
        found = examples.examples("train_data", (rows, [0, 1, 0]))
        (batch,) = found.in_order()
        self.assertAllEqual(batch[0], rows)

    def test_texts(self):
        texts = ["one", "two", "three"]
        for data in ((texts, [1, 2, 3]), (np.array(texts), [1, 2, 3])):
            (batch,) = examples.examples("train_data", data).in_order()
            self.assertAllEqual(batch[0], [text.encode() for text in texts])

    def test_numbers_have_the_type_that_fit_gives_them(self):
        inputs, targets = arrays(6)
        given = inputs.astype(np.float64), targets.astype(np.int64)
        found = next(iter(examples.examples("train_data", given).in_order()))
        self.assertEqual([each.dtype for each in found], [tf.float32, tf.int64])

    def test_arrays_above_2_gib(self):
        row = np.broadcast_to(np.uint8(3), (2200, 1000, 1000))  # takes no memory
        found = examples.examples("train_data", (row, np.arange(2200)))
        inputs, targets = next(iter(found.batches(4, 1, 0)))
        self.assertEqual(inputs.shape, (4, 1000, 1000))
        self.assertAllEqual(inputs[:, 0, 0], [3] * 4)
        self.assertLen({*targets.numpy()}, 4)

    def test_a_dataset_too_large_for_memory_goes_to_disk(self):
        pair = arrays(600)
        limit = dataset_rows.MAX_RESIDENT_BYTES
        try:
            dataset_rows.MAX_RESIDENT_BYTES = 3000  # reached by the second 256
            found = examples.examples("train_data", as_dataset(pair))
        finally:
            dataset_rows.MAX_RESIDENT_BYTES = limit
        self.assertIsInstance(found.arrays[0], np.memmap)
        self.assertAllEqual(found.inputs, pair[0])
        self.assertAllEqual(found.targets, pair[1])
        expected = examples.examples("train_data", pair).batches(7, 100, 1)
        self.assertAllEqual(
            first_column(found.batches(7, 100, 1)), first_column(expected)
        )

    def test_a_dataset_that_augments_does_so_in_every_epoch(self):
        inputs, targets = arrays(8)
        draw = np.random.default_rng(0)

        def noisy_rows():
            for x, y in zip(inputs, targets, strict=True):
                yield x + draw.uniform(0.1, 0.9, 1).astype(np.float32), y

        signature = (tf.TensorSpec([1], tf.float32), tf.TensorSpec([], tf.int32))
        noisy = tf.data.Dataset.from_generator(noisy_rows, output_signature=signature)
        found = examples.examples("train_data", noisy)
        self.assertTrue(found.is_random)
        seen = first_column(found.batches(3, 8, 0)).reshape(3, 8)
        for epoch in seen:  # whole numbers name the examples
            self.assertAllEqual(np.sort(np.floor(epoch)), np.arange(8))
        self.assertLen({*seen.ravel().tolist()}, 24)
        plain = examples.examples("train_data", as_dataset((inputs, targets)))
        self.assertFalse(plain.is_random)

    def test_class_weights_are_those_of_fit(self):
        inputs, labels = arrays(24)
        class_weight = {0: 0.5, 2: np.float64(3.0)}  # class 1 weighs 1
        hot = np.eye(3, dtype=np.float32)[labels]
        for targets in (labels, labels[:, None], hot):
            expected, weighted = (self._trained(inputs, targets) for _ in range(2))
            expected.fit(
                inputs, targets, 24, class_weight=class_weight, verbose=0, shuffle=False
            )
            found = examples.examples(
                "train_data", (inputs, targets), None, class_weight
            )
            weighted.fit(found.in_order(24), verbose=0, shuffle=False)
            for one, other in zip(
                expected.get_weights(), weighted.get_weights(), strict=True
            ):
                self.assertAllClose(one, other, rtol=1e-5)

    def _trained(self, inputs, targets):
        del inputs
        keras.utils.set_random_seed(1)
        layers = [keras.Input((1,)), keras.layers.Rescaling(0.1), keras.layers.Dense(3)]
        model = keras.Sequential(layers)
        kind = keras.losses.SparseCategoricalCrossentropy
        if targets.ndim == 2 and targets.shape[1] == 3:
            kind = keras.losses.CategoricalCrossentropy
        model.compile("sgd", kind(from_logits=True))
        return model

    @parameterized.parameters(
        ("data have weights of their own", (np.zeros(3),) * 3, {0: 1.0}),
        ("goes with a single target", (np.zeros(3), (np.zeros(3),) * 2), {0: 1.0}),
        ("give a dictionary", (np.zeros(3), np.zeros(3)), [1.0]),
        ("class_weight=-1", (np.zeros(3), np.zeros(3)), {0: -1}),
    )
    def test_refuses_class_weights(self, message, data, class_weight):
        with self.assertRaisesRegex(errors.UserError, message):
            examples.examples("train_data", data, None, class_weight)

    @parameterized.parameters(
        ("NoneType.*give \\(inputs, targets\\)", None),
        ("ndarray", np.zeros(3)),
        ("tuple", (np.zeros(3),)),
        ("differ in length: \\[2, 3\\]", (np.zeros(3), np.zeros(2))),
        ("differ in length: \\[2, 3\\]", (np.zeros(3), np.zeros(3), np.zeros(2))),
        ("empty.: give at least one example", (np.zeros(0), np.zeros(0))),
        ("targets=None: give numbers or texts", (np.zeros(3), None)),
        ("targets=3: give numbers or texts", (np.zeros(3), 3)),
        ("inputs='list': cannot be made an array", ([[1, 2], [3]], np.zeros(2))),
        ("inputs='object': give numbers", (np.array([{}, {}]), np.zeros(2))),
        ("inputs='SparseTensor'", (tf.sparse.from_dense(np.eye(2)), np.zeros(2))),
        ("inputs='complex128'", (np.zeros(2, complex), np.zeros(2))),
    )
    def test_refuses(self, message, data):
        with self.assertRaisesRegex(errors.UserError, f"validation_data.*{message}"):
            examples.examples("validation_data", data)

    def test_refuses_datasets_without_an_end(self):
        with self.assertRaisesRegex(errors.UserError, "it does not end: leave out"):
            examples.examples("train_data", as_dataset(arrays(6)).repeat())

    def test_refuses_examples_of_several_shapes(self):
        def rows():
            for count in (1, 2, 2):
                yield np.zeros(count, np.float32), 0

        signature = (tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32))
        uneven = tf.data.Dataset.from_generator(rows, output_signature=signature)
        message = "train_data=.*differ in shape: pad or crop"
        with self.assertRaisesRegex(errors.UserError, message):
            examples.examples("train_data", uneven)

    def test_counts_datasets_of_unknown_size(self):
        filtered = as_dataset(arrays(6)).filter(lambda inputs, _: inputs[0] > 1)
        self.assertLen(examples.examples("train_data", filtered), 4)

    def test_refuses_batches_beyond_the_data(self):
        found = examples.examples("train_data", arrays(6))
        with self.assertRaisesRegex(errors.UserError, "batch_size=7: give 1 to 6"):
            found.batches(7, 1, 0)


if __name__ == "__main__":
    tf.test.main()
