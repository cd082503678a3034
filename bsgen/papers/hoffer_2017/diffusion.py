"""Hoffer et al. (2017), figures 2 and 7: how far the weights are from where they began.

Figure 2 before and after the adaptation of rate, ghosts and regime, figure 7 after that
of rate and ghosts alone. The paper's figures are of one run each, and say which weights
they measure no more than how lines were fitted.
"""

import functools

from bsgen import config
from bsgen.papers.hoffer_2017 import (
    diffusion_claims,
    diffusion_figure,
    distance_growth,
    presets,
    regimes,
)
from bsgen.studies import study

_FITTED = (
    "Dashed: a + b log t, fitted to the steps from 1 / (1 - momentum) on, with "
    "residuals that are correlated along a run, which draws lines towards their ends; "
    "the mean of all seeds' fits. Table, means over seeds, of all weights and of the "
    "first kernel: slope b; AICc of b t^p or a + b sqrt(t), which is better, above "
    "that of log t; R^2 of log t; p of a + b (t^p - 1) / p, 0 for log t and 1/2 for "
    "diffusion on a flat potential; alpha of eq. 3, 2 in the paper; the final "
    "distance; decay, what weight decay without gradients would leave of the initial "
    "weights."
)


def runs(stage: str, scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every batch size without adaptation, and from the small one up with it.

    Args:
      stage: the adaptation.
      scale: of the study.
      num_seeds: repeats; None for the regime's own number.
    """
    regime = presets.FIGURES[scale]
    return [
        regime.run(kind, seed, size)
        for kind in (regimes.LB, stage)
        for size in presets.BATCH_SIZES[scale]
        if kind == regimes.LB or size > regime.small_batch_size
        for seed in regime.task.seeds(num_seeds)
    ]


FIGURE_2 = study.Study(
    "hoffer_2017/fig2",
    "Weight distance against log t, before and after adaptation",
    caption="Distance of the weights from where they began, before the learning rate "
    "first drops, by batch size: (a) with equal epochs and nothing adapted, (b) with "
    "the square-root learning rate, clipped first gradients, ghost batch "
    "normalization, and as many updates as the small batch, which is shown unchanged. "
    "Above over all weights, below over the first kernel, as in the released code. "
    f"{diffusion_figure.BAND} {_FITTED}",
    analyse=functools.partial(distance_growth.of, after=regimes.RA),
    judge=diffusion_claims.of_figure_2,
    show=diffusion_figure.before_and_after,
    make_runs=functools.partial(runs, regimes.RA),
    scales=tuple(presets.FIGURES),
    shows_parts=True,
)
FIGURE_7 = study.Study(
    "hoffer_2017/fig7",
    "Weight distance for different batch sizes, after rate and ghosts",
    caption="Distance of the weights from where they began, before the learning rate "
    "first drops, with the square-root learning rate, clipped first gradients and "
    "ghost batch normalization, but equal epochs: (a) over all weights, (b) over the "
    "first kernel, as in the released code. The small batch is shown unchanged. "
    f"{diffusion_figure.BAND} {_FITTED}",
    analyse=functools.partial(distance_growth.of, after=regimes.GBN),
    judge=diffusion_claims.of_figure_7,
    show=diffusion_figure.after,
    make_runs=functools.partial(runs, regimes.GBN),
    scales=tuple(presets.FIGURES),
    shows_parts=True,
)
