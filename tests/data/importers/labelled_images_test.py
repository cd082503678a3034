"""Tests of `bsgen.data.importers.labelled_images`."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import labelled_images

_MNIST = registry.find("mnist")
_IMAGES = np.random.default_rng(0).integers(0, 256, size=[4, 28, 28]).astype(np.uint8)
_LABELS = np.array([0, 9, 3, 3])


def _with(value):
    images = _IMAGES.astype(np.float64)
    images[1, 2, 3] = value
    return images


class LabelledImagesTest(parameterized.TestCase):
    @parameterized.parameters(
        (_IMAGES, _LABELS),
        (_IMAGES[..., np.newaxis], _LABELS[:, np.newaxis].astype(np.uint8)),
        (_IMAGES.astype(np.float32), _LABELS.astype(np.int32)),
        (_IMAGES.astype(np.int64), _LABELS),
    )
    def test_accepts_equivalent_forms(self, images, labels):
        images, labels = labelled_images.check(_MNIST, images, labels, "here")
        self.assertEqual((images.dtype, labels.dtype), (np.uint8, np.int64))
        np.testing.assert_array_equal(images, _IMAGES[..., np.newaxis])
        np.testing.assert_array_equal(labels, _LABELS)

    @parameterized.named_parameters(
        ("size", _IMAGES[:, :27], _LABELS, r"shape \(4, 27, 28\)"),
        ("colours", np.stack([_IMAGES] * 3, -1), _LABELS, r"shape \(4, 28, 28, 3\)"),
        ("flat", _IMAGES.reshape(4, -1), _LABELS, r"shape \(4, 784\)"),
        ("empty", _IMAGES[:0], _LABELS[:0], "no images"),
        ("text", _IMAGES.astype("U3"), _LABELS, "type <U3"),
        ("nan", _with(np.nan), _LABELS, "NaN or infinite"),
        ("infinite", _with(np.inf), _LABELS, "NaN or infinite"),
        ("fraction", _with(0.5), _LABELS, "not whole numbers from 0 to 255"),
        ("too_bright", _with(256), _LABELS, "not whole numbers from 0 to 255"),
        ("negative", _with(-1), _LABELS, "not whole numbers from 0 to 255"),
        ("few_labels", _IMAGES, _LABELS[:3], r"shape \(3,\), for 4 images"),
        ("one_hot", _IMAGES, np.eye(4, 10, dtype=int), r"shape \(4, 10\)"),
        ("real_labels", _IMAGES, _LABELS / 2, "labels have type float64"),
        ("high_label", _IMAGES, _LABELS + 1, r"span 1\.\.10, but must lie in 0\.\.9"),
        ("low_label", _IMAGES, _LABELS - 1, r"span -1\.\.8"),
    )
    def test_rejects(self, images, labels, message):
        with self.assertRaisesRegex(errors.UserError, f"source='here': .*{message}"):
            labelled_images.check(_MNIST, images, labels, "here")

    def test_colour_images_of_another_dataset(self):
        generator = np.random.default_rng(1)
        images = generator.integers(0, 256, size=[3, 32, 32, 3]).astype(np.uint8)
        cifar = registry.find("cifar100")
        checked, labels = labelled_images.check(
            cifar, images, np.array([0, 99, 5]), "here"
        )
        np.testing.assert_array_equal(checked, images)
        np.testing.assert_array_equal(labels, [0, 99, 5])
        for wrong, expected in (
            (images[..., 0], r"shape \(3, 32, 32\), not \[n, 32, 32, 3\]"),
            (images[..., :1], r"shape \(3, 32, 32, 1\), not \[n, 32, 32, 3\]"),
            (images.transpose(0, 3, 1, 2), r"shape \(3, 3, 32, 32\)"),
        ):
            with self.assertRaisesRegex(errors.UserError, expected):
                labelled_images.check(cifar, wrong, labels, "here")
        with self.assertRaisesRegex(errors.UserError, r"0\.\.9"):
            cifar10 = registry.find("cifar10")
            labelled_images.check(cifar10, images, labels, "here")


if __name__ == "__main__":
    absltest.main()
