"""The training tasks of Smith, Elsen & De (2020), section 4 and appendix B, by scale.

The paper tunes the learning rate on the test set, and so do all scales: "our goal is
not to report state of the art performance, but rather to compare". `reduced` and `gpu`
are its tasks with less of everything, `quick` small networks of the same kind on the
digits of scikit-learn.
"""

from bsgen import config
from bsgen.studies import best_runs, budgets, tasks

# "12 of 15" for the wide ResNets, "5 of 7" for the others.
SCALES = ("quick", "reduced", "gpu", "paper")
SELECTION = {
    "quick": best_runs.Selection(6, 8),
    "reduced": best_runs.Selection(4, 5),
    "gpu": best_runs.Selection(1, 1),
    "paper": best_runs.Selection(12, 15),
}
# Section 4; the coefficient is taken as PyTorch's weight decay (our reading).
L2 = 5e-4
SCHEDULE = config.ConstantThenDecay()  # appendix B.1
_WIDE_RESNET = tasks.Task(
    config.DataConfig(
        "cifar10", 50_000, scaling="standardize_channels", augmentation="crop_flip"
    ),
    config.ModelConfig("wrn_16_4", normalization="ghost", ghost_batch_size=64),
    config.MomentumConfig(l2=L2, schedule=SCHEDULE),
    batch_size=64,
    budget=budgets.Epochs(200, num_evaluations=20, rounds_down=True),
    num_seeds=15,
)
# With ghost batch normalization.
WIDE_RESNET = {
    # Found on validation data by a pilot (BUILD_NOTES.md).
    "quick": tasks.Task(
        config.DataConfig("digits", 1000, scaling="unit_norm"),
        config.ModelConfig(
            "normalized_mlp", (64,), normalization="ghost", ghost_batch_size=8
        ),
        config.MomentumConfig(l2=L2, schedule=SCHEDULE),
        batch_size=16,
        budget=budgets.Epochs(12, rounds_down=True),
        num_seeds=30,
    ),
    "reduced": tasks.Task(
        config.DataConfig("fashion_mnist", 10_000, scaling="unit_norm"),
        config.ModelConfig(
            "normalized_mlp", (128, 128), normalization="ghost", ghost_batch_size=32
        ),
        config.MomentumConfig(l2=L2, schedule=SCHEDULE),
        batch_size=64,
        budget=budgets.Epochs(20, rounds_down=True),
        num_seeds=5,
    ),
    # Half of the images, and epochs for minutes of one GPU.
    "gpu": _WIDE_RESNET.changed(
        train_size=25_000,
        precision="mixed_bfloat16",
        num_seeds=1,
        budget=budgets.Epochs(8, num_evaluations=8, rounds_down=True),
    ),
    "paper": _WIDE_RESNET,
}
