"""Smith, Elsen & De (2020), figure 4 and appendix B.1: the learning-rate schedule.

There is nothing to train. The rates are those of the plans by which this library trains
the runs of figure 1 and table 1; whether they change where the paper says is a check of
the implementation.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import decay_schedule_figure, presets
from bsgen.studies import budgets, claims, estimates, measurement, study

# Section 6: the steps of 200 epochs in batches of 1024, those before the first decay,
# and those between two.
STEPS, FIRST_DECAY, BETWEEN = 9765, 4882, 488
NUM_DECAYS = 10  # section 7.1: the last rate is the first one over gamma^10
EPOCHS_BATCH_SIZES = (1024, 2048, 4096)  # of 200 epochs
STEPS_BATCH_SIZES = (256, 1024, 4096, 32_768)  # of equal steps, as in table 1
# Where both ends are tuned (section 7.1): the first rate over the last one.
RATIO_OF_ENDS = 64.0
# Rates are float32, and so is their product with what they are divided by.
_ROUNDING = 1e-6


class Schedules(NamedTuple):
    """The stretches of constant rate of each plan, in order.

    Attributes:
      stretches: one row a stretch: `budget`, `batch_size`, `decay` (gamma),
        `num_steps` of the run, and of the stretch `first_step` (steps before it),
        `epoch` (epochs before it) and `factor` (its rate over the first one).
    """

    stretches: pd.DataFrame

    def plan(self, budget: str, batch_size: int) -> pd.DataFrame:
        """Returns the stretches of one plan."""
        found = self.stretches
        same = (found["budget"] == budget) & (found["batch_size"] == batch_size)
        return found[same]


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns the plans of runs at the paper's own settings, whatever the scale."""
    task = presets.WIDE_RESNET["paper"].changed(learning_rate=1.0)
    equal_steps = dataclasses.replace(task, budget=budgets.Steps(STEPS))
    gamma = RATIO_OF_ENDS ** (1 / NUM_DECAYS)
    both_ends = task.changed(schedule=config.ConstantThenDecay(decay=gamma))
    runs = [
        *(("epochs", task.run(seed=0, batch_size=b)) for b in EPOCHS_BATCH_SIZES),
        *(("steps", equal_steps.run(seed=0, batch_size=b)) for b in STEPS_BATCH_SIZES),
        ("both ends", both_ends.run(seed=0, batch_size=EPOCHS_BATCH_SIZES[0])),
    ]
    return [_plan(budget, run) for budget, run in runs]


def analyse(results: study.Results) -> Schedules:
    """Gathers the plans."""
    return Schedules(results.measurements)


def judge(found: Schedules) -> list[claims.Claim]:
    """The rate changes at the steps, and to the values, that the paper names."""
    of_paper = found.plan("epochs", EPOCHS_BATCH_SIZES[0])
    both_ends = found.plan("both ends", EPOCHS_BATCH_SIZES[0])
    steps = of_paper["first_step"].to_numpy()
    return [
        _check(
            "The learning rate is constant for the first half of the budget, 4882 of "
            "9765 steps",
            f"steps before the first decay, less {FIRST_DECAY}",
            float(steps[1] - FIRST_DECAY),
            0,
        ),
        _check(
            "Then it decays every twentieth of the budget, 488 steps",
            f"largest difference of the steps between two decays from {BETWEEN}",
            float(np.abs(np.diff(steps[1:]) - BETWEEN).max()),
            0,
        ),
        _check(
            "It decays ten times, so that the last rate is the first one over gamma^10",
            "last rate over the first one, times 2^10",
            float(of_paper["factor"].iloc[-1]) * 2.0**NUM_DECAYS,
            1,
            _ROUNDING,
        ),
        _check(
            "With gamma = (first rate / last rate)^(1/10) it ends at the last rate",
            f"last rate over the first one, times {RATIO_OF_ENDS:g}",
            float(both_ends["factor"].iloc[-1]) * RATIO_OF_ENDS,
            1,
            _ROUNDING,
        ),
        _check(
            "If the epoch budget is proportional to the batch size, all batch sizes "
            "decay the learning rate after the same number of steps",
            "largest difference of the steps before a decay, over batch sizes "
            + ", ".join(f"{size:,}" for size in STEPS_BATCH_SIZES),
            _spread(found.plan("steps", size) for size in STEPS_BATCH_SIZES),
            0,
        ),
    ]


def _plan(budget: str, run: config.RunConfig) -> measurement.Measurement:
    schedule = run.sgd.schedule
    gamma = schedule.decay if isinstance(schedule, config.ConstantThenDecay) else 1.0
    settings: dict[str, measurement.Value] = {
        "budget": budget,
        "batch_size": run.batch_size,
        "num_steps": run.num_steps,
        "decay": gamma,
    }
    make = functools.partial(_stretches, run)
    return measurement.Measurement(settings, make, seconds=0.1, engine="numpy")


def _stretches(
    run: config.RunConfig, place: measurement.Place
) -> Sequence[Mapping[str, Any]]:
    """Returns one row a stretch of constant rate."""
    from bsgen.training import step_plan  # loads TensorFlow

    plan = step_plan.make(run, run.data.train_size or 1)
    rates = plan.learning_rates
    changes = np.flatnonzero(np.diff(rates, prepend=0))
    return [
        {
            "first_step": int(step),
            "epoch": float(plan.epochs[step]),
            "factor": float(rates[step] / rates[0]),
        }
        for step in changes
    ]


def _check(
    claim: str, quantity: str, value: float, expected: float, tolerance: float = 0.5
) -> claims.Claim:
    """Judges that a number is as expected; by default a whole number of steps."""
    bounds = expected - tolerance, expected + tolerance
    return claims.between(claim, quantity, _exact(value), bounds, kind=claims.CHECK)


def _exact(value: float) -> estimates.Estimate:
    """Returns a number that depends on no seed."""

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        same = np.full(len(chosen), value)
        return estimates.Ends(same, same, same)

    return estimates.Estimate(1, procedure, "exact: it depends on no seed")


def _spread(plans: Any) -> float:
    steps = np.array([plan["first_step"].to_numpy() for plan in plans])
    return float(np.ptp(steps, axis=0).max())


STUDY = study.Study(
    "smith_elsen_de_2020/fig4",
    "The learning-rate schedule",
    caption="The learning rate over its first value, as the plans of this library's "
    "runs have it, at the paper's settings (N = 50,000, gamma = 2). (a) Against the "
    "epochs of a budget of 200; dotted: half of it. (b) Against the steps: larger "
    "batches take fewer steps in equal epochs, and decay earlier; under a constant "
    "step budget all decay at the same steps (dotted). The checks are exact, without "
    "95 % intervals.",
    analyse=analyse,
    judge=judge,
    show=decay_schedule_figure.show,
    make_measurements=measurements,
    scales=presets.SCALES,
)
