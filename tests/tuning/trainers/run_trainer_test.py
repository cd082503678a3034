"""Our own networks as a search trains them."""

from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors
from bsgen.training import ensemble, interruption, loop
from bsgen.tuning import RunTrainer, Setting
from bsgen.tuning.procedures import settings
from bsgen.tuning.trainers import protocol

_DATA = config.DataConfig("digits", train_size=100, validation_size=50)
_SMALL = config.ModelConfig(hidden_units=(8,))
_NORMALIZED = config.ModelConfig(
    "normalized_mlp", hidden_units=(8,), normalization="ghost", ghost_batch_size=8
)


class RunTrainerTest(tf.test.TestCase, parameterized.TestCase):
    def _trainer(self, model=_SMALL, num_epochs=2.5, **more):
        run = config.RunConfig(**{"data": _DATA, "model": model, "seed": 7, **more})
        return RunTrainer(run, num_epochs, self.create_tempdir().full_path)

    def test_a_score_is_the_validation_accuracy_of_its_run(self):
        optimizer = config.MomentumConfig(0.7, 0.3, nesterov=True, l2=1e-3)
        trainer = self._trainer(optimizer=optimizer)
        found = trainer.train(Setting(16, 0.5, 0.9), (0, 3))
        # floor(2.5 100 / 16) steps; repeat i has seed 7 + i.
        runs = [
            config.RunConfig(
                data=_DATA,
                model=_SMALL,
                optimizer=config.MomentumConfig(0.5, 0.9, nesterov=True, l2=1e-3),
                batch_size=16,
                num_steps=15,
                seed=seed,
            )
            for seed in (7, 10)
        ]
        by_key = {record.run.key: record for record in ensemble.train(runs)}
        expected = {
            repeat: by_key[run.key].final["validation_accuracy"]
            for repeat, run in zip((0, 3), runs, strict=True)
        }
        self.assertAllClose(found.scores, expected, rtol=1e-6)
        self.assertEqual(found.status, "completed")
        self.assertEqual((found.num_steps, found.num_examples), (30, 480))
        self.assertEqual(trainer.train_size, 100)
        self.assertBetween(trainer.baseline_score, 0.1, 0.3)
        again = trainer.train(Setting(16, 0.5, 0.9), (3,))
        self.assertAllClose(again.scores[3], found.scores[3], atol=1 / 50 + 1e-6)

    def test_a_prefix_is_a_run_stopped_early(self):
        trainer = self._trainer()
        request = settings.Request(settings.Prefix(16, 0.5, 0.9, 0.4), (0, 3))
        found = protocol.train(trainer, request)
        # floor(0.4 2.5 100 / 16) steps; whole runs of 15 are evaluated then.
        runs = [
            config.RunConfig(
                data=_DATA,
                model=_SMALL,
                optimizer=config.MomentumConfig(0.5, 0.9),
                batch_size=16,
                num_steps=15,
                evaluation_steps=(6,),
                seed=seed,
            )
            for seed in (7, 10)
        ]
        by_seed = {record.run.seed: record for record in ensemble.train(runs)}
        for repeat, seed in ((0, 7), (3, 10)):
            curve = by_seed[seed].curve
            self.assertEqual(curve["step"], [6, 15])
            expected = curve["validation_accuracy"][0]
            self.assertAllClose(found.scores[repeat], expected, atol=1e-6)
        self.assertEqual((found.num_steps, found.num_examples), (12, 192))

    def test_a_loss_without_accuracy_is_refused(self):
        model = config.ModelConfig("autoencoder")
        with self.assertRaisesRegex(errors.UserError, "loss='squared_error': .*accura"):
            self._trainer(model, loss="squared_error")

    def test_divergence_is_the_worst_score(self):
        found = self._trainer(num_epochs=20).train(Setting(4, 1e30, 0.9), (0, 1))
        self.assertEqual(found.status, "diverged")
        self.assertEqual(found.scores, {0: 0.0, 1: 0.0})

    def test_a_network_with_state(self):
        trainer = self._trainer(_NORMALIZED, num_epochs=1)
        found = trainer.train(Setting(24, 0.1, 0.9), (0, 1), num_epochs=2)
        self.assertEqual(found.status, "completed")
        self.assertEqual((found.num_steps, found.num_examples), (16, 384))
        self.assertSetEqual({*found.scores}, {0, 1})
        self.assertEqual(trainer.train(Setting(24, 0.1, 0.9), (0,)).num_steps, 4)

    @parameterized.parameters(
        ({}, {"data_placement": "stream"}), ({"precision": "mixed_bfloat16"}, {})
    )
    def test_what_only_the_loop_has_is_trained_by_the_loop(self, more, hardware):
        run = config.RunConfig(data=_DATA, model=_SMALL, **more)
        folder, chosen = (
            self.create_tempdir().full_path,
            config.HardwareConfig(**hardware),
        )
        trainer = RunTrainer(run, 1, folder, hardware=chosen)
        with mock.patch.object(loop, "train", wraps=loop.train) as spied:
            found = trainer.train(Setting(50, 0.1, 0.9), (0,))
        self.assertEqual(found.status, "completed")
        self.assertEqual(spied.call_args.args[2].hardware, chosen)
        self.assertEqual(spied.call_args.args[0].precision, run.precision)
        self.assertEqual(
            [layer.compute_dtype for layer in trainer.subject().model.layers[2:3]],
            ["bfloat16" if more else "float32"],
        )

    @parameterized.parameters(
        errors.OutOfMemory("batch_size", 16, "too big"),
        tf.errors.ResourceExhaustedError(None, None, "too big"),
    )
    def test_memory_that_does_not_suffice_is_a_result(self, error):
        for precision, engine in (("float32", ensemble), ("mixed_bfloat16", loop)):
            trainer = self._trainer(precision=precision)
            with mock.patch.object(engine, "train", side_effect=error):
                found = trainer.train(Setting(16, 0.5, 0.9), (0,))
            self.assertEqual((found.status, found.scores), ("out_of_memory", {}))

    def test_a_stop_ends_the_search_and_not_the_trial(self):
        trainer = self._trainer(precision="mixed_bfloat16")
        stopped = interruption.Interrupted(2, 3)
        with mock.patch.object(loop, "train", side_effect=stopped):
            with self.assertRaises(KeyboardInterrupt):
                trainer.train(Setting(16, 0.5, 0.9), (0,))

    def test_refuses(self):
        with self.assertRaisesRegex(errors.UserError, "validation_size=0: .*set some"):
            self._trainer(data=config.DataConfig("digits", train_size=100))
        with self.assertRaisesRegex(errors.UserError, "num_epochs=0.1: shorter"):
            self._trainer().train(Setting(16, 0.5, 0.9), (0,), num_epochs=0.1)


if __name__ == "__main__":
    tf.test.main()
