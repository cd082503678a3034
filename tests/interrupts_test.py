"""Tests of Ctrl-C that would have been lost."""

import contextlib
import signal
import threading

from absl.testing import absltest, parameterized

from bsgen import interrupts
from tests import lost_interrupts


class InterruptsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.ignored = self.enter_context(lost_interrupts.ignored())

    def test_without_it_an_interrupt_is_lost(self):
        lost_interrupts.in_destructor()
        self.assertEqual(self.ignored[0].exc_type, KeyboardInterrupt)

    @parameterized.parameters(*lost_interrupts.LOST)
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

    @parameterized.parameters(*lost_interrupts.LOST)
    def test_a_lost_one_is_raised_at_the_end(self, lose):
        @interrupts.kept()
        def work():
            lose()
            return "done"

        with self.assertRaises(KeyboardInterrupt):
            work()

    def test_is_raised_at_once_where_it_can_be(self):
        with self.assertRaises(KeyboardInterrupt), interrupts.kept():
            lost_interrupts.ctrl_c()
            self.fail("went on")

    def test_no_other_error_takes_its_place(self):
        with self.assertRaises(KeyboardInterrupt) as caught, interrupts.kept():
            lost_interrupts.as_another_error()
        self.assertIsInstance(caught.exception.__cause__, RuntimeError)
        with self.assertRaises(ZeroDivisionError), interrupts.kept():
            _ = 1 / 0

    def test_the_outermost_one_keeps_it(self):
        steps = []
        with self.assertRaises(KeyboardInterrupt), interrupts.kept():
            with interrupts.kept():
                lost_interrupts.in_destructor()
            steps.append(1)
            interrupts.check()
            steps.append(2)
        self.assertEqual(steps, [1])

    def test_an_answered_one_is_not_raised_again(self):
        with interrupts.kept():
            try:
                lost_interrupts.ctrl_c()
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
            lost_interrupts.ctrl_c()
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
            lost_interrupts.in_broad_except()
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
