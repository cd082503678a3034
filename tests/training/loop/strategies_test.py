"""Tests of `bsgen.training.loop.strategies` on the devices of one machine."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors
from bsgen.training import provenance
from bsgen.training.loop import strategies
from tests.training import made_up_runs


class DevicesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((1, provenance.processor()), (2, "2 x CPU"))
    def test_one_process_is_the_chief(self, replicas, device):
        devices = made_up_runs.devices(replicas)
        self.assertEqual(devices.num_replicas, replicas)
        self.assertEqual((devices.num_workers, devices.worker), (1, 0))
        self.assertTrue(devices.is_chief)
        if not tf.config.list_physical_devices("GPU"):
            self.assertEqual(devices.hardware["device"], device)
        self.assertEqual(devices.hardware["engine"], "loop")
        self.assertEqual(devices.largest([3, 2**53 + 1, 0]), [3, 2**53 + 1, 0])

    @parameterized.parameters(1, 2)
    def test_an_array_lies_on_each_device(self, replicas):
        devices = made_up_runs.devices(replicas)
        array = np.arange(6, dtype=np.uint8).reshape(2, 3)
        placed = devices.on_each_replica(array)
        parts = devices.strategy.experimental_local_results(placed)
        self.assertLen(parts, replicas)
        for part in parts:
            np.testing.assert_array_equal(part, array)
            self.assertEqual(part.dtype, tf.uint8)
        self.assertLen({part.device for part in parts}, replicas)

        @tf.function
        def total(images):
            own = devices.strategy.run(lambda each: tf.cast(each, tf.int32), (images,))
            return devices.strategy.reduce(tf.distribute.ReduceOp.SUM, own, None)

        np.testing.assert_array_equal(total(placed), replicas * array.astype(int))

    def test_refuses_more_devices_than_there_are(self):
        hardware = config.HardwareConfig(strategy="mirrored", num_devices=61)
        with self.assertRaisesRegex(
            errors.UserError, r"num_devices=61: this machine has \d+ [CG]PU device"
        ):
            strategies.Devices(hardware)


if __name__ == "__main__":
    tf.test.main()
