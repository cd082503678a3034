"""Tests of campaigns, with tiny studies made up here."""

import functools
import json
import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest

from bsgen import config, errors
from bsgen.studies import (
    campaign,
    claims,
    estimates,
    folder,
    measurement,
    measurement_store,
)
from bsgen.training import cost, execution, jobs, provenance, records
from tests.studies import made_up


def _run(seed, num_steps):
    return config.RunConfig(
        config.DataConfig("digits", 40),
        config.ModelConfig("mlp", (3,)),
        config.MomentumConfig(learning_rate=0.1),
        10,
        num_steps,
        (0,),
        seed,
    )


def _study(number, *lengths):
    """A study with a run for each number of steps and seed."""

    def judge(results):
        measured = estimates.mean(results.runs["final_test_accuracy"])
        return [claims.above("It learns", "accuracy", measured, "made up", bound=0.1)]

    def make_runs(scale, num_seeds):
        extra = 1000 if scale == "paper" else 0
        seeds = range(num_seeds or 2)
        return [_run(seed, length + extra) for length in lengths for seed in seeds]

    return made_up.a_study(f"made_up/fig{number}", make_runs, judge=judge)


class _CampaignsTest(absltest.TestCase):
    """Campaigns one after the other in `root`."""

    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir().full_path) / "results"
        self.opened = []

    def _open(self, *settings, **more):
        self._close()
        self.opened.append(campaign.Campaign(*settings, self.root, **more))
        self.addCleanup(self._close)
        return self.opened[-1]

    def _close(self):
        for each in self.opened:
            each.close()

    def _files(self):
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files if path.name != ".lock"}


class CampaignTest(_CampaignsTest):
    def setUp(self):
        super().setUp()
        # Figures 1 and 2 share the runs of 20 steps.
        self.studies = (_study(1, 10, 20), _study(2, 20, 30))

    def _campaign(self, studies=None, scale="quick", **settings):
        return self._open(studies or self.studies, scale, **settings)

    def _keys_in_file(self):
        lines = (self.root / "runs.jsonl").read_text().splitlines()
        return [json.loads(line)["key"] for line in lines]

    def test_trains_each_run_once_and_writes_every_study(self):
        work = self._campaign()
        self.assertLen(work.missing, 6)
        expected = sum(map(cost.seconds, work.missing))
        self.assertAlmostEqual(work.expected_seconds, expected, places=12)
        done, finished = [], []
        work.run(done.append, lambda study: finished.append(study.name))
        self.assertAlmostEqual(sum(done), expected, places=9)
        self.assertEqual(finished, ["made_up/fig1", "made_up/fig2"])
        keys = {_run(seed, n).key for seed in (0, 1) for n in (10, 20, 30)}
        self.assertCountEqual(self._keys_in_file(), keys)
        self.assertEmpty(work.missing)
        for name, lengths in (("made_up/fig1", (10, 20)), ("made_up/fig2", (20, 30))):
            written = folder.Folder(self.root, name)
            self.assertEqual(written.read_config()["scale"], "quick")
            results = written.read_results()
            self.assertEqual(results.runs["num_steps"].unique().tolist(), [*lengths])
            self.assertLen(results.runs, 4)
            self.assertLen(results.curves, 8)
            (claim,) = written.read_claims()
            mean = results.runs["final_test_accuracy"].mean()
            self.assertAlmostEqual(claim.measured, mean, places=12)

    def test_a_second_start_trains_nothing(self):
        self._campaign().run()
        before = self._files()
        work = self._campaign()
        self.assertEmpty(work.missing)
        self.assertEqual(work.expected_seconds, 0)
        finished = []
        work.run(self.fail, lambda study: finished.append(study.name))
        self.assertEqual(finished, ["made_up/fig1", "made_up/fig2"])
        after = self._files()
        self.assertEqual(after, before)

    def test_a_study_is_written_when_its_last_run_has_finished(self):
        seen = {}

        def on_study(finished):
            seen[finished.name] = len(self._keys_in_file())

        self._campaign().run(on_study=on_study)
        self.assertEqual(seen, {"made_up/fig1": 4, "made_up/fig2": 6})

    def test_killed_in_between_it_keeps_what_has_finished(self):
        budget = [2 * cost.seconds(_run(0, 10)) + 1.5 * cost.seconds(_run(0, 20))]

        def interrupt(seconds):
            budget[0] -= seconds
            if budget[0] < 0:
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self._campaign().run(interrupt)
        kept = self._keys_in_file()
        self.assertCountEqual(kept, [_run(seed, 10).key for seed in (0, 1)])
        self.assertFalse(folder.Folder(self.root, "made_up/fig1").is_finished())
        work = self._campaign()
        self.assertLen(work.missing, 4)
        work.run()
        self.assertEqual(self._keys_in_file()[:2], kept)
        self.assertLen(set(self._keys_in_file()), 6)
        self.assertLen(self._keys_in_file(), 6)
        self.assertTrue(folder.Folder(self.root, "made_up/fig2").is_finished())

    def test_more_seeds_add_to_what_is_there(self):
        self._campaign().run()
        work = self._campaign(num_seeds=3)
        missing = {_run(2, n).key for n in (10, 20, 30)}
        self.assertEqual({run.key for run in work.missing}, missing)
        work.run()
        self.assertLen(folder.Folder(self.root, "made_up/fig1").read_results().runs, 6)

    def test_force_trains_again(self):
        self._campaign().run()
        work = self._campaign(force=True)
        self.assertLen(work.missing, 6)
        work.run()
        self.assertLen(self._keys_in_file(), 12)
        self.assertLen(set(self._keys_in_file()), 6)

    def test_a_refusal_changes_no_folder(self):
        self._campaign(self.studies[1:]).run()
        before = self._files()
        with self.assertRaisesRegex(errors.UserError, "made_up/fig2 .*scale=quick"):
            self._campaign(scale="paper")
        after = self._files()
        self.assertEqual(after, before)

    def test_data_are_checked_before_anything_is_written(self):
        mnist = config.RunConfig(config.DataConfig("mnist", 40), batch_size=10)
        bad = made_up.a_study("made_up/fig3", lambda scale, seeds: [mnist])
        empty = self.create_tempdir().full_path
        with self.assertRaisesRegex(errors.UserError, "^dataset='mnist': not prepared"):
            self._campaign((self.studies[0], bad), data_dir=empty)
        self.assertFalse(self.root.exists())

    def test_another_process_s_runs_are_not_lost(self):
        work = self._campaign()
        records.RunStore(self.root).add(
            [records.RunRecord(_run(9, 10), "diverged", {}, {}, 1.0)]
        )
        work.run()
        self.assertIsNotNone(records.RunStore(self.root).find(_run(9, 10)))

    def test_one_campaign_at_a_time(self):
        """A second one would train the same runs again, and write each line twice."""
        work = self._campaign()
        with self.assertRaisesRegex(errors.UserError, "in use by process"):
            campaign.Campaign(self.studies, "quick", self.root)
        work.run()
        self.assertLen(self._keys_in_file(), 6)
        work.close()
        with campaign.Campaign(self.studies, "quick", self.root) as second:
            self.assertEmpty(second.missing)

    def test_a_refusal_gives_the_folder_back(self):
        self._campaign(self.studies[1:])
        self._close()
        with self.assertRaisesRegex(errors.UserError, "scale=quick"):
            campaign.Campaign(self.studies, "paper", self.root)
        self._campaign()

    def test_training_is_asked_only_for_what_is_missing(self):
        self._campaign(self.studies[:1]).run()
        with mock.patch.object(execution, "plan", return_value=[]) as plan:
            self._campaign().run()
        missing = plan.call_args.args[0]
        self.assertEqual([run.num_steps for run in missing], [30, 30])


def _measuring_study(log):
    """Two measurements, each of a run of its own; `log` gets the places."""

    def make(scale, num_seeds):
        def measure(place, run):
            log.append(place)
            accuracy = place.record(run).final["test_accuracy"]
            return [{"part": part, "value": accuracy + part} for part in (0, 1)]

        runs = [_run(seed, 10) for seed in range(num_seeds or 2)]
        return [
            measurement.Measurement(
                {"seed": run.seed},
                functools.partial(measure, run=run),
                (run,),
                seconds=3.0,
                engine="numpy" if run.seed else "tensorflow",
            )
            for run in runs
        ]

    def judge(results):
        found = estimates.mean(results.measurements["value"])
        return [claims.above("It is", "value", found, "made up")]

    return made_up.a_study("made_up/fig4", judge=judge, make_measurements=make)


class MeasuringCampaignTest(_CampaignsTest):
    def setUp(self):
        super().setUp()
        self.places = []
        self.study = _measuring_study(self.places)

    def _campaign(self, **settings):
        return self._open([self.study], "quick", **settings)

    def test_measures_after_training(self):
        work = self._campaign()
        self.assertEqual((len(work.missing), len(work.unmeasured)), (2, 2))
        training = 2 * cost.seconds(_run(0, 10), keeps_network=True)
        self.assertAlmostEqual(work.expected_seconds, training + 6.0, places=9)
        done, finished = [], []
        work.run(done.append, finished.append)
        self.assertAlmostEqual(sum(done), training + 6.0, places=9)
        self.assertEqual(finished, [self.study])
        self.assertEmpty(work.unmeasured)
        results = folder.Folder(self.root, "made_up/fig4").read_results()
        self.assertLen(results.runs, 2)
        table = results.measurements
        self.assertEqual(table["seed"].tolist(), [0, 0, 1, 1])
        accuracies = results.runs["final_test_accuracy"].repeat(2).to_numpy()
        np.testing.assert_allclose(table["value"], accuracies + table["part"])
        self.assertLen({place.folder for place in self.places}, 2)
        store = measurement_store.MeasurementStore(self.root)
        for entry, engine in zip(
            self.study.measurements("quick"), ("tensorflow", "numpy"), strict=True
        ):
            made_on = store.by_key(entry.key).hardware
            self.assertEqual(made_on, provenance.hardware(engine))

    def test_measurements_wait_for_their_runs(self):
        with mock.patch.object(jobs, "perform") as perform:
            self._campaign().run()
        needs = [job.needs for job in perform.call_args.args[0] if job.needs]
        self.assertEqual(needs, [(_run(seed, 10).key,) for seed in (0, 1)])

    def test_what_is_measured_is_not_measured_again(self):
        self._campaign().run()
        again = self._campaign(num_seeds=3)
        self.assertLen(again.unmeasured, 1)
        again.run()
        self.assertLen(self.places, 3)
        self._campaign(num_seeds=3, force=True).run()
        self.assertLen(self.places, 6)

    def test_what_is_measured_has_its_network(self):
        """Also if the record comes from elsewhere, or from another study's ensemble."""
        store = records.RunStore(self.root)
        runs = [_run(seed, 10) for seed in range(3)]
        execution.execute(runs, store)
        self.assertFalse(store.network(runs[0]).exists())
        work = self._campaign()
        self.assertEqual(work.missing, runs[:2])
        work.run()
        kept = [store.network(run).exists() for run in runs]
        self.assertEqual(kept, [True, True, False])
        store.network(runs[0]).unlink()
        self.assertEmpty(self._campaign().missing)  # it has been measured

    def test_killed_in_between_it_keeps_what_is_measured(self):
        def interrupt(seconds):
            if seconds == 3.0:
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self._campaign().run(interrupt)
        self.assertLen(self._campaign().unmeasured, 1)
        self._campaign().run()
        self.assertLen(self.places, 2)

    def test_its_data_are_checked_before_anything_is_written(self):
        needs = measurement.Measurement({}, print, datasets=("mnist",))
        self.study = made_up.a_study(
            "made_up/fig5", make_measurements=lambda scale, n: [needs]
        )
        empty = self.create_tempdir().full_path
        with self.assertRaisesRegex(errors.UserError, "^dataset='mnist': not prepared"):
            self._campaign(data_dir=empty)
        self.assertFalse(self.root.exists())


if __name__ == "__main__":
    absltest.main()
