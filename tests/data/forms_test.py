"""One contract for data: the same examples in any form give the same numbers."""

import functools

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from absl.testing import parameterized

from bsgen import advice, callbacks, errors, measures
from bsgen.data import forms
from bsgen.tuning.procedures import settings
from bsgen.tuning.trainers import model_trainer

_SIZE = 11  # two batches of 4, and 3 examples left over


class _Batches(keras.utils.PyDataset):
    """A PyDataset of given batches, which counts its epochs."""

    def __init__(self, batches):
        super().__init__()
        self._batches, self.num_epochs = batches, 0

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, place):
        return self._batches[place]

    def on_epoch_end(self):
        self.num_epochs += 1


def _cut(parts):
    return [
        tf.nest.map_structure(lambda a, s=start: a[s : s + 4], parts)
        for start in range(0, _SIZE, 4)
    ]


def _rows(parts, to=np.asarray):
    return tf.nest.map_structure(lambda a: to(a.tolist()), parts)


def _dataset(parts):
    return tf.data.Dataset.from_tensor_slices(parts)


_FORMS = {
    "list_of_parts": list,
    "tensors": lambda parts: tf.nest.map_structure(tf.constant, parts),
    "nested_lists": functools.partial(_rows, to=lambda rows: rows),
    "double_precision": functools.partial(_rows, to=np.float64),
    "tables": lambda parts: tf.nest.map_structure(
        lambda a: (pd.DataFrame if a.ndim > 1 else pd.Series)(
            a, index=a.argsort(0).T[0] if a.ndim > 1 else a.argsort()
        ),
        parts,
    ),  # fmt: skip
    "single_examples": _dataset,
    "batches": lambda parts: _dataset(parts).batch(4),
    "whole_batches": lambda parts: _dataset(parts).batch(11, drop_remainder=True),
    "unknown_number": lambda parts: _dataset(parts).batch(4).filter(lambda *_: True),
    "py_dataset": lambda parts: _Batches(_cut(parts)),
    "py_dataset_of_lists": lambda parts: _Batches(
        [list(_rows(batch, to=list)) for batch in _cut(parts)]
    ),
}


class Linear(keras.Model):
    """A subclass of two inputs, which builds itself when it is first called."""

    def __init__(self):
        super().__init__()
        one = keras.initializers.Constant([[0.5], [-1.0], [2.0]])
        self.layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=one)

    def call(self, inputs):
        return self.layer(keras.ops.concatenate([inputs["a"], inputs["b"]], axis=1))


def _model():
    model = Linear()
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def _arrays():
    draw = np.random.default_rng(5)
    inputs = {"a": draw.normal(size=(_SIZE, 2)), "b": draw.normal(size=(_SIZE, 1))}
    arrays = inputs, draw.normal(size=_SIZE), draw.uniform(0.5, 2.0, _SIZE)
    return tf.nest.map_structure(lambda array: array.astype(np.float32), arrays)


def _fitted(model, callback, data):
    """Trains a model, which is given as an object or a function, and returns it."""
    model = model if isinstance(model, keras.Model) else model()
    if data is None:
        inputs, targets, weights = _arrays()
        data, more = inputs, {"y": targets, "sample_weight": weights, "batch_size": 11}
    else:
        more = {}
    model.fit(data, epochs=2, verbose=0, callbacks=[callback], **more)
    return model


def _sharpness(model, data):
    callback = callbacks.Sharpness(data, every=2)
    _fitted(model, callback, None)
    return callback.max_eigenvalues


def _growing_batches(model, data):
    schedule = callbacks.BatchSizeSchedule({0: 2, 1: 5})
    batches = schedule.batches(data, shuffle=False)
    return _fitted(model, schedule, batches).get_weights()[0]


def _advice(model, data):
    sizes = {"batch_size": 2, "learning_rate": 0.01, "target_batch_size": 4}
    found = advice.measure(model, None, data, progress=False, **sizes)
    # Only one that has no count must be read to find the size.
    errors_and_size = found.gradient_noise_scale_error, found.train_size
    return *errors_and_size, found.critical_learning_rate


def _tuned(model, data):
    del model  # every trial needs a new one
    trainer = model_trainer.ModelTrainer(_model, data, data, 1.0)
    return [*trainer.train(settings.Setting(3, 0.01, 0.5), [0]).scores.values()]


def _along_line(model, data):
    ends = [np.ones((3, 1))], [np.zeros((3, 1))]
    return measures.loss_along_line(model, None, data, *ends, [0.0, 0.5]).loss


_ENTRIES = {
    "Hessian": lambda *given: measures.Hessian(given[0], None, given[1]).gradient(),
    "GradientCovariance": lambda model, data: measures.GradientCovariance(
        model, None, data
    ).matvec(np.ones(3)),
    "gradient_noise": lambda model, data: (
        measures.gradient_noise(model, None, data).noise_scale_standard_error
    ),
    "noise_by_batch_size": lambda model, data: (
        measures.noise_by_batch_size(model, None, data, [2], num_batches=3).trace
    ),
    "increment_covariance": lambda model, data: (
        measures.increment_covariance(
            model, None, data, 4, [1], num_streams=2
        ).covariance
    ),  # fmt: skip
    "loss_along_line": _along_line,
    "loss_along_random_directions": lambda model, data: (
        measures.loss_along_random_directions(
            model, None, data, [0.5], num_directions=2
        ).loss
    ),
    "random_potential": lambda model, data: (
        measures.random_potential(model, None, data, 1.0, num_directions=10).differences
    ),  # fmt: skip
    "advise": _advice,
    "Sharpness": _sharpness,
    "BatchSizeSchedule": _growing_batches,
    "tune_batch_size": _tuned,
}


class FormsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*_FORMS.items())
    def test_are_read_alike(self, form):
        arrays = _arrays()
        found = forms.arrays("data", form(arrays))
        self.assertIsInstance(found, tuple)
        tf.nest.map_structure(
            lambda one, other: self.assertAllClose(one, other, rtol=0), found, arrays
        )

    def test_each_kind_of_part(self):
        numbers = np.arange(12).reshape(6, 2)
        texts = np.array(["a", "bc", "d", "e", "f", "g"])
        for part in (numbers.astype(np.uint8), numbers > 3, numbers / 7, texts):
            for given in ([part, part, None], _dataset((part, part)).batch(4)):
                found = forms.arrays("data", given)
                self.assertLen(found, 2)
                wanted = part.astype(object) if part is texts else part
                if isinstance(given, tf.data.Dataset) and part is texts:
                    wanted = np.char.encode(part).astype(object)
                self.assertAllEqual(found[0], wanted)
        several = [[numbers, texts], {"p": numbers, "q": (numbers, numbers)}]
        found = forms.arrays("data", several)
        self.assertIsInstance(found[0], tuple)  # a list would be one tensor to tf.data
        self.assertLen([*_dataset(found)], 6)

    def test_an_epoch_of_a_py_dataset_is_a_pass(self):
        given = _Batches(_cut(_arrays()))
        dataset = forms.read("data", given)
        self.assertEqual(int(dataset.cardinality()), 3)
        for _ in range(2):
            self.assertLen([*dataset], 3)
        self.assertEqual(given.num_epochs, 2)

    @parameterized.parameters(
        (
            (pair for pair in []),
            "'generator': give .*by tf.data.Dataset.from_generator",
        ),
        (_arrays, "'function': give \\(inputs, targets\\) or"),
        ({"inputs": [1.0], "targets": [2.0]}, "'dict': give \\(inputs, targets\\) or"),
        (([1.0],), "'tuple': give \\(inputs, targets\\) or"),
        (([np.ones(3)] * 4, np.ones(4)), "lengths?: \\[3, 4\\]; .*np.stack joins rows"),
        (_Batches([]), "'0 batches': give one with an end"),
        (_Batches([np.ones((4, 2))]), "'ndarray': give \\(inputs, targets\\) or"),
        (_dataset((np.ones(3), np.ones(3))).take(0), "'empty': give at least one"),
    )
    def test_refuses(self, data, message):
        with self.assertRaisesRegex(errors.UserError, f"^data='?.*{message}") as caught:
            forms.read("data", data)
        self.assertNotIn("\n", str(caught.exception))


class EntryPointsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*_ENTRIES.items())
    def test_give_the_same_numbers(self, entry):
        arrays = _arrays()
        expected = entry(_model(), arrays)
        for model, form in ((_model, "unknown_number"), (_model(), "py_dataset")):
            # Sums in another order, or cut into other batches, in single precision.
            found = entry(model, _FORMS[form](arrays))
            self.assertAllClose(found, expected, rtol=1e-4, atol=1e-5)

    @parameterized.named_parameters(*_ENTRIES.items())
    def test_refuse_in_one_line(self, entry):
        with self.assertRaisesRegex(errors.UserError, "='generator': give") as caught:
            entry(_model(), (batch for batch in _cut(_arrays())))
        self.assertNotIn("\n", str(caught.exception))


class ModelsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (3, "^model='int': give a Keras model, or a function that returns one"),
        (lambda: 3, "^model='int': give a Keras model, or a function"),
        (keras.layers.Dense(1), "^model='Dense': give a Keras model, or a function"),
        (lambda size: size, "^model='<lambda>': it is called without arguments"),
        (
            keras.Sequential([keras.layers.Dense(1)]),
            "^data=.inputs \\{.*the model cannot take them",
        ),
    )
    def test_refuses(self, model, message):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            measures.Hessian(model, "mse", _arrays())
        self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
    tf.test.main()
