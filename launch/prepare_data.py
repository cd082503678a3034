"""Prepares MNIST or Fashion-MNIST for TensorFlow Datasets, once.

Download (the only command of this project that uses the network):

    python -m launch.prepare_data --dataset=mnist --data_dir=$HOME/tensorflow_datasets

Offline, from one .npz file as Keras has it (x_train, y_train, x_test, y_test), or from
a folder with mnist_train.npz and mnist_test.npz (images, labels), with the four IDX
files (.gz or not), or with images in train/LABEL/ and test/LABEL/:

    python -m launch.prepare_data --dataset=mnist --source=FILE_OR_FOLDER

Result: DATA_DIR/mnist/3.0.1, which `tfds.load("mnist", download=False)` reads, and one
line that says so. An interrupted run leaves nothing that looks prepared. An import
takes about 10 s on two cores.
"""

import sys

from absl import flags

from bsgen import errors
from launch import entry

_DATASET = flags.DEFINE_string(
    "dataset", "mnist", "Which dataset to prepare: mnist or fashion_mnist."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", "", "Where: $TFDS_DATA_DIR, else ~/tensorflow_datasets, if not given."
)
_SOURCE = flags.DEFINE_string(
    "source", "", "A file or folder to import from; downloads if not given."
)
_FORCE = flags.DEFINE_bool(
    "force", False, "Replace the dataset if it is there already."
)


def main(arguments: list[str]) -> None:
    """Prepares one dataset."""
    if len(arguments) > 1:
        remedy = "not a flag; give --dataset, --data_dir, --source or --force"
        raise errors.UserError("argument", arguments[1], remedy)
    entry.load_tensorflow()
    import tensorflow_datasets as tfds

    from bsgen.data import imports, prepared

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    data_dir = str(prepared.resolve_data_dir(_DATA_DIR.value))
    if _SOURCE.value:
        folder = imports.import_files(
            _DATASET.value, _SOURCE.value, data_dir, _FORCE.value
        )
    else:
        print(f"downloading {_DATASET.value} to {data_dir}", file=sys.stderr)
        folder = imports.download(_DATASET.value, data_dir, _FORCE.value)
    print(f"{_DATASET.value} is ready in {folder}")


if __name__ == "__main__":
    entry.run(main)
