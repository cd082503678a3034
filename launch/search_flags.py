"""The flags that describe a search, and the oracle that they make."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import config, errors
from bsgen.tuning.keras_tuner_adapter import oracle_names

from . import flag_help

if TYPE_CHECKING:
    from bsgen import tuning
    from bsgen.tuning import search_folder
    from bsgen.tuning.keras_tuner_adapter import tuner
    from bsgen.tuning.procedures import replay, settings

_PROCEDURES = ["appendix_d", "guided", "halving"]
_MAX_REPEATS = 1000
_MAX_TRIALS_OF_SEARCH = 100_000

flag_help.section("Search")
_ORACLE = flags.DEFINE_enum(
    "oracle",
    "appendix_d",
    [*_PROCEDURES, *oracle_names.NAMES],
    "What chooses the trials: appendix D of Smith & Le, its variant guided by a "
    "measured noise scale, successive halving over batch size and rate (by far the "
    "fewest examples; momentum stays), or a general search of keras-tuner.",
)
EPOCHS = flags.DEFINE_float(
    "epochs",
    20.0,
    "Length of every trial in passes over the training set, above 0.",
    lower_bound=0.0,
)
REPEATS = flags.DEFINE_integer(
    "repeats",
    None,
    "Runs of a setting, from 1 to 1000; finalists get twice as many (default: 5; 1 "
    "for keras-tuner's oracles).",
)
_MIN_BATCH_SIZE = flags.DEFINE_integer(
    "min_batch_size",
    None,
    "The smallest batch size of the first phase (default: 8).",
    lower_bound=1,
)
_MAX_BATCH_SIZE = flags.DEFINE_integer(
    "max_batch_size",
    None,
    "The largest batch size that the hardware allows (default: the training set).",
    lower_bound=1,
)
_LEARNING_RATES = flags.DEFINE_list(
    "learning_rates",
    None,
    "Learning rates tried in this order, falling, until one is no better than the "
    "one before (default: 1,0.1,0.01). keras-tuner's oracles search between the "
    "least and the largest.",
)
_MAX_TRIALS = flags.DEFINE_integer(
    "max_trials",
    None,
    "Most trials of the oracles random, bayesian (default: 30) and grid (default: "
    "all).",
)
_TOLERANCE = flags.DEFINE_float(
    "tolerance",
    None,
    "The difference in the metric that matters: nothing that was measured is "
    "better than what is recommended by more (default: 0.01; where less is better, "
    "a hundredth of an untrained model's).",
    lower_bound=0.0,
)
SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of weights and order of batches in the first repeat; an integer from 0.",
    lower_bound=0,
)


def is_procedure() -> bool:
    """Returns whether this project's own rules choose the trials."""
    return _ORACLE.value in _PROCEDURES


def check() -> None:
    """Checks the flags as far as possible without TensorFlow.

    Raises:
      UserError: a flag is out of range or does not fit the oracle.
    """
    oracle = _ORACLE.value
    errors.check_integer("repeats", num_repeats(), 1, _MAX_REPEATS)
    if _MAX_TRIALS.value is not None:
        errors.check_integer("max_trials", _MAX_TRIALS.value, 1, _MAX_TRIALS_OF_SEARCH)
    smallest, largest = _MIN_BATCH_SIZE.value, _MAX_BATCH_SIZE.value
    if smallest and largest and smallest > largest:
        remedy = f"give at most max_batch_size={largest}"
        raise errors.UserError("min_batch_size", smallest, remedy)
    errors.check_integer("seed", SEED.value, 0, config.MAX_SEED)
    if errors.check_real("epochs", EPOCHS.value, 0.0) == 0:
        raise errors.UserError("epochs", EPOCHS.value, "give more than 0")
    if oracle in (*_PROCEDURES, "hyperband") and _MAX_TRIALS.value is not None:
        remedy = f"{oracle} ends by itself; leave it out"
        raise errors.UserError("max_trials", _MAX_TRIALS.value, remedy)
    if oracle in ("guided", "halving") and _LEARNING_RATES.value is not None:
        remedy = f"{oracle} finds rates of its own; leave it out"
        raise errors.UserError("learning_rates", _LEARNING_RATES.value, remedy)
    if not is_procedure() and _TOLERANCE.value is not None:
        remedy = "goes with appendix_d, guided and halving; leave it out"
        raise errors.UserError("tolerance", _TOLERANCE.value, remedy)
    _learning_rates()


def limit(train_size: int) -> int:
    """Returns the largest batch size allowed."""
    return min(train_size, _MAX_BATCH_SIZE.value or train_size)


def num_repeats() -> int:
    """Returns how often a setting is trained."""
    if REPEATS.value is not None:
        return REPEATS.value
    return 5 if is_procedure() else 1


def description() -> dict[str, Any]:
    """Returns the flags' part of a search's identity."""
    return {
        "oracle": _ORACLE.value,
        "num_epochs": EPOCHS.value,
        "num_repeats": num_repeats(),
        "min_batch_size": _MIN_BATCH_SIZE.value,
        "max_batch_size": _MAX_BATCH_SIZE.value,
        "learning_rates": _learning_rates(),
        "max_trials": _MAX_TRIALS.value,
        "tolerance": _TOLERANCE.value,
        "seed": SEED.value,
    }


def make_oracle(
    trainer: Any,
    own: "settings.AsCompiled | None",
    folder: "search_folder.SearchFolder",
    role: str,
    on_decision: "replay.OnDecision",
) -> "tuner.Oracle":
    """Returns the oracle.

    Args:
      trainer: a `protocol.Trainer`, for --oracle=guided a `protocol.MeasurableTrainer`.
      own: the user's own optimizer, to be measured beside the search.
      folder: of the search, claimed; keeps what is measured for --oracle=guided.
      role: of this process.
      on_decision: called with each decision of a procedure.

    Raises:
      UserError: the flags do not fit the data.
    """
    from bsgen import tuning
    from bsgen.tuning.keras_tuner_adapter import general_oracles

    sizes = _batch_sizes(trainer.train_size)
    if is_procedure():
        procedure = _procedure(trainer, own, folder, role, sizes)
        return tuning.BatchSizeHeuristic(procedure, on_decision)
    return general_oracles.make(
        _ORACLE.value,
        sizes,
        _learning_rates(),
        EPOCHS.value,
        _MAX_TRIALS.value,
        SEED.value,
    )


def _procedure(
    trainer: Any,
    own: "settings.AsCompiled | None",
    folder: "search_folder.SearchFolder",
    role: str,
    sizes: Sequence[int],
) -> "tuning.AppendixD | tuning.Guided | tuning.Halving":
    """Returns the procedure; for --oracle=guided it measures, unless it did before."""
    from bsgen import tuning
    from bsgen.tuning.trainers import protocol

    numbers: dict[str, Any] = {
        "max_batch_size": _MAX_BATCH_SIZE.value,
        "num_repeats": num_repeats(),
    }
    if _TOLERANCE.value is not None:
        numbers["tolerance"] = _TOLERANCE.value
    if _ORACLE.value == "halving":
        return tuning.Halving(
            num_epochs=EPOCHS.value,
            min_batch_size=min(sizes),
            own=own,
            **{**protocol.numbers(trainer), **numbers},
        )
    # A worker never asks its own oracle, so it need not measure for it.
    if _ORACLE.value == "guided" and role != "worker":
        numbers["min_batch_size"] = min(sizes)

        def measure() -> dict[str, Any]:
            return dataclasses.asdict(tuning.measured_guided(trainer, **numbers))

        kept = folder.keep("guided.json", measure)
        return tuning.Guided(**{**kept, "own": own})
    return tuning.AppendixD(
        batch_sizes=tuple(sizes),
        learning_rates=_learning_rates(),
        own=own,
        **{**protocol.numbers(trainer), **numbers},
    )


def _batch_sizes(train_size: int) -> tuple[int, ...]:
    from bsgen.tuning.procedures import settings

    most = limit(train_size)
    smallest = _MIN_BATCH_SIZE.value
    if smallest is None:
        smallest = min(8, most)
    if smallest > most:
        remedy = f"give at most {most}: there are {train_size} training examples"
        if most < train_size:
            remedy = f"give at most max_batch_size={most}"
        raise errors.UserError("min_batch_size", smallest, remedy)
    largest = min(max(train_size // 4, smallest), most)
    return settings.logarithmic_batch_sizes(smallest, largest)


def _learning_rates() -> tuple[float, ...]:
    given = _LEARNING_RATES.value
    if given is None:
        return (1.0, 0.1, 0.01)
    try:
        rates = tuple(float(rate) for rate in given)
    except ValueError as error:
        raise errors.UserError("learning_rates", given, "give numbers") from error
    if not is_procedure():  # keras-tuner's oracles take any order
        rates = tuple(sorted(set(rates), reverse=True))
        if len(rates) < 2:
            remedy = "give a least and a larger one to search between"
            raise errors.UserError("learning_rates", given, remedy)
    return config.check_falling_rates("learning_rates", rates)
