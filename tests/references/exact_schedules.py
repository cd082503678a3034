"""Slow twin of the schedules: one step at a time, in exact fractions; and random ones.

Written from the definitions in `bsgen.config`, not from the fast code: decays and
cycles are walked through one by one.
"""

from fractions import Fraction

from bsgen import config

KINDS = ("stepwise", "cyclic_steps", "cyclic_linear", "constant_then_decay")


def factor(schedule, step, epoch, num_steps):
    """The factor at one step, a Fraction; `epoch` is one too."""
    if isinstance(schedule, config.Constant):
        return Fraction(1)
    if isinstance(schedule, config.ConstantThenDecay):
        value, constant = Fraction(1), _exact(schedule.constant_share) * num_steps // 1
        between = (num_steps - constant) // schedule.num_decays
        for decay in range(schedule.num_decays):
            if step >= constant + decay * between:
                value /= _exact(schedule.decay)
        return value
    position = Fraction(step) if schedule.unit == "steps" else epoch
    if isinstance(schedule, config.Stepwise):
        value = Fraction(1)
        for boundary, after in zip(schedule.boundaries, schedule.factors, strict=True):
            if _exact(boundary) <= position:
                value = _exact(after)
        return value
    share = _exact(schedule.period) / len(schedule.factors)
    begin, index = Fraction(0), 0
    while begin + share <= position:
        begin, index = begin + share, (index + 1) % len(schedule.factors)
    value = _exact(schedule.factors[index])
    if schedule.shape == "linear":
        following = _exact(schedule.factors[(index + 1) % len(schedule.factors)])
        value += (position - begin) / share * (following - value)
    return value


def warm_up_factor(warm_up, step, epoch):
    """The factor of a warm-up at one step, a Fraction."""
    position = Fraction(step) if warm_up.unit == "steps" else epoch
    start, length = _exact(warm_up.start), _exact(warm_up.length)
    if position >= length:
        return Fraction(1)
    return start + (1 - start) * position / length


def draw(kind, rng):
    """A random schedule whose numbers have few decimals, so that boundaries are met."""
    unit = str(rng.choice(["steps", "epochs"]))
    scale = 10 if unit == "steps" else 1
    count = int(rng.integers(2, 6))
    factors = tuple(float(rng.integers(1, 40)) / 10 for _ in range(count))
    if kind == "stepwise":
        places = rng.choice(range(1, 60), count, replace=False)
        boundaries = tuple(sorted(float(place) * scale / 10 for place in places))
        return config.Stepwise(boundaries, factors, unit)
    if kind == "constant_then_decay":
        share = float(rng.integers(1, 80)) / 100
        return config.ConstantThenDecay(
            float(rng.choice([0.5, 1.5, 2.0, 3.0])), int(rng.integers(1, 12)), share
        )
    period = float(rng.integers(1, 60)) * scale / 10
    return config.Cyclic(factors, period, unit, kind.removeprefix("cyclic_"))


def draw_warm_up(rng):
    """A random warm-up of at most 30 steps or 3 epochs."""
    unit = str(rng.choice(["steps", "epochs"]))
    length = float(rng.integers(1, 30)) / (1 if unit == "steps" else 10)
    return config.WarmUp(length, float(rng.integers(0, 10)) / 10, unit)


def _exact(number):
    """The decimal number that was written, not the binary one next to it."""
    return Fraction(repr(number))
