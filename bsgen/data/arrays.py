"""A dataset as scaled arrays, for your own training loop."""

import dataclasses

import numpy as np

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import registry, scaling, splits


@dataclasses.dataclass(frozen=True, eq=False)
class Arrays:
    """Scaled inputs [n, D...] float32 and labels [n] int32 of a dataset's parts."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    num_classes: int


def load(config: configuration.DataConfig, data_dir: str | None = None) -> Arrays:
    """Loads, splits and scales a dataset; arguments are those of `load_pool`.

    Raises:
      UserError: a name is unknown, a size too large, or the dataset is not prepared.
    """
    if not isinstance(config, configuration.DataConfig):
        remedy = "give a config.DataConfig, such as DataConfig('digits')"
        raise errors.UserError("config", config, remedy)
    pool = registry.load_pool(config, data_dir)
    split = splits.split(pool, config)
    scale = scaling.fit(config.scaling, pool.inputs[split.train]).apply

    def part(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scale(pool.inputs[positions]), pool.labels[positions]

    return Arrays(
        train=part(split.train),
        validation=part(split.validation),
        test=part(split.test),
        num_classes=pool.num_classes,
    )
