"""What to train after a search: the run that it recommends."""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from bsgen import config, errors
from bsgen.files import sealed_json

SEARCH, RECOMMENDATION = "search.json", "recommendation.json"
_FORMAT_VERSION = 1  # which search.json does not name; a newer format will
_FIELDS = ("batch_size", "learning_rate", "momentum")


@dataclasses.dataclass(frozen=True)
class RecommendedRun:
    """What a search recommends to train.

    Attributes:
      run: of the search, with the recommended batch size, learning rate and momentum;
        its number of steps means nothing.
      num_epochs: of every trial of the search.
      words: the setting and its score, as one line.
    """

    run: config.RunConfig
    num_epochs: float
    words: str


def read(folder: str | os.PathLike) -> RecommendedRun:
    """Returns what the search in a folder recommends.

    Args:
      folder: that `launch.tune` wrote.

    Raises:
      UserError: it holds no search, one that recommends nothing yet, one of a user's
        own model or of another version, or it is damaged.
    """
    path = pathlib.Path(folder)
    try:
        described = sealed_json.read(path / SEARCH, newest=_FORMAT_VERSION)
    except sealed_json.Damaged as error:
        raise _error(path, f"its {SEARCH} is damaged ({error}); search anew") from error
    if described is None:
        raise _error(path, f"holds no search: there is no {SEARCH}")
    recommended = _recommendation(path)
    with _refusing_other_versions(path):
        numbers = {name: recommended["setting"][name] for name in _FIELDS}
        words = str(recommended["words"]).partition("; ")[0]
        own = to_train_own(**numbers)
    if "run" not in described:
        raise _error(path, f"the search was of a model of your own: {own}")
    with _refusing_other_versions(path):
        num_epochs = errors.check_real("num_epochs", described["num_epochs"], 0.0)
        run = config.from_dict(described["run"])
        size = numbers.pop("batch_size")
        optimizer = dataclasses.replace(run.sgd, **numbers)
        run = dataclasses.replace(run, batch_size=size, optimizer=optimizer)
    return RecommendedRun(run, num_epochs, words)


def to_train_own(batch_size: int, learning_rate: float, momentum: float) -> str:
    """Returns how a user's own script trains with a setting, in words."""
    made = f"learning_rate={learning_rate:g}, momentum={momentum:g}"
    return (
        f"compile your model with bsgen.optimizers.Momentum({made}), and fit it with "
        f"batch_size={batch_size}"
    )


def _recommendation(path: pathlib.Path) -> dict[str, Any]:
    try:
        found = json.loads((path / RECOMMENDATION).read_bytes())
    except FileNotFoundError as error:
        remedy = "recommends nothing: the search has not ended, or nothing trained; "
        remedy += "the command that began it ends it, and says which"
        raise _error(path, remedy) from error
    except (OSError, ValueError) as error:
        remedy = f"its {RECOMMENDATION} cannot be read; the command that began the "
        raise _error(path, f"{remedy}search writes it again") from error
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def _refusing_other_versions(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "is of another version of bsgen, or damaged; search anew, or train "
        remedy += f"with the flags that it names ({error})"
        raise _error(path, remedy) from error


def _error(path: pathlib.Path, remedy: str) -> errors.UserError:
    return errors.UserError("from_search", str(path), remedy)
