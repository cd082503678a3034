"""The measures by name: what each needs, which options it takes, how it is shown.

A new measure is a function in a new file of `bsgen/measures/`, and an entry in
`_MEASURES`; `launch.measure` then offers it. Its function takes what it needs (a
Hessian, say), its options, `on_progress` and `keep_partial`, and returns a dataclass
with `value`, `error` or `standard_error`, and `stopped_because`.

Importing the table loads no TensorFlow: functions are looked up when they are called.
"""

import dataclasses
import operator
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from bsgen import errors, measured_results

# Operators that a measure may need: the class in `bsgen.measures`, and its settings
# that not every measure takes, with their defaults.
_OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "hessian": ("Hessian", {"l2": 0.0, "training": False}),
    "gauss_newton": ("GaussNewton", {"l2": 0.0, "training": False}),
    "covariance": ("GradientCovariance", {}),
}


class Subject:
    """What is measured: a model, its loss and data. It makes every operator once."""

    def __init__(
        self,
        model: Any,
        loss: Any,
        data: Any,
        *,
        l2: float,
        training: bool,
        **rest: Any,
    ):
        """Takes the arguments of `measures.Hessian`.

        `l2` and `training` go to the measures that take them.
        """
        self.objective = {"model": model, "loss": loss, "data": data}
        self.optional = {"l2": l2, "training": training}
        self.rest = rest
        self._operators: dict[tuple[Any, ...], Any] = {}

    def operator(self, name: str, taken: tuple[str, ...]) -> Any:
        """Returns an operator of this name, with the optional settings in `taken`."""
        kind, defaults = _OPERATORS[name]
        settings = defaults | {s: self.optional[s] for s in taken if s in defaults}
        key = (name, *settings.values())
        if key not in self._operators:
            make = pkgutil.resolve_name(f"bsgen.measures:{kind}")
            self._operators[key] = make(**self.objective, **settings, **self.rest)
        return self._operators[key]


@dataclasses.dataclass(frozen=True)
class Measure:
    """An entry of the table.

    Attributes:
      name: by which it is asked for.
      function: "package.module:function".
      needs: its first arguments: operators by their names in `_OPERATORS`, or "model",
        "loss" and "data".
      options: keyword arguments that it takes, by the names of the flags of
        `launch.measure`; "flag=keyword" where the two differ.
      required: those of its options that have no default.
      settings: which of the settings "l2" and "training" it takes.
      shown: returns a result in words.
      record: returns a result as what JSON keeps of it.
      curve: returns columns of numbers, for results that are curves; or None.
      picture: "package.module:function" that makes a PNG of a curve's table; or "".
      meaning: what the value tells, for somebody who meets the name here; or "".
    """

    name: str
    function: str
    needs: tuple[str, ...]
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    settings: tuple[str, ...] = ("l2", "training")
    shown: Callable[[Any], str] = measured_results.value_and_error
    record: Callable[[Any], dict[str, Any]] = dataclasses.asdict
    curve: Callable[[Any], dict[str, Any]] | None = None
    picture: str = ""
    meaning: str = ""

    def takes(self, option: str) -> bool:
        """Returns whether it takes an option, or a setting, of this name."""
        names = {each.partition("=")[0] for each in self.options}
        return option in names or option in self.settings

    def take(
        self,
        subject: Subject,
        options: Mapping[str, Any],
        on_progress: Callable[[Any], None] | None = None,
        keep_partial: bool = False,
    ) -> Any:
        """Takes the measure; returns what its function returns.

        Args:
          subject: what is measured.
          options: by name; None stands for a function's default, and what it does not
            take is left out.
          on_progress: called with a `measures.progress.Progress` now and then.
          keep_partial: whether Ctrl-C returns what is known so far, instead of raising
            KeyboardInterrupt.

        Raises:
          UserError: an option is missing or out of range, or the subject cannot be
            measured.
        """
        self.check_required(options)
        given: dict[str, Any] = {"keep_partial": keep_partial}
        given["on_progress"] = on_progress
        for option in self.options:
            name, _, keyword = option.partition("=")
            if options.get(name) is not None:
                given[keyword or name] = options[name]
        if "model" in self.needs:
            given |= {name: subject.optional[name] for name in self.settings}
            given |= subject.rest
            needed = [subject.objective[name] for name in self.needs]
        else:
            needed = [subject.operator(name, self.settings) for name in self.needs]
        return pkgutil.resolve_name(self.function)(*needed, **given)

    def check_required(self, options: Mapping[str, Any]) -> None:
        """Checks that the options without a default are given.

        Raises:
          UserError: one is missing.
        """
        for name in self.required:
            if options.get(name) is None:
                raise errors.UserError(
                    name, None, f"{self.name} needs it; give a number"
                )

    def in_words(self, found: Any) -> str:
        """Returns "12.3 ± 0.1 (tolerance, 23 products, inference)"."""
        notes = [found.stopped_because]
        if hasattr(found, "num_products"):
            count = found.num_products
            notes.append(f"{count} product{'s' if count != 1 else ''}")
        notes.append(getattr(found, "mode", ""))
        return f"{self.shown(found)} ({', '.join(filter(None, notes))})"

    def draw(self, table: Any) -> bytes:
        """Returns the picture of a curve's table as a PNG."""
        return pkgutil.resolve_name(self.picture)(table)


def register(measure: Measure) -> None:
    """Adds a measure to the table.

    Raises:
      UserError: there is one of its name.
    """
    if measure.name in _TABLE:
        remedy = "there is a measure of this name; give it another"
        raise errors.UserError("name", measure.name, remedy)
    _TABLE[measure.name] = measure


def names() -> tuple[str, ...]:
    """Returns the names of all measures."""
    return tuple(_TABLE)


def get(name: str) -> Measure:
    """Returns the measure of a name.

    Raises:
      UserError: there is none.
    """
    if name not in _TABLE:
        raise errors.unknown_name("measures", name, names())
    return _TABLE[name]


_LANDSCAPE = "bsgen.measures.landscape"
_SPECTRUM = "bsgen.measures.spectrum"
_BUDGET = ("max_products", "seed")
_MEASURES = (
    Measure(
        "top_eigenvalue",
        f"{_SPECTRUM}.eigenvalues:top_eigenvalue",
        ("hessian",),
        (*_BUDGET, "relative_error=tolerance"),
        meaning="the curvature of the loss along its most curved direction",
    ),
    Measure(
        "trace",
        f"{_SPECTRUM}.trace:hessian_trace",
        ("hessian",),
        (*_BUDGET, "relative_error"),
        meaning="the sum of the curvatures along all directions",
    ),
    Measure(
        "frobenius_norm",
        f"{_SPECTRUM}.frobenius_norm:hessian_frobenius_norm",
        ("hessian",),
        (*_BUDGET, "relative_error"),
        meaning="the root of the sum of all squared curvatures",
    ),
    Measure(
        "critical_learning_rate",
        f"{_SPECTRUM}.critical_rate:critical_learning_rate",
        ("hessian",),
        (*_BUDGET, "relative_error=tolerance", "momentum"),
        meaning="2 (1 + momentum) / top eigenvalue: descent by the full gradient at "
        "a larger rate leaves the valley in which the weights lie",
    ),
    Measure(
        "largest_stable_learning_rate",
        f"{_SPECTRUM}.stable_rate:largest_stable_learning_rate",
        ("hessian",),
        ("seed", "momentum"),
        settings=("l2",),
        shown=measured_results.from_value_to_upper,
        meaning="found by trying: above the critical rate where descent leaves a "
        "sharp place for a flatter one",
    ),
    Measure(
        "gradient_noise_scale",
        "bsgen.measures.noise.gradient_noise:gradient_noise_scale",
        ("model", "loss", "data"),
        ("group_size",),
        meaning="the batch size at which the noise of a batch's gradient is as long "
        "as the gradient: well below it twice the batch saves nearly half of the "
        "updates, well above it nearly none. It is a property of model and data; "
        "theory.noise_scale, epsilon N / (B (1 - m)), is one of a setting: how "
        "strongly learning rate epsilon, batch size B and momentum m let that noise "
        "shake the weights. launch.advise says what follows from both",
    ),
    Measure(
        "noise_alignment",
        "bsgen.measures.noise.alignment:noise_alignment",
        ("hessian", "covariance"),
        _BUDGET,
        settings=(),
        meaning="how alike the covariance C of single examples' gradients and the "
        "Hessian H are: 1 where gradients scatter exactly along the curved "
        "directions, as Jastrzebski et al. assume with C = H; 0 where the two have "
        "nothing in common",
    ),
    Measure(
        "spectral_density",
        f"{_SPECTRUM}.lanczos_quadrature:spectral_density",
        ("hessian",),
        _BUDGET,
        shown=measured_results.ends_of_density,
        record=measured_results.density_record,
        curve=measured_results.density_curve,
        picture=f"{_SPECTRUM}.density_figure:draw",
        meaning="the range of the curvatures; picture and table show how many "
        "directions have which",
    ),
    Measure(
        "random_potential",
        f"{_LANDSCAPE}.random_potential:random_potential",
        ("model", "loss", "data"),
        ("max_distance", "num_directions", "running_statistics", "seed"),
        required=("max_distance",),
        settings=("l2",),
        shown=measured_results.alpha_and_exponent,
        record=operator.methodcaller("summary"),
        curve=measured_results.potential_points,
        picture=f"{_LANDSCAPE}.random_potential_figure:draw",
        meaning="the loss's mean squared change grows as distance^alpha around these "
        "weights; Hoffer et al. find alpha = 2, on which weights diffuse as log t",
    ),
)
_TABLE = {each.name: each for each in _MEASURES}
