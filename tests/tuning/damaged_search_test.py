"""Whatever happens to its files, a search ends with what was measured."""

import contextlib
import io
import json
import pathlib
import shutil
import sys

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning import AppendixD, BatchSizeHeuristic, run_search
from bsgen.tuning.keras_tuner_adapter import general_oracles
from tests import damage
from tests.tuning import surface_trainer

_PROCEDURE = AppendixD(
    train_size=100_000,
    baseline_score=0.1,
    batch_sizes=(64, 1024, 16384),
    num_repeats=2,
)
_DESCRIBED = {"seed": 0}
_STOP = 4  # calls


def make(name):
    if name == "appendix_d":
        return BatchSizeHeuristic(_PROCEDURE)
    more = {} if name == "hyperband" else {"max_trials": 8}
    sizes, rates = (64, 1024, 8192), (0.01, 1.0)
    return general_oracles.make(name, sizes, rates, num_epochs=9, **more)


def search(name, folder, fail=lambda call: None):
    """Returns the result, the calls of the trainer, and the warnings."""
    trainer, warnings = surface_trainer.SurfaceTrainer(fail=fail), []
    found = run_search(
        make(name), trainer, folder, _DESCRIBED, num_repeats=2, warn=warnings.append
    )
    return found, trainer.calls, warnings


class DamagedSearchTest(parameterized.TestCase):
    _before: dict = {}  # by name: what `_prepare` returned

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def _prepare(self, name):
        """A whole search, its calls, and the files of one stopped in a fifth call."""

        def stop(call):
            if call == _STOP:
                raise KeyboardInterrupt

        whole, calls, _ = search(name, self.create_tempdir().full_path)
        folder = pathlib.Path(self.create_tempdir().full_path) / "before"
        with self.assertRaises(KeyboardInterrupt):
            search(name, folder, stop)
        files = [path for path in folder.rglob("*") if path.is_file()]
        return (
            whole,
            calls,
            {path.relative_to(folder): path.read_bytes() for path in files},
        )

    def _stopped(self, name):
        """Returns a whole search, its calls, and the folder of one stopped early."""
        if name not in self._before:
            self._before[name] = self._prepare(name)
        whole, calls, files = self._before[name]
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content)
        return whole, calls, self.folder

    def _assert_the_same(self, found, whole):
        columns = ["batch_size", "learning_rate", "momentum", "repeats"]
        pd.testing.assert_frame_equal(
            *(
                each.trials.sort_values(columns).reset_index(drop=True)
                for each in (found, whole)
            )
        )
        self.assertEqual(found.decisions, whole.decisions)
        for name in ("setting", "score"):
            values = (getattr(each.recommendation, name) for each in (found, whole))
            self.assertEqual(*values)

    @parameterized.product(
        name=("appendix_d", "random", "grid", "hyperband"),
        kind=("flipped_0", "deleted"),
    )
    def test_a_trial_is_trained_again(self, name, kind):
        self._check(name, kind, "trials/trial_*1/trial.json")

    @parameterized.parameters(*sorted(damage.KINDS.keys() - {"flipped_0", "deleted"}))
    def test_any_damage_of_a_trial(self, kind):
        self._check("appendix_d", kind, "trials/trial_*1/trial.json")

    @parameterized.product(
        name=("appendix_d", "random", "hyperband"), kind=(*damage.KINDS,)
    )
    def test_a_state_is_recovered(self, name, kind):
        self._check(name, kind, "trials/oracle.json")

    def _check(self, name, kind, pattern):
        whole, calls, stopped = self._stopped(name)
        (path,) = stopped.glob(pattern)
        content = path.read_bytes()
        damaged = damage.KINDS[kind](content, np.random.default_rng(len(content)))
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        found, again, warnings = search(name, stopped)
        self._assert_the_same(found, whole)
        is_trial = path.name == "trial.json"
        self.assertLen(again, len(calls) - _STOP + is_trial)
        if is_trial or kind != "deleted":
            (line,) = warnings
            self.assertIn(f"{path} is", line)
            self.assertNotIn("\n", line)
        # It is whole again, and nothing is left to do.
        self.assertEqual(search(name, stopped)[1:], ([], []))

    def test_a_warning_may_be_printed(self):
        _, _, stopped = self._stopped("random")
        (stopped / "trials/oracle.json").write_text("")
        trainer = surface_trainer.SurfaceTrainer()
        with contextlib.redirect_stdout(io.StringIO()) as written:
            run_search(
                make("random"),
                trainer,
                stopped,
                _DESCRIBED,
                num_repeats=2,
                # To the standard output of the moment, as the progress bar does.
                warn=lambda line: print(line, file=sys.stdout),
            )
        self.assertRegex(written.getvalue(), r"^\S*oracle.json is damaged .it is empty")

    def test_a_lost_state_is_no_new_search(self):
        _, _, stopped = self._stopped("random")
        (stopped / "trials/oracle.json").unlink()
        (stopped / "trials/oracle_before.json").write_text("")
        before = {path: path.read_bytes() for path in stopped.rglob("*.json")}
        with self.assertRaisesRegex(errors.UserError, "oracle.json, is lost; choose"):
            search("random", stopped)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content)

    def test_a_damaged_description_is_refused(self):
        _, _, stopped = self._stopped("random")
        path = stopped / "search.json"
        content = path.read_bytes()
        for kind in damage.KINDS.keys() - {"deleted"}:
            path.write_bytes(damage.KINDS[kind](content, np.random.default_rng(1)))
            message = "its search.json is damaged .*; choose another folder$"
            with self.assertRaisesRegex(errors.UserError, message):
                search("random", stopped)
        path.unlink()
        with self.assertRaisesRegex(errors.UserError, "trials, but no search.json"):
            search("random", stopped)

    def test_removed_trials_are_trained_again(self):
        whole, calls, stopped = self._stopped("random")
        shutil.rmtree(stopped / "trials")
        found, again, _ = search("random", stopped)
        self.assertEqual(again, calls)
        self._assert_the_same(found, whole)

    @parameterized.parameters("appendix_d", "random", "grid", "hyperband")
    def test_goes_on_with_what_an_earlier_version_wrote(self, name):
        whole, calls, stopped = self._stopped(name)
        (stopped / "trials/oracle_before.json").unlink()
        for path in stopped.rglob("*.json"):
            values = json.loads(path.read_bytes())
            if not isinstance(values, dict):  # the decisions, for people
                continue
            values.pop("sha256")
            if path.name == "oracle.json":
                values.pop("values")
            path.write_text(json.dumps(values))
        (stopped / "trials/tuner.json").write_text("{}")
        found, again, warnings = search(name, stopped)
        self.assertEqual(again, calls[_STOP:])
        self.assertEmpty(warnings)
        self._assert_the_same(found, whole)

    @parameterized.parameters("trials/oracle.json", "trials/trial_0001/trial.json")
    def test_damage_of_an_earlier_versions_file(self, name):
        _, _, stopped = self._stopped("random")
        (stopped / "trials/oracle_before.json").unlink()
        (path,) = stopped.glob(name.replace("0001", "*1"))
        values = json.loads(path.read_bytes())
        values = {key: 7 for key in values if key not in ("sha256", "values")}
        path.write_text(json.dumps(values))
        if path.name == "trial.json":
            state = json.loads((stopped / "trials/oracle.json").read_bytes())
            del state["sha256"], state["values"]
            (stopped / "trials/oracle.json").write_text(json.dumps(state))
        with self.assertRaisesRegex(errors.UserError, "^output_dir=.*; choose another"):
            search("random", stopped)


if __name__ == "__main__":
    absltest.main()
