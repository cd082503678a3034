"""A sweep by a chief and workers has the records of one process, each once."""

import json
import os
import threading
from unittest import mock

import tensorflow as tf

from bsgen import errors
from bsgen.sweeps import distribution, training
from bsgen.training import execution, records
from bsgen.tuning.keras_tuner_adapter import process_role, work_queue
from tests import ports
from tests.sweeps import made_up


class DistributionTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.settings = [runs for _, runs in made_up.settings(made_up.grid(2))]
        self.runs = [run for runs in self.settings for run in runs]
        self.store = records.RunStore(self.create_tempdir("chief").full_path)
        names = process_role.ID, process_role.HOST, process_role.PORT
        place = "w0", "127.0.0.1", str(ports.free())
        self.place = dict(zip(names, place, strict=True))

    def _lead(self, work):
        """Returns what `lead` does while `work` follows, and the runs that it kept."""
        kept, failed = [], []

        def lead():
            failed.append(
                distribution.lead(self.settings, self.store, {"a": 1}, kept.append)
            )

        with mock.patch.dict(os.environ, self.place):
            chief = threading.Thread(target=lead, daemon=True)
            chief.start()
            work()
            chief.join(60)
        self.assertFalse(chief.is_alive())
        return failed[0], [record.run for record in kept]

    def _follow(self, name="worker"):
        folder = self.create_tempdir(name).full_path
        distribution.follow(self.settings, folder, {"a": 1})

    def test_records_are_those_of_one_process(self):
        done = self.settings[1]
        training.train([done], self.store)
        # A worker that is killed within its second chunk.
        whole, count = execution.execute, []

        def execute(runs, *rest, **more):
            count.append(runs)
            if len(count) == 2:
                whole(runs[:1], *rest, **more)
                raise SystemExit("killed")
            whole(runs, *rest, **more)

        def work():
            with (
                mock.patch.object(execution, "execute", execute),
                self.assertRaises(SystemExit),
            ):
                self._follow()
            self._follow()

        failed, kept = self._lead(work)
        self.assertEmpty(failed)
        self.assertCountEqual(kept, [run for run in self.runs if run not in done])
        alone = records.RunStore(self.create_tempdir("alone").full_path)
        training.train(self.settings, alone)
        for run in self.runs:
            found, expected = self.store.find(run), alone.find(run)
            self.assertAllClose(found.final, expected.final, atol=1e-6)
        lines = self.store.path.read_text().splitlines()
        self.assertLen(lines, len(self.runs))

    def test_a_record_that_comes_twice_is_kept_once(self):
        done = [made_up.record(run, 0.5).to_values() for run in self.settings[0]]
        result = json.dumps({"records": done, "failed": {}})

        def serve(pieces, on_result, identity):
            on_result(result)
            on_result(result)

        with mock.patch.object(work_queue, "serve", serve):
            distribution.lead(self.settings, self.store, {})
        self.assertLen(self.store.path.read_text().splitlines(), 2)

    def test_runs_that_fail(self):
        whole = execution.execute
        bad = self.runs[3]

        def execute(runs, *rest, **more):
            if bad in runs:
                raise errors.OutOfMemory("batch_size", 20, "too large")
            whole(runs, *rest, **more)

        def work():
            with mock.patch.object(execution, "execute", execute):
                self._follow()

        failed, kept = self._lead(work)
        self.assertEqual(failed, {bad.key: "batch_size=20: too large"})
        self.assertCountEqual(kept, [run for run in self.runs if run != bad])

    def test_chunks_hold_what_may_share_a_program(self):
        chunks = distribution.chunks(self.settings)
        self.assertCountEqual([run for chunk in chunks for run in chunk], self.runs)
        sizes = [{run.batch_size for run in chunk} for chunk in chunks]
        self.assertEqual(sizes, [{10}, {20}, {50}])
        with mock.patch.object(distribution, "_MAX_RUNS", 3):
            small = distribution.chunks(self.settings)
        self.assertEqual([len(chunk) for chunk in small], [3, 1] * 3)


if __name__ == "__main__":
    tf.test.main()
