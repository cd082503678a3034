"""What a user's function may return, and what it is compiled with."""

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.optimizers import Momentum
from bsgen.tuning.trainers import fresh_models


def model(units=2, **compiled):
    built = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    if compiled:
        built.compile(**compiled)
    return built


class FreshModelsTest(parameterized.TestCase):
    def test_seeds(self):
        models = fresh_models.FreshModels(model)
        kernels = [models.new(seed).get_weights()[0] for seed in (0, 1, 0)]
        np.testing.assert_array_equal(kernels[0], kernels[2])
        self.assertGreater(np.abs(kernels[0] - kernels[1]).max(), 0)

    @parameterized.parameters(
        (lambda hp: model(), "needs hp: give a function that sets them"),
        (lambda a, *, b, c=1: model(), "needs a, b: give"),
        (model(), "'Sequential': give a function that returns a new"),
        (None, "'NoneType': give a function"),
    )
    def test_refuses_functions(self, build, message):
        with self.assertRaisesRegex(errors.UserError, f"build_model=.*{message}"):
            fresh_models.FreshModels(build)

    def test_arguments_with_defaults_are_left_alone(self):
        models = fresh_models.FreshModels(lambda units=3, *args, **more: model(units))
        self.assertEqual(models.new(0).output_shape, (None, 3))

    def test_refuses_no_model(self):
        with self.assertRaisesRegex(errors.UserError, "'Dense': let it return a Keras"):
            fresh_models.FreshModels(lambda: keras.layers.Dense(1)).new(0)

    def test_refuses_the_same_object_twice(self):
        one = model()
        models = fresh_models.FreshModels(lambda: one)
        models.new(0)
        with self.assertRaisesRegex(errors.UserError, "the same model object twice"):
            models.new(1)

    @parameterized.parameters("float32", "mixed_float16")
    def test_a_shared_optimizer_is_copied_untrained(self, policy):
        own = keras.optimizers.Adam(0.25, beta_1=0.5)

        def build():
            built = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
            built.dtype_policy = keras.DTypePolicy(policy)
            built.compile(own, "mse")
            return built

        models = fresh_models.FreshModels(build)
        built = [models.new(0) for _ in range(3)]
        optimizers = [each.optimizer for each in built]
        inner = [getattr(each, "inner_optimizer", each) for each in optimizers]
        self.assertIs(inner[0], own)
        self.assertLen({id(each) for each in inner}, 3)
        for each, optimizer in zip(built, inner, strict=True):
            each.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
            self.assertEqual(optimizer.get_config(), own.get_config())
            self.assertLen(optimizer.variables, len(own.variables))
        scaled = isinstance(optimizers[0], keras.optimizers.LossScaleOptimizer)
        self.assertEqual(scaled, policy == "mixed_float16")
        self.assertLen({type(each) for each in optimizers}, 1)

    def test_refuses_a_shared_optimizer_that_cannot_be_copied(self):
        class Odd(keras.optimizers.SGD):
            def __init__(self, strength):
                super().__init__(strength)

        own = Odd(0.5)
        models = fresh_models.FreshModels(lambda: model(optimizer=own, loss="mse"))
        models.new(0)
        with self.assertRaisesRegex(errors.UserError, r"share one optimizer \(Odd\)"):
            models.new(1)

    @parameterized.parameters(True, False)
    def test_shared_weights_must_not_be_trained(self, trainable):
        shared = keras.layers.Dense(4, trainable=trainable, name="shared")
        models = fresh_models.FreshModels(
            lambda: keras.Sequential([keras.Input((3,)), shared, keras.layers.Dense(1)])
        )
        first = models.new(0)
        if trainable:
            message = "share the trainable weights '.*shared/kernel'"
            with self.assertRaisesRegex(errors.UserError, message):
                models.new(1)
        else:
            self.assertIsNot(models.new(1), first)

    def test_refuses_another_model_at_a_later_call(self):
        sizes = iter((4, 4, 5))
        models = fresh_models.FreshModels(lambda: model(next(sizes)))
        models.new(0)
        models.new(0)
        message = (
            r"at call 3 it returned a model of other weights than before "
            r"\(\(3, 5\) instead of \(3, 4\)\)"
        )
        with self.assertRaisesRegex(errors.UserError, message):
            models.new(0)


class CompileByDefaultTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        policy = keras.mixed_precision.dtype_policy()
        self.addCleanup(keras.mixed_precision.set_dtype_policy, policy)

    def test_all_but_the_optimizer_stays(self):
        built = model(
            optimizer="adam",
            loss="mse",
            loss_weights=[0.5],
            metrics=["mae"],
            weighted_metrics=["mape"],
            run_eagerly=True,
            steps_per_execution=3,
        )
        before = dict(built._compile_config.config)
        optimizer = Momentum(0.1, 0.9)
        fresh_models.compile_by_default(built, optimizer, None, None)
        self.assertIs(built.optimizer, optimizer)
        self.assertEqual(built._compile_config.config, before)
        self.assertTrue(built.run_eagerly)
        self.assertEqual(built.steps_per_execution, 3)

    @parameterized.parameters(
        (None, True, 2.0**15),
        ("sgd", True, 2.0**15),
        (keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), 8.0), True, 8.0),
        ("sgd", False, None),
    )
    def test_loss_scaling_is_that_of_compile(self, own, scaled, initial):
        keras.mixed_precision.set_dtype_policy("mixed_float16")
        built = model(optimizer=own, loss="mse", auto_scale_loss=scaled)
        fresh_models.compile_by_default(built, Momentum(0.1, 0.9), None, None)
        self.assertEqual(getattr(built.optimizer, "initial_scale", None), initial)
        inner = getattr(built.optimizer, "inner_optimizer", built.optimizer)
        self.assertIsInstance(inner, Momentum)

    def test_a_model_that_was_trained_before_takes_the_new_optimizer(self):
        built = model(1, optimizer=keras.optimizers.SGD(0.0), loss="mse")
        data = np.ones((4, 3)), np.ones((4, 1))
        built.fit(*data, verbose=0)
        before = built.get_weights()[0]
        optimizer = Momentum(0.1, 0.0)
        fresh_models.compile_by_default(built, optimizer, None, None)
        built.fit(*data, verbose=0)
        self.assertEqual(optimizer.iterations.numpy(), 1)
        self.assertGreater(np.abs(built.get_weights()[0] - before).max(), 0)

    @parameterized.parameters(
        ({}, None, None, "loss=None: give a loss"),
        ({}, "mes", None, "loss='mes': Keras knows no such loss"),
        ({}, "mse", ["mea"], "metric='mea': Keras knows no such metric"),
        ({}, "mse", {"out": ["mea"]}, "metric='mea': Keras knows no such metric"),
        ({"loss": "mse"}, "mae", None, "loss='mae': the model is compiled with a loss"),
    )
    def test_refuses(self, compiled, loss, metrics, message):
        with self.assertRaisesRegex(errors.UserError, message):
            fresh_models.compile_by_default(
                model(**compiled), Momentum(0.1, 0.9), loss, metrics
            )


if __name__ == "__main__":
    absltest.main()
