"""Pieces of work are done once, whoever is killed; the chief knows when all is over."""

import os
import threading
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning.keras_tuner_adapter import process_role, work_queue
from tests import ports

_PIECES = {3: "a", 5: "b", 8: "c"}


class QueueTest(parameterized.TestCase):
    """Calls the queue as the chief's server does, at times that are made up."""

    def setUp(self):
        super().setUp()
        self.now = 1000.0
        clock = mock.patch.object(work_queue.time, "monotonic", lambda: self.now)
        self.enter_context(clock)
        self.results = []
        self.queue = work_queue.WorkQueue(_PIECES, self.results.append, {})

    def _take(self, worker):
        trial = self.queue.create_trial(worker)
        return trial.hyperparameters.values.get("work", trial.status), trial

    def _end(self, trial):
        work = trial.hyperparameters.values["work"]
        trial.hyperparameters.values["result"] = work.upper()
        self.queue.end_trial(trial)

    def test_each_piece_goes_to_one_worker(self):
        taken = [self._take(worker) for worker in ("w0", "w1", "w2", "w3")]
        self.assertEqual([work for work, _ in taken], ["a", "b", "c", "IDLE"])
        for _, trial in taken[:3]:
            self.assertFalse(self.queue.is_over())
            self._end(trial)
        self.assertEqual(self.results, ["A", "B", "C"])
        for worker in ("w0", "w1", "w2", "w3"):
            self.assertFalse(self.queue.is_over())
            self.assertEqual(self._take(worker)[0], "STOPPED")
        self.assertTrue(self.queue.is_over())

    def test_a_worker_that_was_started_again_gets_its_piece_back(self):
        self._take("w0")
        self._take("w1")
        self.assertEqual(self._take("w0")[0], "a")

    def test_a_silent_worker_loses_its_piece(self):
        _, lost = self._take("w0")
        for other in ("b", "c"):
            work, trial = self._take("w1")
            self.assertEqual(work, other)
            self._end(trial)
        self.now += work_queue.SILENT_SECONDS
        self.assertEqual(self._take("w1")[0], "IDLE")
        self.now += 1
        work, again = self._take("w1")
        self.assertEqual(work, "a")
        self._end(again)
        # The chief does not wait for it.
        self.assertEqual(self._take("w1")[0], "STOPPED")
        self.assertTrue(self.queue.is_over())
        self._end(lost)  # it was only slow
        self.assertEqual(self.results, ["B", "C", "A", "A"])

    def test_a_worker_that_reports_keeps_its_piece(self):
        self._take("w0")
        for _ in range(3):
            self.now += work_queue.SILENT_SECONDS - 1
            self.queue.update_trial("w0", {}, step=3)
        self.assertEqual(self._take("w1")[0], "b")
        self.assertEqual(self._take("w2")[0], "c")
        self.assertEqual(self._take("w3")[0], "IDLE")

    def test_a_chief_that_was_started_again_learns_what_is_taken(self):
        self.queue.update_trial("w0", {}, step=3)
        work, trial = self._take("w1")
        self.assertEqual(work, "b")
        # The result of a piece that it did not hand out counts, too.
        trial.hyperparameters.values.update(piece=8, work="c")
        self._end(trial)
        self.assertEqual(self._take("w1")[0], "b")
        self.assertEqual(self._take("w2")[0], "IDLE")

    def test_an_error_of_the_chief_does_not_lock_it(self):
        queue = work_queue.WorkQueue(_PIECES, mock.Mock(side_effect=OSError), {})
        trial = queue.create_trial("w0")
        trial.hyperparameters.values["result"] = "A"
        with self.assertRaises(OSError):
            queue.end_trial(trial)
        self.assertFalse(queue.is_over())


class ProtocolTest(absltest.TestCase):
    """A chief and a worker of one process, over the network."""

    def setUp(self):
        super().setUp()
        names = process_role.ID, process_role.HOST, process_role.PORT
        place = dict(zip(names, ("w0", "127.0.0.1", str(ports.free())), strict=True))
        self.enter_context(mock.patch.dict(os.environ, place))

    def test_all_is_done(self):
        results = []
        # More than the default limit of a message.
        pieces = {1: "a", 2: "b" * 100_000}
        chief = threading.Thread(
            target=work_queue.serve,
            args=(pieces, results.append, {"flags": [1]}),
            daemon=True,
        )
        chief.start()
        with self.assertRaisesRegex(errors.UserError, "flags differ"):
            work_queue.work(self.fail, {"flags": [2]})
        with (
            mock.patch.object(work_queue, "_REPORT_SECONDS", 0),
            self.assertRaisesRegex(RuntimeError, "killed"),
        ):
            work_queue.work(_killed, {"flags": [1]})
        work_queue.work(lambda work, report: work * 50, {"flags": [1]})
        chief.join(60)
        self.assertFalse(chief.is_alive())
        self.assertEqual(results, [work * 50 for work in pieces.values()])


def _killed(work, report):
    report()
    raise RuntimeError("killed")


if __name__ == "__main__":
    absltest.main()
