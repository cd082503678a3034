"""Smith, Elsen & De (2020), figure 6 and tables 2 to 5: other residual networks.

Without normalisation, deeper and wider, and on ImageNet (appendices C and D): what
`two_regimes` judges under a constant epoch budget, and `constant_steps` under a
constant step budget.
"""

import math

from bsgen.papers.smith_elsen_de_2020 import (
    constant_steps,
    residual_networks,
    two_regimes,
)
from bsgen.papers.smith_elsen_de_2020.optima import Row

_SMALL = "At quick scale a dense residual network"
_SKIP_INIT = (
    "Without normalisation (Regularized SkipInit: each residual branch ends with a "
    "scalar that starts at 0, layers have biases)"
)
_NO_DROPOUT = f"{_SMALL}, without the dropout before the last layer."
_FINE = "Its rates are half an octave apart; the paper's are powers of two."

FIGURE_6 = two_regimes.make_study(
    "smith_elsen_de_2020/fig6",
    "Two regimes under a constant epoch budget, without normalisation",
    f"{_SKIP_INIT}, with and without momentum. {_NO_DROPOUT} {_FINE} In the paper "
    "(WRN-16-4 on CIFAR-10, 200 epochs) the accuracy of SGD is independent of the "
    "batch size up to 8, and with momentum up to 256; so are the training losses.",
    residual_networks.FIGURE_6,
)
TABLE_3 = constant_steps.make_study(
    "smith_elsen_de_2020/table3",
    "Accuracy and training loss under a constant step budget, without normalisation",
    f"{_SKIP_INIT}, with momentum 0.9. {_NO_DROPOUT} {_FINE} The paper's numbers are "
    "of WRN-16-4 on CIFAR-10, 156,250 steps, 200 epochs in batches of 64.",
    residual_networks.TABLE_3,
    of_paper=(
        Row(16, 0.926, 0.002, 0.349, 0.004, 2.0**-4, 2.0**-4, 2.0**-2),
        Row(32, 0.939, 0.001, 0.269, 0.004, 2.0**-3, 2.0**-3, 2.0**-2),
        Row(64, 0.944, 0.001, 0.192, 0.002, 2.0**-2, 2.0**-2, 2.0**-1),
        Row(128, 0.946, 0.001, 0.122, 0.000, 2.0**-1, 2.0**-1, 2.0**-1),
        Row(256, 0.944, 0.001, 0.071, 0.001, 2.0**-1, 2.0**-1, 2.0**0),
        Row(512, 0.941, 0.001, 0.043, 0.000, 2.0**0, 2.0**-1, 2.0**1),
        Row(1024, 0.938, 0.001, 0.028, 0.000, 2.0**-1, 2.0**-1, 2.0**0),
        Row(2048, 0.930, 0.006, 0.054, 0.050, 2.0**-1, 2.0**-1, 2.0**0),
    ),
)
TABLE_4 = constant_steps.make_study(
    "smith_elsen_de_2020/table4",
    "A deeper network under a constant step budget, with normalisation",
    f"With momentum 0.9 and ghost batch normalization. {_SMALL}, on the digits, which "
    "have ten classes. The paper's numbers are of WRN-28-10 on CIFAR-100, 9765 steps, "
    "200 epochs in batches of 1024.",
    residual_networks.TABLE_4,
    of_paper=(
        Row(256, 0.789, 0.001, 0.609, 0.004, 2.0**2, 2.0**2, 2.0**2),
        Row(512, 0.799, 0.002, 0.462, 0.008, 2.0**3, 2.0**2, 2.0**3),
        Row(1024, 0.801, 0.002, 0.274, 0.003, 2.0**4, 2.0**3, 2.0**4),
        Row(2048, 0.802, 0.002, 0.132, 0.002, 2.0**4, 2.0**4, 2.0**4),
        Row(4096, 0.796, 0.002, 0.073, 0.001, 2.0**5, 2.0**5, 2.0**5),
        Row(8192, 0.781, 0.004, 0.045, 0.001, 2.0**5, 2.0**1, 2.0**5),
        Row(16_384, 0.722, 0.002, 0.156, 0.036, 2.0**1, 2.0**1, 2.0**2),
    ),
)
TABLE_5 = constant_steps.make_study(
    "smith_elsen_de_2020/table5",
    "A deeper network under a constant step budget, without normalisation",
    f"{_SKIP_INIT}, with momentum 0.9. {_NO_DROPOUT} The paper's numbers are of "
    "WRN-28-10 on CIFAR-100, 156,250 steps, 200 epochs in batches of 64.",
    residual_networks.TABLE_5,
    of_paper=(
        Row(32, 0.779, 0.002, 0.0512, 0.0611, 0.025, 0.025, 0.050),
        Row(64, 0.790, 0.002, 0.0141, 0.0281, 0.050, 0.050, 0.050),
        Row(128, 0.794, 0.001, 0.0011, 0.0004, 0.100, 0.100, 0.100),
        Row(256, 0.789, 0.001, 0.0191, 0.0221, 0.200, 0.200, 0.200),
        Row(512, 0.777, 0.001, 0.0022, 0.0035, 0.200, 0.200, 0.200),
        Row(1024, 0.760, 0.001, 0.0009, 0.0012, 0.200, 0.200, 0.200),
        Row(2048, 0.742, 0.003, 0.0029, 0.0025, 0.200, 0.200, 0.200),
    ),
)


def _one_run(
    batch_size: int, test: float, training: float, rate: float, momentum: float
) -> Row:
    """Returns a row of table 2, which names no deviations and no error bars."""
    none = math.nan
    return Row(batch_size, test, none, training, none, rate, none, none, momentum)


TABLE_2 = two_regimes.make_study(
    "smith_elsen_de_2020/table2",
    "ResNet-50 on ImageNet under a constant epoch budget, with and without momentum",
    f"With ghost batch normalization. {_SMALL}, and the best 24 of 30 runs. "
    "The paper's numbers are of one run each: ResNet-50 by Goyal et al. on ImageNet, "
    "90 epochs; its loss seems to contain L2, ours is the cross-entropy.",
    residual_networks.TABLE_2,
    of_paper=(
        _one_run(256, 0.770, 2.25, 1.0, 0.0),
        _one_run(1024, 0.767, 2.25, 4.0, 0.0),
        _one_run(4096, 0.761, 2.30, 8.0, 0.0),
        _one_run(256, 0.770, 2.25, 1.0, 0.9),
        _one_run(1024, 0.768, 2.25, 4.0, 0.9),
        _one_run(4096, 0.768, 2.25, 16.0, 0.9),
    ),
)

STUDIES = (FIGURE_6, TABLE_2, TABLE_3, TABLE_4, TABLE_5)
