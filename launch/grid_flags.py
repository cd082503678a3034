"""The flags that describe a sweep, beside those of one run, and the grid they make."""

from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import config, errors

from . import (
    flag_help,
    hardware_flags,
    large_batch_flags,
    paths,
    protocol_flags,
    run_flags,
    task_flags,
)

if TYPE_CHECKING:
    from bsgen import sweeps

_MAX_RUNS = 10_000  # without --yes
# Flags that go against an axis of another name.
_FLAGS = {
    "warm_up": "warm_up_epochs",
    "num_steps": "epochs",
    "effective_learning_rate": "learning_rate",
}

flag_help.section("Grid")
_AXIS = flags.DEFINE_multi_string(
    "axis",
    [],
    "A field of a run's configuration and its values: FIELD=VALUE,VALUE,... or "
    "FIELD=FIRST..LAST*RATIO. Give one --axis for each field; values that contain "
    "commas are separated by semicolons.",
)
_GRID = paths.define(
    "grid", None, 'A file of JSON with axes, such as {"batch_size": [16, 32]}.'
)
_SEEDS = flags.DEFINE_integer(
    "seeds",
    1,
    "Repeats of every setting, from 1 to 1000, with seeds that rise from --seed. A "
    "seed draws the training subset, too, unless --subset_seed is given.",
    lower_bound=1,
    upper_bound=1000,
)
_YES = flags.DEFINE_bool("yes", False, f"Allow more than {_MAX_RUNS:,} runs.")


def grid() -> "sweeps.Grid":
    """Returns the grid that the flags describe, checked without TensorFlow or the data.

    Raises:
      UserError: an axis is none, or is given by another flag, too; a setting cannot be;
        or there are too many runs.
    """
    from bsgen import sweeps
    from bsgen.sweeps import axes as axes_lib

    protocol_flags.apply()
    axes = [axes_lib.parse(text) for text in _AXIS.value]
    axes += axes_lib.read(_GRID.value) if _GRID.value else []
    names = [axis.name for axis in axes]
    base, remedies = run_flags.base_and_remedies(_usual_base(names))
    found = sweeps.Grid(
        run_flags.described("epochs" not in names, **_changes(names, base)),
        tuple(axes),
        _SEEDS.value,
        base,
        remedies,
        _is_given("subset_seed"),
    )
    refuse_hardware()
    if found.num_runs > _MAX_RUNS and not _YES.value:
        remedy = f"{found.num_runs:,} runs; give --yes to train more than {_MAX_RUNS:,}"
        raise errors.UserError("axis", found.words, remedy)
    for setting in found.settings():
        task_flags.check(setting.run)
        run_flags.check_budget(setting.run, setting.values.get("epochs"))
    return found


def identity(planned: "sweeps.Grid") -> dict[str, Any]:
    """Returns what makes two sweeps one, as JSON types; values and seeds may differ."""
    remedies = planned.remedies
    found = {
        "base": config.to_dict(planned.base),
        "fields": sorted(axis.name for axis in planned.axes),
        "learning_rate_scaling": remedies.scaling,
        "keeps_subset": planned.keeps_subset,
        **run_flags.budget(),
    }
    # Sweeps that need none of these keep their folders.
    if planned.base_batch_size not in (None, planned.base.batch_size):
        found["base_batch_size"] = planned.base_batch_size
    if protocol_flags.is_given():
        found["protocol"] = True  # evaluates its runs at the end
    if remedies.adapts_regime or remedies.loss_noise:
        found |= {"adapts": remedies.adapts_regime, "auto": remedies.loss_noise}
    return found


def values(planned: "sweeps.Grid") -> dict[str, Any]:
    """Returns what may differ between two sweeps that share a folder."""
    axes = {axis.name: axis.values for axis in planned.axes}
    return {"axes": axes, "seeds": planned.num_seeds}


def _usual_base(names: list[str]) -> int | None:
    """Returns the base batch size without --base_batch_size: a given --batch_size."""
    is_base = "batch_size" in names and _is_given("batch_size")
    return flags.FLAGS["batch_size"].value if is_base else None


def _changes(names: list[str], base: int | None) -> dict[str, Any]:
    """Returns what the axes change in the run that all others depart from.

    Args:
      names: of the axes.
      base: the batch size for which the flags are given; None for each.

    Raises:
      UserError: a flag goes against an axis.
    """
    is_base = base is not None and not large_batch_flags.is_given()
    for name in names:
        flag = _FLAGS.get(name, name)
        if _is_given(flag) and not (name == "batch_size" and is_base):
            remedy = f"the axis {name} takes its place; leave it out"
            raise errors.UserError(flag, flags.FLAGS[flag].value, remedy)
    return {"batch_size": None} if "batch_size" in names and not is_base else {}


def _is_given(flag: str) -> bool:
    return flag in flags.FLAGS and bool(flags.FLAGS[flag].present)


def refuse_hardware() -> None:
    """Refuses flags of hardware: many runs share one device.

    Raises:
      UserError: one is given.
    """
    for name, value in hardware_flags.given().chosen().items():
        remedy = "a sweep trains on one device; leave it out, or use launch.train"
        raise errors.UserError(name, value, remedy)
