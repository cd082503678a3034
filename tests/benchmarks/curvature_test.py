"""Tests of the curvature benchmark: equal Hessians, and what is read off a search."""

import importlib
import importlib.util
import math
import warnings

import tensorflow as tf
from absl.testing import parameterized

from benchmarks import curvature, curvature_contenders, curvature_problem, stopwatch


class CurvatureTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*curvature_problem.NETWORKS)
    def test_contenders_find_the_same_eigenvalue(self, network):
        problem = curvature_problem.make(network, trained=False)
        for name, (_, package) in curvature_contenders.ENTRIES.items():
            if not importlib.util.find_spec(package):
                continue
            module = importlib.import_module(f"benchmarks.curvature_contenders.{name}")
            with warnings.catch_warnings():
                # PyHessian keeps graphs of gradients, of which PyTorch warns.
                warnings.simplefilter("ignore", UserWarning)
                contender = module.Contender(problem)
                contender.gradient()
                for product in contender.products().values():
                    product()
                values = [value for value, _ in contender.search(25, seed=1)]
            self.assertLen(values, 25)
            # Far beyond what power iteration needs here.
            self.assertAllClose(values[-1], problem.true_value, rtol=2e-2)

    def test_judges_a_search(self):
        nan = math.nan
        history = [(1.0, 10.0, False), (2.0, 8.0, True), (3.0, nan, False)]
        history += [(4.0, 10.05, False), (5.0, 9.95, True)]
        # 10.0 was chance; from the fourth on it stays. Its own rule stopped at 20 %.
        found = curvature.judge(history, 10.0)
        self.assertAllClose(found, (4, 4.0, 2, 0.2))
        found = curvature.judge(history[:2], 10.0)
        self.assertEqual(found[:2], (math.inf, math.inf))

    def test_table(self):
        def turn(seconds):
            return curvature.Turn(0.01, {"tapes": 0.02}, 5, seconds, 6, 0.002)

        results = {
            "bsgen_lanczos": stopwatch.Result(None, [turn(1.0), turn(4.0), turn(2.0)]),
            "naive_tensorflow": stopwatch.Result(
                None, [turn(3.0), turn(8.0), turn(9.0)]
            ),
        }
        lines = curvature.table(results).splitlines()
        self.assertEqual(lines[2].split()[-5:], ["5", "8000", "3.0", "6", "0.2%"])
        self.assertEqual(lines[-1].split()[-2:], ["2.0", "20.0"])


if __name__ == "__main__":
    tf.test.main()
