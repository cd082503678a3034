"""Tests of what a run is executed on: checks, and that it is no part of its key."""

import dataclasses
import json

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.config import serialization


class HardwareTest(parameterized.TestCase):
    @parameterized.parameters(
        ({"strategy": "miror"}, "^strategy='miror': unknown; did you mean 'mirrored'"),
        ({"data_placement": "disk"}, "^data_placement='disk': unknown"),
        ({"gradient_accumulation": 0}, "^gradient_accumulation=0: "),
        ({"gradient_accumulation": 1.5}, "^gradient_accumulation=1.5: "),
        ({"strategy": "mirrored", "num_devices": 0}, "^num_devices=0: "),
        ({"num_devices": 2}, "^num_devices=2: .*mirrored"),
        ({"strategy": "multi_worker", "num_devices": 2}, "^num_devices=2: .*mirrored"),
        ({"strategy": "mirrored", "jit": True}, "^jit=True: "),
        ({"strategy": "multi_worker", "jit": True}, "^jit=True: "),
    )
    def test_a_mistake_is_named(self, values, message):
        with self.assertRaisesRegex(errors.UserError, message):
            config.HardwareConfig(**values)

    @parameterized.parameters(
        {"strategy": "mirrored", "num_devices": 2, "jit": False},
        {"strategy": "multi_worker", "gradient_accumulation": 4},
        {"jit": True, "deterministic": True, "data_placement": "stream"},
        {},
    )
    def test_round_trip(self, **values):
        hardware = config.HardwareConfig(**values)
        text = json.dumps(config.to_dict(hardware))
        again = serialization.structure(json.loads(text), config.HardwareConfig)
        self.assertEqual(again, hardware)

    def test_is_no_part_of_a_run(self):
        ours = {field.name for field in dataclasses.fields(config.HardwareConfig)}
        run = config.to_dict(config.RunConfig())
        groups = [run, *(v for v in run.values() if isinstance(v, dict))]
        for group in groups:
            self.assertNoCommonElements(ours, group)


if __name__ == "__main__":
    absltest.main()
