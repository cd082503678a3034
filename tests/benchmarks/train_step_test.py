"""Tests of the training benchmark: equal networks, real steps, and its table."""

import importlib.util
import zlib

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from benchmarks import (
    stopwatch,
    train_step,
    training_contenders,
    training_problem,
)
from benchmarks.training_contenders import bsgen_ghosts, keras_fit

_MODULE = "benchmarks.training_contenders.bsgen_ghosts"
_SIZES = {"resnet44": 658_586, "wrn_16_4": 2_748_890}


def _tiny(model, dtype="float32"):
    return training_problem.Problem(
        model,
        dtype,
        batch_size=4,
        num_steps=1,
        ghost_batch_size=4,
        num_images=8,
        side=8,
    )


def _kernel(shape):
    """A kernel that follows from its shape, so that the order of layers is no matter.

    Shapes as Keras has them, [height, width, in, out] or [in, out].
    """
    generator = np.random.default_rng(zlib.crc32(repr(tuple(shape)).encode()))
    return generator.normal(0, np.prod(shape[:-1]) ** -0.5, shape).astype(np.float32)


class TrainStepTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("resnet44", "wrn_16_4")
    def test_pytorch_has_the_same_network(self, model):
        if not importlib.util.find_spec("torch"):
            self.skipTest("PyTorch is not installed")
        import torch

        from benchmarks.training_contenders import pytorch_eager

        ours = bsgen_ghosts.Contender(_tiny(model))
        peer = pytorch_eager.Contender(_tiny(model))
        self.assertEqual(ours.num_parameters(), _SIZES[model])
        self.assertEqual(peer.num_parameters(), _SIZES[model])
        for variable in ours._model.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(_kernel(variable.shape))
        with torch.no_grad():
            for own in peer._model.parameters():
                if own.ndim > 1:
                    order = (3, 2, 0, 1) if own.ndim == 4 else (1, 0)
                    shape = [own.shape[order.index(i)] for i in range(own.ndim)]
                    own.copy_(torch.from_numpy(_kernel(shape).transpose(order)))
            peer._model[-1].bias.zero_()
        images = np.random.default_rng(1).random((4, 8, 8, 3), np.float32)
        theirs = peer._model(torch.from_numpy(images.transpose(0, 3, 1, 2)))
        # Float32 rounds at 6e-8, and normalising the few values of a channel of the
        # last blocks enlarges that, layer by layer.
        self.assertAllClose(
            ours._model(images, training=True), theirs.detach(), rtol=1e-3, atol=1e-3
        )

    @parameterized.parameters((bsgen_ghosts, "bfloat16"), (keras_fit, "float32"))
    def test_every_step_trains(self, module, dtype):
        problem = _tiny("wrn_16_4", dtype)
        contender = module.Contender(problem)
        self.assertEqual(contender._model.layers[1].compute_dtype, dtype)
        head = contender._model.layers[-1].bias
        seen = [head.numpy()]
        for step in range(2):
            contender.take_steps(problem.positions(step))
            seen.append(head.numpy())
            self.assertGreater(np.abs(seen[-1] - seen[-2]).max(), 1e-3)

    def test_a_gpu_gets_larger_batches_and_longer_turns(self):
        of_cpu, of_gpu = (
            [
                (each.model, each.dtype, each.batch_size, each.num_steps)
                for each in train_step.problems(on_gpu, None)
            ]
            for on_gpu in (False, True)
        )
        self.assertLen(of_cpu, 4)
        self.assertEqual(of_cpu[0], ("resnet44", "float32", 128, 4))
        self.assertLen(of_gpu, 4)
        self.assertEqual(of_gpu[-1], ("wrn_16_4", "bfloat16", 1024, 8))
        for problem in train_step.problems(True, 3):
            self.assertEqual(problem.num_steps, 3)
            self.assertEqual(problem.positions(0).shape, (3, problem.batch_size))
        self.assertIn("pytorch_one_thread", training_contenders.ON_CPU)
        self.assertIn("pytorch_compiled", training_contenders.ON_GPU)

    def test_children_are_timed(self):
        problem = _tiny("wrn_16_4")
        with stopwatch.Child(_MODULE, train_step.Stopwatch) as child:
            child.begin(problem)  # `compare` then only waits
            results = stopwatch.compare(problem, {"bsgen_ghosts": child}, 2, problem)
        self.assertAllGreater(results["bsgen_ghosts"].rates, 0)
        num_parameters = results["bsgen_ghosts"].start.num_parameters
        self.assertEqual(num_parameters, _SIZES["wrn_16_4"])

    def test_tables_what_was_timed(self):
        entries = training_contenders.ON_CPU
        start = train_step.Start(1.0, 658_586)
        results = {
            "bsgen_ghosts": stopwatch.Result(start, [10.0, 40.0, 30.0]),
            "keras_fit": stopwatch.Result(start, [20.0, 10.0, 10.0]),
        }
        row = train_step.rows(results, entries)[1]
        self.assertEqual(row[1:], ["10", "10-20", "3.00", "0.50-4.00", "1.0"])
        other = stopwatch.Result(train_step.Start(1.0, 1), [1.0])
        with self.assertRaisesRegex(RuntimeError, "differ"):
            train_step.rows({**results, "pytorch_eager": other}, entries)


if __name__ == "__main__":
    tf.test.main()
