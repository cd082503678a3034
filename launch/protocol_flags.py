"""The flags of the protocol by which `launch.sweep` compares batch sizes."""

from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import errors

from . import flag_help

if TYPE_CHECKING:
    from bsgen import sweeps
    from bsgen.sweeps import protocol as protocol_lib

flag_help.section("Optimal learning rates")
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    None,
    ["constant_epochs", "constant_steps", "epoch_budgets"],
    "Compare the settings at their optimal learning rates, as Smith, Elsen & De "
    "(2020), with --epochs, --steps or --axis epochs=... as the budget. The schedule "
    "is then constant_then_decay, and runs are evaluated at their end, unless other "
    "flags say otherwise.",
)
_KEEP = flags.DEFINE_integer(
    "keep",
    None,
    "How many of the --seeds runs at each rate count, the best ones (default: four "
    "fifths, as 12 of 15).",
)
_SELECT_BY = flags.DEFINE_enum(
    "select_by",
    "validation",
    ["validation", "test"],
    "Data on which the protocol finds the best runs and rates; the paper takes the "
    "test set.",
)
_EXTEND = flags.DEFINE_bool(
    "extend",
    False,
    "Add learning rates in powers of two until no optimum and no error bar of the "
    "protocol touches an edge of the rates.",
)


def apply() -> None:
    """Makes the schedule of a protocol the usual one.

    Raises:
      UserError: a flag of a protocol is given without one.
    """
    if is_given():
        flags.FLAGS.set_default("schedule", "constant_then_decay")
        return
    for flag in (_KEEP, _SELECT_BY, _EXTEND):
        if flag.present:
            raise errors.UserError(flag.name, flag.value, "goes with --protocol")


def of(grid: "sweeps.Grid", role: str) -> "protocol_lib.Protocol | None":
    """Returns the protocol of a grid, or None.

    Args:
      grid: of the sweep.
      role: of this process.

    Raises:
      UserError: the flags, or the axes of the grid, do not go with it.
    """
    from bsgen.sweeps import protocol as protocol_lib

    if _PROTOCOL.value is None:
        return None
    budget: Any = _PROTOCOL.value
    part: Any = _SELECT_BY.value
    needed = {"constant_epochs": "epochs", "constant_steps": "steps"}.get(budget)
    for name in ("epochs", "steps"):
        value = flags.FLAGS[name].value
        if (value is not None) != (name == needed):
            remedy = f"give --{needed}, and no other budget"
            if needed is None:
                remedy = "give the budgets as --axis epochs=..., and no other"
            raise errors.UserError("protocol", budget, remedy)
    if _EXTEND.value and role != "single":
        remedy = f"a {role} has the same runs from the start to the end; extend the "
        raise errors.UserError("extend", True, f"{remedy}finished sweep on one machine")
    return protocol_lib.make(budget, grid, _KEEP.value, part)


def extends() -> bool:
    """Whether learning rates are added."""
    return _EXTEND.value


def is_given() -> bool:
    """Whether there is a protocol."""
    return _PROTOCOL.value is not None
