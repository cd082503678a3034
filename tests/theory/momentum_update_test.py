"""Tests of the update rule: by hand, against PyTorch's, for stacks, and compiled."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import theory


def torch_sgd(weight, gradients, learning_rates, momentum, l2, nesterov):
    """torch.optim.SGD(lr, momentum, weight_decay, nesterov), from its documentation."""
    weight, buffer = np.float64(weight), None
    for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
        gradient = gradient + l2 * weight
        buffer = gradient if buffer is None else momentum * buffer + gradient
        gradient = gradient + momentum * buffer if nesterov else buffer
        weight = weight - learning_rate * gradient
    return weight


class MomentumUpdateTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        # A: -2, -2, -2; w: 1 - 2/2 = 0, 0 - 2/2 = -1, -1 - 2/4 = -1.5.
        ("plain", 0.0, False, (2.0, 1.0, 1.0), (-2.0, -2.0, -2.0), (0.0, -1.0, -1.5)),
        # g + w: 2 + 1 = 3, 1 - 0.5 = 0.5, 1 - 1.5 = -0.5;
        # A: -3, -1.5 - 0.5 = -2, -1 + 0.5 = -0.5;
        # w: 1 - 3/2 = -0.5, -0.5 - 2/2 = -1.5, -1.5 - 0.5/4 = -1.625.
        ("l2", 1.0, False, (2.0, 1.0, 1.0), (-3.0, -2.0, -0.5), (-0.5, -1.5, -1.625)),
        # A as in "plain"; m A - g: -1 - 2 = -3, -1 - 1 = -2, -2;
        # w: 1 - 3/2 = -0.5, -0.5 - 2/2 = -1.5, -1.5 - 2/4 = -2.
        (
            "nesterov",
            0.0,
            True,
            (2.0, 1.0, 1.0),
            (-2.0, -2.0, -2.0),
            (-0.5, -1.5, -2.0),
        ),
    )
    def test_three_steps_by_hand_with_a_rate_that_halves(
        self, l2, nesterov, gradients, accumulators, weights
    ):
        weight, accumulator = tf.constant(1.0), tf.constant(0.0)
        for step, learning_rate in enumerate((0.5, 0.5, 0.25)):
            weight, accumulator = theory.momentum_update(
                weight, accumulator, gradients[step], learning_rate, 0.5, l2, nesterov
            )
            # All numbers are multiples of 1/8, so float32 is exact.
            self.assertEqual(accumulator.numpy(), accumulators[step])
            self.assertEqual(weight.numpy(), weights[step])

    @parameterized.product(nesterov=(False, True), l2=(0.0, 0.03), m=(0.0, 0.9))
    def test_equals_torch_sgd_at_any_rate(self, nesterov, l2, m):
        rng = np.random.default_rng(1)
        initial = rng.normal(size=(4, 3))
        gradients = rng.normal(size=(20, 4, 3))
        learning_rates = rng.uniform(0.01, 1.0, size=20)
        weight, accumulator = tf.constant(initial), tf.zeros((4, 3), tf.float64)
        for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
            weight, accumulator = theory.momentum_update(
                weight, accumulator, gradient, learning_rate, m, l2, nesterov
            )
        expected = torch_sgd(initial, gradients, learning_rates, m, l2, nesterov)
        # float64: 20 steps with weights below 100 lose at most ~1e-13.
        self.assertAllClose(weight, expected, rtol=1e-12, atol=1e-12)

    @parameterized.parameters(False, True)
    def test_a_stack_of_runs_equals_each_run_alone(self, nesterov):
        rng = np.random.default_rng(2)
        weight, accumulator, gradient = rng.normal(size=(3, 5, 4, 2))
        settings = rng.uniform(0.1, 0.9, size=(3, 5))
        stacked = theory.momentum_update(
            *map(tf.constant, (weight, accumulator, gradient)),
            *settings[:, :, None, None],
            nesterov,
        )
        for run in range(5):
            alone = theory.momentum_update(
                *map(tf.constant, (weight[run], accumulator[run], gradient[run])),
                *settings[:, run],
                nesterov,
            )
            for together, apart in zip(stacked, alone, strict=True):
                self.assertAllEqual(together[run], apart)

    @parameterized.parameters(False, True)
    def test_eager_equals_graph_equals_compiled(self, nesterov):
        rng = np.random.default_rng(3)
        tensors = [tf.constant(t) for t in rng.normal(size=(3, 6))]
        settings = (0.3, 0.9, 0.01, nesterov)
        eager = theory.momentum_update(*tensors, *settings)
        graph = tf.function(theory.momentum_update)(*tensors, *settings)
        compiled = tf.function(
            lambda *inputs: theory.momentum_update(*inputs, *settings),
            jit_compile=True,
        )(*tensors)
        self.assertAllEqual(eager, graph)
        # XLA may fuse a multiplication and an addition, which rounds once less.
        self.assertAllClose(eager, compiled, rtol=1e-14, atol=1e-14)


if __name__ == "__main__":
    tf.test.main()
