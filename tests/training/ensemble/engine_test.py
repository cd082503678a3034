"""Tests of the ensemble engine: an ordinary loop, chunks, mistakes."""

import dataclasses
from unittest import mock

import keras
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors
from bsgen.training import ensemble
from bsgen.training.ensemble import chunk, engine, grouping
from tests.references import one_model_loop
from tests.training import small_runs


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
        self._compare(small_runs.run(**settings), atol=1e-6)

    def test_equals_the_ensemble_with_relu(self):
        # An input within a rounding of a kink takes the other slope in one of the two:
        # then a gradient differs by one example's share, for one step.
        self._compare(small_runs.run(model=small_runs.RELU), atol=1e-4)

    def _compare(self, run, atol):
        curve, final = one_model_loop.train(run)
        record = small_runs.train([run])[run.key]
        self.assertEqual(record.status, "completed")
        self.assertEqual(record.curve.keys(), curve.keys())
        self.assertEqual(record.curve["step"], [*small_runs.EVALUATIONS, 300])
        for name, values in curve.items():
            self.assertAllClose(record.curve[name], values, rtol=0, atol=atol)
        self.assertAllClose(record.final, final, rtol=0, atol=atol)
        # The run has learned something: they do not agree just by standing still.
        self.assertLess(
            final["train_cross_entropy"], 0.8 * curve["test_cross_entropy"][0]
        )


class BadInputTest(tf.test.TestCase, parameterized.TestCase):
    def test_batch_larger_than_what_remains(self):
        # 1200 of the digits are for training; the size of the subset follows from them.
        run = small_runs.run(train_size=None, batch_size=1201, num_steps=1)
        with self.assertRaisesRegex(
            errors.UserError, "^batch_size=1201: .*train_size=1200$"
        ):
            list(ensemble.train([run]))

    def test_nothing_is_trained_when_one_run_is_bad(self):
        runs = [
            small_runs.run(num_steps=1),
            small_runs.run(train_size=1500, num_steps=1),
        ]
        steps = []
        with self.assertRaisesRegex(errors.UserError, "^train_size=1500: .*1200"):
            list(ensemble.train(runs, on_steps=lambda run, n: steps.append(n)))
        self.assertEmpty(steps)

    def test_an_optimizer_without_stochastic_steps(self):
        run = dataclasses.replace(
            small_runs.run(), optimizer=config.NewtonConfig(l2=1.0)
        )
        with self.assertRaisesRegex(errors.UserError, "^optimizer='newton': "):
            list(ensemble.train([run]))

    def test_unknown_model(self):
        run = small_runs.run(model=("mlpp", (3,)), num_steps=1)
        with self.assertRaisesRegex(errors.UserError, "^model='mlpp': .*'mlp'"):
            list(ensemble.train([run]))

    def test_unknown_dataset(self):
        data = dataclasses.replace(small_runs.run().data, name="digit")
        with self.assertRaisesRegex(errors.UserError, "^dataset='digit': .*'digits'"):
            list(ensemble.train([dataclasses.replace(small_runs.run(), data=data)]))

    def test_what_only_the_loop_trains(self):
        run = small_runs.run(num_steps=1)
        for field, value in (("precision", "mixed_bfloat16"), ("model", "c1")):
            changed = config.ModelConfig(value) if field == "model" else value
            bad = dataclasses.replace(run, **{field: changed})
            with self.assertRaisesRegex(
                errors.UserError, f"^{field}='{value}': .*loop"
            ):
                list(ensemble.train([run, bad]))


class ProgramsTest(parameterized.TestCase):
    """Which runs may share a program; `grouping` decides which of them do."""

    def _chunks(self, runs, device=grouping.CPU):
        """Returns the positions in `runs` of each program's runs."""
        found = []

        def train_together(own, *_):
            found.append([runs.index(run) for run in own])
            return iter(())

        with (
            mock.patch.object(engine, "train_together", train_together),
            mock.patch.object(engine, "_device", lambda: device),
        ):
            list(ensemble.train(runs))
        return found

    def test_settings_are_data(self):
        base = small_runs.run()
        others = [
            small_runs.run(**changes)
            for changes in (
                {"seed": 4, "train_size": 50},
                {"learning_rate": 0.2, "momentum": 0.5, "l2": 0.1},
                {"sampling": "independent", "scaling": "standardize"},
                {"schedule": config.Stepwise((2.0,), (0.1,)), "validation_size": 20},
                {"warm_up": config.WarmUp(1.0), "num_steps": 310},
            )
        ]
        self.assertLen(self._chunks([base, *others]), 1)

    @parameterized.parameters(
        {"nesterov": True},
        {"clip_norm": 1.0},
        {"model": ("mlp", (15,), "tanh")},
        {"task": "gaussian_random"},
        {"batch_size": 25},
    )
    def test_others_need_another_program(self, **changes):
        runs = [small_runs.run(), small_runs.run(**changes)]
        self.assertEqual(self._chunks(runs), [[0], [1]])

    def test_programs_of_one_kind_and_batch_size_share_what_is_compiled(self):
        runs = [
            small_runs.run(**each)
            for each in ({"seed": 4}, {}, {"batch_size": 25}, {"nesterov": True})
        ]
        found = ensemble.plan(runs, memory_bytes=1)
        self.assertLen(found, 4)
        programs = {each.runs[0].key: each.program for each in found}
        first, second, *others = (programs[run.key] for run in runs)
        self.assertEqual(first, second)
        self.assertLen({first, *others}, 3)

    def test_batch_sizes_that_change_alike(self):
        def growing(boundary, seed):
            schedule = config.Stepwise((boundary,), (2.0,), "steps")
            run = small_runs.run(seed=seed)
            return dataclasses.replace(run, batch_size_schedule=schedule)

        runs = [small_runs.run(), growing(9, 3), growing(9, 4), growing(8, 5)]
        for device in (grouping.CPU, grouping.GPU):
            self.assertEqual(self._chunks(runs, device), [[0], [1, 2], [3]])

    @parameterized.parameters(
        ("batch", [[0], [1]]), ("ghost", [[0], [1]]), ("none", [[0, 1]])
    )
    def test_batches_are_padded_unless_they_have_statistics(self, kind, expected):
        ghosts = 8 if kind == "ghost" else None
        model = config.ModelConfig(
            "f1", (), normalization=kind, ghost_batch_size=ghosts
        )
        runs = [
            dataclasses.replace(small_runs.run(batch_size=size), model=model)
            for size in (16, 24)
        ]
        self.assertEqual(self._chunks(runs, grouping.GPU), expected)


class SharedProgramTest(tf.test.TestCase):
    def test_runs_that_differ_in_one_thing_are_what_they_are_alone(self):
        # All have one seed and one training set.
        runs = [
            self._run(**changes)
            for changes in (
                {},
                {"scaling": "standardize"},
                {"scaling": "unit_interval"},
                {"sampling": "independent"},
                {"validation_size": 60},
                {"validation_size": 35},
                {"evaluations": (4, 13)},
                {"evaluations": (13,)},
            )
        ]
        with small_runs.spied_programs() as sizes:
            together = small_runs.train(runs, memory_bytes=2**30)
        self.assertEqual(set(sizes), {len(runs)})
        with small_runs.spied_programs() as sizes:
            alone = small_runs.train(runs, memory_bytes=1)
        self.assertEqual(set(sizes), {1})
        for run in runs:
            found, expected = together[run.key], alone[run.key]
            self.assertEqual(found.curve["step"], [*run.evaluation_steps], run)
            self.assertEqual(found.curve.keys(), expected.curve.keys(), run)
            has_validation = "validation_accuracy" in found.curve
            self.assertEqual(has_validation, run.data.validation_size > 0, run)
            for name, values in found.curve.items():
                self.assertAllClose(values, expected.curve[name], 0, 1e-6, msg=run)
            self.assertAllClose(found.final, expected.final, 0, 1e-6, msg=run)

    def _run(self, evaluations=(0, 7), **settings):
        run = small_runs.run(num_steps=30, **settings)
        return dataclasses.replace(run, evaluation_steps=evaluations)


class OutOfMemoryTest(tf.test.TestCase):
    """Programs of more runs than `fits` fail, after their shortest run has ended."""

    def setUp(self):
        super().setUp()
        self.fits, self.tried, self.lines = 2, [], []
        train = chunk.Chunk.train

        def failing(own, on_steps):
            num_runs = len(own._rows)
            self.tried.append(num_runs)
            ended = train(own, on_steps)
            if num_runs > self.fits:
                yield next(ended)
                raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
            yield from ended

        self.enter_context(mock.patch.object(chunk.Chunk, "train", failing))

    def _train(self, runs):
        return list(ensemble.train(runs, memory_bytes=2**30, warn=self.lines.append))

    def test_what_is_left_is_trained_in_two_halves(self):
        runs = [small_runs.run(seed=seed, num_steps=20) for seed in range(8)]
        found = self._train(runs)
        # Eight yield one and leave 4 and 3, which yield one and leave 2 and 1 each.
        self.assertEqual(self.tried, [8, 4, 2, 1, 3, 1, 1])
        self.assertCountEqual(
            [record.run.key for record in found], [run.key for run in runs]
        )
        self.assertLen(self.lines, 3)
        self.assertRegex(self.lines[0], "^out of memory: 8 runs of mlp .* 4 and 3$")
        self.fits = 8
        for record, expected in zip(found, self._train(runs), strict=True):
            self.assertEqual(record.run, expected.run)
            self.assertEqual(record.curve["step"], expected.curve["step"])
            self.assertAllClose(record.final, expected.final, rtol=0, atol=1e-6)

    def test_a_single_run_that_does_not_fit(self):
        self.fits = 0
        with self.assertRaisesRegex(errors.OutOfMemory, "^batch_size=24: .* mlp"):
            self._train([small_runs.run(num_steps=20)])


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


if __name__ == "__main__":
    tf.test.main()
