"""Tests of stopping a run by signals, with real ones to this process."""

import copy
import os
import signal

from absl.testing import absltest, parameterized

from bsgen.training import interruption


class InterruptionTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            previous = signal.signal(number, signal.default_int_handler)
            self.addCleanup(signal.signal, number, previous)

    @parameterized.parameters(signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    def test_notes_the_first_and_acts_on_the_second(self, number):
        with interruption.Interruption() as asked:
            self.assertIsNone(asked.signal_number)
            os.kill(os.getpid(), number)
            self.assertEqual(asked.signal_number, number)
            with self.assertRaises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        self.assertEqual(signal.getsignal(number), signal.default_int_handler)

    def test_the_exception_reaches_another_process(self):
        error = copy.copy(interruption.Interrupted(15, 7))  # as a pickle does
        self.assertEqual((error.signal_number, error.step), (15, 7))
        self.assertEqual(str(error), "stopped after step 7")

    def test_a_hang_up_that_is_ignored_stays_ignored(self):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        with interruption.Interruption() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
        self.assertIsNone(asked.signal_number)
        self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)


if __name__ == "__main__":
    absltest.main()
