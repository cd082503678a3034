"""Advice on the first steps of a larger batch, and on training it for longer.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, sections 4 and 5; Smith, Elsen & De
(2020), section 3.3, on warm-up.
"""

from bsgen.advice import evidence, rates
from bsgen.advice.advice import Sentence
from bsgen.advice.situation import Situation
from bsgen.advice.words import number, times

_FEWEST_STEPS, _MOST_STEPS = 10, 100  # of clipping; the papers give no number
_WARM_UP_EPOCHS = 5  # Goyal et al. (2017), section 2.2, on ImageNet
_NEAR = 0.5  # of the critical rate, from which on a start is at risk: our choice


def first_steps(present: Situation) -> int:
    """Returns for how many steps to clip: those of an epoch, from 10 to 100."""
    of_epoch = present.train_size // present.target_batch_size
    return min(_MOST_STEPS, max(_FEWEST_STEPS, of_epoch))


def sentences(present: Situation) -> list[Sentence]:
    """Returns what to do for a larger batch; nothing for any other."""
    if present.growth <= 1.0:
        return []
    return [_start(present), _longer(present)]


def _start(present: Situation) -> Sentence:
    rate, steps = rates.advised(present), first_steps(present)
    risky = rate > _NEAR * present.critical_learning_rate
    why = (
        f"{number(rate)} is more than half of the critical rate, and curvature is "
        "often largest at the start"
        if risky
        else f"{number(rate)} is far below the critical rate; it may still diverge at "
        "the start, where curvature is often largest"
    )
    return Sentence(
        "first steps",
        f"{'clip' if risky else 'you may clip'} the norm of the gradient in the first "
        f"{steps:,} steps (callbacks.ClipFirstSteps, or optimizers.Momentum("
        f"global_clipnorm=..., clip_steps={steps})), or "
        f"let the rate rise over the first epochs (Goyal et al.: {_WARM_UP_EPOCHS} on "
        f"ImageNet): {why}.",
        "Hoffer et al. (2017), section 4; Smith, Elsen & De (2020), section 3.3",
        "the number of steps is our choice; the papers have none",
    )


def _longer(present: Situation) -> Sentence:
    growth = present.growth
    return Sentence(
        "longer training",
        f"if accuracy falls in equal epochs, train for {times(growth)} as many epochs, "
        "with every drop of the rate as many times later: then there are as many "
        f"updates as now, each of {times(growth)} the examples. Take ghosts and a "
        f"larger rate besides; Hoffer et al. pair this with the square root, "
        f"{number(rates.by_rule(present)['sqrt'])}.",
        "Hoffer et al. (2017), section 5 (regime adaptation) and table 1",
        "examples cost less in large batches than in small ones",
        evidence.AS_MANY_UPDATES + evidence.SQUARE_ROOT,
    )
