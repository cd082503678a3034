"""The recommendation of a search without a procedure: its best trial."""

from absl.testing import absltest

from bsgen.tuning.procedures import comparison, outcomes, recommend, settings

_RULES = comparison.Rules(-1.0, metric="validation loss", lower_is_better=True)


def trial(batch_size, scores, status="completed"):
    setting = settings.Setting(batch_size, 0.1, 0.9)
    outcome = outcomes.Outcome(dict(enumerate(scores)), status, 10, 20, 0.5)
    return settings.Request(setting, tuple(range(len(scores)))), outcome


class FromBestTest(absltest.TestCase):
    def test_the_highest_mean_of_those_that_trained(self):
        done = [
            trial(8, (-0.5, -0.75)),
            trial(16, (-0.25, -0.5)),
            trial(32, (0.0, -1.0)),  # one repeat is no better than the baseline
            trial(64, (-0.125, -0.25), "diverged"),
            trial(128, (), "failed"),
        ]
        found = recommend.from_best(done, _RULES)
        self.assertEqual(found.setting, settings.Setting(16, 0.1, 0.9))
        self.assertEqual((found.score, found.standard_error), (-0.375, 0.125))
        self.assertEqual((found.num_repeats, found.start), (2, found.setting))
        # All trials together.
        self.assertEqual((found.num_steps, found.num_examples), (50, 100))
        self.assertEqual((found.seconds, found.num_runs), (2.5, 8))
        self.assertIn("validation loss (lower is better) 0.38 ± 0.12;", found.words())

    def test_nothing_trained(self):
        done = [trial(8, (-0.5, -1.0)), trial(16, (), "out_of_memory")]
        self.assertIsNone(recommend.from_best(done, _RULES))
        self.assertIsNone(recommend.from_best([], _RULES))


if __name__ == "__main__":
    absltest.main()
