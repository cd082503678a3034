"""MNIST and Fashion-MNIST: 28x28 grey images of ten classes.

LeCun et al. (1998); Xiao et al. (2017), arXiv:1708.07747.
"""

from bsgen.data import image_dataset

MNIST = image_dataset.ImageDataset(
    "mnist", (28, 28, 1), 10, 60_000, 10_000, torchvision_folder="MNIST/raw"
)
FASHION_MNIST = image_dataset.ImageDataset(
    "fashion_mnist",
    (28, 28, 1),
    10,
    60_000,
    10_000,
    torchvision_folder="FashionMNIST/raw",
)
