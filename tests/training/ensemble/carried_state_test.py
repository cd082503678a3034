"""An ensemble of networks that read a text equals an ordinary loop over each of them.

The loop has one Keras model, and reads window after window; what it evaluates is read
by a network in NumPy. Both train in float32, and 2e-6 is some ten times what is seen.
"""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, models
from bsgen.data.datasets import markov_text
from bsgen.models import losses
from bsgen.training.ensemble import chunk, member, stacked_program
from tests.references import lstm as reference

_TRAIN, _VALIDATION = 43, 20


def _run(batch_size, num_steps=40, dropout=0.0, units=(6,), seed=0, **optimizer):
    optimizer = {"learning_rate": 0.5, "momentum": 0.5, "clip_norm": 0.4} | optimizer
    return config.RunConfig(
        config.DataConfig(
            "markov_text", _TRAIN, _VALIDATION, "none", sampling="contiguous"
        ),
        config.ModelConfig("lstm", units, dropout=dropout),
        config.MomentumConfig(**optimizer),
        batch_size,
        num_steps,
        evaluation_steps=(20,),
        seed=seed,
        loss="token_cross_entropy",
    )


def _chunk(runs, on_gpu):
    first, pool = runs[0], markov_text.load()
    model = models.build(first.model, pool.input_shape, pool.num_classes)
    program = stacked_program.Program(
        model, pool.inputs, pool.labels, False, losses.of_run(first), on_gpu
    )
    rows = [member.Member(run, data.split(pool, run.data)) for run in runs]
    return chunk.Chunk(rows, program, pool)


def _train_together(runs, on_gpu):
    trained = _chunk(runs, on_gpu).train(lambda run, steps: None)
    return {record.run.key: record for record in trained}


def _train_alone(run):
    """Returns the perplexities by step and part."""
    pool = markov_text.load()
    model = models.build(run.model, pool.input_shape, pool.num_classes, run.seed)
    weights = model.trainable_variables
    velocities = [tf.zeros_like(weight) for weight in weights]
    length = _TRAIN // run.batch_size
    streams = length * np.arange(run.batch_size)
    found = {}
    for step in range(run.num_steps):
        if step % length == 0:
            states = [tf.zeros((run.batch_size, x.shape[1])) for x in model.inputs[1:]]
        windows = streams + step % length
        with tf.GradientTape() as tape:
            inputs = [tf.constant(pool.inputs[windows]), *states]
            logits, *states = model(inputs, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    pool.labels[windows], logits
                )
            )
        # That of the embedding has a row for each token, equal ones apart.
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, weights))
        gradients, _ = tf.clip_by_global_norm(list(gradients), run.sgd.clip_norm)
        for place, gradient in enumerate(gradients):
            velocities[place] = run.sgd.momentum * velocities[place] - gradient
            weights[place].assign_add(run.sgd.learning_rate * velocities[place])
        if step + 1 in (20, run.num_steps):
            found[step + 1] = {
                "validation": _perplexity(model, np.arange(800, 800 + _VALIDATION), 1),
                # 1600 windows, in streams of 50.
                "test": _perplexity(model, np.arange(2400, 4000), 32),
                "train": _perplexity(model, np.arange(_TRAIN), 1),
            }
    return found


def _perplexity(model, windows, num_streams):
    """Reads each stream as one long sequence."""
    pool = markov_text.load()
    tokens, labels = (
        each[windows].reshape(num_streams, -1) for each in (pool.inputs, pool.labels)
    )
    states = [np.zeros((num_streams, each.shape[1])) for each in model.inputs[1:]]
    logits, _ = reference.network(tokens, model.get_weights(), states)
    return np.exp(reference.cross_entropy(labels, logits).mean())


class CarriedStateTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("equal_batches", 0.0, False, 4, 4),
        ("padded_batches", 0.0, True, 3, 5),
        ("dropout", 0.3, True, 5, 3),
    )
    def test_equals_a_loop_over_one_model(self, dropout, on_gpu, batch_size, of_last):
        runs = [
            _run(batch_size, dropout=dropout, num_steps=25),
            _run(batch_size, dropout=dropout, num_steps=30, seed=1, learning_rate=0.2),
            # Left alone after step 30, in a program of its own number of streams.
            _run(of_last, dropout=dropout, seed=2, momentum=0.0),
        ]
        records = _train_together(runs, on_gpu)
        self.assertLen(records, 3)
        for run in runs:
            self._compare(records[run.key], _train_alone(run))

    def test_budgets_share_a_compilation(self):
        """Calls have one length, with 20 runs of 40 examples, whatever the budget."""
        lengths = set()
        for num_steps in (60, 400, 900):
            together = _chunk([_run(40, num_steps, seed=n) for n in range(20)], False)
            call = together._next_call(0)
            self.assertEqual((call.first, call.last), (0, 20))
            lengths.add(call.batches.positions.shape[0])
        self.assertEqual(lengths, {1000})

    def _compare(self, record, expected):
        self.assertEqual(record.status, "completed")
        last = record.run.num_steps
        self.assertEqual(record.curve["step"], sorted(expected))
        for part in ("validation", "test"):
            values = [expected[step][part] for step in sorted(expected)]
            self.assertAllClose(record.curve[f"{part}_perplexity"], values, rtol=2e-6)
        found = record.final["train_perplexity"]
        self.assertAllClose(found, expected[last]["train"], rtol=2e-6)


if __name__ == "__main__":
    tf.test.main()
