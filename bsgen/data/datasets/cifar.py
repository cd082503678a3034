"""CIFAR-10 and CIFAR-100: 32x32 colour images.

Krizhevsky (2009), "Learning multiple layers of features from tiny images". The usual
augmentation is that of He et al. (2016), arXiv:1512.03385, section 4.2.
"""

from bsgen.data import image_dataset
from bsgen.data.datasets import cifar100_classes
from bsgen.data.image_dataset import OriginalFiles

_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))

CIFAR10 = image_dataset.ImageDataset(
    "cifar10",
    (32, 32, 3),
    10,
    50_000,
    10_000,
    scaling="standardize_channels",
    augmentation="crop_flip",
    class_names=tuple(_CLASSES.split()),
    original_files=(
        OriginalFiles(
            "cifar-10-binary.tar.gz",
            "cifar-10-batches-bin",
            tuple(f"{name}.bin" for name in _BATCHES),
            ("test_batch.bin",),
            labels_per_record=1,
        ),
        OriginalFiles(
            "cifar-10-python.tar.gz",
            "cifar-10-batches-py",
            _BATCHES,
            ("test_batch",),
            labels_key="labels",
        ),
    ),
)
CIFAR100 = image_dataset.ImageDataset(
    "cifar100",
    (32, 32, 3),
    100,
    50_000,
    10_000,
    scaling="standardize_channels",
    augmentation="crop_flip",
    class_names=cifar100_classes.NAMES,
    superclass_names=cifar100_classes.SUPERCLASS_NAMES,
    superclasses=cifar100_classes.SUPERCLASSES,
    original_files=(
        OriginalFiles(
            "cifar-100-binary.tar.gz",
            "cifar-100-binary",
            ("train.bin",),
            ("test.bin",),
            labels_per_record=2,
        ),
        OriginalFiles(
            "cifar-100-python.tar.gz",
            "cifar-100-python",
            ("train",),
            ("test",),
            labels_key="fine_labels",
        ),
    ),
)
