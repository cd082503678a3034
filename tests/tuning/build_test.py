"""`SearchResult.build`: the model to train after a search."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors, optimizers
from bsgen.tuning import (
    AppendixD,
    BatchSizeHeuristic,
    SearchResult,
    run_search,
    tune_batch_size,
)
from tests.tuning import surface_trainer


class BuildTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(64, 3)).astype(np.float32)
        self.data = inputs, inputs @ rng.normal(size=(3, 1)).astype(np.float32)

    def _build(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    def _search(self, rates):
        return tune_batch_size(
            self._build,
            self.data,
            self.data,
            num_epochs=8,
            batch_sizes=(4, 8),
            learning_rates=rates,
            num_repeats=1,
            progress=False,
        )

    def test_it_trains_as_recommended(self):
        found = self._search((0.05, 0.01))
        setting = found.recommendation.setting
        model, other = found.build(), found.build()
        self.assertIsNot(model, other)
        self.assertIsInstance(model.optimizer, optimizers.Momentum)
        self.assertAllClose(model.optimizer.learning_rate, setting.learning_rate)
        self.assertAllClose(model.optimizer.momentum, setting.momentum)
        self.assertEqual(int(model.optimizer.iterations), 0)
        # As the user compiled it, but for the optimizer.
        before, error = model.evaluate(*self.data, verbose=0)
        predicted = model.predict(self.data[0], verbose=0)
        self.assertAllClose(before, np.mean((predicted - self.data[1]) ** 2), 1e-4)
        self.assertAllClose(error, np.mean(abs(predicted - self.data[1])), 1e-4)
        model.fit(*self.data, batch_size=setting.batch_size, epochs=8, verbose=0)
        self.assertLess(model.evaluate(*self.data, verbose=0)[0], before / 2)

    def test_nothing_is_recommended(self):
        found = self._search((1e30,))
        with self.assertRaisesRegex(errors.UserError, "no recommendation: of "):
            found.build()

    def test_a_search_of_no_model(self):
        procedure = AppendixD(
            train_size=100_000, baseline_score=0.1, batch_sizes=(64, 512), num_repeats=1
        )
        trainer = surface_trainer.SurfaceTrainer()
        found = run_search(
            BatchSizeHeuristic(procedure), trainer, self.get_temp_dir(), {}
        )
        self.assertIsInstance(found, SearchResult)
        with self.assertRaisesRegex(errors.UserError, "launch.train --from_search"):
            found.build()


if __name__ == "__main__":
    tf.test.main()
