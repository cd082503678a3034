"""Prepares Penn Treebank (`ptb`) for TFDS from the three files of Mikolov et al.

TFDS has no such dataset, so its builder is here. Each split has one example, its text,
as TFDS keeps other texts whose order counts.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from bsgen import errors
from bsgen.data import text
from bsgen.data.datasets import treebank
from bsgen.data.importers import source_files, staging

_ENDINGS = ("", ".xz", ".gz", ".bz2")
_FOLDERS = ("", "data", "simple-examples/data")  # as the archive has them
_LARGEST_FILE = 2**25  # the largest has 5.1 MB


class Ptb(tfds.core.GeneratorBasedBuilder):
    """Reads the files in its `manual_dir`."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = treebank.PENN_TREEBANK.by_hand

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            description="Penn Treebank as words, in the form of Mikolov et al. (2010).",
            features=tfds.features.FeaturesDict({"text": tfds.features.Text()}),
            homepage="https://www.fit.vutbr.cz/~imikolov/rnnlm/",
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
        folder = Path(dl_manager.manual_dir)
        return {
            split: self._generate_examples(folder, split) for split in treebank.FILES
        }

    def _generate_examples(
        self, folder: Path, split: str
    ) -> Iterator[tuple[str, dict[str, str]]]:
        yield split, {"text": _read(_find(folder, split))}


def import_files(
    dataset: treebank.Treebank,
    source: str,
    data_dir: Path,
    force: bool,
    on_progress: Callable[[int, int], None],
) -> None:
    """Imports the text; see `PreparedDataset.import_files`.

    Args:
      source: a folder with the three files, compressed or not.
    """
    del on_progress  # it takes seconds
    folder = _folder(source)
    _check(dataset, folder)
    with staging.staged(dataset.name, data_dir, force) as place:
        settings = tfds.download.DownloadConfig(manual_dir=folder)
        # TFDS prints its folder, but this one is about to move.
        with contextlib.redirect_stdout(io.StringIO()):
            Ptb(data_dir=place).download_and_prepare(download_config=settings)
    treebank.read.cache_clear()


def _folder(source: str) -> Path:
    """Returns the folder, at or below `source`, that holds one of the files."""
    path = Path(source).expanduser()
    for folder in (path / name for name in _FOLDERS):
        if any(_paths(folder, split) for split in treebank.FILES):
            return folder
    names = ", ".join(treebank.FILES.values())
    remedy = f"this is no folder that holds {names}; {treebank.PENN_TREEBANK.by_hand}"
    raise errors.UserError("source", source, remedy)


def _paths(folder: Path, split: str) -> list[Path]:
    places = (folder / f"{treebank.FILES[split]}{ending}" for ending in _ENDINGS)
    return [path for path in places if path.is_file()]


def _find(folder: Path, split: str) -> Path:
    found = _paths(folder, split)
    if not found:
        remedy = f"{treebank.FILES[split]} is missing in this folder"
        raise errors.UserError("source", str(folder), remedy)
    return found[0]


def _read(path: Path) -> str:
    content = source_files.read(path, _LARGEST_FILE)
    if not content.isascii() or b"\0" in content:
        remedy = "not plain ASCII, as the original is: another encoding, or another "
        raise errors.UserError("source", str(path), f"{remedy}text; get the original")
    if b"\r" in content:
        remedy = "its lines end with carriage returns, those of the original do not: "
        raise errors.UserError("source", str(path), f"{remedy}get the original")
    return content.decode("ascii")


def _check(dataset: treebank.Treebank, folder: Path) -> None:
    """Checks that the files are those that the entry of the registry tells of.

    Raises:
      UserError: one is missing or unreadable, or another text.
    """
    paths = [_find(folder, split) for split in treebank.FILES]
    parts = [treebank.words(_read(path)) for path in paths]
    numbers = text.vocabulary(parts[0])
    for path, part in zip(paths, parts, strict=True):
        unknown = sorted({*part} - {*numbers})
        if unknown:
            remedy = (
                f"it has {len(unknown):,} words that {paths[0].name} has not, such "
            )
            remedy += f"as {unknown[0]!r}; take files that belong together"
            raise errors.UserError("source", str(path), remedy)
    if len(numbers) != dataset.num_classes:
        remedy = f"it has {len(numbers):,} different words, and the original has "
        remedy += f"{dataset.num_classes:,}; get the original"
        raise errors.UserError("source", str(paths[0]), remedy)
    for path, part, length in zip(paths, parts, dataset.lengths, strict=True):
        if len(part) != length:
            remedy = f"it has {len(part):,} words with the ends of its lines, and the "
            remedy += f"original has {length:,}; get the original"
            raise errors.UserError("source", str(path), remedy)
