"""Settings of Jastrzebski et al. (2018), section 3, that its figures share.

`paper` follows the paper; what it leaves open is our choice and marked so. `reduced` is
figure 3 on the paper's data, smaller. `quick` takes the digits of scikit-learn and a
dense network of 128 units a layer, for a few minutes on two cores.

All train by SGD without momentum, weight decay or augmentation: the paper's theory has
none, and its text mentions none. Accuracies are those of the test set, which the paper
seems to call validation set; nothing is chosen by them.
"""

import math

import numpy as np

from bsgen import config

QUICK_MODEL = config.ModelConfig("normalized_mlp", (128, 128, 128))
QUICK_TRAIN_SIZE = 1000
MLP = config.ModelConfig("mlp4")
VGG = config.ModelConfig("vgg11")
RESNET = config.ModelConfig("resnet56")
NUM_SEEDS = {"quick": 3, "reduced": 3, "paper": 5}  # 5 in figures 1 and 5
CHANCE = 0.1  # accuracy of a guess; all datasets have ten classes
# Our choice; the paper does not say.
_SCALINGS = {"digits": "standardize"}
_IMAGES = "standardize_channels"


def data(dataset: str, train_size: int, seed: int) -> config.DataConfig:
    """Returns N examples of a dataset, drawn by `seed`."""
    scaling = _SCALINGS.get(dataset, _IMAGES)
    return config.DataConfig(dataset, train_size, scaling=scaling, subset_seed=seed)


def run(
    model: config.ModelConfig,
    examples: config.DataConfig,
    optimizer: config.MomentumConfig,
    batch_size: int,
    num_epochs: float,
    num_evaluations: int,
    batch_size_schedule: config.Cyclic | None = None,
) -> config.RunConfig:
    """Returns a run that is evaluated after equal parts of its epochs.

    So the k-th evaluations of runs of other batch sizes can be compared.

    Args:
      model: the network.
      examples: of N = `train_size`; its seed is that of the run.
      optimizer: its settings.
      batch_size: S.
      num_epochs: passes over the training set.
      num_evaluations: besides the one before the first step.
      batch_size_schedule: in epochs, if S changes.
    """
    train_size = examples.train_size or 0
    marks = num_epochs * np.arange(num_evaluations + 1) / num_evaluations
    steps = _steps_at(marks, batch_size, train_size, batch_size_schedule)
    return config.RunConfig(
        data=examples,
        model=model,
        optimizer=optimizer,
        batch_size=batch_size,
        num_steps=steps[-1],
        evaluation_steps=steps,
        seed=examples.subset_seed,
        batch_size_schedule=batch_size_schedule or config.Constant(),
    )


def _steps_at(
    marks: np.ndarray,
    batch_size: int,
    train_size: int,
    schedule: config.Cyclic | None,
) -> tuple[int, ...]:
    """Returns the number of steps at which each mark, in epochs, is nearly reached.

    Up to half a batch; a changing batch size follows `bsgen.optimizers.schedules`.
    """
    budget = marks[-1] * train_size
    if schedule is None:
        places = batch_size * np.arange(math.ceil(budget / batch_size) + 1)
    else:
        places = _places(schedule, batch_size, train_size, budget)
    epochs = places / train_size
    after = np.searchsorted(epochs, marks).clip(1, len(epochs) - 1)
    before_is_nearer = marks - epochs[after - 1] <= epochs[after] - marks
    return tuple((after - before_is_nearer).tolist())


def _places(
    schedule: config.Cyclic, batch_size: int, train_size: int, budget: float
) -> np.ndarray:
    """Returns how many examples have been seen before each step, up to the budget."""
    factors = schedule.factors
    places = [0]
    while places[-1] < budget:
        turns = places[-1] / (schedule.period * train_size)
        part = math.floor(len(factors) * turns + 1e-9)
        places.append(places[-1] + round(batch_size * factors[part % len(factors)]))
    return np.array(places)
