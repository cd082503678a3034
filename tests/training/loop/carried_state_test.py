"""Tests of runs whose network carries its state from batch to batch."""

import dataclasses
import os
import pathlib
import signal
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, errors, models
from bsgen.data import text
from bsgen.training import carried_state, checkpoints, interruption, loop
from bsgen.training.loop import run_loop, trainee
from tests.references import lstm as reference
from tests.training import made_up_runs, made_up_text

# Eight steps in float32 from small weights.
_ROUNDING = {"rtol": 1e-4, "atol": 1e-6}


def _ready(run, replicas=1, **hardware):
    strategy = "mirrored" if replicas > 1 else "single"
    settings = config.HardwareConfig(**hardware, strategy=strategy)
    return trainee.Trainee(run, made_up_runs.devices(replicas), settings)


def _clipped(gradients, bound):
    norm = np.sqrt(sum(np.sum(np.square(each)) for each in gradients))
    return [each * min(1, bound / norm) for each in gradients]


def _plain_loop(run, averaged):
    """Weights, states and perplexities of a loop that is written out, step by step."""
    pool = data.load_pool(run.data)
    split = data.split(pool, run.data)
    model = models.build(run.model, pool.input_shape, pool.num_classes, run.seed)
    zeros = [np.zeros((run.batch_size, each.shape[1])) for each in model.inputs[1:]]
    accumulators = [np.zeros(weight.shape) for weight in model.trainable_variables]
    stream = len(split.train) // run.batch_size
    sgd, perplexities, states = run.sgd, [], zeros
    for step in range(run.num_steps):
        place = step % stream
        states = zeros if place == 0 else states
        windows = [split.train[place + stream * b] for b in range(run.batch_size)]
        tokens, labels = pool.inputs[windows], pool.labels[windows]
        expected, new = reference.network(tokens, model.get_weights(), states)
        losses = reference.cross_entropy(labels, expected)
        perplexities.append(np.exp(losses.mean()))
        with tf.GradientTape() as tape:
            tensors = [tf.constant(each, tf.float32) for each in states]
            logits, *_ = model([tf.constant(tokens), *tensors])
            of_tokens = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            total = tf.reduce_sum(of_tokens) / run.batch_size
        variables = model.trainable_variables
        found = tape.gradient(total, [each.value for each in variables])
        gradients = [tf.convert_to_tensor(each).numpy() for each in found]
        if averaged:
            gradients = [each / made_up_text.LENGTH for each in gradients]
        gradients = _clipped(gradients, sgd.clip_norm)
        for number, weight in enumerate(variables):
            gradient = gradients[number] + sgd.l2 * weight.numpy()
            accumulators[number] = sgd.momentum * accumulators[number] - gradient
            weight.assign(weight.numpy() + sgd.learning_rate * accumulators[number])
        states = new
    return model.get_weights(), states, perplexities


class _Text(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(made_up_text.registered())


class StepsTest(_Text):
    @parameterized.product(averaged=(False, True), jit=(False, True))
    def test_against_a_loop_that_is_written_out(self, averaged, jit):
        loss = "token_cross_entropy" if averaged else "summed_token_cross_entropy"
        run = made_up_text.run(loss=loss)
        trained = _ready(run, jit=jit)
        # However the steps fall into calls, here within the epochs of five steps.
        metrics = np.concatenate(
            [trained.take_steps(*call) for call in ((0, 2), (2, 6), (6, 8))]
        )
        weights, states, perplexities = _plain_loop(run, averaged)
        for one, other in zip(trained.model.get_weights(), weights, strict=True):
            self.assertAllClose(one, other, **_ROUNDING)
        self.assertAllClose(trained.state.carried, states, **_ROUNDING)
        found = [trained.loss.values(row)["perplexity"] for row in metrics]
        self.assertAllClose(found, perplexities, rtol=1e-5)
        if not averaged:
            summed = made_up_text.LENGTH * np.log(perplexities)
            self.assertAllClose(metrics[:, 0], summed, rtol=1e-5)

    def test_two_replicas_take_the_steps_of_one(self):
        run = made_up_text.run(batch_size=4, num_steps=5, evaluation_steps=())
        one, two = (_ready(run, replicas) for replicas in (1, 2))
        metrics = [each.take_steps(0, 5) for each in (one, two)]
        self.assertAllClose(*metrics, **_ROUNDING)
        ours, theirs = one.state.arrays(), two.state.arrays()
        self.assertEqual(ours.keys(), theirs.keys())
        for name, array in ours.items():
            self.assertAllClose(array, theirs[name], msg=name, **_ROUNDING)
        self.assertEqual(ours["carried/0003"].shape, (4, 3))
        for part in ("test", "train"):
            one_measured, two_measured = one.evaluate(part), two.evaluate(part)
            for name, value in one_measured.items():
                self.assertAllClose(two_measured[name], value, rtol=1e-5, msg=name)

    def test_streamed_windows_give_the_same_bits(self):
        run = made_up_text.run(dropout=0.3)
        found = []
        for placement in ("device", "stream"):
            trained = _ready(run, data_placement=placement)
            for step in range(3):
                trained.take_steps(step, step + 1)
            found.append((trained.evaluate("train"), trained.state.arrays()))
            trained.close()
        (measured, arrays), (expected, others) = found
        self.assertEqual(measured, expected)
        for name, array in arrays.items():
            self.assertAllEqual(array, others[name], name)

    @parameterized.parameters("mixed_bfloat16", "mixed_float16")
    def test_states_are_kept_in_full_precision(self, precision):
        trained = _ready(
            made_up_text.run(precision=precision, loss="token_cross_entropy")
        )
        metrics = trained.take_steps(0, 3)
        self.assertEqual({each.dtype for each in trained.state.carried}, {tf.float32})
        exact = _ready(made_up_text.run(loss="token_cross_entropy")).take_steps(0, 3)
        self.assertAllClose(metrics, exact, rtol=0.01)  # bfloat16 has 8 bits

    def test_evaluation_reads_on_from_an_empty_state(self):
        trained = _ready(made_up_text.run())
        trained.take_steps(0, 8)
        before = trained.state.carried
        pool = data.load_pool(made_up_text.run().data)
        weights = trained.model.get_weights()
        for part, windows in (("test", pool.test_pool), ("train", pool.train_pool)):
            zeros = [np.zeros((1, units)) for units in (4, 4, 3, 3)]
            tokens = pool.inputs[windows].reshape(1, -1)
            labels = pool.labels[windows].reshape(1, -1)
            logits, _ = reference.network(tokens, weights, zeros)
            expected = np.exp(reference.cross_entropy(labels, logits).mean())
            found = trained.evaluate(part)[f"{part}_perplexity"]
            self.assertAllClose(found, expected, rtol=1e-5)
        for state, old in zip(trained.state.carried, before, strict=True):
            self.assertAllEqual(state, old)

    def test_many_streams_are_evaluated_with_their_weights(self):
        # Three windows a stream at least: the five of the test make one, the eleven of
        # training three of four windows, the last of which lacks one.
        trained = _ready(made_up_text.run())
        trained.take_steps(0, 8)
        pool = data.load_pool(made_up_text.run().data)
        with mock.patch.object(text, "_LEAST_WINDOWS", 3):
            found = trained.evaluate("train")["train_cross_entropy"]
        losses = []
        for stream in (slice(0, 4), slice(4, 8), slice(8, 11)):
            zeros = [np.zeros((1, units)) for units in (4, 4, 3, 3)]
            tokens, labels = (
                x[stream].reshape(1, -1) for x in (pool.inputs, pool.labels)
            )
            logits, _ = reference.network(tokens, trained.model.get_weights(), zeros)
            losses.append(reference.cross_entropy(labels, logits).ravel())
        self.assertAllClose(found, np.concatenate(losses).mean(), rtol=1e-5)


class ResumeTest(_Text):
    def test_a_run_that_was_killed_is_the_whole_one_bit_for_bit(self):
        self.enterContext(made_up_runs.deterministic())
        run = made_up_text.run(dropout=0.3)
        options = loop.Options(hardware=config.HardwareConfig(deterministic=True))
        whole, broken = (
            pathlib.Path(self.create_tempdir().full_path) / "run" for _ in range(2)
        )
        record = loop.train(run, whole, options)
        # Within the first epoch, after an evaluation, within the second.
        with mock.patch.object(run_loop, "_SECONDS_PER_CALL", 0.0):
            for step in (2, 3, 7):
                with self.assertRaises(interruption.Interrupted):
                    loop.train(run, broken, options, _Stopping(step))
        again = loop.train(run, broken, options)
        ours, theirs = (checkpoints.load_latest(x, self.fail) for x in (whole, broken))
        self.assertEqual(ours.arrays.keys(), theirs.arrays.keys())
        for name, array in ours.arrays.items():
            np.testing.assert_array_equal(array, theirs.arrays[name], name)
        self.assertGreater(np.abs(ours.arrays["carried/0000"]).max(), 0)
        self.assertEqual(again.final, record.final)
        names = ["batch_perplexity", "test_perplexity", "validation_perplexity"]
        for name in names:
            self.assertEqual(again.curve[name], record.curve[name])
        self.assertContainsSubset(["train_perplexity", *names[1:]], record.final)

    def test_a_state_of_other_streams_is_refused(self):
        ready = _ready(made_up_text.run())
        other = _ready(made_up_text.run(batch_size=3))
        with self.assertRaisesRegex(errors.UserError, "carried/0000 has shape"):
            other.state.restore(ready.state.arrays())


class _Stopping(loop.Observer):
    """Asks the process to stop after a step."""

    def __init__(self, step):
        self._step = step

    def advanced(self, progress):
        if progress.step == self._step:
            os.kill(os.getpid(), signal.SIGTERM)


class RefusedTest(_Text):
    @parameterized.parameters(
        ("sampling", {"data_settings": {"sampling": "shuffle"}}),
        ("scaling", {"data_settings": {"scaling": "standardize"}}),
        ("final_measures", {"final_measures": ("max_eigenvalue",)}),
        ("dataset", {"data": config.DataConfig("digits")}),
        (
            "sampling",
            {
                "data": config.DataConfig("digits", sampling="contiguous"),
                "model": config.ModelConfig("mlp"),
            },
        ),
    )
    def test_runs(self, argument, fields):
        run = made_up_text.run(**fields)
        with self.assertRaises(errors.UserError) as caught:
            carried_state.check(run)
        self.assertEqual(caught.exception.argument, argument)
        self.assertNotIn("\n", str(caught.exception))

    @parameterized.parameters(
        ("strategy", {"strategy": "multi_worker"}),
        ("gradient_accumulation", {"gradient_accumulation": 2}),
    )
    def test_hardware(self, argument, fields):
        hardware = config.HardwareConfig(**fields)
        with self.assertRaises(errors.UserError) as caught:
            carried_state.check(made_up_text.run(), hardware)
        self.assertEqual(caught.exception.argument, argument)
        plain = made_up_text.run(
            data=config.DataConfig("digits"), model=config.ModelConfig("mlp")
        )
        carried_state.check(plain, hardware)  # others may have it

    def test_more_streams_than_windows(self):
        run = made_up_text.run(batch_size=12, num_steps=2, evaluation_steps=())
        with self.assertRaisesRegex(errors.UserError, "^batch_size=12: more streams"):
            _ready(run)
        whole = dataclasses.replace(run, batch_size=11)
        _ready(whole).take_steps(0, 2)  # each window a stream


if __name__ == "__main__":
    tf.test.main()
