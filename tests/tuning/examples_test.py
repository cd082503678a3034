import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.tuning import examples


def arrays(size, seed=0):
    """Inputs that name their example, and targets that follow from them."""
    inputs = np.random.default_rng(seed).permutation(size).astype(np.float32)[:, None]
    return inputs, (inputs[:, 0] % 3).astype(np.int32)


def as_dataset(pair):
    return tf.data.Dataset.from_tensor_slices(pair)


class ExamplesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((lambda pair: pair,), (as_dataset,))
    def test_batches_are_exact_and_an_epoch_meets_each_example_once(self, form):
        pair = arrays(24)
        found = examples.examples("train_data", form(pair))
        self.assertLen(found, 24)
        batches = [*found.batches(8, 7, seed=1).as_numpy_iterator()]
        self.assertLen(batches, 7)
        for inputs, targets in batches:
            self.assertEqual((inputs.shape, targets.shape), ((8, 1), (8,)))
            self.assertAllEqual(targets, inputs[:, 0] % 3)
        seen = np.concatenate([inputs[:, 0] for inputs, _ in batches])
        for epoch in (seen[:24], seen[24:48]):
            self.assertAllEqual(np.sort(epoch), np.arange(24))
        self.assertNotAllEqual(seen[:24], seen[24:48])

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

    def test_nested_inputs(self):
        inputs, targets = arrays(6)
        pair = ({"a": inputs, "b": -inputs}, (targets, targets + 1))
        for data in (pair, as_dataset(pair)):
            found = examples.examples("train_data", data)
            ((batch, (first, second)),) = found.batches(6, 1, 0).as_numpy_iterator()
            self.assertAllEqual(batch["a"], -batch["b"])
            self.assertAllEqual(second, first + 1)
            self.assertAllEqual(found.targets[1], targets + 1)

    @parameterized.parameters(
        ("NoneType.*give \\(inputs, targets\\)", None),
        ("ndarray", np.zeros(3)),
        ("tuple", (np.zeros(3),)),
        ("differ in length: \\[2, 3\\]", (np.zeros(3), np.zeros(2))),
        ("empty", (np.zeros(0), np.zeros(0))),
    )
    def test_refuses(self, message, data):
        with self.assertRaisesRegex(errors.UserError, f"validation_data=.*{message}"):
            examples.examples("validation_data", data)

    def test_refuses_datasets_without_an_end(self):
        with self.assertRaisesRegex(errors.UserError, "it does not end: leave out"):
            examples.examples("train_data", as_dataset(arrays(6)).repeat())

    def test_counts_datasets_of_unknown_size(self):
        filtered = as_dataset(arrays(6)).filter(lambda inputs, _: inputs[0] > 1)
        self.assertLen(examples.examples("train_data", filtered), 4)


if __name__ == "__main__":
    tf.test.main()
