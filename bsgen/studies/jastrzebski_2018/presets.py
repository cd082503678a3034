"""Settings of Jastrzebski et al. (2018), section 3, that its figures share.

`paper` follows the paper; what it leaves open is our choice and marked so. `reduced` is
figure 3 on the paper's data, smaller. `quick` takes the digits of scikit-learn and a
dense network of 128 units a layer, for a few minutes on two cores.

All train by SGD without momentum, weight decay or augmentation: the paper's theory has
none, and its text mentions none. Accuracies are those of the test set, which the paper
seems to call validation set; nothing is chosen by them.
"""

import math

from bsgen import config

QUICK_MODEL = config.ModelConfig("normalized_mlp", (128, 128, 128))
QUICK_TRAIN_SIZE = 1000
MLP = config.ModelConfig("mlp4")
VGG = config.ModelConfig("vgg11")
RESNET = config.ModelConfig("resnet56")
NUM_SEEDS = {"quick": 3, "reduced": 3, "paper": 5}  # 5 in figures 1 and 5
# Our choice; the paper does not say.
_SCALINGS = {"digits": "standardize"}
_IMAGES = "standardize_channels"


def data(dataset: str, train_size: int, seed: int) -> config.DataConfig:
    """Returns N examples of a dataset, drawn by `seed`."""
    scaling = _SCALINGS.get(dataset, _IMAGES)
    return config.DataConfig(dataset, train_size, scaling=scaling, subset_seed=seed)


def num_steps(num_epochs: float, batch_size: int, train_size: int) -> int:
    """Returns the steps that `num_epochs` passes over N examples take, rounded."""
    return max(1, round(num_epochs * train_size / batch_size))


def evaluation_steps(
    num_epochs: int, batch_size: int, train_size: int, count: int
) -> tuple[int, ...]:
    """Returns the steps after `count` equal parts of the epochs, and step 0."""
    last = num_steps(num_epochs, batch_size, train_size)
    return (0, *(math.ceil(part * last / count) for part in range(1, count + 1)))
