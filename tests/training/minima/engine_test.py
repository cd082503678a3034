"""Tests of exact minima and their evidence, against plain NumPy and SciPy."""

import time
from unittest import mock

import numpy as np
import scipy.optimize
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data
from bsgen.training import minima
from bsgen.training.minima import newton


def _run(task, coefficient, train_size=40, seed=1, validation_size=0):
    return config.RunConfig(
        config.DataConfig(task, train_size, validation_size, "none", seed),
        config.ModelConfig("logistic_regression", ()),
        config.NewtonConfig(l2=coefficient / train_size),
        num_steps=200,
    )


def _logits(weights, inputs):
    return np.hstack([inputs, np.ones((len(inputs), 1))]) @ weights


def _recompute(run):
    """Cost, Hessian and metrics of the SUM over the examples; lambda = N l2."""
    arrays = data.load(run.data)
    inputs, labels = (np.asarray(part, np.float64) for part in arrays.train)
    extended = np.hstack([inputs, np.ones((len(inputs), 1))])
    coefficient = run.optimizer.l2 * len(labels)

    def cost(weights):
        logits = extended @ weights
        losses = np.logaddexp(0, logits) - labels * logits
        return losses.sum() + coefficient / 2 * weights @ weights

    def gradient(weights):
        share = 1 / (1 + np.exp(-extended @ weights))
        return extended.T @ (share - labels) + coefficient * weights

    def hessian(weights):
        share = 1 / (1 + np.exp(-extended @ weights))
        slopes = np.diag(share * (1 - share))
        return extended.T @ slopes @ extended + coefficient * np.eye(len(weights))

    weights = scipy.optimize.minimize(
        cost,
        np.zeros(extended.shape[1]),
        jac=gradient,
        hess=hessian,
        method="Newton-CG",
    ).x
    for _ in range(3):  # from there to the last digit
        weights = weights - np.linalg.solve(hessian(weights), gradient(weights))
    sign, log_determinant = np.linalg.slogdet(hessian(weights) / coefficient)
    # Every eigenvalue is at least lambda, so eq. 11's sum is that of the determinant.
    final = {
        "cost": cost(weights),
        "log_evidence_ratio": cost(weights)
        + sign * log_determinant / 2
        - len(labels) * np.log(2),
    }
    for part in ("train", "validation", "test"):
        own_inputs, own_labels = getattr(arrays, part)
        logits = _logits(weights, own_inputs.astype(np.float64))
        losses = np.logaddexp(0, logits) - own_labels * logits
        final[f"{part}_cross_entropy"] = losses.mean()
        final[f"{part}_accuracy"] = np.mean((logits > 0) == own_labels)
    return final


class MinimaTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(
        task=("gaussian_random", "gaussian_informative"), coefficient=(1e-3, 1.0, 1e3)
    )
    def test_equals_numpy(self, task, coefficient):
        run = _run(task, coefficient, validation_size=25)
        (record,) = minima.train([run])
        self.assertEqual((record.run, record.status), (run, "completed"))
        self.assertLess(record.final["gradient_norm"], 1e-11)
        expected = _recompute(run)
        for name, value in expected.items():
            # The gradient of the mean cost is below 1e-11, the curvature at least
            # lambda / N = 2.5e-5: weights to 4e-7, and as much in the metrics.
            self.assertAllClose(
                record.final[name], value, rtol=1e-6, atol=1e-9, msg=name
            )

    def test_a_path_of_minima_takes_fewer_steps_than_starts_of_their_own(self):
        runs = [_run("gaussian_random", 10.0**-k) for k in np.arange(0, 3, 0.25)]
        (alone,) = minima.train(runs[-1:])
        *_, last = minima.train(runs)
        self.assertEqual(last.run, runs[-1])
        self.assertLess(last.final["iterations"], alone.final["iterations"] / 2)

    def test_the_prediction_saves_steps(self):
        def num_steps():
            return sum(record.final["iterations"] for record in minima.train(runs))

        runs = [_run("gaussian_random", 10.0**-k) for k in np.arange(0, 3, 0.25)]
        predicted = num_steps()
        here = mock.patch.object(
            newton.Minimum, "predicted", lambda own, _: own.weights
        )
        with here:
            self.assertLess(predicted, 0.8 * num_steps())

    def test_the_time_of_a_path_is_shared_out(self):
        runs = [_run("gaussian_random", 10.0**-k) for k in range(6)]
        begun = time.perf_counter()
        seconds = [record.seconds for record in minima.train(runs)]
        self.assertLess(sum(seconds), time.perf_counter() - begun)
        self.assertGreater(min(seconds), 0)

    def test_data_are_loaded_once_a_path(self):
        runs = [_run("gaussian_random", c, seed=s) for c in (1.0, 0.1) for s in (0, 1)]
        with mock.patch.object(data, "load", wraps=data.load) as load:
            self.assertLen(list(minima.train(runs)), 4)
        self.assertEqual(load.call_count, 2)

    def test_the_order_of_the_runs_does_not_matter(self):
        runs = [
            _run(task, coefficient, train_size=size, seed=seed)
            for task, seed in (("gaussian_random", 0), ("gaussian_informative", 0))
            for coefficient in (10.0, 0.1)
            for size in (20, 30)
        ]
        alone = {run.key: next(iter(minima.train([run]))) for run in runs}
        order = np.random.default_rng(0).permutation(len(runs))
        for shuffled in (runs, [runs[i] for i in order]):
            found = {record.run.key: record for record in minima.train(shuffled)}
            self.assertEqual(found.keys(), alone.keys())
            for key, record in found.items():
                for name in ("cost", "log_evidence_ratio", "test_cross_entropy"):
                    # Another start ends within the tolerance of the search.
                    self.assertAllClose(
                        record.final[name],
                        alone[key].final[name],
                        rtol=1e-8,
                        atol=1e-10,
                    )


if __name__ == "__main__":
    tf.test.main()
