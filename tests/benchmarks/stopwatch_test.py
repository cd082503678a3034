"""Tests of taking turns; contenders here are stand-ins without a process."""

from absl.testing import absltest

from benchmarks import stopwatch


class _Child:
    """Answers a start and some turns, then behaves as if its process had ended."""

    def __init__(self, name, log, num_answers=100):
        self._name, self._log, self._left = name, log, num_answers
        self.runs = True

    def _answer(self, value):
        if not self._left:
            raise EOFError
        self._left -= 1
        self._log.append(f"{self._name} {value}")
        return value

    def start(self, problem):
        return self._answer(problem)

    def rate(self, turn):
        return self._answer(turn)


class StopwatchTest(absltest.TestCase):
    def test_contenders_take_turns(self):
        log = []
        contenders = {name: _Child(name, log) for name in "ab"}
        results = stopwatch.compare("start", contenders, rounds=2, turn=3)
        self.assertEqual(log, ["a start", "b start", "a 3", "b 3", "a 3", "b 3"])
        self.assertEqual(results["a"], stopwatch.Result("start", [3, 3]))

    def test_one_that_ends_is_left_out(self):
        for num_answers in range(3):
            contenders = {"a": _Child("a", []), "b": _Child("b", [], num_answers)}
            for _ in range(2):
                results = stopwatch.compare("start", contenders, rounds=2, turn=3)
                self.assertEqual(results, {"a": stopwatch.Result("start", [3, 3])})


if __name__ == "__main__":
    absltest.main()
