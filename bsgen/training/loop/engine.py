"""The engine for big networks: trains one run on any devices and never loses work.

What a run computes follows from its configuration and step alone, so a run killed at
any moment continues from its last checkpoint as if nothing had happened: bit for bit on
one device with `HardwareConfig.deterministic`, else up to rounding. Checkpoints also
hold the records so far, so none is lost or doubled. A checkpoint is written after every
evaluation, every `checkpoint_seconds`, and when the run is asked to stop (SIGTERM,
SIGHUP, Ctrl-C).

`replica_program` says where the number of replicas changes what is computed.
"""

import contextlib
import os
import traceback

import tensorflow as tf

from bsgen import config, errors, interrupts
from bsgen.training import records, run_folder
from bsgen.training.loop import networks, run_loop, strategies, trainee
from bsgen.training.loop.options import Options
from bsgen.training.observer import Observer

_KEPT = networks.Networks()


@interrupts.kept()
def train(
    run: config.RunConfig,
    output_dir: str | os.PathLike,
    options: Options | None = None,
    observer: Observer | None = None,
) -> records.RunRecord | None:
    """Trains a run to its end, or returns the record of one that has finished.

    `output_dir` gets `config.json`, `metrics.jsonl` (a line an evaluation),
    `summary.json`, the checkpoints and finally the model, `model.keras`. Only the first
    of several workers writes.

    Args:
      run: of SGD with momentum.
      output_dir: for this run alone.
      options: devices, data folder, resuming and checkpoints; None for the defaults.
      observer: follows the run; None for warnings in the log.

    Returns:
      The record; None on workers other than the first.

    Raises:
      UserError: something does not fit, or another worker was lost.
      Interrupted: the run was asked to stop, and is saved.
    """
    options, observer = options or Options(), observer or Observer()
    if options.hardware.deterministic:
        tf.config.experimental.enable_op_determinism()
    devices = strategies.Devices(options.hardware)
    try:
        with run_folder.RunFolder(output_dir, run, options.hardware) as folder:
            found = summary = None
            if devices.is_chief:
                found = folder.open(options.resume, observer.warned)
                summary = folder.finished()
            if devices.largest([summary is not None])[0]:
                if summary is None:
                    return None
                history = folder.history(observer.warned)
                return records.from_history(run, summary, history)
            ready = trainee.Trainee(
                run, devices, options.hardware, options.data_dir, _KEPT
            )
            with contextlib.closing(ready):
                loop = run_loop.RunLoop(run, ready, devices, folder, options, observer)
                loop.restore(found)
                return loop.run()
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        if devices.num_workers == 1:
            raise
        # TensorFlow's reduction leaves a pool of threads in its frame. Left to the
        # garbage collector, it may end after its own pipe, and complains.
        traceback.clear_frames(error.__traceback__)
        remedy = "lost another worker; start all of them again with the same "
        remedy += "commands, and the run continues from its last checkpoint"
        raise errors.UserError(
            "TF_CONFIG", f"worker {devices.worker}", remedy
        ) from error
