"""Tests that a campaign takes in runs that another machine has finished."""

import json
import pathlib

import pandas as pd
from absl.testing import absltest

from bsgen import config
from bsgen.reports import captions
from bsgen.studies import campaign, folder, measurement
from bsgen.training import provenance, records
from tests.studies import made_up

_NAME = "made_up/fig1"


def _run(seed):
    data, model = config.DataConfig("digits", 40), config.ModelConfig("mlp", (3,))
    return config.RunConfig(data, model, batch_size=10, num_steps=10, seed=seed)


def _record(seed, accuracy, **more):
    final = {"test_accuracy": accuracy}
    return records.RunRecord(_run(seed), "completed", {}, final, 0.5, **more)


class ElsewhereTest(absltest.TestCase):
    def test_only_the_rest_is_trained(self):
        """Seeds 0 and 1 come from an older version, 1 and 2 from a GPU, 3 is missing.

        The three files are joined as `cat` would.
        """
        root = pathlib.Path(self.create_tempdir().full_path)
        older = [_record(seed, 0.25).to_values() for seed in (0, 1)]
        text = "".join(json.dumps(values) + "\n" for values in older).encode()
        for folder_name, seed in (("first", 1), ("second", 2)):
            hardware = {"device": "NVIDIA H200", "tensorflow": "2.21.0"}
            made = _record(seed, 0.5, hardware=hardware)
            records.RunStore(root / folder_name).add([made])
            text += (root / folder_name / "runs.jsonl").read_bytes()
        output_dir = root / "results"
        output_dir.mkdir()
        (output_dir / "runs.jsonl").write_bytes(text)

        study = made_up.a_study(_NAME, lambda scale, seeds: list(map(_run, range(4))))
        said = []
        with campaign.Campaign([study], "quick", output_dir, warn=said.append) as work:
            self.assertEqual(work.missing, [_run(3)])
            work.run()
        self.assertLen(said, 2)
        self.assertIn("2 of 4 lines are of an older version", said[0])
        self.assertIn("1 of 4 lines repeat a run; the last", said[1])
        self.assertTrue((output_dir / "runs.jsonl").read_bytes().startswith(text))

        results = folder.Folder(output_dir, _NAME).read_results()
        table = results.runs.set_index("seed")
        accuracies = table["final_test_accuracy"][[0, 1, 2]].tolist()
        self.assertEqual(accuracies, [0.25, 0.5, 0.5])
        here = provenance.processor()
        self.assertEqual(table["hardware"][1:].tolist(), ["NVIDIA H200"] * 2 + [here])
        self.assertTrue(pd.isna(table["hardware"][0]))
        said = captions.hardware([results])
        self.assertStartsWith(said, "Trained on NVIDIA H200 (2 runs)")
        self.assertIn("hardware that was not recorded (1 run)", said)
        self.assertIn(f"{here} (1 run)", said)

    def test_a_measurement_may_take_their_records_without_networks(self):
        root = pathlib.Path(self.create_tempdir().full_path) / "results"
        records.RunStore(root).add([_record(0, 0.25)])

        def measure(place):
            return [{"value": 2 * place.record(_run(0)).final["test_accuracy"]}]

        entry = measurement.Measurement({"seed": 0}, measure, recorded=(_run(0),))
        without = measurement.Measurement({"seed": 0}, measure)
        self.assertNotEqual(entry.key, without.key)
        study = made_up.a_study(_NAME, make_measurements=lambda scale, seeds: [entry])
        self.assertEqual(study.runs("quick"), [_run(0)])
        with campaign.Campaign([study], "quick", root) as work:
            self.assertEmpty(work.missing)
            work.run()
        results = folder.Folder(root, _NAME).read_results()
        self.assertEqual(results.measurements["value"].tolist(), [0.5])
        self.assertEqual(results.runs["key"].tolist(), [_run(0).key])


if __name__ == "__main__":
    absltest.main()
