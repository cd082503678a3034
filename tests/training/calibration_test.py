"""Tests of the speed of this machine: measured once, kept, never in the way."""

import dataclasses
import math
import os
import pathlib
import time
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.training import calibration, calibration_probes, cost, provenance

_SPEED = dataclasses.replace(cost.ONE_CORE, device="a machine", launch=1 / 3)


class CalibrationTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.cache = pathlib.Path(self.create_tempdir().full_path)
        self.enterContext(
            mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(self.cache)})
        )
        self.path = self.cache / "bsgen" / "calibration.json"
        self.said = []

    def measure(self, **probes):
        probes = probes or {"return_value": _SPEED}
        with mock.patch.object(calibration_probes, "measure", **probes):
            return calibration.measure(self.said.append)

    def test_is_kept(self):
        self.assertIsNone(calibration.known())
        self.assertEqual(self.measure(), _SPEED)
        self.assertEqual(calibration.known(), _SPEED)
        self.assertEmpty(self.said)

    def test_other_hardware_and_versions_have_entries_of_their_own(self):
        self.measure()
        other = dataclasses.replace(_SPEED, device="another")
        for patch in (
            mock.patch.object(provenance, "processor", lambda: "another, 4 cores"),
            mock.patch.object(provenance, "versions", lambda: {"tensorflow": "3"}),
            mock.patch.object(calibration, "_cards", lambda: "NVIDIA H200"),
            mock.patch.dict(os.environ, {"CUDA_VISIBLE_DEVICES": "1"}),
            mock.patch.dict(os.environ, {"TF_NUM_INTRAOP_THREADS": "3"}),
        ):
            with patch:
                self.assertIsNone(calibration.known())
                self.measure(return_value=other)
                self.assertEqual(calibration.known(), other)
            self.assertEqual(calibration.known(), _SPEED)

    @parameterized.parameters(
        b"", b"[]", b"{}", b"\xff", b'{"version": 1}', b'{"version": 2, "a": 3}'
    )
    def test_a_damaged_file_is_made_again(self, content):
        self.path.parent.mkdir()
        self.path.write_bytes(content)
        self.assertIsNone(calibration.known())
        self.measure()
        self.assertEqual(calibration.known(), _SPEED)

    @parameterized.parameters(-1.0, math.nan, "fast")
    def test_impossible_speeds_are_not_believed(self, launch):
        self.measure(return_value=dataclasses.replace(_SPEED, launch=launch))
        self.assertIsNone(calibration.known())

    def test_a_folder_that_cannot_be_written_is_no_failure(self):
        (self.cache / "bsgen").write_text("a file")
        self.assertEqual(self.measure(), _SPEED)
        self.assertIsNone(calibration.known())
        self.assertLen(self.said, 1)
        self.assertIn("is not kept: ", self.said[0])

    def test_a_machine_that_cannot_be_measured(self):
        error = errors.UserError("batch_size", 8, "the memory does not suffice")
        self.assertEqual(self.measure(side_effect=error), cost.ONE_CORE)
        self.assertRegex(self.said[0], r"cannot be measured \(batch_size=8: the memory")
        self.assertIsNone(calibration.known())

    def test_this_machine(self):
        """Its parts are not negative, and whole trainings take plausible times.

        With fewer steps than for the list, which say less, and in processor time, which
        other work on the machine does not stretch.
        """
        fewer = {"_ONE": (50, 2050), "_MANY": (5, 45), "_LARGE": (5, 15)}
        fewer["_LOOP_STEPS"] = (20, 120)
        clock = mock.Mock(perf_counter=time.process_time)
        with mock.patch.multiple(calibration_probes, time=clock, **fewer):
            speed = calibration_probes.measure()
        self.assertEqual(calibration._from_values(dataclasses.asdict(speed)), speed)
        self.assertEqual(speed.device, provenance.hardware("ensemble")["device"])
        self.assertGreater(speed.launch + speed.weight + speed.operation, 0)
        self.assertGreater(speed.program, 0)
        self.assertGreater(speed.loop_start, 0)
        # Between a tenth and a thousand times an operation of two idle cores.
        slower = speed.loop_operation / cost.ONE_CORE.loop_operation
        self.assertBetween(slower, 1e-4, 1e3)


if __name__ == "__main__":
    absltest.main()
