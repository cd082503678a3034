"""Prepares a dataset, by download or from files, once.

Download (the only command of this project that uses the network):

    python -m launch.prepare_data --dataset=mnist --data_dir=$HOME/datasets

Offline:

    python -m launch.prepare_data --dataset=cifar10 --source=FILE_OR_FOLDER

The source is one of
- an .npz file as Keras has it (x_train, y_train, x_test, y_test);
- a folder with cifar10_train.npz and cifar10_test.npz (images, labels); instead of
  either, the only file named cifar10_train_ANYTHING.npz;
- a folder with the original files: of MNIST and Fashion-MNIST the four IDX files
  (compressed or not), of CIFAR those of the binary or of the Python version, or the
  .tar.gz archive that they come in. What a Python file names is never executed;
- the root folder of torchvision's MNIST, FashionMNIST, CIFAR10 or CIFAR100;
- a folder with mnist_train.csv and mnist_test.csv, or one of these files: lines of a
  label and 784 pixels, with a line of names above or without;
- a folder of images in train/LABEL/ and test/LABEL/, LABEL being a number or, for
  CIFAR, the name of a class.

ImageNet cannot be downloaded without an account. Its source is a folder with
ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar, or with the images in
train/n01440764/ and val/n01440764/, and so on. The result takes as much space again,
and as much during the import. At the end every image is decoded once, some 1000 a
second and core, so that a broken one is found here and not in training.

    python -m launch.prepare_data --dataset=imagenet2012 --source=FOLDER

Penn Treebank belongs to the Linguistic Data Consortium and cannot be downloaded here
either. Its source is a folder with the files of Mikolov et al., compressed or not:
ptb.train.txt, ptb.valid.txt and ptb.test.txt, from the folder data of
simple-examples.tgz at www.fit.vutbr.cz/~imikolov/rnnlm.

    python -m launch.prepare_data --dataset=ptb --source=FOLDER

Result: DATA_DIR/cifar10/3.0.2, which `tfds.load("cifar10", download=False)` reads
(ImageNet is read by `tfds.data_source("imagenet2012")`), and one line that says so. An
interrupted run leaves nothing that looks prepared. An import takes about 15 s on two
cores.
"""

import sys
import time
from collections.abc import Callable

from absl import flags

from bsgen.data import prepared, registry

from . import entry, flag_help, paths

flag_help.section("Data")
_DATASET = flags.DEFINE_string(
    "dataset",
    "mnist",
    f"The dataset to prepare: {', '.join(registry.prepared_names())}.",
)
_DATA_DIR = paths.define(
    "data_dir",
    "",
    "Folder to prepare it in (default: $TFDS_DATA_DIR, else ~/tensorflow_datasets).",
)
_SOURCE = paths.define(
    "source",
    "",
    "A file or folder to import from (default: the dataset is downloaded).",
)
_FORCE = flags.DEFINE_bool(
    "force", False, "Replace the dataset if it is there already."
)
_SECONDS_BETWEEN_LINES = 10.0


def _say_now_and_then() -> Callable[[int, int], None]:
    """Returns a callback that prints every few seconds how many images are checked."""
    said = time.monotonic()

    def on_progress(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            print(f"checked {done:,} of {total:,} images", file=sys.stderr)

    return on_progress


def main(arguments: list[str]) -> None:
    """Prepares one dataset."""
    entry.refuse_arguments(arguments, "give --dataset, --data_dir, --source or --force")
    data_dir = str(prepared.resolve_data_dir(_DATA_DIR.value))
    dataset = registry.find_prepared(_DATASET.value)
    dataset.check(_SOURCE.value, data_dir, _FORCE.value)
    paths.check_output(data_dir, "data_dir")
    entry.load_tensorflow()
    import tensorflow_datasets as tfds

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    if _SOURCE.value:
        folder = dataset.import_files(
            _SOURCE.value, data_dir, _FORCE.value, _say_now_and_then()
        )
    else:
        print(f"downloading {_DATASET.value} to {data_dir}", file=sys.stderr)
        folder = dataset.download(data_dir, _FORCE.value)
    print(f"{_DATASET.value} is ready in {folder}")


if __name__ == "__main__":
    entry.run(main)
