"""The names that keras-tuner does not document and this project uses; seen in 1.4.8."""

import keras_tuner
from absl.testing import absltest, parameterized
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client

from bsgen.tuning.keras_tuner_adapter import (
    general_oracles,
    resumable_oracle,
)

_BaseTuner = keras_tuner.engine.base_tuner.BaseTuner


class KerasTunerNamesTest(parameterized.TestCase):
    @parameterized.parameters(
        (_BaseTuner, "_get_tuner_fname"),
        (_BaseTuner, "_is_worker"),
        (_BaseTuner, "_try_run_and_update_trial"),
        (keras_tuner.Oracle, "_project_dir"),
        (keras_tuner.Oracle, "_save_trial"),
        (keras_tuner.oracles.GridSearchOracle, "_compare"),
        (oracle_chief, "exit_chief"),
        (oracle_chief.OracleServicer, "CreateTrial"),
        (oracle_chief.OracleServicer, "UpdateTrial"),
        (oracle_chief.OracleServicer, "EndTrial"),
        (oracle_client, "OracleClient"),
        (protos, "get_service_grpc"),
    )
    def test_of_a_module_or_class(self, owner, name):
        self.assertTrue(hasattr(owner, name))
        if isinstance(owner, type):
            self.assertFalse(issubclass(owner, resumable_oracle.ResumableOracle))

    @parameterized.parameters("_retry_queue", "_directory", "_ordered_ids")
    def test_of_an_oracle(self, name):
        oracle = general_oracles.make("grid", (64, 512), (0.1, 1.0), 4)
        oracle._set_project_dir(self.create_tempdir().full_path, "trials")
        self.assertIn(name, vars(oracle))


if __name__ == "__main__":
    absltest.main()
