"""Tests of Ctrl-C that would have been lost."""

import contextlib
import gc
import signal
import sys
import threading
import weakref
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import interrupts


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


class Dying:
    """Is interrupted in its destructor."""

    def __del__(self):
        ctrl_c()


def in_destructor():
    Dying()


def in_garbage():
    dying = Dying()
    dying.itself = dying
    del dying
    gc.collect()


def in_weak_reference():
    owner = type("Owner", (), {})()
    reference = weakref.ref(owner, lambda _: ctrl_c())
    del owner
    del reference


def in_broad_except():
    with contextlib.suppress(BaseException):
        ctrl_c()


def as_another_error():
    try:
        ctrl_c()
    except BaseException as error:
        raise RuntimeError("UnknownError: KeyboardInterrupt") from error


LOST = (in_destructor, in_garbage, in_weak_reference, in_broad_except)


class InterruptsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        # Python tells of what it ignores; pytest would make it an error.
        self.ignored = []
        self.enter_context(
            mock.patch.object(sys, "unraisablehook", self.ignored.append)
        )
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)

    def test_without_it_an_interrupt_is_lost(self):
        in_destructor()
        self.assertEqual(self.ignored[0].exc_type, KeyboardInterrupt)

    @parameterized.parameters(*LOST)
    def test_a_lost_one_is_raised_at_the_next_step(self, lose):
        steps = []
        with self.assertRaises(KeyboardInterrupt), interrupts.kept():
            interrupts.check()
            steps.append(1)
            lose()
            steps.append(2)
            interrupts.check()
            steps.append(3)
        self.assertEqual(steps, [1, 2])
        interrupts.check()  # nothing is left of it

    @parameterized.parameters(*LOST)
    def test_a_lost_one_is_raised_at_the_end(self, lose):
        @interrupts.kept()
        def work():
            lose()
            return "done"

        with self.assertRaises(KeyboardInterrupt):
            work()

    def test_is_raised_at_once_where_it_can_be(self):
        with self.assertRaises(KeyboardInterrupt), interrupts.kept():
            ctrl_c()
            self.fail("went on")

    def test_no_other_error_takes_its_place(self):
        with self.assertRaises(KeyboardInterrupt) as caught, interrupts.kept():
            as_another_error()
        self.assertIsInstance(caught.exception.__cause__, RuntimeError)
        with self.assertRaises(ZeroDivisionError), interrupts.kept():
            _ = 1 / 0

    def test_the_outermost_one_keeps_it(self):
        steps = []
        with self.assertRaises(KeyboardInterrupt), interrupts.kept():
            with interrupts.kept():
                in_destructor()
            steps.append(1)
            interrupts.check()
            steps.append(2)
        self.assertEqual(steps, [1])

    def test_an_answered_one_is_not_raised_again(self):
        with interrupts.kept():
            try:
                ctrl_c()
            except KeyboardInterrupt:
                interrupts.answered()
            interrupts.check()

    def test_brings_back_the_handler(self):
        with interrupts.kept():
            self.assertIsNot(
                signal.getsignal(signal.SIGINT), signal.default_int_handler
            )
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    @parameterized.parameters(signal.SIG_IGN, lambda number, frame: None)
    def test_leaves_a_handler_of_the_user(self, handler):
        signal.signal(signal.SIGINT, handler)
        with interrupts.kept():
            self.assertIs(signal.getsignal(signal.SIGINT), handler)
            ctrl_c()
            interrupts.check()
        self.assertIs(signal.getsignal(signal.SIGINT), handler)

    def test_leaves_a_handler_that_is_set_inside(self):
        def handler(number, frame):
            pass

        with interrupts.kept():
            signal.signal(signal.SIGINT, handler)
        self.assertIs(signal.getsignal(signal.SIGINT), handler)

    def test_does_nothing_in_other_threads(self):
        found = []

        def work():
            with interrupts.kept():
                found.append(signal.getsignal(signal.SIGINT))
                interrupts.check()
                found.append("done")

        with contextlib.suppress(KeyboardInterrupt), interrupts.kept():
            in_broad_except()
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        self.assertEqual(found[1:], ["done"])
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.assertEqual(found[2:], [signal.default_int_handler, "done"])


if __name__ == "__main__":
    absltest.main()
