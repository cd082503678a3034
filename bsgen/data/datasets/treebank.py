"""Penn Treebank as a language model reads it: words, one after the other.

Marcus et al. (1993), in the form of Mikolov et al. (2010) that Zaremba et al. (2014),
arXiv:1409.2329, and Smith, Elsen & De (2020) train on: lower case, numbers as N, the
10,000 most frequent words and <unk> for the others, and <eos> at the end of each line.
The text belongs to the Linguistic Data Consortium and cannot be downloaded here.
"""

import dataclasses
import functools
import pathlib

import numpy as np

from bsgen import errors
from bsgen.config import DataConfig
from bsgen.data import prepared, text
from bsgen.data.pool import Pool

NAME = "ptb"
FILES = {
    "train": "ptb.train.txt",
    "validation": "ptb.valid.txt",
    "test": "ptb.test.txt",
}
_WINDOW = 35  # steps over which Zaremba et al. unroll
_LENGTHS = (929_589, 73_760, 82_430)


@dataclasses.dataclass(frozen=True)
class Treebank(prepared.PreparedDataset):
    """The entry of the registry.

    Attributes:
      lengths: the number of words of each of `FILES`, <eos> included.
    """

    lengths: tuple[int, ...] = _LENGTHS

    def load(self, settings: DataConfig, data_dir: str | None = None) -> Pool:
        """Returns windows of words: those of training first, those of the test last."""
        return read(self, data_dir)


def words(content: str) -> list[str]:
    """Returns the words of a text, with <eos> at the end of each line."""
    return content.replace("\n", " <eos> ").split()


@functools.lru_cache(maxsize=1)
def read(dataset: Treebank, data_dir: str | None = None) -> Pool:
    """Reads the prepared text.

    Raises:
      UserError: it is not prepared there, or its files cannot be read.
    """
    folder = dataset.folder(data_dir)
    parts = [words(_read_split(dataset, folder, split)) for split in FILES]
    numbers = text.vocabulary(parts[0])
    tokens = [np.array([numbers[word] for word in part]) for part in parts]
    return text.pool(dataset.name, tokens, dataset.num_classes, *dataset.input_shape)


def _read_split(dataset: Treebank, folder: pathlib.Path, split: str) -> str:
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from google.protobuf import json_format

    unreadable = (tf.errors.OpError, json_format.ParseError, AssertionError)
    try:
        builder = tfds.builder_from_directory(folder)
        found = builder.as_dataset(split=split, batch_size=-1)
        return found["text"].numpy()[0].decode("ascii")
    except (*unreadable, OSError, ValueError) as error:
        command = f"{dataset.command(folder.parent.parent)} --source=FOLDER --force"
        remedy = f"its {split} files are damaged; run `{command}` to prepare it again"
        raise errors.UserError("data_dir", str(folder), remedy) from error


PENN_TREEBANK = Treebank(
    NAME,
    (_WINDOW,),
    10_000,
    train_size=(_LENGTHS[0] - 1) // _WINDOW,
    test_size=(_LENGTHS[2] - 1) // _WINDOW,
    scaling="none",
    sampling="contiguous",
    labels="tokens",
    importer="treebank_files",
    by_hand=f"get {', '.join(FILES.values())}, which are in the folder data of "
    "simple-examples.tgz at www.fit.vutbr.cz/~imikolov/rnnlm",
)
