"""Tests of the ensemble engine against an ordinary loop, and of its independence."""

import collections
import dataclasses
from unittest import mock

import keras
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors
from bsgen.models import registry
from bsgen.training import ensemble, program
from tests.references import one_model_loop

_EVALUATIONS = (0, 1, 7, 30, 150)
_RELU = ("mlp", (16,), "relu")


def _run(
    task="digits",
    batch_size=24,
    model=("mlp", (16,), "tanh"),
    train_size=200,
    seed=3,
    sampling="shuffle",
    scaling="unit_norm",
    validation_size=0,
    num_steps=300,
    **optimizer,
):
    """A run far from the edge of stability, so that rounding is not amplified."""
    if task != "digits":
        optimizer.setdefault("learning_rate", 0.005)
        scaling = "none"
    optimizer.setdefault("learning_rate", 0.1)
    return config.RunConfig(
        data=config.DataConfig(
            task, train_size, validation_size, scaling, seed + 1, sampling
        ),
        model=config.ModelConfig(*model),
        optimizer=config.MomentumConfig(**optimizer),
        batch_size=batch_size,
        num_steps=num_steps,
        evaluation_steps=tuple(s for s in _EVALUATIONS if s <= num_steps),
        seed=seed,
    )


def _train(runs, **arguments):
    """Returns the records by the runs' keys."""
    return {record.run.key: record for record in ensemble.train(runs, **arguments)}


class OneModelLoopTest(tf.test.TestCase, parameterized.TestCase):
    """The engine equals an ordinary loop over one Keras model.

    Both compute in float32, whose rounding is 6e-8 relative, and sum in another order.
    The settings contract, so that old errors fade and the sum over 300 steps stays of
    the order of a few roundings of weights and logits of order 1: 1e-6 is ten times
    what is seen. No test image then lies that near to a border between two classes.
    """

    @parameterized.named_parameters(
        ("plain", {}),
        ("without_momentum", {"momentum": 0.0, "learning_rate": 0.5}),
        ("l2", {"l2": 0.01}),
        ("nesterov", {"nesterov": True}),
        ("clipping", {"clip_norm": 0.05}),
        ("clipping_l2_nesterov", {"clip_norm": 0.05, "l2": 0.01, "nesterov": True}),
        ("independent", {"sampling": "independent"}),
        ("full_batch", {"batch_size": None}),
        ("independent_full", {"batch_size": None, "sampling": "independent"}),
        ("batch_of_one", {"batch_size": 1, "learning_rate": 0.003}),
        ("not_a_divisor", {"batch_size": 37}),
        ("validation", {"validation_size": 60}),
        ("standardized", {"scaling": "standardize", "learning_rate": 0.01}),
        ("two_layers", {"model": ("mlp", (12, 9), "tanh"), "learning_rate": 0.05}),
        ("gaussian", {"task": "gaussian_informative"}),
        ("gaussian_full", {"task": "gaussian_random", "batch_size": None}),
        ("linear", {"task": "gaussian_informative", "model": ("mlp", ())}),
        (
            "one_logit_in_float64",
            {"task": "gaussian_informative", "model": ("logistic_regression", ())},
        ),
    )
    def test_equals_the_ensemble(self, settings):
        self._compare(_run(**settings), atol=1e-6)

    def test_equals_the_ensemble_with_relu(self):
        # An input within a rounding of a kink takes the other slope in one of the two:
        # then a gradient differs by one example's share, for one step.
        self._compare(_run(model=_RELU), atol=1e-4)

    def _compare(self, run, atol):
        curve, final = one_model_loop.train(run)
        record = _train([run])[run.key]
        self.assertEqual(record.status, "completed")
        self.assertEqual(record.curve.keys(), curve.keys())
        self.assertEqual(record.curve["step"], [*_EVALUATIONS, 300])
        for name, values in curve.items():
            self.assertAllClose(record.curve[name], values, rtol=0, atol=atol)
        self.assertAllClose(record.final, final, rtol=0, atol=atol)
        # The run has learned something, so the two do not agree on standing still.
        self.assertLess(
            final["train_cross_entropy"], 0.8 * curve["test_cross_entropy"][0]
        )


class IndependenceTest(tf.test.TestCase, parameterized.TestCase):
    """A run's numbers do not depend on which others share its program.

    Only the rounding may: XLA may order the sums of another number of runs otherwise,
    hence the tolerance of `OneModelLoopTest`.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_ = _run()
        cls.alone = _train([cls.run_])[cls.run_.key]
        cls.others = [
            _run(seed=4, learning_rate=0.01),
            _run(seed=3, train_size=50),
            _run(seed=5, momentum=0.0, train_size=1000),
            _run(seed=6, l2=1.0),
            _run(seed=7, sampling="independent", scaling="unit_interval"),
            _run(seed=3, learning_rate=0.0),
        ]

    def _assert_unchanged(self, records):
        record = records[self.run_.key]
        self.assertEqual(record.status, "completed")
        for name, values in self.alone.curve.items():
            self.assertAllClose(record.curve[name], values, rtol=0, atol=1e-6)
        self.assertAllClose(record.final, self.alone.final, rtol=0, atol=1e-6)

    def test_again_it_is_the_same_bit_for_bit(self):
        record = _train([self.run_])[self.run_.key]
        self.assertEqual(record.curve, self.alone.curve)
        self.assertEqual(record.final, self.alone.final)

    @parameterized.parameters(0, 3, 6)
    def test_with_six_others(self, place):
        runs = [*self.others[:place], self.run_, *self.others[place:]]
        with _spied_programs() as sizes:
            records = _train(runs, memory_bytes=2**30)
        self.assertEqual(set(sizes), {7})
        self.assertLen(records, 7)
        self._assert_unchanged(records)

    def test_the_others_have_their_own_numbers(self):
        records = _train([self.run_, *self.others])
        for run in (self.others[1], self.others[4]):
            curve, final = one_model_loop.train(run)
            record = records[run.key]
            self.assertAllClose(record.final, final, rtol=0, atol=1e-6)
            self.assertAllClose(
                record.curve["test_accuracy"], curve["test_accuracy"], rtol=0, atol=1e-6
            )
        standing = records[self.others[5].key].curve["test_cross_entropy"]
        self.assertEqual(standing, standing[:1] * len(standing))

    @parameterized.parameters((1, {1}), (200_000, {3, 4}), (2**30, {7}))
    def test_in_chunks_of_any_size(self, memory_bytes, expected_sizes):
        with _spied_programs() as sizes:
            records = _train([*self.others, self.run_], memory_bytes=memory_bytes)
        self.assertEqual(set(sizes), expected_sizes)
        self._assert_unchanged(records)

    def test_among_runs_of_other_programs(self):
        runs = [
            _run(batch_size=8, num_steps=20),
            self.run_,
            _run(task="gaussian_random", num_steps=20, model=("mlp", (3,))),
            _run(num_steps=20, nesterov=True),
            _run(num_steps=20, clip_norm=0.1, validation_size=30),
        ]
        records = _train(runs)
        self.assertEqual(set(records), {run.key for run in runs})
        self._assert_unchanged(records)

    def test_whatever_steps_one_call_takes(self):
        with mock.patch("bsgen.training.chunk._MAX_STEPS_PER_CALL", 13):
            records = _train([self.run_])
        self._assert_unchanged(records)

    def test_beside_diverging_runs(self):
        # L2 multiplies the weights of these by about -9 a step.
        wild = [_run(seed=s, learning_rate=10.0, l2=1.0) for s in range(2)]
        with _spied_programs() as sizes:
            records = _train([wild[0], self.run_, wild[1]], memory_bytes=2**30)
        self.assertEqual(sizes[0], 3)
        self.assertEqual(sizes[-1], 1)  # the diverged ones have left the program
        self._assert_unchanged(records)
        for run in wild:
            self.assertEqual(records[run.key].status, "diverged")


class DivergenceTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        {"learning_rate": 1e30},
        {"learning_rate": 3e38, "momentum": 0.0},
        {"learning_rate": 10.0, "l2": 1.0, "momentum": 0.0},  # weights grow as (-9)^t
        {"learning_rate": 1e30, "clip_norm": 1.0, "nesterov": True, "l2": 1.0},
    )
    def test_diverged_runs_cost_no_more_steps(self, **optimizer):
        runs = [
            _run(model=_RELU, seed=s, num_steps=5000, **optimizer) for s in range(3)
        ]
        taken = collections.Counter()
        records = _train(runs, on_steps=lambda run, n: taken.update({run.key: n}))
        for run in runs:
            record = records[run.key]
            self.assertEqual(record.status, "diverged")
            self.assertEqual(record.final, {})
            # Evaluated at the steps that it reached with finite weights, no further.
            reached = len(record.curve["step"])
            self.assertEqual(record.curve["step"], [*_EVALUATIONS][:reached])
            self.assertLess(reached, 5)
            self.assertLessEqual(taken[run.key], _EVALUATIONS[reached])

    def test_steps_are_counted(self):
        runs = [_run(seed=s, num_steps=40 + 10 * (s % 2)) for s in range(4)]
        taken = collections.Counter()
        _train(runs, on_steps=lambda run, n: taken.update({run.key: n}))
        self.assertEqual(taken, {run.key: run.num_steps for run in runs})

    def test_a_minority_is_marked_and_the_others_go_on(self):
        # One of three is less than half: it stays in the program, but not in the curve.
        runs = [
            _run(model=_RELU, seed=s, learning_rate=rate)
            for s, rate in enumerate((0.1, 1e30, 0.1))
        ]
        with _spied_programs() as sizes:
            records = _train(runs, memory_bytes=2**30)
        self.assertEqual(set(sizes), {3})
        statuses = [records[run.key].status for run in runs]
        self.assertEqual(statuses, ["completed", "diverged", "completed"])
        self.assertEqual(records[runs[1].key].final, {})
        self.assertNotIn(300, records[runs[1].key].curve["step"])
        self.assertEqual(records[runs[2].key].curve["step"], [*_EVALUATIONS, 300])


class BadInputTest(tf.test.TestCase, parameterized.TestCase):
    def test_batch_larger_than_what_remains(self):
        # 1200 of the digits are for training; the size of the subset follows from them.
        run = _run(train_size=None, batch_size=1201, num_steps=1)
        with self.assertRaisesRegex(
            errors.UserError, "^batch_size=1201: .*train_size=1200$"
        ):
            list(ensemble.train([run]))

    def test_nothing_is_trained_when_one_run_is_bad(self):
        runs = [_run(num_steps=1), _run(train_size=1500, num_steps=1)]
        steps = []
        with self.assertRaisesRegex(errors.UserError, "^train_size=1500: .*1200"):
            list(ensemble.train(runs, on_steps=lambda run, n: steps.append(n)))
        self.assertEmpty(steps)

    def test_an_optimizer_without_stochastic_steps(self):
        run = dataclasses.replace(_run(), optimizer=config.NewtonConfig(l2=1.0))
        with self.assertRaisesRegex(errors.UserError, "^optimizer='newton': "):
            list(ensemble.train([run]))

    def test_unknown_model(self):
        run = _run(model=("mlpp", (3,)), num_steps=1)
        with self.assertRaisesRegex(errors.UserError, "^model='mlpp': .*'mlp'"):
            list(ensemble.train([run]))

    def test_unknown_dataset(self):
        data = dataclasses.replace(_run().data, name="digit")
        with self.assertRaisesRegex(errors.UserError, "^dataset='digit': .*'digits'"):
            list(ensemble.train([dataclasses.replace(_run(), data=data)]))

    def test_model_with_state(self):
        def with_batch_norm(settings, input_shape, num_classes, seed):
            del settings, seed
            inputs = keras.Input(input_shape)
            outputs = keras.layers.Flatten()(inputs)
            outputs = keras.layers.BatchNormalization()(outputs)
            return keras.Model(inputs, keras.layers.Dense(num_classes)(outputs))

        run = _run(model=("with_state", ()), num_steps=1)
        builders = {"with_state": with_batch_norm}
        with mock.patch.dict(registry._BUILDERS, builders):
            with self.assertRaisesRegex(
                errors.UserError, "^model='with_state': .*state"
            ):
                list(ensemble.train([run]))


class MaxRunsTest(tf.test.TestCase):
    def test_counts_weights_and_activations(self):
        model = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(7), keras.layers.Dense(3)]
        )
        # Three copies of 5 x 7 + 7 + 7 x 3 + 3 = 66 weights, and two of the outputs of
        # both layers, 10, for each of 4 examples; 4 bytes each.
        one = 4 * (3 * 66 + 2 * 4 * 10)
        for memory_bytes, expected in (
            (1, 1),
            (one, 1),
            (2 * one, 2),
            (7 * one - 1, 6),
        ):
            self.assertEqual(ensemble.max_runs(model, 4, memory_bytes), expected)

    def test_has_an_upper_bound(self):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.assertEqual(ensemble.max_runs(model, 1, 2**40), 256)


def _spied_programs():
    """Records the number of runs of each call of a program while it is entered."""
    return _Spy()


class _Spy:
    def __enter__(self):
        take_steps = program.Program.take_steps
        self.sizes = []

        def spied(own, state, settings, positions, num_steps):
            self.sizes.append(positions.shape[1])
            return take_steps(own, state, settings, positions, num_steps)

        self._patch = mock.patch.object(program.Program, "take_steps", spied)
        self._patch.start()
        return self.sizes

    def __exit__(self, *error):
        self._patch.stop()


if __name__ == "__main__":
    tf.test.main()
