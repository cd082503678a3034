"""What every test needs before TensorFlow starts: quiet, scratch space, two devices."""

import atexit
import os
import random
import shutil
import signal
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["MPLBACKEND"] = "Agg"
# Hundreds of small programs take less time to run than to be made faster: of 0.58 s of
# a core that one takes to be compiled, this spares 0.2 s. Only rounding differs.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
# absltest's create_tempdir otherwise shares one folder among all runs of a machine.
os.environ["TEST_TMPDIR"] = tempfile.mkdtemp(prefix="bsgen-tests-")
atexit.register(shutil.rmtree, os.environ["TEST_TMPDIR"], ignore_errors=True)
# What TensorFlow, its datasets and killed processes leave in /tmp goes with it, too.
os.environ["TMPDIR"] = tempfile.tempdir = os.environ["TEST_TMPDIR"]
# A killed process loses nothing that it has handed to the system, and no test cuts the
# power: waiting for the disk was half of the time of some files.
os.fsync = lambda descriptor: None
# What a shell starts in the background ignores Ctrl-C, and so would the processes that
# tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import flags  # noqa: E402

# create_tempdir reads an absl flag, and pytest leaves the command line to itself.
flags.FLAGS.mark_as_parsed()

# The rooms of the longest files come first: one of them at the end would be waited for.
_LONGEST = ("launch", "docs", "training", "tuning", "measures", "benchmarks", "models")


def pytest_collection_modifyitems(items):
    """Sorts the rooms by the longest of their files."""
    places = {room: place for place, room in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.split("/")[1], len(places)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Gives a test the same random numbers each time, whatever has run before.

    From Python's generator Keras draws the initial weights of layers without a seed.
    """
    random.seed(item.nodeid)


# Two logical devices let MirroredStrategy be tested on any machine. TensorFlow takes
# this setting only before its first operation, hence once, here.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
)
