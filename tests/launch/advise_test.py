"""Tests of `launch.advise`: a run's folder, a user's model."""

import json
import pathlib
import subprocess
import sys

import tensorflow as tf

from bsgen import advice, config, data, models
from bsgen.training import run_folder
from tests.launch import process

_USER = """
import keras, numpy as np

def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, 0.5), "mse")
    model.fit(*load()[0], verbose=0)
    return model

def load():
    inputs = np.random.default_rng(1).normal(size=(60, 3))
    return (inputs[:40], inputs[:40, :1]), (inputs[40:], inputs[40:, :1])
"""


def _advise(*flags, cwd=process.ROOT, **more):
    return subprocess.run(
        [sys.executable, "-m", "launch.advise", *flags],
        cwd=cwd,
        env=process.environment(**more),
        capture_output=True,
        text=True,
        timeout=240,
    )


class AdviseTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def kept(self, *names):
        values = json.loads(self.folder.joinpath(*names).read_bytes())
        return advice.Advice.from_dict(values)

    def test_on_a_run(self):
        run = config.RunConfig(
            data=config.DataConfig("digits", 100, scaling="standardize"),
            model=config.ModelConfig(
                "normalized_mlp",
                hidden_units=(8,),
                normalization="ghost",
                ghost_batch_size=5,
            ),
            optimizer=config.MomentumConfig(0.01, 0.5, l2=0.01),
            batch_size=10,
        )
        model = models.build(run.model, data.find("digits").input_shape, 10, seed=3)
        with run_folder.RunFolder(
            self.folder / "run", run, config.HardwareConfig()
        ) as folder:
            folder.open()
            folder.save_model(model)
        done = _advise(f"--run_dir={self.folder}/run", "--target_batch_size=50")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.kept("run", "advice.json")
        self.assertStartsWith(done.stdout, str(found))
        expected = {
            "batch_size": 10,
            "target_batch_size": 50,
            "learning_rate": 0.01,
            "momentum": 0.5,
            "train_size": 100,
            "ghost_batch_size": 5,
        }
        self.assertEqual({name: found.numbers[name] for name in expected}, expected)
        again = advice.advise(
            model,
            models.cross_entropy,
            data.load(run.data).train,
            batch_size=10,
            learning_rate=0.01,
            target_batch_size=50,
            momentum=0.5,
            l2=0.01,
            progress=False,
        )
        # Float32 sums differ in their last bits between processes.
        for name in ("gradient_noise_scale", "critical_learning_rate"):
            if again.numbers[name] is not None:
                self.assertAllClose(found.numbers[name], again.numbers[name], rtol=1e-3)

    def test_on_a_users_model(self):
        (self.folder / "mine.py").write_text(_USER)
        done = _advise(
            *("--model_fn=mine:build", "--data_fn=mine:load", "--output_dir=out"),
            *("--present_batch_size=4", "--learning_rate=0.1"),
            "--target_batch_size=16",
            cwd=self.folder,
            PYTHONPATH=f"{process.ROOT}:{self.folder}",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.kept("out", "advice.json")
        self.assertEqual(found.numbers["momentum"], 0.5)  # its optimizer's
        self.assertEqual(found.numbers["train_size"], 40)

    def test_mistakes(self):
        lines = [
            ["advise"],
            ["advise", "--run_dir=/none", "--target_batch_size=8"],
            ["advise", "--model_fn=a:b", "--data_fn=a:b", "--target_batch_size=8"],
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.launch.in_process"],
            input=json.dumps({"lines": lines, "seed": 0, "count": 0}),
            cwd=process.ROOT,
            env=process.environment(),
            capture_output=True,
            text=True,
        )
        for outcome in json.loads(done.stdout)["outcomes"]:
            self.assertEqual(outcome["status"], 1, outcome)
            self.assertRegex(outcome["stderr"], "\\Aerror: .+\n\\Z")


if __name__ == "__main__":
    tf.test.main()
