"""Tests of TF_CONFIG and of how workers wait for each other."""

import json
import os
import signal
import threading
import time
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.config import addresses
from bsgen.training import cluster
from tests import lost_interrupts, ports
from tests.config import addresses_test

_TASK = {"type": "worker", "index": 0}


def config_of(workers=("a:1", "b:1"), task=None, **more):
    return {"cluster": {"worker": list(workers)}, "task": task or _TASK, **more}


class PlaceTest(parameterized.TestCase):
    def _place(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        with mock.patch.dict(os.environ, TF_CONFIG=text):
            return cluster.place()

    @parameterized.parameters(0, 1, "1")
    def test_place(self, index):
        found = self._place(config_of(task={"type": "worker", "index": index}))
        self.assertEqual([str(each) for each in found.workers], ["a:1", "b:1"])
        self.assertEqual(found.index, int(index))
        self.assertLen(self._place(config_of(rpc_layer="grpc")).workers, 2)

    @parameterized.parameters(
        ("", "it is not set"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ([config_of()], "it is not a JSON object"),
        ({"task": _TASK}, "its 'cluster' is not a JSON object"),
        ({"cluster": ["a:1"], "task": _TASK}, "its 'cluster' is not a JSON object"),
        ({"cluster": {"worker": ["a:1"]}}, "its 'task' is not a JSON object"),
        ({"cluster": {}, "task": _TASK}, "its cluster has no list of workers"),
        (config_of([]), "its cluster has no list of workers"),
        ({"cluster": {"worker": "a:1"}, "task": _TASK}, "has no list of workers"),
        (
            {"cluster": {"worker": ["a:1"], "chief": ["b:1"]}, "task": _TASK},
            "its cluster has 'chief', which is no job of ours",
        ),
        (config_of(["a:1", "b"]), "'b' among its workers is not HOST:PORT"),
        (config_of(["a:1", 7]), "7 among its workers is not HOST:PORT"),
        (config_of(["a:1", "a:1"]), "two of its workers have the same address"),
        (config_of(task={"index": 0}), "its task has the type None, not 'worker'"),
        (config_of(task={"type": "chief", "index": 0}), "type 'chief', not 'worker'"),
        *(
            (config_of(task={"type": "worker", "index": index}), "has index")
            for index in (2, -1, 0.5, True, None, "one", [0])
        ),
    )
    def test_wrong_shapes(self, value, message):
        with self.assertRaisesRegex(
            errors.UserError, f"^TF_CONFIG=.*{message}.*; strategy 'multi_worker' needs"
        ) as caught:
            self._place(value)
        self.assertNotIn("\n", str(caught.exception))


class MeetTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        places = [ports.free() for _ in range(3)]
        self.workers = tuple(addresses.Address("127.0.0.1", each) for each in places)

    def test_all_meet_whenever_they_start(self):
        met = []

        def work(index):
            time.sleep(0.3 * index)
            place = cluster.Place(self.workers, index)
            cluster.meet(place, 30)
            # As TensorFlow's server does from now on.
            with addresses.listen("TF_CONFIG", place.own):
                met.append(index)
                everybody.wait(30)

        everybody = threading.Barrier(3)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertCountEqual(met, range(3))
        self.assertFalse(everybody.broken)

    def test_says_who_has_not_come(self):
        place = cluster.Place((*self.workers[:2], addresses.Address("a..b", 1)), 1)
        with self.assertRaises(errors.UserError) as caught:
            cluster.meet(place, 0.5)
        first = f"worker 0 ({self.workers[0]})"
        self.assertEqual(
            str(caught.exception),
            f"TF_CONFIG='worker 1': {first}, worker 2 (a..b:1) could not be reached "
            "for 0.5 s; start all workers, and check their names and ports",
        )
        addresses.check_free("TF_CONFIG", place.own)

    def test_its_port_is_in_use(self):
        taken = addresses.Address("127.0.0.1", addresses_test.taken_port(self))
        with self.assertRaisesRegex(errors.UserError, "TF_CONFIG=.*: the port is in u"):
            cluster.meet(cluster.Place((taken, *self.workers), 0), 0.5)

    def test_ctrl_c(self):
        before = signal.signal(signal.SIGALRM, lambda *_: lost_interrupts.ctrl_c())
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        with lost_interrupts.ignored(), self.assertRaises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            cluster.meet(cluster.Place(self.workers, 0), 60)


if __name__ == "__main__":
    absltest.main()
