"""Tests of the device that benchmarks run on."""

import subprocess
import sys
from unittest import mock

import tensorflow as tf

from benchmarks import device


class DeviceTest(tf.test.TestCase):
    def test_bandwidth_counts_bytes_read_and_written(self):
        num_bytes, num_copies = 2**22, 8
        clock = iter([0.0, 1.0, 0.0, 4.0, 0.0, 2.0, 0.0, 3.0])
        with mock.patch.object(device.time, "perf_counter", lambda: next(clock)):
            bandwidth = device.copy_bandwidth(num_bytes, num_copies)
        # The first chain compiles and is not counted; the best of the others takes 2 s.
        self.assertEqual(bandwidth, 2 * num_bytes * num_copies / 2)

    def test_the_device_is_named_without_holding_it(self):
        command = (
            "import sys\nfrom benchmarks import device\n"
            "if __name__ == '__main__':\n"
            "  found = device.find()\n"
            "  print(found, found.is_gpu, 'tensorflow' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", command], capture_output=True, text=True, check=True
        )
        has_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.assertRegex(done.stdout, rf", copies at [\d,]+ GB/s {has_gpu} False\n")


if __name__ == "__main__":
    tf.test.main()
