"""Tests of what the entries say of image datasets, and of CIFAR-100's classes."""

import tensorflow_datasets as tfds
from absl.testing import absltest, parameterized

from bsgen.data import image_dataset, registry

# The superclass of classes 0 to 99 in the order of the labels, as the records of the
# original files pair them.
_SUPERCLASSES = (
    *(4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11),
    *(6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5),
    *(5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17),
    *(10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13),
    *(16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13),
)


class ImageDatasetsTest(parameterized.TestCase):
    @parameterized.parameters(*(n for n in registry.prepared_names() if n != "ptb"))
    def test_agrees_with_tfds(self, name):
        dataset = registry.find(name)
        builder = tfds.builder(name, data_dir=self.create_tempdir().full_path)
        features = builder.info.features
        self.assertEqual(features["label"].num_classes, dataset.num_classes)
        if not isinstance(dataset, image_dataset.ImageDataset):
            return
        self.assertEqual(features["image"].shape, dataset.input_shape)
        if dataset.superclasses:
            number = features["coarse_label"].num_classes
            self.assertLen(dataset.superclass_names, number)
        if dataset.class_names:
            self.assertLen(set(dataset.class_names), dataset.num_classes)

    def test_superclasses_of_cifar100(self):
        dataset = registry.find("cifar100")
        self.assertEqual(dataset.superclasses, _SUPERCLASSES)
        self.assertEqual(dataset.class_names[:2], ("apple", "aquarium_fish"))
        self.assertEqual(dataset.superclass_names[1], "fish")
        self.assertEqual(dataset.class_names[99], "worm")


if __name__ == "__main__":
    absltest.main()
