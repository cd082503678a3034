"""What every test needs before TensorFlow starts: quiet, scratch space, two devices."""

import atexit
import os
import shutil
import signal
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["MPLBACKEND"] = "Agg"
# absltest's create_tempdir otherwise shares one folder among all runs of a machine.
os.environ["TEST_TMPDIR"] = tempfile.mkdtemp(prefix="bsgen-tests-")
atexit.register(shutil.rmtree, os.environ["TEST_TMPDIR"], ignore_errors=True)
# What TensorFlow, its datasets and killed processes leave in /tmp goes with it, too.
os.environ["TMPDIR"] = tempfile.tempdir = os.environ["TEST_TMPDIR"]
# What a shell starts in the background ignores Ctrl-C, and so would the processes that
# tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

import tensorflow as tf  # noqa: E402
from absl import flags  # noqa: E402

# create_tempdir reads an absl flag, and pytest leaves the command line to itself.
flags.FLAGS.mark_as_parsed()


def pytest_collection_modifyitems(items):
    """Puts launchers' tests first: one of them at the end would be waited for."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/launch/"))


# Two logical devices let MirroredStrategy be tested on any machine. TensorFlow takes
# this setting only before its first operation, hence once, here.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
)
