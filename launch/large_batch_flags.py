"""The flags that take a run from a small batch to a large one (Hoffer et al., 2017)."""

from typing import TYPE_CHECKING

from absl import flags

from bsgen import errors

from . import flag_help

if TYPE_CHECKING:
    from bsgen.training import large_batch

flag_help.section("From a small batch to a large one")
_BASE_BATCH_SIZE = flags.DEFINE_integer(
    "base_batch_size",
    None,
    "The batch size for which --learning_rate is given, and with --adapt_regime "
    "the epochs of budget, evaluations and --schedule.",
    lower_bound=1,
)
_RULE = flags.DEFINE_enum(
    "learning_rate_scaling",
    "none",
    ["none", "sqrt", "linear"],
    "How the learning rate grows from --base_batch_size to --batch_size.",
)
_ADAPT_REGIME = flags.DEFINE_bool(
    "adapt_regime",
    False,
    "Take as many updates as --base_batch_size would, in that many more epochs.",
)


def given(
    matches_noise: bool, usual_base: int | None = None
) -> "tuple[int | None, large_batch.Remedies]":
    """Returns the base batch size, None for none, and what is done at another one.

    Args:
      matches_noise: whether the losses get the noise of the base batch size.
      usual_base: the base batch size where no flag names it; None for none.

    Raises:
      UserError: one is given without the other, or two exclude each other.
    """
    from bsgen.training import large_batch

    if matches_noise and _RULE.value != "none":
        remedy = "it takes the place of a larger learning rate; give one of them"
        raise errors.UserError("learning_rate_scaling", _RULE.value, remedy)
    remedies = large_batch.Remedies(
        _RULE.value, matches_noise, adapts_regime=_ADAPT_REGIME.value
    )
    asked = {
        "learning_rate_scaling": _RULE.value != "none" and _RULE.value,
        "adapt_regime": _ADAPT_REGIME.value,
        "loss_noise": matches_noise and "auto",
    }
    names = [name for name, value in asked.items() if value]
    base = _BASE_BATCH_SIZE.value
    if names and base is None and usual_base is None:
        remedy = "give --base_batch_size, for which the learning rate is given, too"
        raise errors.UserError(names[0], asked[names[0]], remedy)
    if base is not None and not names:
        remedy = "give what follows from it, too: --learning_rate_scaling, "
        remedy += "--adapt_regime or --loss_noise=auto"
        raise errors.UserError("base_batch_size", base, remedy)
    return (base or usual_base) if names else None, remedies


def is_given() -> bool:
    """Whether the base batch size has been named."""
    return _BASE_BATCH_SIZE.value is not None


def adapts_regime() -> bool:
    """Whether a run takes as many updates as the small batch does."""
    return bool(_ADAPT_REGIME.value)
