"""Data and networks that the figures of Jastrzebski et al. (2018), section 3, share.

At scale `paper` they follow the paper; what it leaves open is our choice and marked so.
`quick` takes the digits of scikit-learn and a dense network of 128 units a layer, for a
few minutes on two cores. `reduced` is figure 3 on the paper's data, smaller.

All train by SGD without momentum, weight decay or augmentation: the paper's theory has
none, and its text mentions none. Accuracies are those of the test set, which the paper
seems to call validation set; nothing is chosen by them.
"""

from bsgen import config
from bsgen.studies import budgets, tasks

_IMAGES = "standardize_channels"  # our choice; the paper does not say
DIGITS = config.DataConfig("digits", 1000, scaling="standardize")
CIFAR10 = config.DataConfig("cifar10", 50_000, scaling=_IMAGES)
FASHION_MNIST = config.DataConfig("fashion_mnist", 60_000, scaling=_IMAGES)
QUICK_MODEL = config.ModelConfig("normalized_mlp", (128, 128, 128))
MLP = config.ModelConfig("mlp4")
VGG = config.ModelConfig("vgg11")
RESNET = config.ModelConfig("resnet56")
NUM_SEEDS = {"quick": 10, "reduced": 3, "paper": 5}  # the paper's figures 1 and 5 say 5
CHANCE = 0.1  # accuracy of a guess; all datasets have ten classes


def sgd(
    learning_rate: float, schedule: config.Schedule | None = None
) -> config.MomentumConfig:
    """Returns SGD without momentum, by default at a constant learning rate."""
    schedule = schedule or config.Constant()
    return config.MomentumConfig(learning_rate, momentum=0.0, schedule=schedule)


def on_digits(
    learning_rate: float,
    batch_size: int,
    budget: budgets.Budget,
    num_seeds: int = NUM_SEEDS["quick"],
) -> tasks.Task:
    """Returns a task of scale `quick`."""
    optimizer = sgd(learning_rate)
    return tasks.Task(DIGITS, QUICK_MODEL, optimizer, batch_size, budget, num_seeds)


def on_cifar10(
    model: config.ModelConfig,
    learning_rate: float,
    batch_size: int,
    budget: budgets.Budget,
    schedule: config.Schedule | None = None,
) -> tasks.Task:
    """Returns a task of scale `paper`."""
    optimizer, num_seeds = sgd(learning_rate, schedule), NUM_SEEDS["paper"]
    return tasks.Task(CIFAR10, model, optimizer, batch_size, budget, num_seeds)
