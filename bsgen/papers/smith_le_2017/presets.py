"""The training task of Smith & Le (2017), sections 4 and 5, at both scales.

`paper` follows the paper; what it leaves open is our choice and marked so. `quick`
keeps the network, the learning rate and the momentum, and takes the digits of
scikit-learn (64 inputs) and fewer steps, for minutes on two cores.

The paper chooses its optimum batch sizes on the test set, without a validation set, and
so do both scales.
"""

from collections.abc import Sequence

from bsgen import config
from bsgen.studies import budgets, tasks

CHANCE = 0.1  # accuracy of a guess; both datasets have ten classes
NETWORK = config.ModelConfig("mlp", (800,), "relu")
TRAIN_SIZE = 1000  # N, of all figures but the sixth
_DATASET = {"quick": "digits", "paper": "mnist"}
_SMALL_BATCH = {"quick": 32, "paper": 30}  # "small batch" of figures 3 and 8
_NUM_STEPS = {"quick": 2000, "paper": 10_000}  # at learning rate 1
_NUM_SEEDS = {"quick": 10, "paper": 5}  # the paper says five for figure 6 only
_EVALUATIONS_PER_DECADE = 6
# From this N on, accuracies at neighbouring powers of two differ by a thousandth around
# the optimum, no more than seeds do: figure 6 also tries the sizes between them from 16
# to 512, two octaves to either side of every optimum found so far (our choice).
_LARGE_TRAIN_SIZE = 10_000
_BETWEEN_POWERS = (23, 45, 91, 181, 362)


def task(
    scale: str, learning_rate: float = 1.0, num_steps: int | None = None
) -> tasks.Task:
    """Returns the task, with the small batch.

    Args:
      scale: "quick" or "paper".
      learning_rate: epsilon; runs take num_steps / epsilon steps, as in figure 5.
      num_steps: at learning rate 1; None for the scale's own number.
    """
    num_steps = round((num_steps or _NUM_STEPS[scale]) / learning_rate)
    return tasks.Task(
        config.DataConfig(_DATASET[scale], TRAIN_SIZE),
        NETWORK,
        config.MomentumConfig(learning_rate, momentum=0.9),
        batch_size=_SMALL_BATCH[scale],
        budget=budgets.Steps(num_steps, _EVALUATIONS_PER_DECADE),
        num_seeds=_NUM_SEEDS[scale],
    )


def batch_sizes(train_size: int = TRAIN_SIZE, between: Sequence[int] = ()) -> list[int]:
    """Returns the batch sizes to try: powers of two below N, N, and some between.

    Args:
      train_size: N.
      between: sizes below N that are tried, too.
    """
    powers = [2**k for k in range(17) if 2**k < train_size]
    own = _BETWEEN_POWERS if train_size >= _LARGE_TRAIN_SIZE else ()
    return sorted({*powers, train_size, *between, *own})
