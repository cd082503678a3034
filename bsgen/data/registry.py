"""Every dataset by its name."""

from bsgen import errors
from bsgen.config import DataConfig
from bsgen.data import dataset, prepared
from bsgen.data.datasets import (
    cifar,
    digits,
    gaussian,
    imagenet,
    markov_text,
    mnist,
    treebank,
)
from bsgen.data.pool import Pool
from bsgen.data.sources import Source

_DATASETS: dict[str, dataset.Dataset] = {
    entry.name: entry
    for entry in (
        digits.DIGITS,
        gaussian.RANDOM,
        gaussian.INFORMATIVE,
        markov_text.MARKOV_TEXT,
        mnist.MNIST,
        mnist.FASHION_MNIST,
        cifar.CIFAR10,
        cifar.CIFAR100,
        imagenet.IMAGENET,
        treebank.PENN_TREEBANK,
    )
}


def register(entry: dataset.Dataset) -> None:
    """Adds a dataset for the rest of the process.

    Raises:
      UserError: there is one of that name.
    """
    if entry.name in _DATASETS:
        raise errors.UserError("dataset", entry.name, "there is one of that name")
    _DATASETS[entry.name] = entry


def names() -> tuple[str, ...]:
    """Returns the names of all datasets; the first needs neither download nor TFDS."""
    return tuple(_DATASETS)


def find(name: str) -> dataset.Dataset:
    """Returns the dataset of a name.

    Raises:
      UserError: there is none.
    """
    if name not in _DATASETS:
        raise errors.unknown_name("dataset", name, _DATASETS)
    return _DATASETS[name]


def prepared_names() -> tuple[str, ...]:
    """Returns the names of the datasets that must be prepared on the disk."""
    prepared_class = prepared.PreparedDataset
    return tuple(n for n, x in _DATASETS.items() if isinstance(x, prepared_class))


def find_prepared(name: str) -> prepared.PreparedDataset:
    """Returns a dataset that must be prepared on the disk.

    Raises:
      UserError: none of these has that name.
    """
    entry = _DATASETS.get(name)
    if not isinstance(entry, prepared.PreparedDataset):
        raise errors.unknown_name("dataset", name, prepared_names())
    return entry


def load_source(settings: DataConfig, data_dir: str | None = None) -> Source:
    """Returns the examples of a dataset, in memory or, if too many, on disk.

    Args and errors are those of `Dataset.load`; an unknown name is one more error.
    """
    return find(settings.name).load(settings, data_dir)


def load_pool(settings: DataConfig, data_dir: str | None = None) -> Pool:
    """Returns the examples of a dataset that fits in memory.

    Raises:
      UserError: as `load_source`, or the dataset does not fit in memory.
    """
    entry = find(settings.name)
    loaded = entry.load(settings, data_dir) if entry.fits_in_memory else None
    if not isinstance(loaded, Pool):
        remedy = "does not fit in memory; take another, or stream it (load_source)"
        raise errors.UserError("dataset", settings.name, remedy)
    return loaded
