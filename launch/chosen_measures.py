"""The flags of `launch.measure` that choose measures and their options."""

from typing import Any

from absl import flags

from bsgen import errors, named_measures

from . import flag_help, loaded_model

flag_help.section("Measures")
_MEASURES = flags.DEFINE_list(
    "measures",
    ["top_eigenvalue", "trace", "frobenius_norm"],
    f"What to measure, any of {', '.join(named_measures.names())}.",
)
_RELATIVE_ERROR = flags.DEFINE_float(
    "relative_error",
    None,
    "Error over value at which a measure stops, such as 0.01 (default: 0.001 for "
    "eigenvalues, else 0.05).",
)
_MAX_PRODUCTS = flags.DEFINE_integer(
    "max_products",
    None,
    "Most Hessian-vector products of a measure (default: 100 for eigenvalues, else "
    "200; a density takes 10 probes of 80).",
)
_TRAINING = flags.DEFINE_bool(
    "training",
    False,
    "Measure batch normalization in training mode, not in inference mode.",
)
_REGULARIZATION = flags.DEFINE_bool(
    "regularization",
    True,
    "Count the losses that the model adds, such as its layers' regularizers.",
)
_GROUP_SIZE = flags.DEFINE_integer(
    "group_size",
    1,
    "Examples over which each gradient is averaged for the gradient noise scale; "
    "at least 1, and at least 2 with --training.",
)
_MAX_DISTANCE = flags.DEFINE_float(
    "max_distance",
    None,
    "Radius of the ball around the weights for random_potential, above 0; in the "
    "paper the largest weight distance of training.",
)
_NUM_DIRECTIONS = flags.DEFINE_integer(
    "num_directions", 1000, "Random directions for random_potential, at least 10."
)
_RUNNING_STATISTICS = flags.DEFINE_enum(
    "running_statistics",
    "reestimate",
    ["reestimate", "keep"],
    "Running averages of batch normalization for random_potential: found again "
    "from the data at every point (reestimate), or the model's own (keep).",
)
# Refused where no measure that was asked for takes them.
_OPTIONS = (
    loaded_model.MOMENTUM,
    _MAX_PRODUCTS,
    _RELATIVE_ERROR,
    _GROUP_SIZE,
    _MAX_DISTANCE,
    _NUM_DIRECTIONS,
    _RUNNING_STATISTICS,
)


def measures() -> list[named_measures.Measure]:
    """Returns the measures that the flags ask for.

    Raises:
      UserError: one is unknown, or there is none; a flag is out of range, or goes with
        none of them.
    """
    if not _MEASURES.value:
        remedy = f"give some of {', '.join(named_measures.names())}"
        raise errors.UserError("measures", [], remedy)
    asked = [named_measures.get(name) for name in dict.fromkeys(_MEASURES.value)]
    for flag in _OPTIONS:
        if flag.present and not any(each.takes(flag.name) for each in asked):
            remedy = f"goes with {', '.join(_takers(flag.name))}; leave it out"
            raise errors.UserError(flag.name, flag.value, remedy)
    without = [each.name for each in asked if not each.takes("training")]
    if _TRAINING.value and without:
        remedy = f"{', '.join(without)} have inference mode only; leave it out"
        raise errors.UserError("training", True, remedy)
    if _MAX_PRODUCTS.value is not None:
        errors.check_integer("max_products", _MAX_PRODUCTS.value, 1)
    errors.check_integer("group_size", _GROUP_SIZE.value, 1)
    if _RELATIVE_ERROR.value is not None:
        errors.check_real("relative_error", _RELATIVE_ERROR.value, 0.0)
    for each in asked:
        each.check_required(_values())
    errors.check_integer("num_directions", _NUM_DIRECTIONS.value, 10)
    reach = _MAX_DISTANCE.value
    if reach is not None and errors.check_real("max_distance", reach, 0.0) == 0.0:
        raise errors.UserError("max_distance", reach, "give a number above 0")
    return asked


def subject(loaded: loaded_model.Loaded) -> named_measures.Subject:
    """Returns what is measured, with the settings that the flags give."""
    return named_measures.Subject(
        loaded.model,
        loaded.loss,
        loaded.data,
        l2=loaded.l2,
        training=_TRAINING.value,
        regularization=_REGULARIZATION.value,
        batch_size=loaded.batch_size,
    )


def options(loaded: loaded_model.Loaded) -> dict[str, Any]:
    """Returns the options of the measures, by name; None for a measure's default."""
    return {"momentum": loaded.momentum, **_values()}


def _values() -> dict[str, Any]:
    own = (
        loaded_model.SEED,
        _MAX_PRODUCTS,
        _RELATIVE_ERROR,
        _GROUP_SIZE,
        _MAX_DISTANCE,
        _NUM_DIRECTIONS,
        _RUNNING_STATISTICS,
    )
    return {flag.name: flag.value for flag in own}


def _takers(option: str) -> list[str]:
    known = map(named_measures.get, named_measures.names())
    return [each.name for each in known if each.takes(option)]
