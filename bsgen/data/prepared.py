"""Datasets that must be prepared for TensorFlow Datasets, and where they lie.

Nothing here downloads.
"""

import dataclasses
import importlib
import os
import pathlib
import re
import shlex
from collections.abc import Callable

from bsgen import errors
from bsgen.data import dataset

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclasses.dataclass(frozen=True)
class PreparedDataset(dataset.Dataset):
    """A dataset that `launch.prepare_data` puts where TensorFlow Datasets reads it.

    Attributes:
      importer: the module of `bsgen.data.importers` whose `import_files` reads it.
      by_hand: how to get the files if TFDS cannot download them, as part of a message;
        "" if it can.
    """

    importer: str = "image_files"
    by_hand: str = ""

    def require(self, data_dir: str | None = None) -> None:
        """See `Dataset.require`."""
        self.folder(data_dir)

    def folder(self, data_dir: str | None = None) -> pathlib.Path:
        """Returns the folder of the newest prepared version, at once.

        Raises:
          UserError: there is none; the message says how to prepare it.
        """
        root = resolve_data_dir(data_dir)
        found = find(self.name, root)
        if found is None:
            how = f"run `{self.command(root)}` to download it, or add --source=PATH to "
            how += "import files offline"
            if self.by_hand:
                how = f"{self.by_hand}, and run `{self.command(root)} --source=FOLDER`"
            remedy = f"not prepared in {root}; {how}"
            raise errors.UserError("dataset", self.name, remedy)
        return found

    def check(
        self, source: str = "", data_dir: str | None = None, force: bool = False
    ) -> None:
        """Checks what can be checked before anything is read or downloaded.

        Arguments are those of `import_files`, with the source "" to download.

        Raises:
          UserError: the dataset cannot be downloaded or is prepared already, or there
            is no such source.
        """
        if not source and self.by_hand:
            remedy = "this command cannot download it: "
            remedy += f"{self.by_hand}, and add --source=FOLDER"
            raise errors.UserError("dataset", self.name, remedy)
        if source and not os.path.exists(source):
            raise errors.UserError("source", source, "there is no such file or folder")
        check_absent(self.name, resolve_data_dir(data_dir), force)

    def command(self, data_dir: pathlib.Path) -> str:
        """Returns the command that prepares the dataset."""
        program = f"python -m launch.prepare_data --dataset={self.name}"
        return f"{program} --data_dir={shlex.quote(str(data_dir))}"

    def download(
        self, data_dir: str | None = None, force: bool = False
    ) -> pathlib.Path:
        """Downloads the dataset through TFDS; raw files stay in data_dir/downloads.

        Args:
          data_dir: the TFDS folder, made if missing.
          force: whether to replace the dataset if it is prepared already.

        Returns:
          The folder of the prepared dataset.

        Raises:
          UserError: it cannot be downloaded, the folder cannot be written, or it holds
            the dataset already. TFDS takes some minutes to report that the network
            cannot be reached.
        """
        from bsgen.data.importers import image_files

        self.check("", data_dir, force)
        image_files.download(self, resolve_data_dir(data_dir), force)
        return self.folder(data_dir)

    def import_files(
        self,
        source: str,
        data_dir: str | None = None,
        force: bool = False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> pathlib.Path:
        """Imports the dataset from files, without a network.

        Args:
          source: a file or folder; which ones are read, the `importer` says.
          data_dir, force: as for `download`, as is the result.
          on_progress: called with the numbers of images checked and to check, where
            that takes long.

        Raises:
          UserError: the files are missing, damaged or of another dataset, or the folder
            cannot be written, or holds the dataset already.
        """
        module = importlib.import_module(f"bsgen.data.importers.{self.importer}")
        root = resolve_data_dir(data_dir)
        module.import_files(self, source, root, force, on_progress)
        return self.folder(data_dir)


def resolve_data_dir(data_dir: str | None = None) -> pathlib.Path:
    """Returns the given folder, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    chosen = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(chosen).expanduser()


def find(name: str, data_dir: pathlib.Path) -> pathlib.Path | None:
    """Returns the folder of the newest prepared version of `name`, None without one.

    It only looks at files: TFDS itself takes seconds to import, and minutes to give up.
    """
    versions = {}
    for info in data_dir.glob(f"{name}/*/dataset_info.json"):
        match = _VERSION.fullmatch(info.parent.name)
        if match:
            versions[tuple(map(int, match.groups()))] = info.parent
    return versions[max(versions)] if versions else None


def check_absent(name: str, data_dir: pathlib.Path, force: bool) -> None:
    """Checks that a dataset may be prepared in a folder.

    Raises:
      UserError: it is prepared there already, and `force` is False.
    """
    if not force and find(name, data_dir):
        remedy = f"{name} is prepared there already; add --force to replace it"
        raise errors.UserError("data_dir", str(data_dir), remedy)
