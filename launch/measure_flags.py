"""The measures by the names that flags give them, and what is kept of their answers."""

import dataclasses
import math
from typing import Any

from absl import flags

from bsgen import errors
from launch import loaded_model

NAMES = (
    "top_eigenvalue",
    "trace",
    "frobenius_norm",
    "critical_learning_rate",
    "largest_stable_learning_rate",
    "gradient_noise_scale",
    "noise_alignment",
    "spectral_density",
)
_INFERENCE_ONLY = ("largest_stable_learning_rate", "noise_alignment")
_MEASURES = flags.DEFINE_list(
    "measures", ["top_eigenvalue", "trace", "frobenius_norm"], f"Any of {NAMES}."
)
_RELATIVE_ERROR = flags.DEFINE_float(
    "relative_error",
    None,
    "Error over value at which to stop (default: 0.001 for eigenvalues, else 0.05).",
)
_MAX_PRODUCTS = flags.DEFINE_integer(
    "max_products",
    None,
    "Hessian-vector products a measure (default: 100 for eigenvalues, else 200; "
    "a density takes 10 probes of 80).",
)
_TRAINING = flags.DEFINE_bool(
    "training", False, "Measure batch norm in training mode, not in inference mode."
)
_REGULARIZATION = flags.DEFINE_bool(
    "regularization",
    True,
    "Count the losses that the model adds, such as its layers' regularizers.",
)
_GROUP_SIZE = flags.DEFINE_integer(
    "group_size",
    1,
    "Examples a gradient of the gradient noise scale; at least 2 with --training.",
)
_DENSITY_STEPS = 80
_WITH_MOMENTUM = ("critical_learning_rate", "largest_stable_learning_rate")
_WITH_PRODUCTS = tuple(
    name
    for name in NAMES
    if name not in ("gradient_noise_scale", "largest_stable_learning_rate")
)
_TAKEN_BY: tuple[tuple[flags.FlagHolder, tuple[str, ...]], ...] = (
    (loaded_model.MOMENTUM, _WITH_MOMENTUM),
    (_MAX_PRODUCTS, _WITH_PRODUCTS),
    (_RELATIVE_ERROR, NAMES[:4]),
    (_GROUP_SIZE, ("gradient_noise_scale",)),
)


def chosen() -> list[str]:
    """Returns the names that the flags give.

    Raises:
      UserError: one is unknown, or there is none; a flag is out of range, or none of
        the measures takes it.
    """
    for name in _MEASURES.value:
        if name not in NAMES:
            raise errors.unknown_name("measures", name, NAMES)
    if not _MEASURES.value:
        raise errors.UserError("measures", [], f"give some of {', '.join(NAMES)}")
    names = list(dict.fromkeys(_MEASURES.value))
    for flag, takers in _TAKEN_BY:
        if flag.present and not set(takers) & set(names):
            remedy = f"goes with {', '.join(takers)}; leave it out"
            raise errors.UserError(flag.name, flag.value, remedy)
    if _TRAINING.value and set(_INFERENCE_ONLY) & set(names):
        remedy = f"{', '.join(_INFERENCE_ONLY)} have inference mode only"
        raise errors.UserError("training", True, remedy)
    if _MAX_PRODUCTS.value is not None:
        errors.check_integer("max_products", _MAX_PRODUCTS.value, 1)
    errors.check_integer("group_size", _GROUP_SIZE.value, 1)
    if _RELATIVE_ERROR.value is not None:
        errors.check_real("relative_error", _RELATIVE_ERROR.value, 0.0)
    return names


def measure(name: str, subject: loaded_model.Subject, on_progress: Any) -> Any:
    """Takes one measure; returns what the library returns.

    Raises:
      UserError: a flag is out of range, or the model cannot be measured.
    """
    from bsgen import measures

    options: dict[str, Any] = {
        "batch_size": subject.batch_size,
        "regularization": _REGULARIZATION.value,
    }
    if name not in _INFERENCE_ONLY:
        options["training"] = _TRAINING.value
    if name != "noise_alignment":
        options["l2"] = subject.l2
    stop: dict[str, Any] = {"on_progress": on_progress, "keep_partial": True}
    if name == "gradient_noise_scale":
        options["group_size"] = _GROUP_SIZE.value
        return measures.gradient_noise_scale(*subject.arguments, **options | stop)
    hessian = measures.Hessian(*subject.arguments, **options)
    stop["seed"] = loaded_model.SEED.value
    if name == "largest_stable_learning_rate":
        return measures.largest_stable_learning_rate(hessian, subject.momentum, **stop)
    if name == "spectral_density":
        if _MAX_PRODUCTS.value is not None:
            steps = min(_DENSITY_STEPS, _MAX_PRODUCTS.value)
            stop |= {
                "num_steps": steps,
                "num_probes": max(_MAX_PRODUCTS.value // max(steps, 1), 1),
            }
        return measures.spectral_density(hessian, **stop)
    if _MAX_PRODUCTS.value is not None:
        stop["max_products"] = _MAX_PRODUCTS.value
    if name == "noise_alignment":
        covariance = measures.GradientCovariance(*subject.arguments, **options)
        return measures.noise_alignment(hessian, covariance, **stop)
    error = _RELATIVE_ERROR.value
    if name in ("trace", "frobenius_norm"):
        stop |= {} if error is None else {"relative_error": error}
        return getattr(measures, f"hessian_{name}")(hessian, **stop)
    stop |= {} if error is None else {"tolerance": error}
    if name == "critical_learning_rate":
        stop["momentum"] = subject.momentum
    return getattr(measures, name)(hessian, **stop)


def record(found: Any) -> dict[str, Any]:
    """Returns what JSON keeps of an answer; a density's curve goes elsewhere."""
    values = dataclasses.asdict(found)
    if "grid" in values:
        kept = ("gaussian_width", "num_products", "stopped_because", "mode")
        return {
            "lowest": min(float(nodes.min()) for nodes in found.nodes),
            "highest": max(float(nodes.max()) for nodes in found.nodes),
            "num_probes": len(found.nodes),
            **{name: values[name] for name in kept},
        }
    return values


def stopped_because(found: Any) -> str:
    """Returns why a measure stopped; "" for one that always goes to its end."""
    inner = getattr(found, "max_eigenvalue", found)
    return getattr(inner, "stopped_because", "")


def in_words(found: Any) -> str:
    """Returns "12.3 ± 0.1 (tolerance, 23 products, inference)"."""
    inner = getattr(found, "max_eigenvalue", found)
    notes = [stopped_because(found)]
    if hasattr(inner, "num_products"):
        notes.append(f"{inner.num_products} products")
    notes.append(inner.mode)
    notes_text = ", ".join(note for note in notes if note)
    if hasattr(found, "grid"):
        values = record(found)
        return f"from {values['lowest']:.4g} to {values['highest']:.4g} ({notes_text})"
    if hasattr(found, "upper"):
        return f"from {found.value:.5g} to {found.upper:.5g} ({notes_text})"
    error = getattr(found, "standard_error", getattr(found, "error", math.nan))
    return f"{found.value:.5g} ± {error:.2g} ({notes_text})"
