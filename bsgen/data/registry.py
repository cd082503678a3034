"""Every dataset by its name."""

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import image_dataset, pool, prepared, sources
from bsgen.data.datasets import digits, gaussian, imagenet


def names() -> tuple[str, ...]:
    """Returns the names of all datasets; the first needs neither download nor TFDS."""
    return (digits.NAME, *gaussian.NAMES, *image_dataset.NAMES, imagenet.NAME)


def is_random(name: str) -> bool:
    """Whether the examples themselves are drawn, from `subset_seed` and the sizes."""
    return name in gaussian.NAMES


def input_shape(name: str) -> tuple[int, ...]:
    """Returns the shape of one input of a dataset, without reading it."""
    if name == digits.NAME:
        return digits.IMAGE_SHAPE
    if is_random(name):
        return gaussian.INPUT_SHAPE
    if name == imagenet.NAME:
        return imagenet.INPUT_SHAPE
    return image_dataset.by_name(name).image_shape


def require(name: str, data_dir: str | None = None) -> None:
    """Checks, in milliseconds, that a dataset is there to be loaded.

    Raises:
      UserError: the name is unknown, or the dataset is not prepared.
    """
    if name not in names():
        raise errors.unknown_name("dataset", name, names())
    if name in image_dataset.NAMES:
        prepared.require(name, data_dir)
    if name == imagenet.NAME:
        imagenet.require(data_dir)


def load_pool(
    config: configuration.DataConfig, data_dir: str | None = None
) -> pool.Pool:
    """Returns all examples of a dataset; recent pools are kept for the next call.

    Args:
      config: `name` decides; random tasks also depend on `subset_seed`, `train_size`
        and `validation_size`.
      data_dir: the TFDS folder of datasets that need one; None is $TFDS_DATA_DIR, else
        ~/tensorflow_datasets.

    Raises:
      UserError: the name is unknown, the dataset is not prepared or damaged, or it does
        not fit in memory.
    """
    if config.name not in names():
        raise errors.unknown_name("dataset", config.name, names())
    if config.name == imagenet.NAME:
        remedy = "does not fit in memory; take another, or stream it (load_source)"
        raise errors.UserError("dataset", config.name, remedy)
    if config.name == digits.NAME:
        return digits.load()
    if is_random(config.name):
        return gaussian.load(
            config.name, config.subset_seed, config.train_size, config.validation_size
        )
    return prepared.load(config.name, data_dir)


def load_source(
    config: configuration.DataConfig, data_dir: str | None = None
) -> sources.Source:
    """Returns the examples of a dataset, in memory or, where too many, on disk.

    Arguments and errors are those of `load_pool`.
    """
    if config.name == imagenet.NAME:
        return imagenet.load(data_dir)
    return load_pool(config, data_dir)
