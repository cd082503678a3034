"""Tests of how a chief answers its workers, and leaves."""

import os
import threading
import time
from unittest import mock

from absl.testing import absltest

from bsgen import errors
from bsgen.config import addresses
from bsgen.tuning import SettingTuner
from bsgen.tuning.keras_tuner_adapter import chief_server, general_oracles, process_role
from tests import ports
from tests.config import addresses_test
from tests.tuning import surface_trainer


def oracle():
    return general_oracles.make("random", (64, 512), (0.1, 1.0), 4, max_trials=4)


class ChiefServerTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.dict(os.environ))

    def _take_role(self, name, port):
        place = (name, "127.0.0.1", str(port))
        os.environ.update(dict(zip(process_role.VARIABLES, place, strict=True)))

    def test_leaves_soon_after_its_last_worker(self):
        port, folder = ports.free(), self.create_tempdir().full_path
        self._take_role("chief", port)
        chief = oracle()
        tuner = SettingTuner(chief, surface_trainer.SurfaceTrainer(), folder)
        tuner.save()
        address = addresses.Address("127.0.0.1", port)
        sleep, waits = time.sleep, [0.0]

        def waiting(seconds):
            waits.append(seconds)
            sleep(seconds)

        self.enter_context(mock.patch.object(chief_server.time, "sleep", waiting))
        serving = threading.Thread(target=chief_server.serve, args=(chief, address))
        serving.start()
        self._take_role("worker0", port)
        trainer = surface_trainer.SurfaceTrainer()
        SettingTuner(oracle(), trainer, folder).search(verbose=0)
        serving.join(60)
        self.assertFalse(serving.is_alive())
        self.assertLess(max(waits), 20)  # as keras-tuner's own chief sleeps at its end
        self.assertLen(trainer.calls, 4)
        self.assertLen(chief.end_order, 4)
        addresses.check_free("chief", address)

    def test_ends_with_what_the_oracle_raises(self):
        port, folder = ports.free(), self.create_tempdir().full_path
        self._take_role("chief", port)
        chief, raised = oracle(), []
        SettingTuner(chief, surface_trainer.SurfaceTrainer(), folder).save()
        full = errors.UserError("output_dir", folder, "cannot write there (disk full)")

        def serve():
            try:
                chief_server.serve(chief, addresses.Address("127.0.0.1", port))
            except errors.UserError as error:
                raised.append(error)

        serving = threading.Thread(target=serve)
        serving.start()
        self._take_role("worker0", port)
        worker = SettingTuner(oracle(), surface_trainer.SurfaceTrainer(), folder)
        with (
            mock.patch.object(chief, "update_trial", side_effect=full),
            self.assertRaisesRegex(errors.UserError, "the chief failed: .*disk full"),
        ):
            worker.search(verbose=0)
        serving.join(30)
        self.assertEqual(raised, [full])

    def test_shares_its_port_with_nobody(self):
        port, folder = addresses_test.taken_port(self), self.create_tempdir().full_path
        self._take_role("chief", port)
        tuner = SettingTuner(oracle(), surface_trainer.SurfaceTrainer(), folder)
        message = f"^chief='127.0.0.1:{port}': the port is in use"
        with self.assertRaisesRegex(errors.UserError, message):
            tuner.search(verbose=0)
        # Taken between the check and the server's own start, by one who would share.
        with (
            mock.patch.object(addresses, "check_free"),
            mock.patch.object(time, "sleep", side_effect=AssertionError("it serves")),
            self.assertRaisesRegex(errors.UserError, "chief cannot listen there"),
        ):
            tuner.search(verbose=0)


if __name__ == "__main__":
    absltest.main()
