"""The trials of a search for TensorBoard's HParams page; an optional extra."""

import importlib.util
import os
import pathlib
import shutil

import pandas as pd
import tensorflow as tf

from bsgen import errors

_SETTING = ("batch_size", "learning_rate", "momentum")


def require() -> None:
    """Checks that TensorBoard is installed.

    Raises:
      UserError: it is not; the message says how to install it.
    """
    if importlib.util.find_spec("tensorboard") is None:
        remedy = "is not installed: pip install -c constraints.txt -e '.[tensorboard]'"
        raise errors.UserError("tensorboard", True, remedy)


def write(output_dir: str | os.PathLike, trials: pd.DataFrame) -> pathlib.Path:
    """Writes a session a trial to `output_dir/tensorboard`, in place of older ones.

    Args:
      output_dir: of the search.
      trials: its table of trials; see `search_folder`.

    Returns:
      The folder, for `tensorboard --logdir`.

    Raises:
      UserError: TensorBoard is not installed.
    """
    require()
    from tensorboard.plugins.hparams import api  # Not there without the extra.

    folder = pathlib.Path(output_dir) / "tensorboard"
    shutil.rmtree(folder, ignore_errors=True)
    for number, row in enumerate(trials.to_dict("records")):
        name = f"trial_{number:04d}"
        with tf.summary.create_file_writer(str(folder / name)).as_default():
            api.hparams({field: row[field] for field in _SETTING}, trial_id=name)
            for metric in ("score", "num_steps", "seconds"):
                if not pd.isna(row[metric]):
                    tf.summary.scalar(metric, row[metric], step=0)
    return folder
