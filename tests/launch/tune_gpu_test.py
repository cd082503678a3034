"""The flag that bounds a search's share of a GPU; the GPUs are stand-ins."""

from unittest import mock

import tensorflow as tf
from absl.testing import absltest, flagsaver

from bsgen import errors
from launch import search_gpu


class TuneGpuTest(absltest.TestCase):
    def _apply(self, devices, **given):
        with (
            flagsaver.flagsaver(**given),
            mock.patch.object(
                tf.config, "list_physical_devices", return_value=devices
            ) as seen,
            mock.patch.object(tf.config, "set_logical_device_configuration") as bound,
        ):
            search_gpu.check()
            search_gpu.apply()
        self.assertIn(seen.call_args, (None, mock.call("GPU")))
        return [call.args for call in bound.call_args_list]

    def test_every_gpu_is_bounded(self):
        found = self._apply(["one", "two"], gpu_memory_mb=512)
        self.assertEqual([device for device, _ in found], ["one", "two"])
        for _, (share,) in found:
            self.assertEqual(share.memory_limit, 512)

    def test_without_the_flag_nothing_is(self):
        self.assertEmpty(self._apply(["one"]))

    def test_no_gpu(self):
        message = "gpu_memory_mb=512: TensorFlow sees no GPU; leave it out"
        with self.assertRaisesRegex(errors.UserError, message):
            self._apply([], gpu_memory_mb=512)

    def test_not_positive(self):
        for number in (0, -3):
            message = f"gpu_memory_mb={number}: give an integer of at least 1"
            with self.assertRaisesRegex(errors.UserError, message):
                self._apply(["one"], gpu_memory_mb=number)


if __name__ == "__main__":
    absltest.main()
