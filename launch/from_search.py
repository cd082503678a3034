"""The flag that trains what a search of `launch.tune` recommends."""

from typing import Any

from absl import flags

from bsgen import config, errors, models
from bsgen.tuning import recommended_run

from . import flag_help, paths

# Written for every run, and flags for networks alone that have them.
_NOT_OF_ALL = ("hidden_units", "activation")

flag_help.section("Recommended by a search")
_FROM_SEARCH = paths.define(
    "from_search",
    None,
    "Folder of a finished launch.tune: train the network that it was about with the "
    "batch size, learning rate and momentum that it recommends, for as many epochs as "
    "its trials. Other flags still count, but for --dataset and --model.",
)


def apply() -> None:
    """Makes what a search recommends the default of the flags of a run.

    Raises:
      UserError: the folder holds no finished search of one of our networks, or a flag
        names another network or dataset.
    """
    if _FROM_SEARCH.value is None:
        return
    for name in ("dataset", "model"):
        if flags.FLAGS[name].present:
            remedy = "--from_search says it; leave it out"
            raise errors.UserError(name, flags.FLAGS[name].value, remedy)
    found = recommended_run.read(_FROM_SEARCH.value)
    for name, value in _values(found.run).items():
        flags.FLAGS.set_default(name, value)
    if not flags.FLAGS["steps"].present:
        flags.FLAGS.set_default("epochs", found.num_epochs)
    print(f"recommended: {found.words}")


def _values(run: config.RunConfig) -> dict[str, Any]:
    """Returns the flags that describe a run, by name."""
    written = config.to_dict(run)
    data, model, optimizer = (written[name] for name in ("data", "model", "optimizer"))
    found = {**data, **model, **optimizer}
    found |= {"dataset": data["name"], "model": model["name"]}
    found |= {name: written.get(name) for name in ("batch_size", "seed", "precision")}
    taken = models.takes(run.model)
    absent = {name for name in _NOT_OF_ALL if name not in taken}
    if "hidden_units" in found:  # a flag has them as text
        found["hidden_units"] = [str(width) for width in found["hidden_units"]]
    return {
        name: value
        for name, value in found.items()
        if value is not None and name not in {"name", *absent}
    }
