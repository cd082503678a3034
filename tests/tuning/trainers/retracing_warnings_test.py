"""TensorFlow's warning of retracing is hidden, others are not."""

import tensorflow as tf
from absl.testing import absltest

from bsgen.tuning.trainers import retracing_warnings


def _following(value):
    return value + 1


def _previous(value):
    return value - 1


def _retrace(function):
    """TensorFlow warns twice of one function, so each call takes another."""
    retraced = tf.function(function)
    for number in range(12):
        retraced(number)


class HiddenTest(absltest.TestCase):
    def test_hides_that_warning_only(self):
        with self.assertLogs("tensorflow", "WARNING") as seen:
            with retracing_warnings.hidden():
                _retrace(_following)
                tf.get_logger().warning("another")
            self.assertEqual([each.getMessage() for each in seen.records], ["another"])
            _retrace(_previous)
        self.assertIn("triggered tf.function retracing", seen.records[-1].getMessage())


if __name__ == "__main__":
    absltest.main()
