"""Tests of the Keras optimizer: against Keras' SGD, in `fit`, saved, distributed."""

import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, optimizers
from tests import two_devices


def train(optimizer, gradients, learning_rates, initial):
    """Weights after each step with prescribed gradients, [num_steps, ...]."""
    variable = keras.Variable(initial, dtype="float64")
    optimizer.build([variable])
    weights = []
    for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
        optimizer.learning_rate = learning_rate
        optimizer.apply([tf.constant(gradient)], [variable])
        weights.append(variable.numpy())
    return np.stack(weights)


class BesideKerasSGDTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(nesterov=(False, True), m=(0.0, 0.5, 0.875))
    def test_equal_at_a_constant_rate(self, nesterov, m):
        rng = np.random.default_rng(0)
        work = rng.normal(size=(30, 5)), [0.25] * 30, rng.normal(size=5)
        ours = train(optimizers.Momentum(0.25, m, nesterov), *work)
        theirs = train(keras.optimizers.SGD(0.25, m, nesterov), *work)
        # float64 (Keras rounds its settings to float32, in which these are exact): 30
        # steps lose at most ~1e-14.
        self.assertAllClose(ours, theirs, rtol=1e-12, atol=1e-12)

    def test_differ_after_a_change_of_rate_by_the_old_memory(self):
        # With A the accumulator when e changes to e', Keras' velocity still holds
        # e A where ours is e' A; the excess (e - e') A fades as m^t, so after t steps
        # Keras' weight is ahead by (e - e') A (m + m^2 + ... + m^t).
        rng = np.random.default_rng(1)
        m, old, new, change = 0.75, 0.5, 0.0625, 10
        gradients, initial = rng.normal(size=(25, 3)), rng.normal(size=3)
        rates = [old] * change + [new] * (25 - change)
        ours = train(optimizers.Momentum(old, m), gradients, rates, initial)
        theirs = train(keras.optimizers.SGD(old, m), gradients, rates, initial)
        powers = m ** np.arange(change - 1, -1, -1)
        accumulator = -(powers[:, None] * gradients[:change]).sum(0)
        ahead = np.cumsum(m ** np.arange(1, 26 - change))[:, None]
        self.assertAllClose(ours[:change], theirs[:change], rtol=1e-12, atol=1e-12)
        self.assertAllClose(
            (theirs - ours)[change:],
            (old - new) * accumulator * ahead,
            rtol=1e-12,
            atol=1e-12,
        )
        self.assertGreater(np.abs(theirs - ours)[-1].min(), 0.01)

    @parameterized.parameters("clipnorm", "clipvalue", "global_clipnorm")
    def test_clips_as_keras_does_and_before_l2(self, argument):
        initial, gradient = np.array([3.0, -4.0]), np.array([[30.0, -0.25]])
        clip = {argument: 0.5}
        bare = train(optimizers.Momentum(1.0, 0.5, **clip), gradient, [1.0], initial)
        theirs = train(keras.optimizers.SGD(1.0, 0.5, **clip), gradient, [1.0], initial)
        l2 = optimizers.Momentum(1.0, 0.5, l2=0.125, **clip)
        decayed = train(l2, gradient, [1.0], initial)
        # The bound 0.5 is exact in float32, the norm is taken in float64.
        self.assertAllClose(bare, theirs, rtol=1e-12, atol=1e-12)
        self.assertLessEqual(np.abs(bare - initial).max(), 0.5 + 1e-12)
        self.assertAllClose(decayed, bare - 0.125 * initial, rtol=1e-12, atol=1e-12)

    def test_l2_of_kernels_leaves_gains_and_biases(self):
        rng = np.random.default_rng(4)
        shapes = (), (3,), (3, 2), (3, 3, 1, 2)
        starts = [rng.normal(size=shape) for shape in shapes]
        variables = [keras.Variable(start, dtype="float64") for start in starts]
        optimizer = optimizers.Momentum(0.5, 0.9, l2=0.25, l2_parameters="kernels")
        optimizer.apply([tf.zeros_like(start) for start in starts], variables)
        for variable, start in zip(variables, starts, strict=True):
            kept = 1 - 0.5 * 0.25 * (start.ndim > 1)
            self.assertAllClose(variable, kept * start, rtol=1e-12, atol=1e-12)
        with self.assertRaisesRegex(errors.UserError, "^l2_parameters='kernel': "):
            optimizers.Momentum(l2_parameters="kernel")

    @parameterized.parameters("clipnorm", "clipvalue", "global_clipnorm")
    def test_clips_the_first_steps_only(self, argument):
        # By hand: w falls by the gradient, clipped to 0.5 while steps 0 and 1 last.
        for clip_steps, expected in (
            (2, [-0.5, -1.0, -5.0, -9.0]),
            (None, [-0.5, -1.0, -1.5, -2.0]),
        ):
            optimizer = optimizers.Momentum(
                1.0, 0.0, clip_steps=clip_steps, **{argument: 0.5}
            )
            weights = train(optimizer, [[4.0]] * 4, [1.0] * 4, [0.0])
            self.assertAllClose(weights[:, 0], expected, rtol=1e-12)

    def test_clip_steps_count_updates_not_the_parts_of_one(self):
        optimizer = optimizers.Momentum(
            1.0, 0.0, clipvalue=0.5, clip_steps=1, gradient_accumulation_steps=2
        )
        variable, weights = keras.Variable([0.0]), []
        for _ in range(4):
            optimizer.apply([tf.constant([4.0])], [variable])
            weights.append(float(variable.numpy()[0]))
        self.assertEqual(weights, [0.0, -0.5, -0.5, -4.5])

    def test_global_clip_equals_the_function_for_stacks(self):
        rng = np.random.default_rng(2)
        gradients = [rng.normal(size=shape) for shape in ((3, 2), (4,))]
        variables = [keras.Variable(0 * g, dtype="float64") for g in gradients]
        optimizer = optimizers.Momentum(1.0, 0.0, global_clipnorm=0.5)
        optimizer.apply([tf.constant(g) for g in gradients], variables)
        clipped = optimizers.clip_by_global_norm(
            [tf.constant(g) for g in gradients], 0.5
        )
        for variable, expected in zip(variables, clipped, strict=True):
            self.assertAllClose(-variable.numpy(), expected, rtol=1e-12, atol=1e-12)


def small_model(seed=0):
    initializer = keras.initializers.GlorotUniform(seed=seed)
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, "tanh", kernel_initializer=initializer),
            keras.layers.Dense(1, kernel_initializer=initializer),
        ]
    )


def small_data(num_examples=24):
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(num_examples, 4)).astype("float32")
    return inputs, np.sin(inputs.sum(1, keepdims=True))


def full_featured(**changes):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [3, 7], [0.1, 0.05, 0.02]
    )
    settings = dict(momentum=0.8, nesterov=True, l2=0.01, global_clipnorm=0.3)
    return optimizers.Momentum(schedule, **(settings | changes))


class InKerasTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("eager", {"run_eagerly": True}),
        ("graph", {"jit_compile": False}),
        ("compiled", {"jit_compile": True}),
    )
    def test_fit_equals_a_loop_written_out(self, how):
        inputs, targets = small_data()
        model, twin = small_model(), small_model()
        model.compile(full_featured(), "mse", **how)
        model.fit(inputs, targets, batch_size=8, epochs=3, shuffle=False, verbose=0)
        buffers = [np.zeros(w.shape) for w in twin.weights]
        for step in range(9):
            batch = slice(step % 3 * 8, step % 3 * 8 + 8)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((twin(inputs[batch]) - targets[batch]) ** 2)
            values = [w.value for w in twin.trainable_variables]
            gradients = [g.numpy() for g in tape.gradient(loss, values)]
            norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
            learning_rate = 0.1 if step <= 3 else 0.05 if step <= 7 else 0.02
            for i, weight in enumerate(twin.weights):
                gradient = gradients[i] * min(1, 0.3 / norm) + 0.01 * weight.numpy()
                buffers[i] = 0.8 * buffers[i] + gradient
                step_taken = gradient + 0.8 * buffers[i]
                weight.assign(weight.numpy() - learning_rate * step_taken)
        for weight, expected in zip(model.weights, twin.weights, strict=True):
            # float32, weights of order 1, 9 steps: ~9 ulp, with room for XLA's tanh.
            self.assertAllClose(weight, expected, rtol=0, atol=5e-6)

    @parameterized.parameters(False, True)
    def test_sparse_gradients_of_an_embedding(self, clip):
        clip = {"global_clipnorm": 0.01} if clip else {}
        model = keras.Sequential(
            [keras.Input((2,)), keras.layers.Embedding(5, 3), keras.layers.Flatten()]
        )
        initial = model.weights[0].numpy()
        model.compile(optimizers.Momentum(0.5, l2=0.2, **clip), "mse")
        model.fit(np.zeros((4, 2)), np.ones((4, 6)), batch_size=4, verbose=0)
        moved = model.weights[0].numpy()
        # Rows that the batch does not use see L2 alone.
        self.assertAllClose(moved[1:], initial[1:] * (1 - 0.5 * 0.2), rtol=1e-6)
        self.assertNotAllClose(moved[0], initial[0] * (1 - 0.5 * 0.2), atol=1e-4)

    def test_saved_and_loaded_continues_exactly(self):
        data = small_data()
        fit = dict(batch_size=8, shuffle=False, verbose=0)
        model = small_model()
        model.compile(full_featured(), "mse")
        model.fit(*data, **fit)
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        loaded = keras.saving.load_model(path)
        self.assertIsInstance(loaded.optimizer, optimizers.Momentum)
        for each in (model, loaded):
            each.fit(*data, epochs=3, **fit)
        for weight, expected in zip(loaded.weights, model.weights, strict=True):
            self.assertAllEqual(weight, expected)
        for state, expected in zip(
            loaded.optimizer.variables, model.optimizer.variables, strict=True
        ):
            self.assertAllEqual(state, expected)

    @parameterized.parameters("clipnorm", "clipvalue", "global_clipnorm")
    def test_config_round_trip(self, argument):
        optimizer = optimizers.Momentum(
            0.5,
            0.7,
            True,
            0.01,
            clip_steps=3,
            l2_parameters="kernels",
            name="mine",
            use_ema=True,
            **{argument: 2},
        )
        config = keras.optimizers.serialize(optimizer)
        self.assertEqual(config["registered_name"], "bsgen>Momentum")
        again = keras.optimizers.deserialize(config)
        self.assertIsInstance(again, optimizers.Momentum)
        self.assertEqual(again.get_config(), optimizer.get_config())
        expected = dict(
            {argument: 2.0},
            learning_rate=0.5,
            momentum=0.7,
            nesterov=True,
            l2=0.01,
            clip_steps=3,
            l2_parameters="kernels",
            name="mine",
            use_ema=True,
        )
        self.assertLessEqual(expected.items(), again.get_config().items())

    def test_takes_a_callable_rate_and_numpy_numbers(self):
        variable = keras.Variable([1.0])
        optimizers.Momentum(lambda: 0.25, np.float32(0.5)).apply([[1.0]], [variable])
        self.assertAllEqual(variable, [0.75])
        optimizers.Momentum(1).apply([[1.0]], [variable])
        self.assertAllEqual(variable, [-0.25])

    @parameterized.named_parameters(
        ("negative_rate", {"learning_rate": -0.1}),
        ("nan_rate", {"learning_rate": float("nan")}),
        ("rate_of_words", {"learning_rate": "fast"}),
        ("momentum_of_one", {"momentum": 1.0}),
        ("negative_momentum", {"momentum": -0.1}),
        ("boolean_momentum", {"momentum": True}),
        ("negative_l2", {"l2": -1e-4}),
        ("infinite_l2", {"l2": float("inf")}),
        ("clip_at_zero", {"clipnorm": 0.0}),
        ("negative_clip", {"global_clipnorm": -1.0}),
        ("weight_decay", {"weight_decay": 1e-4}),
        ("clip_steps_without_a_bound", {"clip_steps": 5}),
    )
    def test_a_mistake_is_named(self, arguments):
        ((argument, value),) = arguments.items()
        with self.assertRaises(errors.UserError) as raised:
            optimizers.Momentum(**arguments)
        self.assertStartsWith(str(raised.exception), f"{argument}={value!r}: ")

    def test_two_kinds_of_clipping_are_refused(self):
        with self.assertRaisesRegex(errors.UserError, "clipnorm and clipvalue"):
            optimizers.Momentum(clipnorm=1.0, clipvalue=1.0)

    @parameterized.parameters(0, -1, 1.5, True)
    def test_clip_steps_is_a_count(self, clip_steps):
        with self.assertRaisesRegex(errors.UserError, f"^clip_steps={clip_steps}: "):
            optimizers.Momentum(clipnorm=1.0, clip_steps=clip_steps)


class DistributedTest(tf.test.TestCase, parameterized.TestCase):
    def losses_and_weights(self, strategy, optimizer_arguments):
        inputs, targets = small_data(16)
        with strategy.scope():
            model = small_model()
            optimizer = full_featured(**optimizer_arguments)
            optimizer.build(model.trainable_variables)

        def step(inputs, targets):
            with tf.GradientTape() as tape:
                error = model(inputs, training=True) - targets
                loss = tf.reduce_sum(error**2) / 16  # The global batch.
            values = [w.value for w in model.trainable_variables]
            optimizer.apply(tape.gradient(loss, values), model.trainable_variables)

        replicas = strategy.num_replicas_in_sync

        @tf.function
        def train_step():
            def shard(array):
                shards = np.split(array, replicas)
                return strategy.experimental_distribute_values_from_function(
                    lambda context: tf.constant(
                        shards[context.replica_id_in_sync_group]
                    )
                )

            strategy.run(step, args=(shard(inputs), shard(targets)))

        for _ in range(10):
            train_step()
        return [
            [part.numpy() for part in strategy.experimental_local_results(w.value)]
            for w in model.weights
        ]

    @parameterized.named_parameters(
        ("no_clip", {"global_clipnorm": None}),
        ("global_clipnorm", {}),
        ("clipnorm", {"global_clipnorm": None, "clipnorm": 0.1}),
        ("clipvalue", {"global_clipnorm": None, "clipvalue": 0.02}),
        ("clip_steps", {"clip_steps": 3}),
    )
    def test_two_replicas_equal_one_device(self, arguments):
        two = two_devices.strategy()
        one = tf.distribute.OneDeviceStrategy("CPU:0")
        for replicas, (expected,) in zip(
            self.losses_and_weights(two, arguments),
            self.losses_and_weights(one, arguments),
            strict=True,
        ):
            self.assertLen(replicas, 2)
            self.assertAllEqual(*replicas)
            # float32, weights of order 1, 10 steps: a few ulp from the order of sums.
            self.assertAllClose(replicas[0], expected, rtol=0, atol=2e-6)

    def test_clip_steps_change_what_two_replicas_learn(self):
        two = two_devices.strategy()
        learnt = [
            np.concatenate(
                [w[0].ravel() for w in self.losses_and_weights(two, arguments)]
            )
            for arguments in ({"clip_steps": 3}, {"clip_steps": 10}, {})
        ]
        # The run takes 10 steps: to clip them all is to clip always.
        self.assertAllEqual(learnt[1], learnt[2])
        self.assertGreater(np.abs(learnt[0] - learnt[2]).max(), 1e-3)


if __name__ == "__main__":
    tf.test.main()
