"""Mean and covariance of the steps of both engines under multiplicative noise.

Hoffer et al. (2017), section 4: eqs. 6 and 7 and the text below them.
"""

from unittest import mock

import numpy as np
import tensorflow as tf

from bsgen import config, data, models, theory
from bsgen.training.ensemble import chunk, engine, initial_state, initial_variables
from bsgen.training.loop import trainee
from tests.measures import small_models
from tests.training import made_up_runs

_N, _LARGE, _SMALL, _RATE = 40, 20, 4, 0.5
_NUM_RUNS, _NUM_STEPS = 64, 200


def _run(seed=0, batch_size=_LARGE, learning_rate=_RATE, loss_noise=0.0, clip=None):
    return config.RunConfig(
        data=config.DataConfig(
            "digits", _N, scaling="unit_norm", sampling="independent", subset_seed=0
        ),
        model=config.ModelConfig("mlp", (3,), "tanh"),
        optimizer=config.MomentumConfig(learning_rate, 0.0, clip_norm=clip),
        batch_size=batch_size,
        num_steps=_NUM_STEPS,
        evaluation_steps=(),
        loss_noise=loss_noise,
        seed=seed,
    )


def _steps_of_ensemble(**settings):
    """Steps [_NUM_RUNS * _NUM_STEPS, P] of runs of many seeds from the same weights."""
    runs = [_run(seed, **settings) for seed in range(_NUM_RUNS)]
    pool, program = engine._program(*engine._program_key(runs[0], None))
    members = [engine.check(run) for run in runs]
    kept = initial_variables.Kept()

    def of_first(network, shape, num_classes, seed):
        return kept.of(network, shape, num_classes, 0)

    with mock.patch.object(initial_state._KEPT, "of", of_first):
        together = chunk.Chunk(members, program, pool)
    start, steps = together._state, []
    drawn = together._feed.batches(0, _NUM_STEPS, _NUM_STEPS)
    for step in range(_NUM_STEPS):
        batches = tf.nest.map_structure(
            lambda each, i=step: tf.constant(each[i : i + 1]), drawn
        )
        count = tf.constant(1), tf.constant(step, tf.int64)
        new, _ = program.take_steps(start, together._settings, batches, *count)
        moves = zip(new.weights, start.weights, strict=True)
        steps.append([np.reshape(a - b, (_NUM_RUNS, -1)) for a, b in moves])
    return np.concatenate([np.concatenate(parts, axis=1) for parts in steps])


def _steps_of_loop(num_steps, **settings):
    """Steps [num_steps, P] of one run, each from its initial weights."""
    trained = trainee.Trainee(
        _run(**settings), made_up_runs.devices(1), config.HardwareConfig()
    )
    start, steps = trained.state.arrays(), []
    before = trained.model.get_weights()
    for step in range(num_steps):
        trained.state.restore(start)
        trained.take_steps(step, step + 1)
        pairs = zip(trained.model.get_weights(), before, strict=True)
        steps.append(np.concatenate([np.ravel(a - b) for a, b in pairs]))
    trained.close()
    return np.stack(steps)


def _of_examples():
    """Gradients [N, P] at the initial weights, example by example."""
    run = _run()
    inputs, labels = data.load(run.data).train
    model = models.build(run.model, inputs.shape[1:], 10, run.seed)
    return np.stack(
        [
            small_models.mean_gradient(model, inputs[n : n + 1], labels[n : n + 1])
            for n in range(_N)
        ]
    ).astype(np.float64)


class NoisyStepsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        gradients = _of_examples()
        self.gradient = gradients.mean(axis=0)
        # Along the gradient, and along the two directions of the largest covariance.
        _, _, axes = np.linalg.svd(gradients - self.gradient, full_matrices=False)
        unit = self.gradient / np.linalg.norm(self.gradient)
        self.directions = np.stack([unit, *axes[:2]])
        self.along = gradients @ self.directions.T  # [N, 3]
        self.f = np.cov(self.along.T)
        self.mean = self.along.mean(axis=0)

    def _covariance(self, size, sigma=0.0, rate=_RATE):
        """The formula, without the rank-one part, and that part."""
        share = 1 / size - 1 / _N + sigma**2 / size * (1 - 1 / _N)
        outer = np.outer(self.mean, self.mean)
        return rate**2 * share * self.f, rate**2 * sigma**2 / size * outer

    def _compare(self, steps, mean, covariance):
        """Compares twelve numbers, each within five of their standard errors."""
        moves = steps @ self.directions.T - mean
        products = (moves[:, :, None] * moves[:, None]).reshape(len(moves), -1)
        for values, wanted in ((moves, np.zeros(3)), (products, covariance.ravel())):
            error = np.std(values, axis=0) / np.sqrt(len(values))
            difference = np.abs(np.mean(values, axis=0) - wanted)
            # Steps are differences of float32 weights of order 1.
            np.testing.assert_array_less(difference, 5 * error + 1e-7)

    def test_noise_gives_the_covariance_of_the_small_batch_and_leaves_the_mean(self):
        sigma = theory.loss_noise(_LARGE, _SMALL, _N)
        steps = _steps_of_ensemble(loss_noise=float(sigma))
        part, rest = self._covariance(_LARGE, sigma)
        small, _ = self._covariance(_SMALL)
        np.testing.assert_allclose(part, small, rtol=1e-12)
        self._compare(steps, -_RATE * self.mean, small + rest)
        # The draws are many enough to see the rest, and the -1/N.
        for other in (small, small + rest + _RATE**2 / _N * self.f):
            with self.assertRaises(AssertionError):
                self._compare(steps, -_RATE * self.mean, other)

    def test_square_root_rate(self):
        # Eq. 7: the mean grows too, and the covariance is less by (M / m - 1) / N.
        rate = float(theory.scale_learning_rate(_RATE, _SMALL, _LARGE, "sqrt"))
        steps = _steps_of_ensemble(learning_rate=rate)
        covariance, _ = self._covariance(_LARGE, rate=rate)
        self._compare(steps, -rate * self.mean, covariance)
        sigma = theory.loss_noise(_LARGE, _SMALL, _N, target="sqrt_rate")
        noisy, _ = self._covariance(_LARGE, sigma)
        np.testing.assert_allclose(noisy, covariance, rtol=1e-12)

    def test_the_loop_takes_the_same_steps(self):
        sigma = float(theory.loss_noise(_LARGE, _SMALL, _N))
        together = _steps_of_ensemble(loss_noise=sigma)[::_NUM_RUNS][:10]
        self.assertAllClose(_steps_of_loop(10, loss_noise=sigma), together, 1e-5, 1e-6)

    def test_steps_are_clipped_with_their_noise(self):
        clip = float(0.1 * np.linalg.norm(self.gradient))
        steps = _steps_of_loop(10, loss_noise=3.0, clip=clip)
        lengths = np.linalg.norm(steps, axis=1)
        np.testing.assert_allclose(lengths, _RATE * clip, rtol=1e-3)


if __name__ == "__main__":
    tf.test.main()
