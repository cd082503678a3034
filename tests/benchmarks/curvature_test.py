"""Tests of the curvature benchmark: equal Hessians, and what is read off a search."""

import importlib
import importlib.util
import math
import warnings
from unittest import mock

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
        turn = _turn([0.0, 0.2, math.nan, 0.005, 0.006], own_steps=2, start=0.5)
        # The first was chance; from the fourth on it stays.
        self.assertEqual(turn.reached(0.01), (4.5, 4.0))
        self.assertEqual(turn.reached(0.0055), (math.inf, math.inf))
        self.assertEqual((turn.own_products, turn.own_error), (2.5, 0.2))
        endless = _turn([0.3, 0.1], own_steps=None)
        self.assertEqual((endless.own_products, endless.own_error), (math.inf, 0.1))

    def test_stopwatch(self):
        class Contender:
            start_products = 0.25

            def __init__(self, problem):
                del problem

            def gradient(self):
                pass

            def products(self):
                return {"one": self.gradient}

            def search(self, max_products, seed):
                del seed
                yield from [(5.0, False), (11.0, True), (10.0, True)][:max_products]

        with mock.patch.object(stopwatch.importlib, "import_module") as load:
            load.return_value.Contender = Contender
            watch = curvature.Stopwatch("fake")
        watch.start(mock.Mock(true_value=10.0))
        turn = watch.rate(3)
        self.assertAllClose(turn.errors, [0.5, 0.1, 0.0])
        self.assertEqual((turn.own_steps, turn.start_products), (2, 0.25))
        self.assertEqual(turn.seconds, sorted(turn.seconds))

    def test_table(self):
        def turns(errors, *scales, start=0.0):
            return stopwatch.Result(
                None, [_turn(errors, 3, start=start, scale=scale) for scale in scales]
            )

        results = {
            "bsgen_lanczos": turns([0.5, 0.004, 0.001], 1.0, 4.0, 2.0, start=0.5),
            "naive_tensorflow": turns([0.5, 0.1, 0.003], 3.0, 8.0, 8.0),
        }
        lines = curvature.table(results).splitlines()
        self.assertIn("to 0.30%", lines[0])
        ours = ["bsgen", "2.5", "(2.5-2.5)", "4000", "(2000-8000)", "1.0"]
        ours += ["3.5", "(3.5-3.5)", "3.5", "(3.5-3.5)", "0.1%"]
        # Ratios 9 / 2, 24 / 8 and 24 / 4.
        power = ["TensorFlow,", "naive", "3.0", "(3.0-3.0)", "24000", "(9000-24000)"]
        power += ["4.5", "3.0", "(3.0-3.0)", "3.0", "(3.0-3.0)", "0.3%"]
        self.assertEqual(lines[1].split(), ours)
        self.assertEqual(lines[2].split(), power)
        self.assertEqual(lines[-1].split()[-2:], ["2.0", "20.0"])

    def test_a_few_that_never_get_there(self):
        values = [math.inf, 3.0, 5.0, 4.0, math.inf]
        self.assertEqual(curvature._spread(values), "5.0 (4.0-inf)")


def _turn(errors, own_steps, start=0.0, scale=1.0):
    seconds = [scale * (i + 1) for i in range(len(errors))]
    return curvature.Turn(0.01, {"tapes": 0.02}, start, seconds, errors, own_steps)


if __name__ == "__main__":
    tf.test.main()
