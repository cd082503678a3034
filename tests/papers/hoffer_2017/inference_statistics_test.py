"""Inference by each source of statistics, against NumPy with one hidden layer."""

import numpy as np
from absl.testing import absltest

from bsgen import config, models
from bsgen.models import normalization
from bsgen.papers.hoffer_2017 import inference_statistics
from bsgen.studies import measurement
from bsgen.training import records

_BATCH, _GHOST = 12, 4
_RUN = config.RunConfig(
    config.DataConfig("digits", 24),
    config.ModelConfig(
        "normalized_mlp", (6,), normalization="ghost", ghost_batch_size=_GHOST
    ),
    batch_size=_BATCH,
    num_steps=3,
)


def _scores(weights, hidden, labels, statistics):
    """Accuracy and cross-entropy; `statistics` are pairs of mean and variance."""
    gamma, beta, kernel, bias = weights
    means, variances = (np.array(part) for part in zip(*statistics, strict=True))
    normal = (hidden - means) / np.sqrt(variances + normalization.EPSILON)
    logits = np.maximum(gamma * normal + beta, 0) @ kernel + bias
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    losses = -logits[np.arange(len(labels)), labels]
    return np.mean(logits.argmax(1) == labels), losses.mean()


def _of_parts(hidden, size):
    """The statistics of its own part, for each example; one left over joins none."""
    parts = [hidden[first : first + size] for first in range(0, len(hidden), size)]
    return [(p.mean(0), p.var(0)) for p in parts for _ in p]


class BySourceTest(absltest.TestCase):
    def test_accuracy_and_loss(self):
        rng = np.random.default_rng(2)
        inputs = rng.normal(size=(24 + 30, 5)).astype(np.float32)
        labels = rng.integers(3, size=24 + 30)
        train, test = (inputs[:24], labels[:24]), (inputs[24:], labels[24:])
        model = models.build(_RUN.model, (5,), 3)
        for variable in model.weights:
            positive = variable.path.endswith(("variance", "gamma"))
            drawn = rng.uniform(0.5, 2, variable.shape)
            variable.assign(drawn if positive else rng.normal(size=variable.shape))
        before = model.get_weights()
        found = dict(inference_statistics.by_source(model, _RUN, train, test))
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        first, ghosts, last = (each for each in model.layers if each.weights)
        named = {v.path.rpartition("/")[2]: v.numpy() for v in ghosts.weights}
        kernel, *bias = (v.numpy().astype(float) for v in first.weights)
        seen, hidden = (x[0] @ kernel + sum(bias) for x in (train, test))
        weights = named["gamma"], named["beta"], *(v.numpy() for v in last.weights)
        running = named["moving_mean"], named["moving_variance"]
        whole = [seen[:_BATCH], seen[_BATCH:]]
        population = [np.mean([f(b, 0) for b in whole], 0) for f in (np.mean, np.var)]
        expected = {
            inference_statistics.RUNNING: [running],
            inference_statistics.TRAINING_SET: [population],
            inference_statistics.TRAINING_GHOST: [_of_parts(seen[:_GHOST], _GHOST)[0]],
            inference_statistics.TEST_BATCHES: _of_parts(hidden, _BATCH),
            # 12 + 12 + 6 examples, whose ghosts are of 4, and two of them at the end.
            inference_statistics.TEST_GHOSTS: _of_parts(hidden, _GHOST),
        }
        self.assertEqual(list(found), list(expected))
        for source, statistics in expected.items():
            scores = _scores(weights, hidden, test[1], statistics)
            # Float32 through two layers.
            np.testing.assert_allclose(found[source], scores, rtol=2e-5, err_msg=source)

    def test_a_diverged_run_has_no_values(self):
        store = records.RunStore(self.create_tempdir().full_path)
        store.add([records.RunRecord(_RUN, "diverged", {}, {}, 1.0)])
        made = inference_statistics.of_run(_RUN)
        rows = made.measure(measurement.Place(store, store.path.parent, None))
        self.assertLen(rows, len(inference_statistics.SOURCES))
        self.assertTrue(all(row["test_accuracy"] is None for row in rows))


if __name__ == "__main__":
    absltest.main()
