"""Smoke tests of the ensemble benchmark: the same work, and a table, at tiny sizes."""

import numpy as np
import tensorflow as tf

from benchmarks import ensemble, ensemble_problem, stopwatch
from benchmarks.ensemble_contenders import bsgen_engine, keras_fit

_MODULE = "benchmarks.ensemble_contenders.bsgen_engine"


def _tiny(num_runs):
    generator = np.random.default_rng(3)
    inputs = generator.normal(size=(40, 5)).astype(np.float32)
    labels = generator.integers(0, ensemble_problem.NUM_CLASSES, 40).astype(np.int32)
    return ensemble_problem.make(inputs, labels, num_runs, hidden=7)


class EnsembleTest(tf.test.TestCase):
    def test_the_engine_and_keras_do_the_same_work(self):
        problem = _tiny(num_runs=3)
        positions = problem.positions(first_step=4, num_steps=20)
        ours = bsgen_engine.Contender(problem)
        ours.take_steps(positions)
        peer = keras_fit.Contender(problem.first_run())
        peer.take_steps(positions[:, :1])
        # Float32 rounds at 6e-8; 20 steps of weights of order 1 gather some of that.
        for own, other, first in zip(
            ours.weights(), peer.weights(), problem.weights, strict=True
        ):
            self.assertAllClose(own[:1], other, rtol=0, atol=3e-6)
            self.assertGreater(np.abs(own - first).max(), 1e-2)

    def test_score_is_that_of_keras(self):
        problem = _tiny(num_runs=1)
        peer = keras_fit.Contender(problem)
        peer._model.compile(
            loss=peer._model.loss, metrics=["sparse_categorical_accuracy"]
        )
        expected = peer._model.evaluate(problem.inputs, problem.labels, verbose=0)
        self.assertAllClose(problem.score(problem.weights), expected, rtol=1e-6)

    def test_children_are_timed_and_tabled(self):
        with stopwatch.Child(_MODULE, ensemble.Stopwatch) as child:
            results = stopwatch.compare(
                _tiny(num_runs=2), {"bsgen_engine": child}, rounds=2, turn=0.0
            )
        result = results["bsgen_engine"]
        self.assertLen(result.rates, 2)
        self.assertAllGreater(result.rates, 0)
        self.assertLess(result.start.cross_entropy, np.log(10))
        self.assertEqual(ensemble.table(results).count("1.00"), 3)


if __name__ == "__main__":
    tf.test.main()
