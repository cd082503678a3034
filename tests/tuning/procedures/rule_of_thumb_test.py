"""Tests of the rule of thumb as a procedure, on surfaces of known boundary."""

import dataclasses
import math

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning import boundary as driver
from bsgen.tuning.procedures import outcomes, settings
from bsgen.tuning.procedures.rule_of_thumb import RuleOfThumb

_CHANCE = 0.1


@dataclasses.dataclass
class Surface:
    """Scores that fall by 0.01 octave^2 beside rate * (B / batch_size)^power.

    At rates above `largest` training diverges. Every run is counted.
    """

    rate: float = 2.0**-6
    batch_size: int = 16
    largest: float = 2.0
    power: float = 1.0
    lower_is_better: bool = False
    num_runs: int = 0

    def train(self, setting, repeats):
        self.num_runs += len(repeats)
        number = len(repeats) * setting.batch_size
        if setting.learning_rate > self.largest:
            return outcomes.Outcome(dict.fromkeys(repeats, 0.0), "diverged", 1, number)
        noise = self.rate * (setting.batch_size / self.batch_size) ** self.power
        octaves = math.log2(setting.learning_rate / noise)
        score = max(0.95 - 0.01 * octaves**2, _CHANCE)
        scores = {repeat: score - 0.02 * repeat for repeat in repeats}
        return outcomes.Outcome(scores, "completed", 1, number)


def _procedure(**changes):
    numbers = {
        "batch_size": 16,
        "large_batch_size": 1024,
        "max_batch_size": 50_000,
        "momentum": 0.0,
        "learning_rate": 2.0**-4,
        "baseline_score": _CHANCE,
    }
    return RuleOfThumb(**{**numbers, **changes})


class RuleOfThumbTest(parameterized.TestCase):
    @parameterized.product(
        rate=(2.0**-9, 2.0**-6, 2.0**-2),
        largest=(2.0**-2, 2.0, 2.5),
        # On both sides of all that is to be found.
        first=(2.0**-12, 2.0**-4, 2.0**5),
    )
    def test_the_batch_is_scaled_to_the_largest_stable_rate(self, rate, largest, first):
        surface = Surface(rate=rate, largest=largest)
        procedure = _procedure(learning_rate=first)
        found = driver.find_boundary(procedure, surface.train)
        stable = 2.0 ** math.floor(math.log2(largest))
        self.assertEqual(found.largest, settings.Setting(1024, stable, 0.0))
        self.assertEqual(found.best, settings.Setting(16, rate, 0.0))
        expected = settings.Setting(round(16 * stable / rate), stable, 0.0)
        self.assertEqual(found.setting, expected)
        self.assertEqual(found.num_runs, surface.num_runs)
        self.assertLessEqual(surface.num_runs, 3 * 45)

    def test_under_the_square_root_the_batch_grows_faster(self):
        surface = Surface(power=0.5)
        procedure = _procedure(scaling="sqrt", max_batch_size=10**6)
        found = driver.find_boundary(procedure, surface.train)
        self.assertEqual(found.setting, settings.Setting(16 * 2**14, 2.0, 0.0))

    def test_a_bound_on_the_batch_bounds_the_rate(self):
        procedure = _procedure(max_batch_size=256)
        found = driver.find_boundary(procedure, Surface().train)
        self.assertEqual(found.setting, settings.Setting(256, 2.0**-2, 0.0))
        self.assertEqual(found.batch_size, 2048)
        self.assertIn("beyond the largest allowed, 256", found.words())

    def test_a_known_rate_is_not_looked_for(self):
        surface = Surface()
        procedure = _procedure(tuned_learning_rate=2.0**-5)
        asked = []
        found = driver.find_boundary(
            procedure,
            lambda setting, repeats: (
                asked.append(setting) or surface.train(setting, repeats)
            ),
        )
        self.assertEqual({setting.batch_size for setting in asked}, {1024})
        self.assertEqual(found.setting, settings.Setting(1024, 2.0, 0.0))

    def test_a_small_batch_at_the_boundary_stays(self):
        surface = Surface(rate=8.0, largest=2.0)
        found = driver.find_boundary(_procedure(), surface.train)
        self.assertEqual(found.setting, settings.Setting(16, 2.0, 0.0))
        self.assertIn("Curvature bounds the rate at that batch size", found.words())

    def test_of_rates_that_are_as_good_the_largest_is_taken(self):
        # At 2^-6 the mean is the best; 2^-5 is better once, and 2^-4 is always worse.
        drops = {-6: (0.0, 0.0, 0.0), -5: (0.01, -0.004, 0.01), -4: (0.02, 0.03, 0.02)}

        def train(setting, repeats):
            power = round(math.log2(setting.learning_rate))
            if setting.batch_size == 1024:
                return Surface().train(setting, repeats)
            lost = drops.get(power, (0.05, 0.06, 0.07))
            scores = {repeat: 0.9 - lost[repeat] for repeat in repeats}
            return outcomes.Outcome(scores, "completed", 1, 1)

        # The mean loss is 0.0053 and its standard error 0.0047: too much.
        found = driver.find_boundary(_procedure(), train)
        self.assertEqual(found.best.learning_rate, 2.0**-6)
        drops[-5] = (0.01, -0.009, 0.01)  # 0.0037 and 0.0063
        found = driver.find_boundary(_procedure(), train)
        self.assertEqual(found.best.learning_rate, 2.0**-5)

    def test_a_rate_at_which_one_run_breaks_down_is_not_stable(self):
        surface = Surface()

        def train(setting, repeats):
            outcome = surface.train(setting, repeats)
            if setting.learning_rate < 1 or setting.batch_size < 1024:
                return outcome
            scores = {**outcome.scores, repeats[-1]: 0.3}  # above chance, yet broken
            return dataclasses.replace(outcome, scores=scores)

        found = driver.find_boundary(_procedure(), train)
        self.assertEqual(found.largest.learning_rate, 0.5)

    def test_repeats_may_be_chosen_and_decisions_are_told(self):
        surface, results = Surface(), {}
        procedure = _procedure()
        while wanted := procedure.review(results, (4, 7)).wanted:
            for request in wanted:
                self.assertEqual(request.repeats, (4, 7))
                results[request.setting] = surface.train(*_pair(request))
        review = procedure.review(results, (4, 7))
        self.assertEqual(review.boundary.setting.batch_size, 2048)
        self.assertLen(review.decisions, 2)
        self.assertIn("largest stable learning rate is 2", review.decisions[0].text)
        self.assertIn("best learning rate is 0.015625", review.decisions[1].text)

    def test_nothing_trains(self):
        def train(setting, repeats):
            return outcomes.Outcome(dict.fromkeys(repeats, _CHANCE), "completed", 1, 1)

        with self.assertRaisesRegex(errors.UserError, "more epochs"):
            driver.find_boundary(_procedure(), train)

    @parameterized.parameters(
        ({"large_batch_size": 16}, "large_batch_size=16: give more than batch_size=16"),
        ({"max_batch_size": 8}, "max_batch_size=8: give at least batch_size=16"),
        ({"scaling": "cubic"}, "scaling='cubic': unknown"),
        ({"num_repeats": 0}, "num_repeats=0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"momentum": 1.0}, "momentum=1.0"),
        ({"batch_size": 0}, "batch_size=0"),
    )
    def test_bad_numbers(self, changes, message):
        with self.assertRaisesRegex(errors.UserError, message):
            _procedure(**changes)


def _pair(request):
    return request.setting, request.repeats


class UsualLargeBatchTest(parameterized.TestCase):
    @parameterized.parameters(
        (50_000, 3.0, 16, 4096),  # 36 steps
        (1000, 3.0, 16, 64),  # 46 steps
        (1000, 1.0, 64, 256),
        (100, 1.0, 64, 100),
    )
    def test_by_hand(self, train_size, num_epochs, batch_size, expected):
        found = driver.usual_large_batch(train_size, num_epochs, batch_size)
        self.assertEqual(found, expected)


if __name__ == "__main__":
    absltest.main()
