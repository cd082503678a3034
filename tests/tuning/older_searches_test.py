"""Searches that earlier versions began, whose trials name no phase and no reason."""

from unittest import mock

import pandas as pd
from absl.testing import absltest

from bsgen import tuning
from bsgen.tuning import older_searches
from bsgen.tuning.keras_tuner_adapter import trials
from tests.tuning import surface_trainer

_OWN = tuning.AsCompiled(32, "Adam")


def to_values(request):
    """The values of a trial as they were."""
    values = current_to_values(request)
    return {k: v for k, v in values.items() if k not in ("phase", "reason")}


current_to_values = trials.to_values


class OlderSearchesTest(absltest.TestCase):
    def _search(self, folder, stop=None):
        procedure = tuning.AppendixD(
            train_size=100_000,
            baseline_score=0.1,
            batch_sizes=(32, 64, 128, 256),
            num_repeats=3,
            own=_OWN,
        )

        def fail(call):
            if call == stop:
                raise KeyboardInterrupt

        trainer = surface_trainer.SurfaceTrainer(fail=fail)
        oracle = tuning.BatchSizeHeuristic(procedure)
        return tuning.run_search(oracle, trainer, folder, {}, 3).trials

    def test_their_trials_get_phase_and_reason_of_what_the_procedure_asked(self):
        expected = self._search(self.create_tempdir().full_path)
        self.assertFalse(expected[["phase", "reason"]].isna().any(axis=None))
        folder = self.create_tempdir().full_path
        with mock.patch.object(trials, "to_values", to_values):
            with self.assertRaises(KeyboardInterrupt):
                self._search(folder, stop=len(expected) - 2)
        pd.testing.assert_frame_equal(self._search(folder), expected)

    def test_their_tables_get_the_reason_of_the_users_own_optimizer(self):
        table = self._search(self.create_tempdir().full_path)
        older = older_searches.table_of_today(table.drop(columns="reason"))
        own = ["own optimizer"]
        self.assertEqual(
            (older["reason"] == own[0]).tolist(), table["reason"].isin(own).tolist()
        )
        self.assertIs(older_searches.table_of_today(table), table)

    def test_a_phase_that_was_recorded_stays(self):
        setting = tuning.Setting(8, 1.0, 0.9)
        known = tuning.Request(setting, (0,), 1, "batch size")
        other = tuning.Request(setting, (0, 1), 2, "start")
        self.assertEqual(older_searches.with_phase(known, [other]), known)
        bare = tuning.Request(setting, (0,))
        self.assertEqual(older_searches.with_phase(bare, []), bare)
        found = older_searches.with_phase(bare, [known, other])
        self.assertEqual((found.phase, found.reason), (1, "batch size"))


if __name__ == "__main__":
    absltest.main()
