"""Smoke tests of the ensemble benchmark: the same work, and a table, at tiny sizes."""

import importlib
import importlib.util
import warnings

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from benchmarks import ensemble, ensemble_problem, stopwatch
from benchmarks.ensemble_contenders import bsgen_engine, keras_fit
from bsgen import config

_PACKAGE = "benchmarks.ensemble_contenders"


def _tiny(num_runs, num_steps=40):
    settings = config.DataConfig("digits", train_size=64)
    return ensemble_problem.make(settings, num_runs, num_steps, num_steps, hidden=7)


class EnsembleTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ("keras_fit", "keras", 1),
        ("jax_vmap", "jax", 3),
        ("pytorch_eager", "torch", 1),
        ("pytorch_vmap", "torch", 3),
    )
    def test_peers_do_the_work_of_the_engine(self, name, package, num_runs):
        if not importlib.util.find_spec(package):
            self.skipTest(f"{package} is not installed")
        problem = _tiny(num_runs=3)
        ours = bsgen_engine.Contender(problem)
        ours.call()
        with warnings.catch_warnings():
            # PyTorch looks for a driver once, and says so where there is none.
            warnings.filterwarnings("ignore", "CUDA initialization", UserWarning)
            peer = importlib.import_module(f"{_PACKAGE}.{name}").Contender(problem)
            counted, seconds = peer.call()
        self.assertEqual(counted, 40 * num_runs)
        self.assertGreater(seconds, 0)
        self.assertEqual(peer.num_steps, ours.num_steps)
        # Float32 rounds at 6e-8; 40 steps of weights of order 1 gather some of that.
        self.assertAllClose(ours.score(), peer.score(), rtol=1e-4)
        self.assertNotAllClose(
            ours.score(), problem.score(problem.weights), rtol=0.1, atol=0
        )

    def test_jax_draws_every_example_once_an_epoch(self):
        if not importlib.util.find_spec("jax"):
            self.skipTest("jax is not installed")
        module = importlib.import_module(f"{_PACKAGE}.jax_vmap_own_batches")
        peer = module.Contender(_tiny(num_runs=2))
        self.assertEqual(peer.steps_per_call, 20 * 2)  # 20 epochs of 64 / 32 batches
        before = peer.score()[0]
        self.assertEqual(peer.call()[0], 2 * 40)
        self.assertLess(peer.score()[0], before)

    def test_the_engine_counts_the_calls_after_the_first_of_each_program(self):
        problem = _tiny(num_runs=2, num_steps=2500)
        ours = bsgen_engine.Contender(problem)
        counted, seconds = ours.call()
        self.assertEqual(ours.steps_per_call, 1000)
        self.assertEqual(counted, 2 * (2500 - 1000))
        self.assertGreater(seconds, 0)

    def test_random_images_are_learned(self):
        problem = ensemble_problem.make(
            ensemble_problem.images(None), 1, num_steps=60, steps_per_call=60, hidden=5
        )
        peer = keras_fit.Contender(problem)
        before = peer.score()[0]
        peer.call()
        self.assertEqual(problem.inputs.shape, (1000, 784))
        self.assertLess(peer.score()[0], before)

    def test_score_is_that_of_keras(self):
        problem = _tiny(num_runs=1)
        peer = keras_fit.Contender(problem)
        peer._model.compile(
            loss=peer._model.loss, metrics=["sparse_categorical_accuracy"]
        )
        expected = peer._model.evaluate(problem.inputs, problem.labels, verbose=0)
        self.assertAllClose(problem.score(problem.weights), expected, rtol=1e-5)

    def test_children_are_timed_and_tabled(self):
        problem = _tiny(num_runs=2, num_steps=1200)
        module = f"{_PACKAGE}.bsgen_engine"
        with stopwatch.Child(module, ensemble.Stopwatch) as child:
            results = stopwatch.compare(
                problem, {"bsgen_engine": child}, rounds=2, turn=0.0
            )
        result = results["bsgen_engine"]
        self.assertLen(result.rates, 2)
        self.assertAllGreater(result.rates, 0)
        self.assertLess(result.start.cross_entropy, np.log(10))
        (row,) = ensemble.rows(results, most=2 * np.median(result.rates))
        self.assertLen(row, len(ensemble.COLUMNS))
        self.assertEqual(row[3:7], ("1.00", "1.00-1.00", "2.0", "1000"))

    def test_the_floor_is_five_passes_over_the_weights(self):
        num_weights = 64 * 7 + 7 + 7 * 10 + 10
        bandwidth = 5 * 4 * num_weights * 123.0
        self.assertAllClose(ensemble.floor(_tiny(num_runs=1), bandwidth), 123.0)


if __name__ == "__main__":
    tf.test.main()
