"""The entry of a dataset in the registry, which holds all that is known of it."""

import abc
import dataclasses
from typing import Literal

from bsgen.config import DataConfig
from bsgen.data.sources import Source


@dataclasses.dataclass(frozen=True)
class Dataset(abc.ABC):
    """A dataset and what is known of it before it is read.

    To add one, subclass this in a file of its own, and add an instance to
    `bsgen.data.registry` or, outside this package, pass it to `bsgen.data.register`.

    Attributes:
      name: as in `DataConfig.name`.
      input_shape: of one input, as `Source.gather` returns it.
      num_classes: labels are 0 to num_classes - 1; of labels that are numbers, how many
        an example has.
      train_size: examples for training and validation; None if a configuration may
        ask for any number.
      test_size: test examples.
      scaling: the usual input scaling, which the command line takes by default.
      augmentation: the usual augmentation of training images, likewise.
      sampling: the usual one, likewise; "contiguous" for a text, see `bsgen.data.text`.
      fits_in_memory: whether `load` returns a `Pool`; otherwise examples are streamed.
      labels: what they are: "classes" int32 [n], "tokens" int32 [n, T], which are
        classes too, or "numbers" float32 [n, num_classes].
      is_random: whether the examples themselves are drawn, by `subset_seed` and sizes.
    """

    name: str
    input_shape: tuple[int, ...]
    num_classes: int
    train_size: int | None = None
    test_size: int | None = None
    scaling: str = "unit_norm"
    augmentation: str = "none"
    sampling: Literal["shuffle", "contiguous"] = "shuffle"
    fits_in_memory: bool = True
    labels: Literal["classes", "tokens", "numbers"] = "classes"
    is_random: bool = False

    @abc.abstractmethod
    def load(self, settings: DataConfig, data_dir: str | None = None) -> Source:
        """Returns all examples; recent ones should be kept for the next call.

        Args:
          settings: random tasks use `subset_seed`, `train_size` and `validation_size`.
          data_dir: the TFDS folder of datasets that are prepared there; None as in
            `bsgen.data.prepared.resolve_data_dir`.

        Raises:
          UserError: the dataset is not prepared or damaged.
        """

    def require(self, data_dir: str | None = None) -> None:
        """Checks, in milliseconds, that the dataset can be loaded.

        Raises:
          UserError: it is not prepared in that folder.
        """
        return  # most datasets are there at once
