"""Tests of the HParams events: what TensorBoard reads is what the table says."""

from unittest import mock

import pandas as pd
import tensorflow as tf
from absl.testing import absltest
from tensorboard.plugins.hparams import plugin_data_pb2

from bsgen import errors
from bsgen.tuning import hparams_events

_TRIALS = pd.DataFrame(
    {
        "batch_size": [32, 160],
        "learning_rate": [1.0, 0.5],
        "momentum": [0.9, 0.98],
        "score": [0.97, None],
        "num_steps": [600, 0],
        "seconds": [1.5, 0.25],
    }
)


class HparamsEventsTest(absltest.TestCase):
    def test_a_session_a_trial(self):
        folder = hparams_events.write(self.create_tempdir(), _TRIALS)
        sessions = sorted(folder.iterdir())
        self.assertLen(sessions, 2)
        for session, row in zip(sessions, _TRIALS.to_dict("records"), strict=True):
            hparams, scalars = _read(session)
            setting = {name: row[name] for name in hparams}
            self.assertEqual(hparams, setting)
            self.assertLen(hparams, 3)
            for name, value in scalars.items():
                self.assertAlmostEqual(value, row[name], places=6)
            self.assertEqual("score" in scalars, row["score"] == row["score"])

    def test_writes_in_place_of_older_ones(self):
        output_dir = self.create_tempdir()
        hparams_events.write(output_dir, _TRIALS)
        folder = hparams_events.write(output_dir, _TRIALS[:1])
        self.assertLen(list(folder.iterdir()), 1)

    def test_says_what_to_install(self):
        with mock.patch("importlib.util.find_spec", return_value=None):
            with self.assertRaisesRegex(errors.UserError, r"\.\[tensorboard\]"):
                hparams_events.write(self.create_tempdir(), _TRIALS)


def _read(session):
    hparams, scalars = {}, {}
    (path,) = session.iterdir()
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            plugin = value.metadata.plugin_data
            if plugin.plugin_name == "hparams":
                content = plugin_data_pb2.HParamsPluginData.FromString(plugin.content)
                for name, found in content.session_start_info.hparams.items():
                    hparams[name] = found.number_value
            elif plugin.plugin_name == "scalars":
                scalars[value.tag] = float(tf.make_ndarray(value.tensor))
    return hparams, scalars


if __name__ == "__main__":
    absltest.main()
