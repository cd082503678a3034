"""Searches by a chief and workers: kills of either, torn files, mistakes."""

import contextlib
import io
import os
import warnings
from concurrent import futures
from unittest import mock

import grpc
import keras_tuner
import numpy as np
import sklearn.exceptions
from absl.testing import absltest, parameterized
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief

from bsgen import errors
from bsgen.tuning import AppendixD, BatchSizeHeuristic, Outcome, SettingTuner
from bsgen.tuning.keras_tuner_adapter import (
    chief_client,
    general_oracles,
    oracle_names,
    resumable_oracle,
    trials,
)
from tests import ports
from tests.tuning import surface, surface_trainer

_NAMES = ("appendix_d", *oracle_names.NAMES)


def variables(name, port=1):
    place = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    return {"KERASTUNER_TUNER_ID": name, **place}


def in_role(name, port=1):
    return mock.patch.dict(os.environ, variables(name, port))


def procedure():
    return AppendixD(
        train_size=100_000,
        baseline_score=0.1,
        batch_sizes=(64, 512, 4096, 16384),
        num_repeats=2,
    )


def make(name, folder):
    """Returns an oracle as a process that starts has it."""
    if name == "appendix_d":
        oracle = BatchSizeHeuristic(procedure())
    else:
        more = {} if name == "hyperband" else {"max_trials": 12}
        oracle = general_oracles.make(name, (64, 4096), (0.01, 1.0), 4, seed=1, **more)
    with contextlib.redirect_stdout(io.StringIO()):
        tuner = SettingTuner(oracle, surface_trainer.SurfaceTrainer(), folder)
    tuner.save()
    return oracle


def report(oracle, trial):
    """Reports a trial as a worker does, which has a copy of it."""
    request = trials.to_request(trial.hyperparameters.values, 2)
    outcome = surface.Surface().outcome(request)
    oracle.update_trial(trial.trial_id, trials.to_metrics(outcome, 0.0))
    copy = keras_tuner.engine.trial.Trial.from_proto(trial.to_proto())
    copy.status = "COMPLETED"
    oracle.end_trial(copy)


def settings_of(oracle):
    found = [trial.hyperparameters.values for trial in oracle.trials.values()]
    return sorted(str(sorted(values.items())) for values in found)


class Killed(BaseException):
    pass


class KilledChiefTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.enter_context(in_role("chief"))
        # The Gaussian process of the Bayesian search says that it has not converged.
        self.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)

    def _work(self, oracle, generator, kill_chief=0.0, kill_worker=0.0):
        """Lets three workers work to the end; returns the oracle and who trained."""
        running, trained, stopped = {}, [], set()
        for _ in range(2000):
            if generator.random() < kill_chief:
                oracle = self._restart(oracle)
            name = f"worker{generator.integers(3)}"
            if name in running:
                if generator.random() < kill_worker:
                    running.pop(name)
                else:
                    trial = running.pop(name)
                    report(oracle, trial)
                    trained.append(trial.trial_id)
            else:
                trial = oracle.create_trial(name)
                if trial.status == "STOPPED":
                    stopped.add(name)
                elif trial.status == "RUNNING":
                    running[name] = trial
            if len(stopped) == 3:
                break
        self.assertLen(stopped, 3)
        self.assertTrue(oracle_chief.exit_chief(oracle))
        return oracle, trained

    def _restart(self, oracle):
        return make(self._name, self.folder)

    @parameterized.parameters(*_NAMES)
    def test_each_trial_is_trained_once(self, name):
        self._name = name
        generator = np.random.default_rng(0)
        killed, trained = self._work(make(name, self.folder), generator, 0.3, 0.3)
        self.assertEqual(sorted(trained), sorted(killed.trials))
        self.assertEqual(sorted(killed.end_order), sorted(killed.trials))
        status = {trial.status for trial in killed.trials.values()}
        self.assertEqual(status, {"COMPLETED"})
        self.assertEqual(
            killed.review() if name == "appendix_d" else None, self._review(name)
        )
        again = self._restart(killed)
        self.assertEqual(settings_of(again), settings_of(killed))
        self.assertEqual(again.create_trial("worker0").status, "STOPPED")

    def _review(self, name):
        if name != "appendix_d":
            return None
        return surface.finish(procedure(), surface.Surface())[0]

    # Bayesian search keeps nothing of its own, and takes long.
    @parameterized.parameters("appendix_d", "random", "grid", "hyperband")
    def test_a_kill_at_any_write_of_a_file(self, name):
        self._name = name
        whole, _ = self._work(make(name, self.folder), np.random.default_rng(1))
        for stop in range(16):
            self.folder = self.create_tempdir().full_path
            oracle = make(name, self.folder)
            with self._killed_at_write(stop), self.assertRaises(Killed):
                self._work(oracle, np.random.default_rng(1))
            found, _ = self._work(self._restart(oracle), np.random.default_rng(1))
            self.assertEqual(sorted(found.end_order), sorted(found.trials))
            self.assertLen(set(settings_of(found)), len(found.trials))
            self.assertLen(found.trials, len(whole.trials))

    def _killed_at_write(self, stop):
        replace, left = os.replace, [None] * stop

        def killed(*places):
            if not left:
                raise Killed
            left.pop()
            replace(*places)

        return mock.patch.object(os, "replace", killed)

    def test_an_absent_worker_loses_its_trial(self):
        oracle = make("appendix_d", self.folder)
        first = oracle.create_trial("worker0")
        second = oracle.create_trial("worker1")
        oracle = make("appendix_d", self.folder)
        report(oracle, second)
        status = None
        while status not in ("IDLE", "STOPPED"):
            trial = oracle.create_trial("worker1")
            status = trial.status
            if status == "RUNNING":
                self.assertNotEqual(trial.trial_id, first.trial_id)
                report(oracle, trial)
        self.assertEqual(status, "IDLE")  # all that is left is worker0's
        with mock.patch.object(resumable_oracle, "_ABSENCE_SECONDS", 0.0):
            taken = oracle.create_trial("worker1")
        self.assertEqual(taken.trial_id, first.trial_id)
        report(oracle, first)  # it was only slow
        before = trials.to_outcome(oracle.trials[first.trial_id])
        report(oracle, taken)
        self.assertEqual(trials.to_outcome(oracle.trials[first.trial_id]), before)
        self.assertEqual(oracle.end_order.count(first.trial_id), 1)

    def test_one_process_goes_on_with_what_a_chief_began(self):
        oracle = make("appendix_d", self.folder)
        ended, left = (oracle.create_trial(f"worker{i}") for i in range(2))
        report(oracle, ended)
        with mock.patch.dict(os.environ):
            for name in variables("chief"):
                del os.environ[name]
            trainer = surface_trainer.SurfaceTrainer()
            oracle = BatchSizeHeuristic(procedure())
            SettingTuner(oracle, trainer, self.folder).search(verbose=0)
        asked = [(setting, repeats) for setting, repeats, _ in trainer.calls]
        left, ended = (
            trials.to_request(trial.hyperparameters.values, 2)
            for trial in (left, ended)
        )
        self.assertEqual(asked[0], (left.setting, left.repeats))
        self.assertNotIn((ended.setting, ended.repeats), asked)
        expected = self._review("appendix_d")
        self.assertEqual(oracle.review().decisions, expected.decisions)


class ConnectionTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.port = ports.free()

    def _serve(self, oracle):
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
        servicer = oracle_chief.OracleServicer(oracle)
        protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
        self.assertEqual(server.add_insecure_port(f"127.0.0.1:{self.port}"), self.port)
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        return server

    def _chief(self, identity=None):
        with in_role("chief", self.port):
            oracle = BatchSizeHeuristic(procedure())
            trainer = surface_trainer.SurfaceTrainer()
            SettingTuner(oracle, trainer, self.folder, identity=identity).save()
            return oracle

    def _worker(self, trainer, identity=None):
        oracle = BatchSizeHeuristic(procedure())
        with in_role("worker0", self.port):
            folder = self.folder + "/of_worker"
            tuner = SettingTuner(oracle, trainer, folder, identity=identity)
            try:
                tuner.search(verbose=0)
            finally:
                self.assertFalse(os.path.exists(folder))

    def test_a_search_over_the_wire(self):
        oracle = self._chief({"learning_rate": 0.1, "sizes": (1, 2)})
        self._serve(oracle)
        trainer = surface_trainer.SurfaceTrainer()
        self._worker(trainer, {"sizes": (1, 2), "learning_rate": 0.1})
        self.assertLen(trainer.calls, len(oracle.trials))
        expected, results = surface.finish(procedure(), surface.Surface())
        self.assertEqual(oracle.review().decisions, expected.decisions)
        found = trials.merged(oracle.trials, 2)
        self.assertEqual(found.keys(), results.keys())
        for setting, outcome in found.items():
            self.assertEqual(outcome.scores, results[setting].scores)

    def test_counts_arrive_whole(self):
        oracle = self._chief()
        self._serve(oracle)
        sent = Outcome({0: 0.5}, "diverged", 2**24 + 1, 2**40 + 3, 0.25)
        with in_role("worker0", self.port):
            client = chief_client.ChiefClient(oracle)
            trial = client.create_trial("worker0")
            client.update_trial(trial.trial_id, trials.to_metrics(sent, 0.0))
            trial.status = "COMPLETED"
            client.end_trial(trial)
        self.assertEqual(trials.to_outcome(oracle.trials[trial.trial_id]), sent)

    def test_another_version_or_other_flags(self):
        oracle = self._chief({"bsgen": "0.2.0", "seed": 0})
        self._serve(oracle)
        trainer = surface_trainer.SurfaceTrainer()
        with self.assertRaisesRegex(
            errors.UserError, r"bsgen, seed differ \(bsgen: '0.2.0' there, '0.1.0' here"
        ):
            self._worker(trainer, {"bsgen": "0.1.0", "seed": 1})
        self.assertEmpty(trainer.calls)
        self.assertEmpty(oracle.trials)
        self.assertEmpty(oracle.tuner_ids)  # the chief does not wait for it

    def test_no_chief(self):
        soon = mock.patch.dict(os.environ, BSGEN_CHIEF_SECONDS="1")
        message = "no chief has answered .* 1 s"
        with soon, self.assertRaisesRegex(errors.UserError, message):
            self._worker(surface_trainer.SurfaceTrainer())

    def test_a_chief_that_fails(self):
        oracle = self._chief()
        self._serve(oracle)
        with (
            mock.patch.object(
                type(oracle),
                "populate_space",
                side_effect=RuntimeError("no space left"),
            ),
            self.assertRaisesRegex(errors.UserError, "chief failed: .*no space left"),
        ):
            self._worker(surface_trainer.SurfaceTrainer())

    @parameterized.parameters("create_trial", "update_trial", "end_trial")
    def test_a_chief_killed_while_it_answers(self, name):
        """The connection breaks after the chief has done it, before it has said so."""
        oracle = self._chief()
        server = self._serve(oracle)
        method, broken = getattr(type(oracle), name), []
        wire = []

        def dies(*args, **more):
            result = method(*args, **more)
            if not broken:
                broken.append(server.stop(None))
                wire.append(self._chief())
                self._serve(wire[0])
            return result

        trainer = surface_trainer.SurfaceTrainer()
        with mock.patch.object(type(oracle), name, dies):
            self._worker(trainer)
        self.assertLen(broken, 1)
        expected, _ = surface.finish(procedure(), surface.Surface())
        self.assertEqual(wire[0].review().decisions, expected.decisions)
        self.assertLen(trainer.calls, len(wire[0].trials))
        self.assertNotIn(
            "failed", {o.status for o in trials.merged(wire[0].trials, 2).values()}
        )


if __name__ == "__main__":
    absltest.main()
