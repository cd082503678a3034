"""A piped search shows lines, and no made-up scores."""

import contextlib
import io

from absl.testing import absltest, parameterized

from bsgen.tuning import AsCompiled, Decision, Outcome, Setting, search_display
from tests.tuning import surface_trainer

_SETTING = Setting(64, 1.0, 0.9)


class SearchDisplayTest(parameterized.TestCase):
    def _shown(self, show):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            with search_display.SearchDisplay() as display:
                show(display)
        return shown.getvalue()

    @parameterized.parameters(
        (Outcome({0: 0.5, 1: 0.7}, seconds=2), "0.60 ± 0.10, 2 repeats, 2.0 s"),
        (Outcome({0: 0.5}), "0.5 (one repeat), 0.0 s"),
        # The score of a diverged repeat stands for the worst there is.
        (Outcome({0: -90.0, 1: 0.5}, "diverged"), "diverged, 2 repeats, 0.0 s"),
        (Outcome({}, "out_of_memory", seconds=1), "out of memory, 1.0 s"),
    )
    def test_a_trial(self, outcome, expected):
        shown = self._shown(lambda display: display.trial(_SETTING, outcome))
        self.assertEqual(shown, f"{_SETTING.words()}: {expected}\n")

    def test_a_metric_of_which_less_is_better_has_its_own_sign(self):
        trainer = surface_trainer.SurfaceTrainer()
        trainer.lower_is_better, trainer.baseline_score = True, -0.5

        def show(display):
            display.begin(trainer, None)
            display.trial(_SETTING, Outcome({0: -0.47}))

        shown = self._shown(show)
        self.assertIn(": 0.47 (one repeat)", shown)
        self.assertIn("to beat: the best constant answer, validation acc", shown)
        self.assertIn(" 0.5\n", shown)

    def test_the_users_own_optimizer_is_named_unless_it_is_measured(self):
        trainer = surface_trainer.SurfaceTrainer()
        for own, expected in ((None, 1), (AsCompiled(32, "Adam"), 0)):
            shown = self._shown(lambda display, own=own: display.begin(trainer, own))
            self.assertEqual(shown.count("in place of your own Adam"), expected)

    def test_a_decision(self):
        decision = Decision(2, "the score [has] begun to fall " * 9, {})
        shown = self._shown(lambda display: display.decision(decision))
        self.assertEqual(shown, f"phase 2: {decision.text}\n")
        decision = Decision(0, "phase 1 tries batch sizes 8 and 16", {})
        shown = self._shown(lambda display: display.decision(decision))
        self.assertEqual(shown, f"at the start: {decision.text}\n")


if __name__ == "__main__":
    absltest.main()
