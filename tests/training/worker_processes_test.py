"""Tests of jobs by worker processes: what they bring, and how they end."""

import dataclasses
import functools
import os
import pathlib
import signal
import subprocess
import sys
import time
from unittest import mock

from absl.testing import absltest

from bsgen import errors, interrupts
from bsgen.training import (
    interruption,
    jobs,
    provenance,
    records,
    worker_processes,
)
from tests import lost_interrupts
from tests.training import made_up_jobs as made_up

_ROOT = pathlib.Path(__file__).parents[2]


def _adding(number):
    return [functools.partial(made_up.add, seed) for seed in range(number)]


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class WorkersTest(absltest.TestCase):
    """Without TensorFlow, so that they start in less than a second."""

    def setUp(self):
        super().setUp()
        self.store = records.RunStore(self.create_tempdir().full_path)
        self.work, self.told, self.warned, self.results = [], [], [], []
        self.desk = jobs.Desk(
            self.store, self.work.append, self.told.append, self.warned.append
        )
        self.enter_context(
            mock.patch.object(worker_processes, "_module", return_value="")
        )

    def test_ctrl_c_that_got_lost_before(self):
        @interrupts.kept()
        def plan_and_perform():
            lost_interrupts.in_destructor()
            self._perform(*_adding(2))

        with lost_interrupts.ignored(), self.assertRaises(KeyboardInterrupt):
            plan_and_perform()
        self.assertEmpty(self.told)

    def _perform(self, *functions, num_processes=2, **settings):
        listed = [
            jobs.Job(each, 1.0, on_result=self.results.append, **settings)
            for each in functions
        ]
        begun = time.monotonic()
        try:
            jobs.perform(listed, self.desk, num_processes)
        finally:
            self.assertLess(time.monotonic() - begun, made_up.SLEEP_SECONDS)

    def _kept(self):
        """Returns the seeds on the disk."""
        found = records.RunStore(self.store.path.parent)
        return [seed for seed in range(20) if found.find(made_up.run(seed))]

    def test_all_that_jobs_tell_arrives(self):
        self._perform(*_adding(6))
        self.assertEqual(self._kept(), [*range(6)])
        self.assertCountEqual([each.run.seed for each in self.told], range(6))
        self.assertCountEqual(self.warned, [f"added {seed}" for seed in range(6)])
        self.assertAlmostEqual(sum(self.work), 6 * 0.75)
        self.assertCountEqual([seed for seed, _ in self.results], range(6))
        processes = {process for _, process in self.results}
        self.assertNotIn(os.getpid(), processes)
        self.assertLen(processes, 2)
        self.assertFalse(any(map(_alive, processes)))

    def test_one_process_is_this_one(self):
        self._perform(
            *(functools.partial(made_up.add, seed) for seed in range(2)),
            num_processes=1,
        )
        self.assertEqual(self.results, [(0, os.getpid()), (1, os.getpid())])
        self.assertEqual(self._kept(), [0, 1])

    def test_workers_have_one_thread_and_load_no_more_than_the_parent(self):
        self._perform(made_up.environment, made_up.environment)
        self.assertEqual(self.results, 2 * [(5 * ["1"], False)])

    def test_a_job_finds_the_runs_that_it_needs(self):
        """Those from before, that another job makes, and its own."""
        self.store.add([made_up.record(0)])
        runs = [made_up.run(seed) for seed in range(3)]
        needs = tuple(run.key for run in runs)
        find = functools.partial(made_up.seeds_found, runs)
        listed = [
            jobs.Job(find, 5.0, needs=needs, on_result=self.results.append),
            jobs.Job(functools.partial(made_up.add, 1), 1.0),
            jobs.Job(functools.partial(made_up.add, 2), 1.0),
        ]
        jobs.perform(listed, self.desk, 2)
        self.assertEqual(self.results, [[0, 1, 2]])

    def test_a_job_finds_what_it_has_added(self):
        self._perform(*(functools.partial(made_up.add_and_find, n) for n in (3, 4)))
        self.assertCountEqual(self.results, [[3], [4]])

    def test_a_job_whose_runs_nobody_makes_is_performed_all_the_same(self):
        self._perform(
            functools.partial(made_up.seeds_found, [made_up.run(0)]),
            made_up.environment,
            needs=("none",),
        )
        self.assertEqual(self.results[0], [])

    def test_a_worker_that_dies(self):
        with self.assertRaisesRegex(
            errors.UserError, r"^processes=\d+: lost a process \(Killed\); what has"
        ):
            self._perform(
                functools.partial(made_up.add_and_die, 0),
                functools.partial(made_up.add_and_sleep, 1),
            )
        self.assertIn(0, self._kept())

    def test_an_error_of_a_job(self):
        error = errors.UserError("seed", 0, "made up")
        with self.assertRaisesRegex(errors.UserError, "^seed=0: made up$"):
            self._perform(
                functools.partial(made_up.add_and_raise, error, 0),
                functools.partial(made_up.add_and_sleep, 1),
            )
        self.assertIn(0, self._kept())
        with self.assertRaisesRegex(RuntimeError, "^Local: of no(.|\n)*in unpicklable"):
            self._perform(made_up.unpicklable, made_up.unpicklable)

    def test_ctrl_c_keeps_what_has_finished(self):
        def on_record(record):
            self.told.append(record)
            if len(self.told) == 2:
                signal.raise_signal(signal.SIGINT)

        self.desk = dataclasses.replace(self.desk, on_record=on_record)
        with self.assertRaises(interruption.Interrupted) as caught:
            self._perform(
                *(functools.partial(made_up.add_and_sleep, seed) for seed in (0, 1))
            )
        self.assertEqual(caught.exception.signal_number, signal.SIGINT)
        self.assertEqual(self._kept(), [0, 1])

    def test_ctrl_c_keeps_what_workers_save_when_they_are_asked_to_end(self):
        def warn(line):
            self.warned.append(line)
            if self.warned == ["ready", "ready"]:
                signal.raise_signal(signal.SIGINT)

        self.desk = dataclasses.replace(self.desk, warn=warn)
        with self.assertRaises(interruption.Interrupted):
            self._perform(
                *(functools.partial(made_up.add_when_asked_to_end, n) for n in (0, 1))
            )
        self.assertEqual(self._kept(), [0, 1])

    def test_no_worker_outlives_its_parent(self):
        command = (
            "from tests.training.made_up_jobs import sleep_in_workers as run; run("
        )
        command += f"{str(self.store.path.parent)!r})"
        parent = subprocess.Popen(
            [sys.executable, "-c", command],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        self.assertTrue(all(map(_alive, workers)))
        parent.kill()
        parent.wait()
        parent.stdout.close()
        deadline = time.monotonic() + 60.0
        while any(map(_alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(any(map(_alive, workers)))
        self.assertEqual(self._kept(), [0, 1])


class NumberTest(absltest.TestCase):
    def test_no_more_workers_than_jobs(self):
        two = [jobs.Job(print, 1.0), jobs.Job(print, 1.0)]
        with mock.patch.object(worker_processes, "perform") as perform:
            jobs.perform(two, None, 5)
            jobs.perform(two, None, 2)
        self.assertEqual([call.args[2] for call in perform.mock_calls], [2, 2])

    def test_default_is_one_a_core_that_has_enough_to_do(self):
        fake = mock.Mock()
        cards = fake.config.list_physical_devices
        with (
            mock.patch.dict(sys.modules, tensorflow=fake),
            mock.patch.object(provenance, "num_cores", return_value=4),
            mock.patch.object(os, "sysconf") as sysconf,
        ):
            for seconds, card, gibibytes, expected in (
                (20.0, [], 64, 1),
                (70.0, [], 64, 2),
                (1e4, [], 64, 4),
                (1e4, ["a card"], 64, 1),
                (1e4, [], 7, 3),
                (1e4, [], 1, 1),
            ):
                cards.return_value = card
                sysconf.side_effect = [gibibytes * 2**18, 2**12]
                self.assertEqual(worker_processes.default_number(seconds), expected)


class PlanTest(absltest.TestCase):
    """The order in which two workers get jobs of made-up costs."""

    def _order(self, *listed):
        """Hands out all jobs in turn; returns (worker, seconds) of each."""
        store = records.RunStore(self.create_tempdir().full_path)
        plan = worker_processes._Plan(
            [jobs.Job(print, *each) for each in listed], store
        )
        order = []
        workers = [mock.Mock(jobs=[]) for _ in range(2)]
        for number, worker in enumerate(workers):
            worker.send = lambda job, found, number=number: order.append(
                (number, job.seconds)
            )
        while len(order) < len(listed):
            plan.hand_out(workers)
        return order

    def test_jobs_come_in_order_but_a_long_one_before_it_is_late(self):
        # 3 is more than half of what is left for each worker, 24 / 2, once 12 are left.
        costs = [1.0] * 21 + [3.0]
        order = [seconds for _, seconds in self._order(*((each,) for each in costs))]
        self.assertEqual(order, [1.0] * 13 + [3.0] + [1.0] * 8)

    def test_a_program_stays_with_its_worker(self):
        listed = [(1.0 + n / 100, name) for n, name in enumerate("aabbaabb")]
        order = self._order(*listed)
        owner = [0, 0, 1, 1, 0, 0, 1, 1]
        costs = [seconds for seconds, _ in listed]
        for worker, seconds in order[:4]:
            self.assertEqual(worker, owner[costs.index(seconds)])

    def test_at_the_end_it_goes_to_whoever_is_free(self):
        order = self._order(*((1.0, "a") for _ in range(4)))
        self.assertEqual([worker for worker, _ in order], [0, 1, 0, 1])


if __name__ == "__main__":
    absltest.main()
