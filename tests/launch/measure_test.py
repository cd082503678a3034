"""Tests of `launch.measure`: a run's folder, a user's model, mistakes, Ctrl-C."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, data, measures, models
from bsgen.training import run_folder
from tests.data import made_up_imagenet
from tests.launch import process

_USER = """
import keras, numpy as np, time

def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(loss="mse")
    return model

def load():
    inputs = np.random.default_rng(1).normal(size=(30, 3))
    return (inputs[:20], inputs[:20, :1]), (inputs[20:], inputs[20:, :1])
"""

_TOY = """
import dataclasses, numpy as np
from bsgen import named_measures

@dataclasses.dataclass(frozen=True)
class Curvature:
    value: float
    standard_error: float = 0.0
    stopped_because: str = "complete"

def mean_curvature(hessian, *, on_progress=None, keep_partial=False):
    ones = np.ones(hessian.shape[0])
    return Curvature(float(ones @ hessian.matvec(ones) / len(ones)))

named_measures.register(
    named_measures.Measure("mean_curvature", "toy:mean_curvature", ("hessian",))
)
"""
_WITH_TOY = (
    "import runpy, toy; "
    "runpy.run_module('launch.measure', run_name='__main__', alter_sys=True)"
)


def _measure(*flags):
    return process.run("measure", *flags)


class MeasureTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def finished_run(self):
        """Makes the folder of a run that was over before its first step."""
        run = config.RunConfig(
            data=config.DataConfig("digits", 100, scaling="standardize"),
            model=config.ModelConfig(
                "normalized_mlp", hidden_units=(8,), normalization="batch"
            ),
            optimizer=config.MomentumConfig(0.1, 0.5, l2=0.01),
            batch_size=10,
        )
        model = models.build(run.model, data.find("digits").input_shape, 10, seed=3)
        with run_folder.RunFolder(
            self.folder / "run", run, config.HardwareConfig()
        ) as folder:
            folder.open()
            folder.save_model(model)
        return run, model

    def test_measures_a_run(self):
        run, model = self.finished_run()
        done = _measure(
            f"--run_dir={self.folder}/run",
            "--measures=top_eigenvalue,critical_learning_rate,spectral_density,trace,"
            "gradient_noise_scale,random_potential",
            "--data=test",
            "--num_examples=50",
            "--max_products=16",
            "--max_distance=2",
            "--num_directions=30",
            "--seed=4",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        found = json.loads((self.folder / "run" / "measures.json").read_bytes())
        inputs, labels = data.load(run.data).test
        places = np.random.default_rng(4).permutation(len(inputs))[:50]
        arguments = model, models.cross_entropy, (inputs[places], labels[places])
        hessian = measures.Hessian(*arguments, l2=0.01)
        top = measures.top_eigenvalue(hessian, max_products=16, seed=4)
        trace = measures.hessian_trace(hessian, max_products=16, seed=4)
        # Float32 sums differ in their last bits between processes.
        self.assertAllClose(found["top_eigenvalue"]["value"], top.value, rtol=1e-4)
        self.assertAllClose(found["trace"]["value"], trace.value, rtol=1e-4)
        self.assertEqual(found["trace"]["stopped_because"], trace.stopped_because)
        self.assertEqual(found["trace"]["data"], "test")
        self.assertEqual(found["trace"]["num_examples"], 50)
        critical = found["critical_learning_rate"]
        self.assertAllClose(critical["value"], 2 * 1.5 / top.value, rtol=1e-4)
        noise = measures.gradient_noise_scale(*arguments, l2=0.01)
        self.assertAllClose(
            found["gradient_noise_scale"]["value"], noise.value, rtol=1e-4
        )
        ball = measures.random_potential(
            *arguments, 2.0, l2=0.01, num_directions=30, seed=4
        )
        kept = found["random_potential"]
        self.assertAllClose(kept["value"], ball.value, rtol=1e-3)
        self.assertAllClose(kept["exponent_interval"], ball.exponent[1:], rtol=1e-2)
        self.assertEqual(kept["running_statistics"], "reestimate")
        start = f"random_potential: alpha {ball.value:.5g}"
        self.assertIn(start[:-2], done.stdout)
        table = pd.read_csv(self.folder / "run" / "random_potential.csv")
        self.assertAllClose(table["difference"], ball.differences, atol=1e-5)
        picture = (self.folder / "run" / "random_potential.png").read_bytes()
        self.assertEqual(picture[:4], b"\x89PNG")
        table = pd.read_csv(self.folder / "run" / "spectral_density.csv")
        area = np.trapezoid(table["density"], table["eigenvalue"])
        self.assertAllClose(area, 1.0, atol=1e-3)
        picture = (self.folder / "run" / "spectral_density.png").read_bytes()
        self.assertEqual(picture[:4], b"\x89PNG")
        self.assertIn(f"top_eigenvalue: {top.value:.4g}"[:20], done.stdout)

    def test_measures_a_users_model_and_keeps_what_was_measured(self):
        (self.folder / "mine.py").write_text(_USER)
        (self.folder / "toy.py").write_text(_TOY)
        flags = ("--model_fn=mine:build", "--data_fn=mine:load", "--output_dir=out")
        paths = f"{process.ROOT}:{self.folder}"
        earlier = self.folder / "out" / "measures.json"
        earlier.parent.mkdir()
        earlier.write_text('{"frobenius_norm": {"value": 2.5}, "trace": {}}')
        flags += ("--measures=top_eigenvalue,trace,mean_curvature",)
        done = subprocess.run(
            [sys.executable, "-c", _WITH_TOY, *flags],
            cwd=self.folder,
            env=process.environment(PYTHONPATH=paths),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads((self.folder / "out" / "measures.json").read_bytes())
        self.assertEqual(found["frobenius_norm"], {"value": 2.5})
        inputs = np.random.default_rng(1).normal(size=(30, 3))[:20]
        hessian = 2 / 20 * inputs.T @ inputs
        expected = np.linalg.eigvalsh(hessian)[-1]
        self.assertAllClose(found["top_eigenvalue"]["value"], expected, rtol=1e-5)
        error = abs(found["trace"]["value"] - np.trace(hessian))
        self.assertLess(error, 4 * found["trace"]["standard_error"])
        mean = found["mean_curvature"]["value"]
        self.assertAllClose(mean, hessian.sum() / 3, rtol=1e-5)
        self.assertIn(f"mean_curvature: {mean:.5g} ± 0 (complete)", done.stdout)

    def test_measures_the_loss_of_the_run(self):
        run = config.RunConfig(
            data=config.DataConfig("digits", 30),
            model=config.ModelConfig("autoencoder"),
            batch_size=10,
            loss="squared_error",
        )
        model = models.build(run.model, data.find("digits").input_shape, 10)
        for weight in model.weights:
            weight.assign(np.zeros(weight.shape))
        with run_folder.RunFolder(
            self.folder / "run", run, config.HardwareConfig()
        ) as folder:
            folder.open()
            folder.save_model(model)
        done = _measure(f"--run_dir={self.folder}/run", "--measures=top_eigenvalue")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = json.loads((self.folder / "run" / "measures.json").read_bytes())
        # With dead hidden units the loss is sum_i (b_i - x_i)^2 in the last bias.
        self.assertAllClose(found["top_eigenvalue"]["value"], 2.0, rtol=1e-5)

    def test_two_devices_measure_what_one_does(self):
        run, model = self.finished_run()
        done = _measure(
            f"--run_dir={self.folder}/run",
            "--measures=top_eigenvalue",
            "--batch_size=32",
            "--strategy=mirrored",
            "--num_devices=2",
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = json.loads((self.folder / "run" / "measures.json").read_bytes())
        examples = data.load(run.data).train
        top = measures.top_eigenvalue(
            measures.Hessian(model, models.cross_entropy, examples, l2=0.01)
        )
        # Float32 sums in another order.
        self.assertAllClose(found["top_eigenvalue"]["value"], top.value, rtol=1e-4)

    def test_measures_a_run_on_data_that_stream(self):
        made_up_imagenet.prepare(self.folder / "data")
        run = config.RunConfig(
            data=config.DataConfig(
                "imagenet2012", scaling="imagenet", augmentation="flip"
            ),
            model=config.ModelConfig("normalized_mlp", hidden_units=(2,)),
            batch_size=10,
        )
        model = models.build(
            run.model, data.find(run.data.name).input_shape, 1000, seed=3
        )
        with run_folder.RunFolder(
            self.folder / "run", run, config.HardwareConfig()
        ) as folder:
            folder.open()
            folder.save_model(model)
        done = _measure(
            f"--run_dir={self.folder}/run",
            f"--data_dir={self.folder}/data",
            "--measures=gradient_noise_scale",
            "--data=test",
            "--num_examples=12",
            "--seed=4",
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = json.loads((self.folder / "run" / "measures.json").read_bytes())
        found = found["gradient_noise_scale"]
        source = data.load_source(run.data, str(self.folder / "data"))
        places = np.random.default_rng(4).permutation(source.test_pool)[:12]
        images, labels = source.gather(places)
        # The constants of ImageNet's channels.
        mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        inputs = ((images / 255 - mean) / deviation).astype("f")
        noise = measures.gradient_noise_scale(
            model, models.cross_entropy, (inputs, labels)
        )
        self.assertAllClose(found["value"], noise.value, rtol=1e-3)
        self.assertEqual(found["num_examples"], 12)

    def test_ctrl_c_keeps_what_is_known(self):
        self.finished_run()
        running = process.start(
            "measure",
            f"--run_dir={self.folder}/run",
            "--measures=trace,frobenius_norm",
            "--relative_error=0",
            "--max_products=1000000",
        )
        for line in running.stdout:
            if line.startswith("trace, "):
                break
        running.send_signal(signal.SIGINT)
        output, problems = running.communicate()
        self.assertEqual(running.returncode, 130, problems)
        found = json.loads((self.folder / "run" / "measures.json").read_bytes())
        self.assertEqual(found["trace"]["stopped_because"], "interrupted")
        self.assertNotIn("frobenius_norm", found)
        self.assertIn("interrupted", output)

    def test_folders_of_which_nothing_can_be_made(self):
        fake = self.create_tempfile("fake/tensorflow.py", "raise SystemExit('loaded')")
        paths = f"{pathlib.Path(fake.full_path).parent}:{process.ROOT}"
        self.finished_run()
        whole, damaged = self.folder / "run", self.folder / "damaged"
        shutil.copytree(whole, damaged)
        content = bytearray((whole / "model.keras").read_bytes())
        content[len(content) // 2] ^= 1
        (damaged / "model.keras").write_bytes(content)
        for flags, message in (
            ((f"--run_dir={whole}", f"--output_dir={whole}/model.keras"), "cannot wri"),
            ((f"--run_dir={damaged}",), "model.keras': is damaged; the command that t"),
        ):
            done = process.run_anew("measure", *flags, PYTHONPATH=paths)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, f"^error: [^\n]*{message}[^\n]*\n$")


if __name__ == "__main__":
    tf.test.main()
