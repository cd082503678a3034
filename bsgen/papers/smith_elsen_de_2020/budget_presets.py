"""Tasks of Smith, Elsen & De (2020), figures 2 and 3: one batch size, many budgets.

At `paper` they follow section 7: a batch of 64, and 50 to 6400 epochs. `reduced` has
5,000 images of Fashion-MNIST, dense networks and a tenth of the epochs. `quick` was
found on validation data (BUILD_NOTES.md): 200 digits, few enough for a network to
overfit them in the larger budgets.
"""

import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import grids, presets
from bsgen.studies import best_runs, budgets, tasks

MOMENTUM = 0.9
_QUICK = tasks.Task(
    config.DataConfig("digits", 200),
    config.ModelConfig("normalized_mlp", (64,)),
    config.MomentumConfig(momentum=MOMENTUM, l2=2e-3, schedule=presets.SCHEDULE),
    batch_size=8,  # a single ghost batch, as the paper's 64
    budget=budgets.Epochs(4),
    num_seeds=16,
)
_WITH = {
    "quick": _QUICK,
    "reduced": presets.WIDE_RESNET["reduced"].changed(
        train_size=5000,
        normalization="batch",  # of 64, which is a single ghost batch, too
        ghost_batch_size=None,
        momentum=MOMENTUM,
    ),
    "paper": presets.WIDE_RESNET["paper"].changed(batch_size=64, momentum=MOMENTUM),
}
SCALES = tuple(_WITH)
_WITHOUT = {
    scale: task.changed(normalization="none", ghost_batch_size=None)
    for scale, task in _WITH.items()
}
# Without it the wide ResNet is Regularized SkipInit's, whose released code keeps L2
# from gains and biases. Fashion-MNIST at `reduced` was trained with L2 on all.
_WITHOUT["paper"] = _WITHOUT["paper"].changed(l2_parameters="kernels")
NETWORKS = {  # by "normalization" in words, and scale
    "with normalization": _WITH,
    "without normalization": _WITHOUT,
}
_OF_DATASET = {task.data.name: scale for scale, task in _WITH.items()}

# Figure 2: the budgets, and the effective rates that are tried at each of them.
EPOCHS = {
    "quick": tuple(2**k for k in range(2, 10)),
    "reduced": tuple(5 * 2**k for k in range(8)),
    "paper": tuple(50 * 2**k for k in range(8)),
}
RATES = {
    "with normalization": {
        "quick": grids.powers_of_two(-7, 1),
        "reduced": grids.powers_of_two(-8, 2),
        "paper": grids.powers_of_two(-7, 3),
    },
    "without normalization": {
        "quick": grids.powers_of_two(-4, 3),
        "reduced": grids.powers_of_two(-5, 4),
        "paper": grids.powers_of_two(-9, 1),
    },
}
# Figure 3, with normalisation: budgets, repeats, effective rates at the start and at
# the end. The final one is expected to matter less, so its grid is coarser.
EPOCHS_OF_BOTH = {
    "quick": (4, 16, 64, 256),
    "reduced": (5, 20, 80, 320),
    "paper": EPOCHS["paper"],
}
SEEDS_OF_BOTH = {"quick": 20, "reduced": 5, "paper": 7}
INITIAL_RATES = {
    "quick": grids.powers_of_two(-6, 1),
    "reduced": grids.powers_of_two(-6, 2),
    "paper": grids.powers_of_two(-6, 3),
}
FINAL_RATES = {
    "quick": grids.powers_of_two(-16, 0)[::2],
    "reduced": grids.powers_of_two(-16, 0)[::4],
    "paper": grids.powers_of_two(-16, 0)[::2],
}
# Section 7.1: "the best 5 out of 7 runs".
SELECTION_OF_BOTH = {**presets.SELECTION, "paper": best_runs.Selection(5, 7)}


def of_dataset(runs: pd.DataFrame) -> str:
    """Returns the scale of runs, which their dataset tells."""
    (dataset,) = runs["dataset"].unique()
    return _OF_DATASET[dataset]
