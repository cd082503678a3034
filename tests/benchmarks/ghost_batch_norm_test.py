"""Smoke test of the benchmark of GhostBatchNormalization, at a tiny size."""

import importlib
import importlib.util

import tensorflow as tf
from absl.testing import parameterized

from benchmarks import ghost_batch_norm, normalization_problem
from benchmarks.normalization_contenders import tensorflow_layers


class GhostBatchNormTest(tf.test.TestCase, parameterized.TestCase):
    def problem(self, dtype="float32", on_gpu=False):
        return normalization_problem.Problem((128, 2, 2, 3), dtype, on_gpu)

    @parameterized.parameters("float32", "bfloat16")
    def test_all_do_the_same_work(self, dtype):
        problem = self.problem(dtype)
        functions = tensorflow_layers.functions(problem)
        # The upstream gradient of the first step, 512 terms of order 1, and outputs of
        # mean zero.
        _, upstream = problem.arrays()
        expected = upstream.sum((0, 1, 2))
        titles = ("Keras", "ghosts of 64", "ghosts of 128", "loop, 64")
        self.assertEqual(
            list(functions),
            [f"{t}, {mode}" for mode in ("XLA", "graph") for t in titles],
        )
        for function in functions.values():
            self.assertAllClose(function(), expected, 0.05, 0.2)
        if importlib.util.find_spec("torch"):
            package = "benchmarks.normalization_contenders"
            eager = importlib.import_module(f"{package}.pytorch_eager")
            contender = eager.Contender(problem)
            self.assertAllClose(contender.take_steps(), expected, 0.05, 0.2)

    def test_steps_hide_launches_on_a_gpu(self):
        self.assertEqual(self.problem().num_steps, 2)
        numbers = [
            normalization_problem.Problem(shape, "float32", True).num_steps
            for shape in ((2048, 32, 32, 16), (4096, 512), (128, 4))
        ]
        self.assertEqual(numbers, [16, 256, 512])

    def test_contenders_take_turns_and_some_may_be_left_out(self):
        class Child:
            def __init__(self, reason):
                self._reason = reason

            def start(self, problem):
                del problem
                return self._reason

            def rate(self, turn):
                del turn
                return 1.0

        children = {
            "pytorch_eager": Child(""),
            "pytorch_compiled": Child("no compiler"),
        }
        problem = self.problem()
        seconds = ghost_batch_norm.measure(problem, children, rounds=2)
        self.assertEqual(seconds["PyTorch, eager"], [1.0, 1.0])
        self.assertNotIn("PyTorch, compiled", seconds)
        self.assertLen(seconds["Keras, XLA"], 2)

    def test_rows(self):
        made_up = {"Keras, XLA": [0.04, 0.01, 0.02], "Keras, graph": [0.1]}
        made_up |= {"ours, XLA": [0.005], "PyTorch, eager": [0.2]}
        # 5 ms, a quarter of Keras' 20 ms, twice the floor.
        found = ghost_batch_norm.rows(made_up, floor=0.0025)
        self.assertEqual(found[2], ["ours, XLA", "5", "0.25", "2.0"])
        self.assertEqual(found[3], ["PyTorch, eager", "200", "2.00", "80.0"])
        self.assertEqual(found[4], ["memory floor", "2.5"])


if __name__ == "__main__":
    tf.test.main()
