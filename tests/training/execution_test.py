"""Tests of training what is missing, and of storing runs as they finish."""

import collections
import dataclasses
import os
import pathlib
import signal
from unittest import mock

from absl.testing import absltest

from bsgen import config, data, errors
from bsgen.training import (
    cost,
    ensemble,
    execution,
    interruption,
    loop,
    provenance,
    records,
)
from tests import lost_interrupts
from tests.data import made_up_imagenet

_DATA = config.DataConfig("digits", 50)
_TASK = config.DataConfig("gaussian_random", 20, scaling="none")
_MODEL = config.ModelConfig("mlp", (4,))


def _run(seed, num_steps=30, **settings):
    return config.RunConfig(
        _DATA, _MODEL, config.MomentumConfig(**settings), 10, num_steps, (0, 5), seed
    )


def _exact(l2):
    linear = config.ModelConfig("logistic_regression", ())
    return config.RunConfig(_TASK, linear, config.NewtonConfig(l2=l2))


class ExecuteTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.store = records.RunStore(self.folder)

    def test_a_signal_in_the_last_steps_of_a_run_stops_before_the_next(self):
        runs = [_run(seed) for seed in range(3)]
        keys = [run.key for run in runs]  # networks are kept by the loop, one by one
        done = []

        def on_work(seconds):
            done.append(seconds)
            is_last = sum(done) > 0.99 * cost.seconds(runs[0], True)
            if is_last and len(self.store.missing(runs)) == 3:
                os.kill(os.getpid(), signal.SIGTERM)

        with self.assertRaises(interruption.Interrupted):
            execution.execute(runs, self.store, on_work=on_work, keep_networks=keys)
        self.assertEqual(len(self.store.missing(runs)), 2)
        execution.execute(runs, self.store, keep_networks=keys)
        self.assertEmpty(self.store.missing(runs))

    def test_trains_any_mixture_and_then_nothing_more(self):
        runs = [_run(0), _exact(0.1), _run(1, num_steps=20), _run(0), _exact(1.0)]
        seen = []

        def on_record(record):
            # On the disk before the callback.
            stored = records.RunStore(self.folder).find(record.run)
            self.assertEqual(stored, self.store.find(record.run))
            seen.append(record.run.key)

        execution.execute(runs, self.store, on_record=on_record)
        self.assertCountEqual(seen, {run.key for run in runs})
        self.assertIn("test_accuracy", self.store.find(_run(0)).final)
        self.assertIn("log_evidence_ratio", self.store.find(_exact(1.0)).final)
        before = self.store.path.read_bytes()
        execution.execute(runs, self.store, on_record=on_record)
        self.assertLen(seen, 4)
        self.assertEqual(self.store.path.read_bytes(), before)

    def test_records_name_the_hardware(self):
        runs = {"ensemble": _run(1), "minima": _exact(1.0), "loop": _run(0)}
        kept = {runs["loop"].key}
        execution.execute(runs.values(), self.store, keep_networks=kept)
        for engine, run in runs.items():
            found = self.store.find(run).hardware
            self.assertEqual(found, provenance.hardware(engine))
        (summary,) = self.folder.glob("runs/*/summary.json")
        self.assertIn(provenance.processor(), summary.read_text())

    def test_a_run_that_another_machine_has_trained_names_that_one(self):
        run, other = _run(0), {"device": "a card", "engine": "loop"}
        made = records.RunRecord(run, "diverged", {}, {}, 1.0, hardware=other)
        with mock.patch.object(loop, "train", return_value=made):
            execution.execute([run], self.store, keep_networks={run.key})
        self.assertEqual(self.store.find(run).hardware, other)

    def test_work_sums_to_the_cost(self):
        # The second diverges long before its end, yet its whole cost is counted.
        runs = [_run(0), _run(1, num_steps=2000, learning_rate=1e30), _exact(1.0)]
        work = []
        execution.execute(runs, self.store, on_work=work.append)
        self.assertEqual(self.store.find(runs[1]).status, "diverged")
        self.assertAlmostEqual(sum(work), sum(map(cost.seconds, runs)), places=9)

    def test_runs_one_by_one_keep_their_networks_alone(self):
        run, work = _run(0), []
        keep = {"keep_networks": {run.key}}
        execution.execute([run], self.store, on_work=work.append, **keep)
        self.assertAlmostEqual(sum(work), cost.seconds(run, True), places=9)
        kept = self.folder / "runs" / run.key
        self.assertTrue((kept / "model.keras").exists())
        self.assertEmpty(list(kept.glob("*.npz")) + list(kept.glob("checkpoint*")))
        # Killed between the end of the run and its record: it is not trained again.
        self.store.path.unlink()
        before = (kept / "model.keras").stat().st_mtime_ns
        store = records.RunStore(self.folder)
        execution.execute([run], store, **keep)
        self.assertEqual((kept / "model.keras").stat().st_mtime_ns, before)
        self.assertEqual(store.find(run), self.store.find(run))
        store.forget([run])
        execution.execute([run], store, resume="never", **keep)
        self.assertGreater((kept / "model.keras").stat().st_mtime_ns, before)

    def test_a_network_that_is_needed_is_kept(self):
        runs, work = [_run(0), _run(1)], []
        execution.execute(
            runs, self.store, on_work=work.append, keep_networks={runs[1].key}
        )
        kept = [self.store.network(run).exists() for run in runs]
        self.assertEqual(kept, [False, True])
        costs = [cost.seconds(runs[0]), cost.seconds(runs[1], keeps_network=True)]
        self.assertAlmostEqual(sum(work), sum(costs), places=9)
        with self.assertRaisesRegex(errors.UserError, "^optimizer='newton'"):
            exact = _exact(1.0)
            execution.execute([exact], self.store, keep_networks={exact.key})

    def test_steps_taken_again_are_not_counted_again(self):
        def train(runs, data_dir, on_steps, warn):
            for _ in range(2):
                on_steps(runs[0], 20)
            yield records.RunRecord(runs[0], "completed", {}, {}, 0.0)

        run, work = _run(0), []
        with mock.patch.object(ensemble, "train_together", train):
            execution.execute([run], self.store, on_work=work.append)
        self.assertAlmostEqual(sum(work), cost.seconds(run), places=9)
        self.assertGreaterEqual(min(work), 0)

    def test_cheap_runs_come_first(self):
        runs = [_run(0, num_steps=n) for n in (400, 20, 100)]
        order = []
        execution.execute(
            runs,
            self.store,
            on_record=lambda record: order.append(record.run.num_steps),
        )
        self.assertEqual(order, [20, 100, 400])

    def test_a_lost_interruption_ends_it_all_the_same(self):
        runs = [_run(seed, 20) for seed in range(3)]
        told = []

        def on_record(record):
            told.append(record)
            lost_interrupts.in_destructor()

        with lost_interrupts.ignored(), self.assertRaises(KeyboardInterrupt):
            execution.execute([_exact(1.0), *runs], self.store, on_record=on_record)
        self.assertLen(told, 1)
        self.assertLen(self.store.missing(runs), 3)

    def test_an_interruption_keeps_what_has_finished(self):
        runs = [_run(0, num_steps=n) for n in (20, 100, 400)]
        counts = collections.Counter()

        def interrupt(record):
            counts[record.run.num_steps] += 1
            if record.run.num_steps == 100 and counts[100] == 1:
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            execution.execute(runs, self.store, on_record=interrupt)
        store = records.RunStore(self.folder)
        self.assertEqual(store.missing(runs), [runs[2]])
        execution.execute(runs, store, on_record=interrupt)
        self.assertEqual(counts, {20: 1, 100: 1, 400: 1})

    def test_one_bad_run_keeps_all_from_training(self):
        too_large = dataclasses.replace(_DATA, train_size=5000)
        bad = dataclasses.replace(_run(1), data=too_large)
        with self.assertRaisesRegex(errors.UserError, "^train_size=5000"):
            execution.execute([_run(0), _exact(1.0), bad], self.store)
        self.assertFalse(self.store.path.exists())

    def test_data_that_stream_are_not_loaded(self):
        data_dir = str(self.folder / "data")
        made_up_imagenet.prepare(data_dir)
        run = config.RunConfig(
            config.DataConfig("imagenet2012", scaling="imagenet", augmentation="flip"),
            config.ModelConfig("mlp", (2,)),
            config.MomentumConfig(1e-3),
            batch_size=8,
            num_steps=2,
        )
        with mock.patch.object(data, "load_pool", side_effect=self.fail):
            execution.execute([run], self.store, data_dir)
        self.assertIn("test_accuracy", self.store.find(run).final)
        too_large = dataclasses.replace(run, batch_size=41)
        with self.assertRaisesRegex(errors.UserError, "batch_size=41.*train_size=40"):
            execution.check([too_large], data_dir)


if __name__ == "__main__":
    absltest.main()
