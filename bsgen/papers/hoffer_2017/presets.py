"""Regimes of the networks of Hoffer et al. (2017), table 1, by scale.

The paper names no learning rates: at scale `paper` they are those of its released code,
github.com/eladhoffer/bigBatch. "Validation" is the test set there, and each number is
of one run.
"""

import dataclasses

from bsgen import config
from bsgen.papers.hoffer_2017 import regimes
from bsgen.studies import budgets, tasks

SCALES = ("quick", "reduced", "paper", "released")
_EVALUATIONS = {"num_evaluations": 20, "evaluations_per_decade": 8}

# Found on validation data by what the large batch loses (BUILD_NOTES.md, 2.3).
QUICK = regimes.Regime(
    "narrow F1, digits",
    tasks.Task(
        config.DataConfig("digits", 1000, scaling="standardize"),
        config.ModelConfig("normalized_mlp", (64,) * 5),
        config.MomentumConfig(
            0.02, l2=5e-4, schedule=config.Stepwise((40.0, 60.0), (0.1, 0.01))
        ),
        batch_size=25,
        budget=budgets.Epochs(80, **_EVALUATIONS),
        num_seeds=16,
    ),
    large_batch_size=500,
    ghost_batch_size=25,
    clip_norm=1.0,
    clip_steps=10,
)
RESNET44 = regimes.Regime(
    "ResNet-44, CIFAR-10",
    tasks.Task(
        config.DataConfig(
            "cifar10", 50_000, scaling="imagenet", augmentation="crop_flip_grey"
        ),
        config.ModelConfig("resnet44"),
        config.MomentumConfig(
            0.1, l2=1e-4, schedule=config.Stepwise((81.0, 122.0), (0.1, 0.01))
        ),
        batch_size=128,
        budget=budgets.Epochs(164, **_EVALUATIONS),
        num_seeds=3,
    ),
    large_batch_size=4096,
    ghost_batch_size=128,
    clip_norm=5.0,
    clip_steps=100,
    paper=dict(
        zip(regimes.STAGES, (0.9283, 0.8610, 0.8930, 0.9050, 0.9307), strict=True)
    ),
)
F1 = regimes.Regime(
    "F1, MNIST",
    tasks.Task(
        config.DataConfig("mnist", 60_000, scaling="standardize_channels"),
        config.ModelConfig("f1"),
        config.MomentumConfig(
            0.1,
            l2=1e-4,
            schedule=config.Stepwise((10.0, 20.0, 30.0), (0.1, 0.01, 0.001)),
        ),
        batch_size=128,
        budget=budgets.Epochs(50, **_EVALUATIONS),
        num_seeds=3,
    ),
    large_batch_size=4096,
    ghost_batch_size=128,
    clip_norm=5.0,
    clip_steps=100,
    paper=dict(
        zip(regimes.STAGES, (0.9827, 0.9705, 0.9755, 0.9760, 0.9853), strict=True)
    ),
)
# So few images that even the regime adaptation is trained in minutes.
F1_REDUCED = dataclasses.replace(
    F1,
    name="F1, 10,000 of MNIST",
    task=dataclasses.replace(
        F1.task,
        data=dataclasses.replace(F1.task.data, train_size=10_000),
        num_seeds=5,
    ),
    large_batch_size=1024,
    paper={},
)
# Of the figures, whose network is one of table 1.
FIGURES = {"quick": QUICK, "reduced": F1_REDUCED, "paper": RESNET44}
BATCH_SIZES = {
    "quick": (10, 25, 50, 125, 250, 500),
    "reduced": (64, 128, 256, 512, 1024),
    "paper": (64, 128, 256, 512, 1024, 2048, 4096),
}


def known() -> list[regimes.Regime]:
    """Returns every regime, of all scales."""
    return [*FIGURES.values(), F1]
