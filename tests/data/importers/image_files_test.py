"""Tests of importing and reading image datasets, on small random images."""

import os
import pathlib
import time
import unittest
import unittest.mock

import numpy as np
import requests
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from bsgen import config as configuration
from bsgen import data, errors
from bsgen.data import prepared, registry
from bsgen.data.importers import image_files

_MNIST = registry.find("mnist")
_REAL = os.environ.get("BSGEN_DATA_DIR")


def _examples(seed, name="mnist"):
    generator = np.random.default_rng(seed)
    dataset = registry.find(name)
    shape = dataset.input_shape if "cifar" in name else dataset.input_shape[:2]
    sizes = {"train": 30, "test": 12}
    return {
        split: (
            generator.integers(0, 256, size=[size, *shape]).astype(np.uint8),
            generator.integers(dataset.num_classes, size=size),
        )
        for split, size in sizes.items()
    }


def _write(folder, name, examples):
    for split, (images, labels) in examples.items():
        np.savez(folder / f"{name}_{split}.npz", images=images, labels=labels)


def _contents(images, labels):
    return sorted(
        (int(label), image.tobytes())
        for image, label in zip(images, labels, strict=True)
    )


class ImportsTest(parameterized.TestCase, tf.test.TestCase):
    def setUp(self):
        super().setUp()
        tfds.disable_progress_bar()
        folder = pathlib.Path(self.create_tempdir().full_path)
        self.source = folder / "source"
        self.source.mkdir()
        self.data_dir = folder / "data"

    def _import(self, name="mnist", **kwargs):
        return registry.find_prepared(name).import_files(
            str(self.source), str(self.data_dir), **kwargs
        )

    def _pool(self, name="mnist"):
        config = configuration.DataConfig(name=name)
        return data.load_pool(config, str(self.data_dir))

    @parameterized.parameters("mnist", "fashion_mnist", "cifar10", "cifar100")
    def test_tfds_and_the_pool_read_what_was_imported(self, name):
        examples = _examples(1, name)
        _write(self.source, name, examples)
        folder = self._import(name)
        self.assertEqual(folder, prepared.find(name, self.data_dir))
        pool = self._pool(name)
        self.assertEqual(pool.inputs.dtype, np.uint8)
        places = {"train": pool.train_pool, "test": pool.test_pool}
        for split, (images, labels) in examples.items():
            expected = _contents(images, labels)
            positions = places[split]
            self.assertEqual(
                _contents(pool.inputs[positions], pool.labels[positions]), expected
            )
            read_images, read_labels = tfds.load(
                name,
                split=split,
                data_dir=self.data_dir,
                download=False,
                batch_size=-1,
                as_supervised=True,
            )
            self.assertEqual(
                _contents(read_images.numpy(), read_labels.numpy()), expected
            )

    def test_order_in_the_files_does_not_matter(self):
        examples = _examples(2)
        _write(self.source, "mnist", examples)
        self._import()
        first = self._pool()
        backwards = {s: (i[::-1], label[::-1]) for s, (i, label) in examples.items()}
        _write(self.source, "mnist", backwards)
        self._import(force=True)
        second = self._pool()
        self.assertIsNot(first, second)
        self.assertAllEqual(first.inputs, second.inputs)
        self.assertAllEqual(first.labels, second.labels)

    def test_one_file_with_the_names_of_keras(self):
        (train, test) = _examples(3).values()
        path = self.source / "keras.npz"
        np.savez(
            path, x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1]
        )
        registry.find("mnist").import_files(str(path), str(self.data_dir))
        pool = self._pool()
        self.assertEqual(
            _contents(pool.inputs[:30], pool.labels[:30]), _contents(*train)
        )
        self.assertEqual(
            _contents(pool.inputs[30:], pool.labels[30:]), _contents(*test)
        )

    def test_bad_sources_leave_nothing(self):
        images, labels = _examples(4)["train"]
        _write(
            self.source,
            "mnist",
            {"train": (images, labels), "test": (images, labels + 9)},
        )
        with self.assertRaisesRegex(errors.UserError, r"mnist_test.npz': .*0\.\.9"):
            self._import()
        for source, message in (
            (self.source / "nowhere", "no such file or folder"),
            (self.data_dir, "holds neither mnist_train.npz"),
        ):
            with self.assertRaisesRegex(errors.UserError, message):
                registry.find("mnist").import_files(str(source), str(self.data_dir))
        self.assertEmpty(list(self.data_dir.iterdir()))

    def test_unknown_name(self):
        with self.assertRaisesRegex(errors.UserError, "did you mean 'mnist'"):
            self._import("mnits")
        with self.assertRaisesRegex(
            errors.UserError, "known: .*fashion_mnist.*, mnist"
        ):
            registry.find_prepared("digits").download(str(self.data_dir))

    @parameterized.parameters(
        (requests.ConnectionError("no route"), "ConnectionError"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (tfds.download.DownloadError("status 404"), "DownloadError"),
    )
    def test_failed_download(self, failure, reason):
        with (
            unittest.mock.patch.object(tfds, "builder") as builder,
            self.assertRaisesRegex(errors.UserError, rf"failed \({reason}\).*--source"),
        ):
            builder.return_value.download_and_prepare.side_effect = failure
            registry.find("mnist").download(str(self.data_dir))
        self.assertEmpty(list(self.data_dir.iterdir()))

    def test_download_is_staged_and_published(self):
        examples = {s: (i[..., None], n) for s, (i, n) in _examples(6).items()}
        real = tfds.builder

        def offline(name, data_dir):
            builder = real(name, data_dir=data_dir)
            builder._split_generators = lambda manager: {
                split: image_files._keyed(_MNIST, split, *pair, {"image", "label"})
                for split, pair in examples.items()
            }
            return builder

        with unittest.mock.patch.object(tfds, "builder", offline):
            folder = registry.find("mnist").download(str(self.data_dir))
        self.assertEqual(folder, prepared.find("mnist", self.data_dir))
        pool = self._pool()
        self.assertEqual(
            _contents(pool.inputs[:30], pool.labels[:30]), _contents(*examples["train"])
        )

    def test_unprepared_dataset_is_reported_at_once(self):
        start = time.monotonic()
        command = f"launch.prepare_data --dataset=mnist --data_dir={self.data_dir}`"
        with self.assertRaisesRegex(errors.UserError, f"{command} to download it, or "):
            self._pool()
        # A network that does not answer is waited for some 200 s.
        self.assertLess(time.monotonic() - start, 60)

    @parameterized.parameters(
        ("mnist-train*", "train"),
        ("mnist-test*", "test"),
        ("dataset_info.json", "train"),
        ("features.json", "train"),
    )
    def test_damaged_files(self, pattern, split):
        _write(self.source, "mnist", _examples(5))
        (path,) = self._import().glob(pattern)
        content = path.read_bytes()
        for damage in (
            lambda: path.write_bytes(content[: len(content) // 2]),
            path.unlink,
        ):
            damage()
            message = f"{split} files are damaged.*--force"
            if not path.exists() and pattern == "dataset_info.json":
                message = "not prepared"
            with self.assertRaisesRegex(errors.UserError, message):
                self._pool()

    def test_newest_version_is_found_and_unfinished_ones_are_not(self):
        versions = (
            "2.9.9",
            "10.0.0",
            "3.0.1",
            "incomplete.X_11.0.0",
            "12.0.0.incomplete",
        )
        for version in versions:
            folder = self.data_dir / "mnist" / version
            folder.mkdir(parents=True)
            (folder / "dataset_info.json").touch()
        (self.data_dir / "mnist" / "13.0.0").mkdir()
        self.assertEqual(prepared.find("mnist", self.data_dir).name, "10.0.0")
        self.assertIsNone(prepared.find("fashion_mnist", self.data_dir))

    def test_data_dir(self):
        environment = {"TFDS_DATA_DIR": "/some/where", "HOME": "/home/me"}
        with unittest.mock.patch.dict(os.environ, environment):
            self.assertEqual(str(prepared.resolve_data_dir("~/here")), "/home/me/here")
            self.assertEqual(str(prepared.resolve_data_dir()), "/some/where")
            del os.environ["TFDS_DATA_DIR"]
            self.assertEqual(
                str(prepared.resolve_data_dir("")), "/home/me/tensorflow_datasets"
            )

    @unittest.skipUnless(_REAL, "BSGEN_DATA_DIR names no folder with prepared data")
    @parameterized.parameters(
        ("mnist", 0.1307, 0.3081), ("fashion_mnist", 0.2860, 0.3530)
    )
    def test_real_data(self, name, mean, deviation):
        if prepared.find(name, pathlib.Path(_REAL)) is None:
            self.skipTest(f"{name} is not prepared in {_REAL}")
        pool = data.load_pool(configuration.DataConfig(name=name), _REAL)
        train = pool.inputs[pool.train_pool] / np.float32(255)
        self.assertEqual((len(pool.train_pool), len(pool.test_pool)), (60_000, 10_000))
        # The well-known figures, to the digits they are quoted with.
        self.assertAllClose(train.mean(dtype=np.float64), mean, atol=5e-5, rtol=0)
        self.assertAllClose(train.std(dtype=np.float64), deviation, atol=5e-5, rtol=0)
        self.assertAllEqual(np.bincount(pool.labels[pool.test_pool]) > 800, [True] * 10)


if __name__ == "__main__":
    tf.test.main()
