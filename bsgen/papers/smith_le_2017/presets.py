"""Settings of the two scales of Smith & Le (2017), sections 4 and 5.

`paper` follows the paper; what it leaves open is our choice and marked so. `quick`
keeps the network, the learning rate and the momentum, and takes the digits of
scikit-learn (64 inputs) and fewer steps, for minutes on two cores.

The paper chooses its optimum batch sizes on the test set, without a validation set, and
so do both scales.
"""

import dataclasses

import numpy as np

from bsgen import config


@dataclasses.dataclass(frozen=True)
class Preset:
    """The settings of one scale.

    Attributes:
      dataset: its name.
      train_size: N of figures 3, 4, 5, 7 and 8.
      small_batch_size: "small batch" of figures 3 and 8.
      num_steps: steps at learning rate 1; figure 5 takes num_steps / learning rate.
      num_seeds: repeats; each draws subset, initial weights and batches anew.
      batch_sizes: tried everywhere, as far as `max_examples` and N allow.
      max_examples: largest num_steps x batch_size of a run in the sweeps of figures 5
        and 7; the grid is cut above it, never below, and the same way for all.
      learning_rates, train_sizes, momenta: of figures 5, 6 and 7.
    """

    dataset: str
    train_size: int
    small_batch_size: int
    num_steps: int
    num_seeds: int
    batch_sizes: tuple[int, ...]
    max_examples: int
    learning_rates: tuple[float, ...]
    train_sizes: tuple[int, ...]
    momenta: tuple[float, ...]


CHANCE = 0.1  # accuracy of a guess; both datasets have ten classes
_POWERS_OF_TWO = tuple(2**k for k in range(17))

PRESETS = {
    "quick": Preset(
        dataset="digits",
        train_size=1000,
        small_batch_size=32,
        num_steps=2000,
        num_seeds=5,
        batch_sizes=_POWERS_OF_TWO,
        max_examples=1_050_000,
        learning_rates=(0.1, 0.3, 1.0, 3.0, 10.0),
        train_sizes=(125, 250, 500, 1000),
        momenta=(0.0, 0.5, 0.8, 0.9, 0.95, 0.98),
    ),
    "paper": Preset(
        dataset="mnist",
        train_size=1000,
        small_batch_size=30,
        num_steps=10_000,
        num_seeds=5,  # the paper says five for figure 6 only
        batch_sizes=_POWERS_OF_TWO,
        max_examples=41_000_000,
        # The paper says "two orders of magnitude"; the values are our choice.
        learning_rates=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
        train_sizes=(1000, 3000, 10_000, 20_000, 30_000, 45_000, 60_000),
        momenta=(0.0, 0.5, 0.8, 0.9, 0.95, 0.98),
    ),
}


def run(
    preset: Preset,
    batch_size: int,
    seed: int,
    *,
    learning_rate: float = 1.0,
    momentum: float = 0.9,
    train_size: int | None = None,
    l2: float = 0.0,
) -> config.RunConfig:
    """Returns one run of the network of section 4.

    Args:
      preset: the scale's settings.
      batch_size: B.
      seed: draws everything that is random.
      learning_rate: epsilon; the run takes num_steps / epsilon steps, as in figure 5.
      momentum: m.
      train_size: N, by default the preset's.
      l2: the paper's lambda, for the sum over the N examples.
    """
    train_size = train_size or preset.train_size
    num_steps = round(preset.num_steps / learning_rate)
    return config.RunConfig(
        data=config.DataConfig(preset.dataset, train_size, subset_seed=seed),
        model=config.ModelConfig("mlp", (800,), "relu"),
        optimizer=config.MomentumConfig(
            learning_rate=learning_rate, momentum=momentum, l2=l2 / train_size
        ),
        batch_size=batch_size,
        num_steps=num_steps,
        evaluation_steps=evaluation_steps(num_steps),
        seed=seed,
    )


def batch_sizes(
    preset: Preset, train_size: int, num_steps: int | None = None
) -> list[int]:
    """Returns the batch sizes to try: the grid to N, N included, or to the budget."""
    sizes = [size for size in preset.batch_sizes if size < train_size] + [train_size]
    if num_steps is None:
        return sizes
    return [size for size in sizes if size * num_steps <= preset.max_examples]


def evaluation_steps(num_steps: int) -> tuple[int, ...]:
    """Returns steps evenly spaced on a logarithmic scale, six a decade, from 0 on."""
    count = int(6 * np.log10(num_steps)) + 2
    steps = np.unique(np.geomspace(1, num_steps, count).round().astype(int))
    return (0, *steps.tolist())
