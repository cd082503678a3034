"""The names that keras-tuner does not document exist, and one file uses them."""

import ast
import inspect
import pathlib

import keras_tuner
from absl.testing import absltest, parameterized
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client

from bsgen.tuning.keras_tuner_adapter import (
    general_oracles,
    resumable_oracle,
    undocumented,
)

_BaseTuner = keras_tuner.engine.base_tuner.BaseTuner
_OF_CLASSES = (
    (_BaseTuner, "_get_tuner_fname"),
    (_BaseTuner, "_is_worker"),
    (_BaseTuner, "_try_run_and_update_trial"),
    (keras_tuner.Oracle, "_project_dir"),
    (keras_tuner.Oracle, "_save_trial"),
    (keras_tuner.oracles.GridSearchOracle, "_compare"),
    (oracle_chief.OracleServicer, "CreateTrial"),
    (oracle_chief.OracleServicer, "UpdateTrial"),
    (oracle_chief.OracleServicer, "EndTrial"),
)
_OF_MODULES = (
    (oracle_chief, "exit_chief"),
    (oracle_client, "OracleClient"),
    (protos, "get_service_grpc"),
)
_OF_ORACLES = ("_retry_queue", "_directory", "_ordered_ids", "_populate_next")


def names_in(path):
    """Every attribute, function and imported module that a file names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield node.module


class UndocumentedTest(parameterized.TestCase):
    @parameterized.parameters(*_OF_CLASSES, *_OF_MODULES)
    def test_of_a_module_or_class(self, owner, name):
        self.assertTrue(hasattr(owner, name))
        if isinstance(owner, type):
            self.assertFalse(issubclass(owner, resumable_oracle.ResumableOracle))

    @parameterized.parameters(*_OF_ORACLES)
    def test_of_an_oracle(self, name):
        oracle = general_oracles.make("grid", (64, 512), (0.1, 1.0), 4)
        oracle._set_project_dir(self.create_tempdir().full_path, "trials")
        self.assertIn(name, vars(oracle))

    def test_one_file_uses_them(self):
        private = {name for _, name in _OF_CLASSES if name.startswith("_")}
        private |= {*_OF_ORACLES, *(name for _, name in _OF_MODULES)}
        private -= {"OracleClient"}  # others subclass it
        here = pathlib.Path(inspect.getfile(undocumented))
        self.assertContainsSubset(private, {*names_in(here)})
        for path in here.parent.glob("*.py"):
            if path != here:
                used = {*names_in(path)}
                self.assertEmpty(used & private, path)
                for name in filter(None, used):
                    self.assertFalse(name.startswith("keras_tuner."), path)
                self.assertNotIn("engine", used, path)


if __name__ == "__main__":
    absltest.main()
