"""Tests of the LSTM of Zaremba et al. against a network in NumPy."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, layers, models
from tests.references import lstm as reference

_LENGTH, _TOKENS = 6, 11


def _network(hidden_units=(5, 4), dropout=0.0, seed=1):
    settings = config.ModelConfig("lstm", hidden_units, dropout=dropout)
    return models.build(settings, (_LENGTH,), _TOKENS, seed)


def _drawn(model, seed=0, batch=3):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(_TOKENS, size=(batch, _LENGTH))
    states = [rng.normal(size=(batch, each.shape[1])) for each in model.inputs[1:]]
    return tokens, states


class NetworkTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(((5,),), ((5, 4),), ((3, 4, 2),))
    def test_against_numpy(self, hidden_units):
        model = _network(hidden_units)
        rng = np.random.default_rng(2)
        for weight in model.trainable_variables:  # the initial ones are small
            weight.assign(rng.normal(size=weight.shape))
        tokens, states = _drawn(model)
        logits, *new_states = model([tokens, *states])
        expected, new = reference.network(tokens, model.get_weights(), states)
        # Sums of a few products of order 1 in float32.
        self.assertAllClose(logits, expected, rtol=1e-4, atol=1e-5)
        self.assertAllClose(new_states, new, rtol=1e-4, atol=1e-5)
        self.assertLen(new_states, 2 * len(hidden_units))

    def test_the_medium_network(self):
        settings = config.ModelConfig("lstm")
        self.assertEqual(settings.hidden_units, (650, 650))
        model = models.build(settings, (35,), 10_000)
        # Zaremba et al.: 650 units, 10,000 words. Embedding, two layers, softmax.
        layer = 4 * 650 * (650 + 650 + 1)
        count = 10_000 * 650 + 2 * layer + 651 * 10_000
        self.assertEqual(sum(map(np.size, model.get_weights())), count)
        size = models.size(settings, (35,), 10_000)
        self.assertEqual(size.weights, count - 2 * 4 * 650 - 10_000)
        products = 8 * 650 * 1300 + 650 * 10_000
        self.assertEqual(size.multiplications, 35 * products)
        for weights in model.get_weights():
            # The mean of n draws from U(-a, a) is 0 +- a / sqrt(3 n); the largest lies
            # within 20 a / n of a but for one case in e^10.
            bound = 0.05 * (1 - min(1, 20 / weights.size))
            self.assertBetween(weights.max(), bound, 0.05)
            self.assertBetween(-weights.min(), bound, 0.05)
            self.assertAllClose(
                weights.mean(), 0, atol=5 * 0.05 / np.sqrt(3 * weights.size)
            )

    def test_the_seed_draws_all_weights(self):
        first, same, other = (_network(seed=seed).get_weights() for seed in (1, 1, 2))
        for one, two in zip(first, same, strict=True):
            self.assertAllEqual(one, two)
        drawn = np.concatenate([each.ravel() for each in (*first, *other)])
        self.assertLen(np.unique(drawn), len(drawn))

    def test_windows_that_carry_the_state_are_one_long_window(self):
        model = _network()
        long = models.build(
            config.ModelConfig("lstm", (5, 4), dropout=0.0), (3 * _LENGTH,), _TOKENS, 1
        )
        drawn = np.random.default_rng(3).integers(_TOKENS, size=(2, 3 * _LENGTH))
        tokens = tf.constant(drawn)
        states = [tf.zeros((2, units)) for units in (5, 5, 4, 4)]
        expected, *last = long([tokens, *states])
        found = []
        for window in tf.split(tokens, 3, axis=1):
            logits, *states = model([window, *states])
            found.append(logits)
        self.assertAllClose(tf.concat(found, axis=1), expected, rtol=1e-6)
        self.assertAllClose(states, last, rtol=1e-6)

    def test_dropout_is_on_what_is_not_recurrent(self):
        # The input of each layer and the output, each with a mask of its own: the
        # network is that of NumPy with these factors, so nothing else is dropped.
        model = _network(dropout=0.3)
        dropouts = [x for x in model.layers if isinstance(x, layers.Dropout)]
        tokens, states = _drawn(model, seed=4)
        twins = [layers.Dropout.from_config(each.get_config()) for each in dropouts]
        widths = (5, 5, 4)
        kept = [
            twin(tf.ones((3, _LENGTH, width)), training=True).numpy()
            for twin, width in zip(twins, widths, strict=True)
        ]
        for factors in kept:
            self.assertAllClose(np.unique(factors), [0, 1 / 0.7], rtol=1e-6)
            self.assertNotAllClose(factors[:, 0], factors[:, 1])  # anew for each token
        logits, *new_states = model([tokens, *states], training=True)
        expected, new = reference.network(tokens, model.get_weights(), states, kept)
        self.assertAllClose(logits, expected, rtol=1e-4, atol=1e-5)
        self.assertAllClose(new_states, new, rtol=1e-4, atol=1e-5)
        logits, *_ = model([tokens, *states])
        expected, _ = reference.network(tokens, model.get_weights(), states)
        self.assertAllClose(logits, expected, rtol=1e-4, atol=1e-5)

    def test_the_usual_share_dropped_is_a_half(self):
        model = _network(dropout=None)
        rates = [x.rate for x in model.layers if isinstance(x, layers.Dropout)]
        self.assertEqual(rates, [0.5, 0.5, 0.5])

    def test_what_is_no_text_is_refused_in_a_line(self):
        with self.assertRaisesRegex(errors.UserError, "^input_shape=.*take a dataset"):
            models.build(config.ModelConfig("lstm", (3,)), (8, 8), 10)
        with self.assertRaisesRegex(errors.UserError, "^hidden_units=.*at least"):
            models.build(config.ModelConfig("lstm", ()), (8,), 10)


if __name__ == "__main__":
    tf.test.main()
