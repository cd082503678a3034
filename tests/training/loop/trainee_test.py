"""Tests of `bsgen.training.loop.trainee`."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, errors
from bsgen.training.loop import resident_images
from tests.training import made_up_runs


def _images(scaling, augmentation="none"):
    return made_up_runs.run(
        data_settings={"scaling": scaling, "augmentation": augmentation}
    )


def _flat():
    """The made-up examples as vectors."""
    pool = made_up_runs.pool()
    inputs = np.float32(pool.inputs.reshape(len(pool), -1))
    return data.Pool(
        "flat", inputs, pool.labels, 4, pool.train_pool.copy(), pool.test_pool.copy()
    )


class ChecksTest(tf.test.TestCase, parameterized.TestCase):
    def assert_refused(self, message, run, replicas=1, found=None, **hardware):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            made_up_runs.ready(run, replicas, found, **hardware)
        self.assertNotIn("\n", str(caught.exception))

    @parameterized.named_parameters(
        (
            "ghosts",
            "ghost_batch_size=3: .*divisor of the 8 examples.*batch_size=8, 1 replica",
            made_up_runs.run(made_up_runs.ghost(3)),
        ),
        (
            "ghosts_larger_than_the_batch",
            "ghost_batch_size=16: .*divisor of the 8",
            made_up_runs.run(made_up_runs.ghost(16)),
        ),
        (
            "ghosts_of_a_replica",
            r"ghost_batch_size=8: .*divisor of the 4 .*2 replica\(s\)",
            made_up_runs.run(made_up_runs.ghost(8)),
            2,
        ),
        (
            "ghosts_of_a_part",
            "ghost_batch_size=8: .*divisor of the 4 .*gradient_accumulation=2",
            made_up_runs.run(made_up_runs.ghost(8)),
            1,
            2,
        ),
        (
            "replicas",
            "batch_size=9: .*multiple of the 2 replicas",
            made_up_runs.run(batch_size=9),
            2,
        ),
        (
            "replicas_later",
            "batch_size=15: .*multiple of the 2 replicas",
            made_up_runs.run(
                batch_size=10,
                batch_size_schedule=config.Stepwise((4.0,), (1.5,), "steps"),
            ),
            2,
        ),
        (
            "parts",
            r"gradient_accumulation=3: .*divisor of the 4 .*\(batch_size=8 on 2\)",
            made_up_runs.run(),
            2,
            3,
        ),
        (
            "batch_norm_of_one",
            "batch_size=1: batch normalization has no statistics.*at least 2 examples",
            made_up_runs.run(made_up_runs.batch(), batch_size=1),
        ),
        (
            "batch_norm_of_one_on_each_replica",
            "batch_size=2: batch normalization has no statistics.*at least 4 examples",
            made_up_runs.run(made_up_runs.batch(), batch_size=2),
            2,
        ),
        (
            "batch_norm_of_one_later",
            "batch_size=1: batch normalization has no statistics",
            made_up_runs.run(
                made_up_runs.batch(),
                batch_size=2,
                batch_size_schedule=config.Stepwise((4.0,), (0.5,), "steps"),
            ),
        ),
        (
            "parts_of_batch_norm",
            "gradient_accumulation=2: .*'ghost'",
            made_up_runs.run(made_up_runs.batch()),
            1,
            2,
        ),
    )
    def test_batches_that_cannot_be_cut(self, message, run, replicas=1, parts=1):
        self.assert_refused(message, run, replicas, gradient_accumulation=parts)

    def test_what_does_not_fit_the_examples(self):
        for message, run, found in (
            ("scaling='imagenet'.*uint8 images", _images("imagenet"), _flat()),
            ("augmentation='flip': flat has no im", _images("none", "flip"), _flat()),
            (
                "augmentation='crop_flip_grey': .*same",
                _images("standardize", "crop_flip_grey"),
                None,
            ),
            ("batch_size=61", made_up_runs.run(batch_size=61), None),
            (
                "scaling='unit_norm': made_up is too large to fit",
                _images("unit_norm"),
                made_up_runs.Large(made_up_runs.pool()),
            ),
        ):
            with self.subTest(message):
                self.assert_refused(message, run, found=found)

    def test_what_is_too_large_for_a_device_streams(self):
        large = made_up_runs.Large(made_up_runs.pool())
        run = _images("imagenet", "flip")
        message = "data_placement='device': made_up is too large"
        self.assert_refused(message, run, found=large, data_placement="device")
        for placement in ("auto", "stream"):
            trained = made_up_runs.ready(run, found=large, data_placement=placement)
            self.addCleanup(trained.close)
            self.assertEqual(trained._feed.max_steps, 1)
            trained.take_steps(0, 1)

    def test_auto_places_what_is_small_enough(self):
        run = made_up_runs.run()
        self.assertGreater(made_up_runs.ready(run)._feed.max_steps, 1)
        with mock.patch.object(resident_images, "_MAX_BYTES", 82 * 192 - 1):
            self.assertEqual(made_up_runs.ready(run)._feed.max_steps, 1)
            on_device = made_up_runs.ready(run, data_placement="device")
            self.assertGreater(on_device._feed.max_steps, 1)


class TraineeTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ("float32", 1), ("float32", 2), ("mixed_float16", 1), ("mixed_float16", 2)
    )
    def test_goes_on_from_a_state(self, precision, replicas):
        run = made_up_runs.run(made_up_runs.ghost(), precision=precision)
        first = made_up_runs.ready(run, replicas)
        first.take_steps(0, 3)
        state = first.state.arrays()
        self.assertIn(3, [int(a) for a in state.values() if a.dtype.kind == "i"])
        expected = first.take_steps(3, 6)
        second = made_up_runs.ready(run, replicas)
        second.take_steps(6, 8)  # astray
        second.state.restore(state)
        np.testing.assert_array_equal(second.take_steps(3, 6), expected)
        ours, theirs = second.state.arrays(), first.state.arrays()
        self.assertEqual(ours.keys(), theirs.keys())
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name], name)
            if name in ("model/0000", "optimizer/0002"):
                self.assertNotAllEqual(ours[name], state[name])

    def test_refuses_the_state_of_another_model(self):
        trained = made_up_runs.ready(made_up_runs.run())
        state = trained.state.arrays()
        wider = dict(state, **{"model/0000": np.zeros([192, 13], np.float32)})
        fewer = {name: a for name, a in state.items() if name != "optimizer/0003"}
        more = {**state, "model/0099": np.zeros(2)}
        for arrays, message in (
            (wider, r"model/0000 has shape \(192, 13\), not \(192, 12\)"),
            (fewer, r"optimizer/0003 has shape None, not"),
            (more, r"model/0099 has shape \(2,\), not None"),
        ):
            changed = {name: array + 1 for name, array in arrays.items()}
            with self.assertRaisesRegex(errors.UserError, f"another model: {message}"):
                trained.state.restore(changed)
            after = trained.state.arrays()
            for name in state:
                np.testing.assert_array_equal(after[name], state[name])

    def test_restores_the_standard_deviations_of_older_checkpoints(self):
        trained = made_up_runs.ready(made_up_runs.run(made_up_runs.ghost()))
        trained.take_steps(0, 2)
        state, measured = trained.state.arrays(), trained.evaluate("test")
        variances = [name for name in state if name.endswith("/variance")]
        self.assertLen(variances, 2)
        older = dict(state)
        for name in variances:  # the networks' epsilon is 1e-5
            older[name.removesuffix("/variance")] = np.sqrt(older.pop(name) + 1e-5)
        trained.take_steps(2, 4)
        trained.state.restore(older)
        for name, array in trained.state.arrays().items():
            self.assertAllClose(array, state[name], rtol=1e-6)
        again = trained.evaluate("test")
        self.assertAllClose([*again.values()], [*measured.values()], rtol=1e-6)

    @parameterized.parameters(
        (1, 1, "batch_size=8: .* not hold 8 examples.*gradient_accumulation=2"),
        (2, 2, "batch_size=8: .* not hold 2 examples.*gradient_accumulation=4"),
    )
    def test_says_what_did_not_fit_in_memory(self, replicas, parts, message):
        trained = made_up_runs.ready(
            made_up_runs.run(), replicas, gradient_accumulation=parts
        )
        full = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        with mock.patch.object(trained._program, "take_steps", side_effect=full):
            with self.assertRaisesRegex(errors.UserError, message) as caught:
                trained.take_steps(0, 1)
        self.assertIs(caught.exception.__cause__, full)

    @parameterized.product(
        replicas=(1, 2), placement=("device", "stream"), part=("train", "test")
    )
    def test_evaluates_what_the_model_predicts(self, replicas, placement, part):
        run = made_up_runs.run(
            made_up_runs.ghost(), data_settings={"validation_size": 9}
        )
        trained = made_up_runs.ready(run, replicas, data_placement=placement)
        self.addCleanup(trained.close)
        trained.take_steps(0, 1)
        pool, positions = made_up_runs.pool(), getattr(trained._split, part)
        self.assertLen(positions, {"train": 51, "test": 22}[part])
        seen = pool.inputs[trained._split.train]
        inputs = pool.inputs[positions] - seen.mean((0, 1, 2))
        logits = trained.model(np.float32(inputs / seen.std((0, 1, 2)))).numpy()
        labels = pool.labels[positions]
        logits = logits.astype(np.float64)
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        of_labels = probabilities[np.arange(len(labels)), labels]
        measured = trained.evaluate(part)
        self.assertEqual(list(measured), [f"{part}_cross_entropy", f"{part}_accuracy"])
        cross_entropy, accuracy = measured.values()
        self.assertAllClose(cross_entropy, -np.log(of_labels).mean(), 1e-5, 1e-5)
        self.assertAllClose(accuracy, np.mean(logits.argmax(1) == labels), 1e-6)

    def test_small_batches_of_evaluation_make_no_difference(self):
        trained = made_up_runs.ready(made_up_runs.run(), 2)
        whole = trained.evaluate("test")
        trained._feed._evaluation_size = 6
        self.assertAllClose(trained.evaluate("test"), whole, 1e-6, 1e-6)

    def test_parts_are_those_that_have_examples(self):
        self.assertEqual(made_up_runs.ready(made_up_runs.run()).parts, ("test",))
        run = made_up_runs.run(data_settings={"validation_size": 9})
        self.assertEqual(made_up_runs.ready(run).parts, ("test", "validation"))

    def test_float16_scales_the_loss(self):
        run = made_up_runs.run(precision="mixed_float16")
        optimizer = made_up_runs.ready(run)._optimizer
        self.assertIsInstance(optimizer, keras.optimizers.LossScaleOptimizer)
        others = made_up_runs.run(precision="mixed_bfloat16"), made_up_runs.run()
        for run in others:
            optimizer = made_up_runs.ready(run)._optimizer
            self.assertNotIsInstance(optimizer, keras.optimizers.LossScaleOptimizer)


if __name__ == "__main__":
    tf.test.main()
