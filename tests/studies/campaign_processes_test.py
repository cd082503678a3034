"""A campaign by several processes finds what one by a single process does."""

import dataclasses
import pathlib

import numpy as np
from absl.testing import absltest

from bsgen import config
from bsgen.studies import campaign, claims, estimates, folder, measurement
from bsgen.training import provenance, records
from tests.studies import made_up
from tests.training import made_up_jobs

_TASK = config.DataConfig("gaussian_random", 20, scaling="none")
_LINEAR = config.ModelConfig("logistic_regression", ())
_EXACT = config.RunConfig(_TASK, _LINEAR, config.NewtonConfig(l2=1.0))


def measure(place):
    """Reads the run that it needs, its network, and trains one of its own."""
    run, more = made_up_jobs.run(0), made_up_jobs.run(7)
    record = place.record(run)
    (trained,) = place.train([more])
    return [
        {
            "value": record.final["test_accuracy"],
            "more": trained.final["test_accuracy"],
            "weights": place.model(run).count_params(),
        }
    ]


def _study():
    def judge(results):
        found = estimates.mean(results.measurements["value"])
        return [claims.above("It is", "value", found, "made up")]

    runs = [made_up_jobs.run(1), made_up_jobs.run(2, 60), _EXACT]
    entry = measurement.Measurement({"seed": 0}, measure, (made_up_jobs.run(0),))
    return made_up.a_study(
        "made_up/fig1",
        lambda scale, seeds: runs,
        judge=judge,
        make_measurements=lambda scale, seeds: [entry],
    )


class CampaignProcessesTest(absltest.TestCase):
    def test_results_are_those_of_one_process(self):
        found = {}
        for number in (1, 2):
            root = pathlib.Path(self.create_tempdir(f"by_{number}").full_path)
            work, studies = [], []
            with campaign.Campaign([_study()], "quick", root) as one:
                expected = one.expected_seconds
                one.run(work.append, studies.append, number)
                self.assertEmpty(one.missing)
                self.assertEmpty(one.unmeasured)
            self.assertAlmostEqual(sum(work), expected, places=9)
            self.assertLen(studies, 1)
            lines = (root / "runs.jsonl").read_bytes().splitlines()
            self.assertLen(lines, 5)
            table = folder.Folder(root, "made_up/fig1").read_results().measurements
            found[number] = records.RunStore(root), table
        names = ["value", "more", "weights"]
        tables = [table[names].to_numpy(float) for _, table in found.values()]
        np.testing.assert_allclose(*tables, rtol=1e-5)
        for run in (*map(made_up_jobs.run, (0, 1, 7)), made_up_jobs.run(2, 60), _EXACT):
            one, two = (store.find(run) for store, _ in found.values())
            without_times = dataclasses.replace(one, curve={}, final={}, seconds=0.0)
            self.assertEqual(
                dataclasses.replace(two, curve={}, final={}, seconds=0.0), without_times
            )
            self.assertEqual(one.curve.keys(), two.curve.keys())
            self.assertEqual(one.final.keys(), two.final.keys())
            for name, value in one.final.items():
                self.assertAlmostEqual(two.final[name], value, places=5)
        self.assertEqual(one.hardware, provenance.hardware("minima"))


if __name__ == "__main__":
    absltest.main()
