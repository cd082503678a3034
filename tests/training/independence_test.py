"""Tests that runs of an ensemble do not influence each other, even if one diverges."""

import collections
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from bsgen.training.ensemble import engine, grouping
from tests.references import one_model_loop
from tests.training import small_runs


class IndependenceTest(tf.test.TestCase, parameterized.TestCase):
    """A run's numbers do not depend on the others in its program.

    Only the rounding may: XLA may order the sums of another number of runs otherwise,
    hence the tolerance of `ensemble_test.OneModelLoopTest`.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_ = small_runs.run()
        cls.alone = small_runs.train([cls.run_])[cls.run_.key]
        cls.others = [
            small_runs.run(seed=4, learning_rate=0.01),
            small_runs.run(seed=3, train_size=50),
            small_runs.run(seed=5, momentum=0.0, train_size=1000),
            small_runs.run(seed=6, l2=1.0),
            small_runs.run(seed=7, sampling="independent", scaling="unit_interval"),
            small_runs.run(seed=3, learning_rate=0.0),
        ]

    def _assert_unchanged(self, records):
        record = records[self.run_.key]
        self.assertEqual(record.status, "completed")
        for name, values in self.alone.curve.items():
            self.assertAllClose(record.curve[name], values, rtol=0, atol=1e-6)
        self.assertAllClose(record.final, self.alone.final, rtol=0, atol=1e-6)

    def test_again_it_is_the_same_bit_for_bit(self):
        record = small_runs.train([self.run_])[self.run_.key]
        self.assertEqual(record.curve, self.alone.curve)
        self.assertEqual(record.final, self.alone.final)

    @parameterized.parameters(0, 3, 6)
    def test_with_six_others(self, place):
        runs = [*self.others[:place], self.run_, *self.others[place:]]
        with small_runs.spied_programs() as sizes:
            records = small_runs.train(runs, memory_bytes=2**30)
        self.assertEqual(set(sizes), {7})
        self.assertLen(records, 7)
        self._assert_unchanged(records)

    def test_the_others_have_their_own_numbers(self):
        records = small_runs.train([self.run_, *self.others])
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
        with small_runs.spied_programs() as sizes:
            records = small_runs.train(
                [*self.others, self.run_], memory_bytes=memory_bytes
            )
        self.assertEqual(set(sizes), expected_sizes)
        self._assert_unchanged(records)

    def test_among_runs_of_other_programs(self):
        runs = [
            small_runs.run(batch_size=8, num_steps=20),
            self.run_,
            small_runs.run(task="gaussian_random", num_steps=20, model=("mlp", (3,))),
            small_runs.run(num_steps=20, nesterov=True),
            small_runs.run(num_steps=20, clip_norm=0.1, validation_size=30),
        ]
        records = small_runs.train(runs)
        self.assertEqual(set(records), {run.key for run in runs})
        self._assert_unchanged(records)

    def test_padded_beside_larger_batches_and_longer_runs(self):
        """As on a GPU, where such runs share a program."""
        others = [
            small_runs.run(batch_size=40, seed=5),
            small_runs.run(batch_size=7, num_steps=390),
            small_runs.run(batch_size=1, num_steps=20),
        ]
        gpu = mock.patch.object(engine, "_device", lambda: grouping.GPU)
        with gpu, small_runs.spied_programs() as sizes:
            records = small_runs.train([*others, self.run_])
        self.assertEqual(sizes[0], 4)
        self._assert_unchanged(records)

    def test_whatever_steps_one_call_takes(self):
        with mock.patch("bsgen.training.ensemble.chunk._MAX_STEPS_PER_CALL", 13):
            records = small_runs.train([self.run_])
        self._assert_unchanged(records)

    def test_beside_diverging_runs(self):
        # L2 multiplies the weights of these by about -9 a step.
        wild = [small_runs.run(seed=s, learning_rate=10.0, l2=1.0) for s in range(2)]
        with small_runs.spied_programs() as sizes:
            records = small_runs.train(
                [wild[0], self.run_, wild[1]], memory_bytes=2**30
            )
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
            small_runs.run(model=small_runs.RELU, seed=s, num_steps=5000, **optimizer)
            for s in range(3)
        ]
        taken = collections.Counter()
        records = small_runs.train(
            runs, on_steps=lambda run, n: taken.update({run.key: n})
        )
        for run in runs:
            record = records[run.key]
            self.assertEqual(record.status, "diverged")
            self.assertEqual(record.final, {})
            # Evaluated at the steps that it reached with finite weights, no further.
            reached = len(record.curve["step"])
            self.assertEqual(record.curve["step"], [*small_runs.EVALUATIONS][:reached])
            self.assertLess(reached, 5)
            self.assertLessEqual(taken[run.key], small_runs.EVALUATIONS[reached])

    def test_steps_are_counted(self):
        runs = [small_runs.run(seed=s, num_steps=40 + 10 * (s % 2)) for s in range(4)]
        taken = collections.Counter()
        small_runs.train(runs, on_steps=lambda run, n: taken.update({run.key: n}))
        self.assertEqual(taken, {run.key: run.num_steps for run in runs})

    def test_a_minority_is_marked_and_the_others_go_on(self):
        # One of three is less than half: it stays in the program, but not in the curve.
        runs = [
            small_runs.run(model=small_runs.RELU, seed=s, learning_rate=rate)
            for s, rate in enumerate((0.1, 1e30, 0.1))
        ]
        with small_runs.spied_programs() as sizes:
            records = small_runs.train(runs, memory_bytes=2**30)
        self.assertEqual(set(sizes), {3})
        statuses = [records[run.key].status for run in runs]
        self.assertEqual(statuses, ["completed", "diverged", "completed"])
        self.assertEqual(records[runs[1].key].final, {})
        self.assertNotIn(300, records[runs[1].key].curve["step"])
        self.assertEqual(
            records[runs[2].key].curve["step"], [*small_runs.EVALUATIONS, 300]
        )


if __name__ == "__main__":
    tf.test.main()
