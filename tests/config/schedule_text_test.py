"""Tests of `bsgen.config.schedule_text`."""

import typing

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.config import schedule, schedule_text


class ScheduleTextTest(parameterized.TestCase):
    @parameterized.parameters(
        ("constant", config.Constant()),
        (
            "stepwise boundaries=81,122.5 factors=0.1,1e-2",
            config.Stepwise((81.0, 122.5), (0.1, 0.01)),
        ),
        (
            " stepwise  factors=2 unit=steps boundaries=4 ",
            config.Stepwise((4.0,), (2.0,), "steps"),
        ),
        (
            "cyclic factors=1,5 period=10 shape=linear",
            config.Cyclic((1.0, 5.0), 10.0, shape="linear"),
        ),
        ("constant_then_decay", config.ConstantThenDecay()),
        (
            "constant_then_decay decay=3 num_decays=4 constant_share=0.25",
            config.ConstantThenDecay(3.0, 4, 0.25),
        ),
    )
    def test_reads_a_line(self, text, expected):
        found = schedule_text.parse_schedule(text)
        self.assertEqual(found, expected)
        # Equal numbers of other types would make another key of a run.
        self.assertEqual(repr(found), repr(expected))

    def test_knows_every_schedule(self):
        self.assertLen(schedule_text._CLASSES, 4)
        self.assertLen(typing.get_args(schedule.Schedule), 4)

    def test_the_examples_of_the_docstring_are_read(self):
        lines = schedule_text.__doc__.splitlines()
        examples = [line for line in lines if line.split()[:1] != [] and "=" in line]
        examples = [line for line in examples if "NAME" not in line]
        self.assertLen(examples, 3)
        for line in examples:
            schedule_text.parse_schedule(line)

    @parameterized.parameters(
        ("", "batch_size_schedule='': unknown; "),
        ("stepwse", "batch_size_schedule='stepwse': .*'stepwise'"),
        ("stepwise boundary=3", "batch_size_schedule='boundary': .*'boundaries'"),
        ("stepwise name=cyclic", "batch_size_schedule='name': unknown"),
        ("stepwise boundaries", "batch_size_schedule='boundaries': give numbers"),
        ("stepwise boundaries=3, factors=2", "='boundaries=3,': give numbers"),
        ("stepwise boundaries=a factors=1", "='boundaries=a': give numbers"),
        ("cyclic factors=1,2 period=x", "='period=x': give numbers"),
        ("constant_then_decay num_decays=1.5", "num_decays=1.5: give an integer"),
        ("cyclic factors=1 period=3", "factors=.*at least two"),
        ("cyclic factors=1,2 unit=days", "unit='days': unknown"),
        ("stepwise boundaries=2 boundaries=3 factors=1", "='boundaries=3': .*once"),
        ("constant 3", "batch_size_schedule='3': unknown"),
    )
    def test_says_what_is_wrong(self, text, message):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            schedule_text.parse_schedule(text, "batch_size_schedule")
        self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
    absltest.main()
