"""A saved model of our classes loads in a fresh process that has imported `bsgen`."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

import bsgen
from bsgen import layers, optimizers

_ROOT = pathlib.Path(__file__).parents[1]


class RegistrationTest(tf.test.TestCase):
    def test_a_fresh_process_loads_a_model(self):
        model = keras.Sequential(
            [
                keras.Input((3,)),
                layers.GhostBatchNormalization(2),
                layers.BatchNormalization(),
                layers.SkipInit(),
                keras.layers.Dense(1),
            ]
        )
        model.compile(optimizers.Momentum(0.1), "mse")
        inputs = np.random.default_rng(1).normal(size=(4, 3))
        model.fit(inputs, inputs[:, :1], verbose=0)
        path = pathlib.Path(self.create_tempdir()) / "model.keras"
        model.save(path)
        command = "import bsgen, sys; print({'tensorflow', 'keras'} & {*sys.modules});"
        command += "import keras; model = keras.models.load_model(sys.argv[1]);"
        command += "print(model.optimizer.momentum, model.get_weights()[3].tolist())"
        done = subprocess.run(
            [sys.executable, "-c", command, path],
            cwd=_ROOT,
            capture_output=True,
            text=True,
        )
        expected = f"set()\n0.9 {model.get_weights()[3].tolist()}\n"
        self.assertEqual(done.stdout, expected, done.stderr)

    def test_every_registered_class_is_in_a_room_that_is_imported(self):
        rooms = {
            ".".join(path.relative_to(_ROOT).parts[:2])
            for path in (_ROOT / "bsgen").rglob("*.py")
            if "@keras.saving.register" in path.read_text()
        }
        self.assertEqual(rooms, {*bsgen._WITH_REGISTERED_CLASSES})


if __name__ == "__main__":
    tf.test.main()
