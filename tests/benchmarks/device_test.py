"""Tests of the device that benchmarks run on."""

import os
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

    def test_a_device_can_be_given(self):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from benchmarks import device; print(device.find())",
            ],
            input='["A card", true, 2e12]\n',
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, device.GIVEN: "1"},
        )
        self.assertEqual(done.stdout, "A card, copies at 2,000 GB/s\n")

    def test_the_driver_finds_a_card_where_tensorflow_does(self):
        if tf.config.list_physical_devices("GPU"):
            self.assertTrue(device.has_card())
        self.assertIsInstance(device.has_card(), bool)


if __name__ == "__main__":
    tf.test.main()
