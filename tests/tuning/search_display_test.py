"""What a search shows where the output is no terminal: lines, and no made-up score."""

import contextlib
import io

from absl.testing import absltest, parameterized

from bsgen.tuning import Decision, Outcome, Setting, search_display

_SETTING = Setting(64, 1.0, 0.9)


class SearchDisplayTest(parameterized.TestCase):
    def _shown(self, show, **options):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            with search_display.SearchDisplay(**options) as display:
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
        outcome = Outcome({0: -0.47})
        shown = self._shown(
            lambda display: display.trial(_SETTING, outcome), lower_is_better=True
        )
        self.assertIn(": 0.47 (one repeat)", shown)

    def test_a_decision(self):
        decision = Decision(2, "the score [has] begun to fall " * 9, {})
        shown = self._shown(lambda display: display.decision(decision))
        self.assertEqual(shown, f"phase 2: {decision.text}\n")


if __name__ == "__main__":
    absltest.main()
