"""What figure 6 and tables 2 to 5 train: other residual networks.

Smith, Elsen & De (2020), appendices C and D. The wide ResNets without normalisation are
Regularized SkipInit's, and L2 leaves out their gains and biases, as it does in
ResNet-50 by Goyal et al. (2017), arXiv 1706.02677. `quick` has dense residual networks
on the digits, without dropout; its settings were found on validation data
(BUILD_NOTES.md). `reduced` has the smallest of wide ResNets on a few images of
CIFAR-10.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import grids, presets
from bsgen.papers.smith_elsen_de_2020.optima import Setting
from bsgen.studies import best_runs, budgets, tasks

PLAIN, HEAVY = 0.0, 0.9  # momenta


def _around(
    noise: float, curvature: Mapping[float, float], below: int = 3, above: int = 3
) -> grids.Rates:
    """Returns the rates to try, powers of two around an expected optimum.

    Args:
      noise: the expected rate over the batch size, where noise sets it.
      curvature: by momentum, the largest expected rate.
      below, above: how many rates there are on each side.
    """

    def rates(batch_size: int, momentum: float) -> Sequence[float]:
        expected = min(noise * batch_size, curvature[momentum])
        return grids.around(expected, below, above)

    return rates


def _listed(
    ends: Mapping[float, Mapping[int, tuple[int, int]]], per_octave: int = 1
) -> grids.Rates:
    """Returns the rates to try, by their lowest and highest exponent of two.

    Args:
      ends: by momentum and batch size.
      per_octave: how many rates there are to a factor of two; in the paper it is one.
    """

    def rates(batch_size: int, momentum: float) -> Sequence[float]:
        return grids.powers_of_two(*ends[momentum][batch_size], per_octave)

    return rates


_NO_NORMALIZATION = {
    "normalization": "none",
    "ghost_batch_size": None,
    "l2_parameters": "kernels",
}
_WIDE_RESNET = dataclasses.replace(
    presets.WIDE_RESNET["paper"], budget=budgets.Epochs(200, rounds_down=True)
)
_DIGITS = tasks.Task(
    config.DataConfig("digits", 512),
    config.ModelConfig("residual_mlp", (32, 32), normalization="none"),
    config.MomentumConfig(
        l2=presets.L2, l2_parameters="kernels", schedule=presets.SCHEDULE
    ),
    batch_size=16,
    budget=budgets.Epochs(24, rounds_down=True),
    num_seeds=30,
)
# WRN-16-4 with Regularized SkipInit.
SKIP_INIT = {
    "quick": _DIGITS,
    # So few images, epochs and channels that a hundred runs take an hour or so.
    "reduced": dataclasses.replace(
        _WIDE_RESNET.changed(train_size=2000, **_NO_NORMALIZATION),
        model=config.ModelConfig("wrn_10_1", normalization="none", dropout=0.0),
        budget=budgets.Epochs(20, rounds_down=True),
        num_seeds=3,
    ),
    "paper": _WIDE_RESNET.changed(**_NO_NORMALIZATION),
}
_DIGITS_GHOSTS = dataclasses.replace(
    _DIGITS.changed(scaling="standardize", l2_parameters="all"),
    model=config.ModelConfig(
        "residual_mlp", (32, 32, 32), normalization="ghost", ghost_batch_size=8
    ),
)
_WIDE_RESNET_28 = dataclasses.replace(
    _WIDE_RESNET,
    data=dataclasses.replace(_WIDE_RESNET.data, name="cifar100"),
    model=dataclasses.replace(_WIDE_RESNET.model, name="wrn_28_10"),
)
# WRN-28-10 on CIFAR-100; deeper networks than the above at quick scale.
WIDE_RESNET_28 = {"quick": _DIGITS_GHOSTS, "paper": _WIDE_RESNET_28}
WIDE_RESNET_28_SKIP_INIT = {
    "quick": _DIGITS.changed(hidden_units=(48, 48, 48)),
    "paper": _WIDE_RESNET_28.changed(**_NO_NORMALIZATION),
}
# By Goyal et al.: their L2, and ghosts of the 32 images of one of their workers, as the
# paper says nothing else.
RESNET_50 = {
    "quick": _DIGITS_GHOSTS.changed(hidden_units=(32, 32)),
    "paper": tasks.Task(
        config.DataConfig(
            "imagenet2012", 1_281_167, scaling="imagenet", augmentation="flip"
        ),
        config.ModelConfig("resnet50", normalization="ghost", ghost_batch_size=32),
        config.MomentumConfig(
            l2=1e-4, l2_parameters="kernels", schedule=presets.SCHEDULE
        ),
        batch_size=256,
        budget=budgets.Epochs(90, rounds_down=True),
        num_seeds=1,
    ),
}
_SELECTION = {
    "quick": best_runs.Selection(24, 30),
    "reduced": best_runs.Selection(2, 3),
    "paper": presets.SELECTION["paper"],
}
_OF_100_CLASSES = dataclasses.replace(presets.SELECTION["paper"], worst=0.01)


def _setting(
    task: tasks.Task,
    selection: best_runs.Selection,
    batch_sizes: Sequence[int],
    rates: grids.Rates,
    last: Mapping[float, int],
    num_steps: int | None = None,
) -> Setting:
    """Returns what is trained.

    Args:
      task: network and data.
      selection: which runs count.
      batch_sizes: B.
      rates: to try.
      last: see `Setting`; of each momentum that is trained.
      num_steps: a constant step budget; None for the task's epochs.
    """
    if num_steps:
        task = dataclasses.replace(task, budget=budgets.Steps(num_steps))
    return Setting(grids.Grid(task, batch_sizes, rates, tuple(last)), selection, last)


def _sizes(first: int, last: int) -> tuple[int, ...]:
    return tuple(2**exponent for exponent in range(first, last + 1))


# By table 3: 2^-2 at B = 64 with momentum, at most 2^0; by figure 6 SGD without it is
# bounded from B = 8 on.
_OF_SKIP_INIT = 2.0**-8, {PLAIN: 2.0**-5, HEAVY: 2.0**0}
_OF_SMALL = 2.0**-8, {PLAIN: 2.0**-4, HEAVY: 2.0**-1}
FIGURE_6 = {
    "quick": _setting(
        SKIP_INIT["quick"],
        _SELECTION["quick"],
        _sizes(2, 8),
        _listed(
            {
                PLAIN: {
                    **{4: (-5, -1), 8: (-5, 0), 16: (-4, 0), 32: (-3, 1)},
                    **{64: (-2, 1), 128: (-2, 1), 256: (-2, 2)},
                },
                HEAVY: {
                    **{4: (-5, 1), 8: (-4, 1), 16: (-4, 2), 32: (-3, 3)},
                    **{64: (-2, 3), 128: (-1, 4), 256: (0, 5)},
                },
            },
            per_octave=2,
        ),
        {PLAIN: 16, HEAVY: 32},
    ),
    "reduced": _setting(
        SKIP_INIT["reduced"],
        _SELECTION["reduced"],
        (16, 64, 256),
        _around(*_OF_SMALL, below=2, above=2),
        {PLAIN: 16, HEAVY: 64},
    ),
    # The figure's batch sizes cannot be read off: table 3's, and smaller ones.
    "paper": _setting(
        SKIP_INIT["paper"],
        _SELECTION["paper"],
        _sizes(2, 11),
        _around(*_OF_SKIP_INIT),
        {PLAIN: 8, HEAVY: 256},
    ),
}
# 200 epochs in batches of 64 have 156,250 steps. At quick scale there are as many as in
# figure 6 at B = 32, reduced as many as at B = 64, so that these runs are shared.
TABLE_3 = {
    "quick": _setting(
        SKIP_INIT["quick"],
        _SELECTION["quick"],
        (4, 16, 32, 128, 512),
        _listed(
            {HEAVY: {4: (-4, 2), 16: (-3, 2), 32: (-3, 3), 128: (-1, 4), 512: (-1, 4)}},
            per_octave=2,
        ),
        {HEAVY: 32},
        384,
    ),
    "reduced": _setting(
        SKIP_INIT["reduced"],
        _SELECTION["reduced"],
        (16, 64, 256),
        _around(*_OF_SMALL, below=2, above=2),
        {HEAVY: 64},
        625,
    ),
    "paper": _setting(
        SKIP_INIT["paper"],
        _SELECTION["paper"],
        _sizes(4, 11),
        _around(*_OF_SKIP_INIT),
        {HEAVY: 128},
        156_250,
    ),
}
TABLE_4 = {
    "quick": _setting(
        WIDE_RESNET_28["quick"],
        _SELECTION["quick"],
        (8, 32, 128, 512),
        _listed({HEAVY: {8: (-3, 1), 32: (-2, 3), 128: (-1, 5), 512: (0, 6)}}),
        {HEAVY: 128},
        384,
    ),
    # The error bars of its table reach from 2^1 to 2^5.
    "paper": _setting(
        WIDE_RESNET_28["paper"],
        _OF_100_CLASSES,
        _sizes(8, 14),
        lambda batch_size, momentum: grids.powers_of_two(-1, 7),
        {HEAVY: 2048},
        9765,
    ),
}


def _tenths(batch_size: int, momentum: float) -> list[float]:
    """Returns the rates of table 5, which are powers of two times 0.1."""
    around = _around(2.0**-7, {HEAVY: 2.0**1})
    return [0.1 * rate for rate in around(batch_size, momentum)]


TABLE_5 = {
    "quick": _setting(
        WIDE_RESNET_28_SKIP_INIT["quick"],
        _SELECTION["quick"],
        (8, 32, 128, 512),
        _listed({HEAVY: {8: (-4, 1), 32: (-3, 2), 128: (-1, 3), 512: (-1, 3)}}),
        {HEAVY: 128},
        384,
    ),
    "paper": _setting(
        WIDE_RESNET_28_SKIP_INIT["paper"],
        _OF_100_CLASSES,
        _sizes(5, 11),
        _tenths,
        {HEAVY: 128},
        156_250,
    ),
}
# With momentum the paper's accuracy does not fall up to its largest batch size.
TABLE_2 = {
    "quick": _setting(
        RESNET_50["quick"],
        _SELECTION["quick"],
        _sizes(3, 9),
        _listed(
            {
                PLAIN: {
                    **{8: (-5, 1), 16: (-4, 1), 32: (-2, 2), 64: (-2, 2)},
                    **{128: (-1, 3), 256: (-1, 3), 512: (0, 4)},
                },
                HEAVY: {
                    **{8: (-4, 1), 16: (-3, 2), 32: (-2, 3), 64: (-1, 4)},
                    **{128: (0, 5), 256: (1, 6), 512: (2, 7)},
                },
            }
        ),
        {PLAIN: 128, HEAVY: 512},
    ),
    "paper": _setting(
        RESNET_50["paper"],
        best_runs.Selection(1, 1, worst=0.001),
        (256, 1024, 4096),
        _around(2.0**-8, {PLAIN: 2.0**3, HEAVY: 2.0**4}, below=2, above=2),
        {PLAIN: 1024, HEAVY: 4096},
    ),
}
