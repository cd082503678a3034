"""Tests of the measures of a trained network."""

import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, errors, measures
from bsgen.data import scaling
from bsgen.training import loop
from bsgen.training.loop import final_measures, strategies, trainee
from tests.training import made_up_tasks


def _run(count=40, names=config.FINAL_MEASURES):
    return config.RunConfig(
        data=config.DataConfig("digits", 60, scaling="standardize"),
        model=config.ModelConfig("normalized_mlp", (3,)),
        optimizer=config.MomentumConfig(learning_rate=0.1, momentum=0.0),
        batch_size=20,
        num_steps=12,
        final_measures=names,
        measured_examples=count,
    )


class FinalMeasuresTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(40, None)
    def test_against_the_dense_hessian_of_the_kept_network(self, count):
        run = _run(count)
        folder = pathlib.Path(self.create_tempdir().full_path)
        record = loop.train(run, folder)
        model = keras.models.load_model(folder / "model.keras")
        pool = data.load_pool(run.data)
        train = data.split(pool, run.data).train
        scale = scaling.fit("standardize", pool.gather(train)[0])
        inputs, labels = pool.gather(train[:count])
        loss = keras.losses.SparseCategoricalCrossentropy(True, reduction="none")
        dense = measures.Hessian(model, loss, (scale.apply(inputs), labels)).dense()
        eigenvalue = np.linalg.eigvalsh(dense)[-1]
        # 1 % was asked; the estimated error need not bound it, hence the factor.
        self.assertAllClose(record.final["max_eigenvalue"], eigenvalue, rtol=0.02)
        norm = np.linalg.norm(dense)
        error = record.final["hessian_frobenius_norm_standard_error"]
        self.assertBetween(error, 0.0, 0.1 * norm * 1.5)
        self.assertLess(abs(record.final["hessian_frobenius_norm"] - norm), 4 * error)
        trace, error = np.trace(dense), record.final["hessian_trace_standard_error"]
        # Of so small a network, 100 products know it no better.
        self.assertBetween(error, 0.0, 0.1 * trace)
        self.assertLess(abs(record.final["hessian_trace"] - trace), 4 * error)
        # Brought again, not measured again.
        self.assertEqual(loop.train(run, folder), record)

    def test_the_hessian_is_that_of_the_loss(self):
        # Least squares with D outputs: the Hessian of the mean over examples is (2 / N)
        # X^T X for each of them, with a column of ones for the bias.
        self.enterContext(made_up_tasks.registered())
        run = made_up_tasks.run(
            "regress",
            model=config.ModelConfig("mlp", ()),
            final_measures=config.FINAL_MEASURES,
        )
        final = loop.train(run, self.create_tempdir().full_path).final
        inputs, _ = data.load(run.data).train
        rows = np.hstack([inputs, np.ones((len(inputs), 1))])
        block = 2 / len(rows) * rows.T @ rows
        eigenvalue = np.linalg.eigvalsh(block)[-1]
        self.assertAllClose(final["max_eigenvalue"], eigenvalue, rtol=0.02)
        norm = 2**0.5 * np.linalg.norm(block)
        error = final["hessian_frobenius_norm_standard_error"]
        self.assertBetween(error, 0.0, 0.1 * norm * 1.5)
        found = final["hessian_frobenius_norm"]
        self.assertLess(abs(found - norm), 4 * error + 1e-4 * norm)

    def test_only_what_is_asked(self):
        run = _run(names=("max_eigenvalue",))
        record = loop.train(run, self.create_tempdir().full_path)
        self.assertIn("max_eigenvalue", record.final)
        self.assertNotIn("hessian_frobenius_norm", record.final)

    def test_more_examples_than_there_are(self):
        hardware = config.HardwareConfig()
        ready = trainee.Trainee(_run(61), strategies.Devices(hardware), hardware)
        with self.assertRaisesRegex(errors.UserError, "^measured_examples=61: .* 60"):
            final_measures.measure(_run(61), ready)
        ready.close()

    def test_runs_of_before_keep_their_keys(self):
        plain = dataclasses.replace(_run(), final_measures=(), measured_examples=None)
        self.assertNotIn("final_measures", config.to_dict(plain))
        self.assertNotEqual(plain.key, _run().key)
        self.assertEqual(config.from_dict(config.to_dict(_run())), _run())

    @parameterized.parameters(
        ({"final_measures": ("max_eigenvalu",)}, "did you mean 'max_eigenvalue'"),
        ({"final_measures": ()}, "^measured_examples=40: give final_measures"),
        ({"measured_examples": 0}, "^measured_examples=0"),
        ({"optimizer": config.NewtonConfig(l2=1.0)}, "not with optimizer='newton'"),
    )
    def test_mistakes(self, changed, message):
        with self.assertRaisesRegex(errors.UserError, message):
            dataclasses.replace(_run(), **changed)


if __name__ == "__main__":
    tf.test.main()
