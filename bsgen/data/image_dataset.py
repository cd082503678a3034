"""The image datasets that TensorFlow Datasets prepares: what is known before reading.

MNIST (LeCun et al., 1998) and Fashion-MNIST (Xiao et al., 2017, arXiv:1708.07747) hold
28x28 grey images, CIFAR-10 and CIFAR-100 (Krizhevsky, 2009, "Learning multiple layers
of features from tiny images") 32x32 colour images.
"""

import dataclasses

from bsgen import errors
from bsgen.data.datasets import cifar100_classes


@dataclasses.dataclass(frozen=True)
class ImageDataset:
    """What is known of a dataset without reading it.

    Attributes:
      name: as in TFDS.
      image_shape: (height, width, channels).
      num_classes: labels are 0 to num_classes - 1.
      class_names: one a class in the order of the labels, () where TFDS has none.
      superclass_names: what TFDS calls the coarse labels, likewise.
      superclasses: the coarse label of each class, () without them.
      torchvision_folder: where torchvision keeps its files below its root, "" if there.
    """

    name: str
    image_shape: tuple[int, int, int]
    num_classes: int
    class_names: tuple[str, ...] = ()
    superclass_names: tuple[str, ...] = ()
    superclasses: tuple[int, ...] = ()
    torchvision_folder: str = ""


_CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_DATASETS = {
    dataset.name: dataset
    for dataset in (
        ImageDataset("mnist", (28, 28, 1), 10, torchvision_folder="MNIST/raw"),
        ImageDataset(
            "fashion_mnist", (28, 28, 1), 10, torchvision_folder="FashionMNIST/raw"
        ),
        ImageDataset("cifar10", (32, 32, 3), 10, _CIFAR10_CLASSES),
        ImageDataset(
            "cifar100",
            (32, 32, 3),
            100,
            cifar100_classes.NAMES,
            cifar100_classes.SUPERCLASS_NAMES,
            cifar100_classes.SUPERCLASSES,
        ),
    )
}
NAMES = tuple(_DATASETS)


def by_name(name: str) -> ImageDataset:
    """Returns one of the datasets `NAMES`.

    Raises:
      UserError: the name is unknown.
    """
    if name not in _DATASETS:
        raise errors.unknown_name("dataset", name, NAMES)
    return _DATASETS[name]
