"""Tests of what advice says, in words and numbers."""

import json
import math
import pathlib
import re

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.advice import advice, evidence, rules
from tests.advice import made_up

_with = made_up.situation_with
_RESULTS = pathlib.Path(__file__).parents[2] / "docs" / "results"


class SentencesTest(parameterized.TestCase):
    @parameterized.parameters(
        (128, 0.1, "take 0.337: the rate follows the batch size in proportion as"),
        (512, 0.1, "take at most 0.8, the critical rate \\(the linear rule gives 1.6"),
        (512, 1.0, "keep 1: it has reached the critical rate"),
        (32, 0.1, "keep 0.1: the batch size stays"),
        (16, 0.1, "take 0.05, in proportion \\("),
    )
    def test_learning_rate(self, target, rate, expected):
        said = rules.advice_on(_with(target_batch_size=target, learning_rate=rate))
        self.assertRegex(said["learning rate"].text, expected)

    def test_grade_follows_the_rule_that_is_taken(self):
        linear = rules.advice_on(_with(target_batch_size=64))["learning rate"]
        found = evidence.LINEAR_RULE + evidence.LINEAR_OVER_SQUARE_ROOT
        self.assertEqual(linear.sureness, evidence.grade(found))
        bounded = rules.advice_on(_with(target_batch_size=512))["learning rate"]
        self.assertEqual(bounded.sureness, evidence.grade(evidence.CONSTANT_RATE))

    def test_every_sentence_says_source_assumption_and_sureness(self):
        for target in (8, 32, 64, 4096):
            for kind in ("none", "batch", "ghost"):
                given = _with(target_batch_size=target, normalization=kind)
                for sentence in rules.advice_on(given).sentences:
                    self.assertNotEmpty(sentence.sureness, sentence)
                    if sentence.topic != "caution":
                        self.assertNotEmpty(sentence.source, sentence)
                        self.assertNotEmpty(sentence.assumption, sentence)

    @parameterized.parameters(
        ("none", None, None),
        ("batch", None, 32),
        ("ghost", 16, 16),
    )
    def test_ghosts(self, kind, size, expected):
        given = _with(normalization=kind, ghost_batch_size=size)
        said = rules.advice_on(given)
        self.assertEqual(said.numbers["ghost_batch_size"], expected)
        topics = [sentence.topic for sentence in said.sentences]
        self.assertEqual("ghosts" in topics, expected is not None)

    def test_momentum_is_tried_beyond_the_boundary_only(self):
        within = rules.advice_on(_with(momentum=0.0))["momentum"].text
        self.assertStartsWith(within, "keep 0 (none): where noise dominates")
        given = _with(momentum=0.0, target_batch_size=512)
        beyond = rules.advice_on(given)["momentum"].text
        self.assertStartsWith(beyond, "try 0.9 with the rate 0.08, the same")

    def test_when_to_stop(self):
        stop = rules.advice_on(_with(target_batch_size=1024))["when to stop"].text
        self.assertStartsWith(stop, "stop growing at about 256")
        self.assertIn("1,024 is 4 times that", stop)
        stop = rules.advice_on(_with(target_batch_size=260))["when to stop"].text
        self.assertIn("260 is just above that", stop)
        near = rules.advice_on(_with(target_batch_size=128))["when to stop"].text
        self.assertStartsWith(near, "128 is within reach")
        passed = rules.advice_on(_with(learning_rate=1.0))["when to stop"].text
        self.assertStartsWith(passed, "do not grow in equal epochs")

    def test_no_bound_beyond_the_training_set(self):
        given = _with(critical_learning_rate=200.0)  # reached at 64,000 of 50,000
        stop = rules.advice_on(given)["when to stop"].text
        self.assertStartsWith(stop, "no bound is seen up to the full batch")

    @parameterized.parameters((64, 100), (1000, 50), (50_000, 10))
    def test_first_steps(self, target, expected):
        start = rules.advice_on(_with(target_batch_size=target))["first steps"].text
        self.assertIn(f"in the first {expected} steps", start)
        # At 64 the rate is 0.19, less than half of the critical one, 0.8.
        self.assertEqual(start.startswith("clip"), target > 64)

    def test_longer_training_is_for_larger_batches(self):
        said = rules.advice_on(made_up.PRESENT)
        self.assertIn("4 times as many epochs", said["longer training"].text)
        with self.assertRaisesRegex(errors.UserError, "topic='longer training'"):
            rules.advice_on(_with(target_batch_size=16))["longer training"]

    @parameterized.parameters(
        ({"num_updates": 0}, "initial ones"),
        ({"normalization": "batch"}, "measured in inference mode"),
        ({"optimizer": "Adam"}, "compiled with Adam"),
    )
    def test_cautions(self, changes, expected):
        self.assertIn(expected, rules.advice_on(_with(**changes))["caution"].text)
        calm = _with(optimizer="SGD", num_updates=5)
        topics = [sentence.topic for sentence in rules.advice_on(calm).sentences]
        self.assertNotIn("caution", topics)

    def test_numbers_without_bound(self):
        given = _with(
            gradient_noise_scale=math.inf,
            gradient_noise_scale_error=math.inf,
            critical_learning_rate=math.inf,
        )
        said = rules.advice_on(given)
        for name in ("gradient_noise_scale", "boundary_batch_size"):
            self.assertIsNone(said.numbers[name])
        self.assertEqual(said.numbers["share_of_critical_rate"], 0.0)
        self.assertIn("cannot be told from 0", said["gradient noise"].text)
        self.assertIn("no bound is seen", said["when to stop"].text)
        self.assertNotIn("inf", str(said).replace("inference", ""))

    def test_reads_well_in_80_columns_and_survives_json(self):
        for kind in ("none", "batch"):
            given = _with(normalization=kind, target_batch_size=4096)
            said = rules.advice_on(given)
            self.assertLessEqual(max(map(len, str(said).splitlines())), 80)
            text = json.dumps(said.to_dict(), allow_nan=False)
            self.assertEqual(advice.Advice.from_dict(json.loads(text)), said)


class EvidenceTest(parameterized.TestCase):
    def test_verdicts_are_those_of_the_results(self):
        sections = {}
        for page in _RESULTS.glob("*.md"):
            for part in page.read_text().split("\n## "):
                if named := re.search("(?m)^`(.*?)`", part):
                    sections[named[1]] = part
        for one in evidence.EVERY:
            rows = [
                [cell.strip() for cell in line.split(" | ")]
                for line in sections[one.study].splitlines()
                if line.startswith(f"| {one.claim} | ")
            ]
            self.assertLen(rows, 1, f"{one.study}: {one.claim}")
            self.assertEqual(rows[0][1], one.verdict, one)

    @parameterized.parameters(
        ((), "not tested"),
        (("holds", "holds"), "holds"),
        (("fails",), "fails"),
        (("undecided", "holds", "holds"), "2 hold, 1 undecided"),
        (("fails", "holds"), "1 hold, 1 fail"),
    )
    def test_grade(self, verdicts, expected):
        found = [evidence.Evidence("a/b", "c", verdict) for verdict in verdicts]
        self.assertEqual(evidence.grade(found), expected)


if __name__ == "__main__":
    absltest.main()
