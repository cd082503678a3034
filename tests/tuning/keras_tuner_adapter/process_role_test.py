"""Tests of keras-tuner's variables."""

import os
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.config import addresses
from bsgen.tuning.keras_tuner_adapter import process_role
from tests import ports
from tests.config import addresses_test


class SearchRoleTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.dict(os.environ))
        for name in (*process_role.VARIABLES, process_role.PATIENCE):
            os.environ.pop(name, None)

    def _set(self, name="worker0", host="127.0.0.1", port="8000", **more):
        values = zip(process_role.VARIABLES, (name, host, port), strict=True)
        os.environ.update({**dict(values), **more})

    def test_alone(self):
        process_role.check()
        self.assertEqual(process_role.role(), "single")

    @parameterized.parameters(("chief", "chief"), ("worker0", "worker"))
    def test_of_several(self, name, expected):
        self._set(name, port=str(ports.free()))
        process_role.check()
        self.assertEqual(process_role.role(), expected)
        self.assertEqual(process_role.patience(), 300.0)
        os.environ[process_role.PATIENCE] = "2.5"
        self.assertEqual(process_role.patience(), 2.5)

    @parameterized.parameters(
        ({"port": "port"}, "KERASTUNER_ORACLE_PORT='port': give the port at which"),
        ({"port": "70000"}, "KERASTUNER_ORACLE_PORT='70000': give the port"),
        ({"port": ""}, "environment=.*needs all of"),
        ({"name": ""}, "environment=.*needs all of"),
        ({"host": ""}, "environment=.*needs all of"),
        ({"host": "http://here"}, "KERASTUNER_ORACLE_IP='http://here': give the"),
        ({"host": "a..b"}, "chief='a..b:8000': no machine is known as a..b"),
        ({"BSGEN_CHIEF_SECONDS": "soon"}, "BSGEN_CHIEF_SECONDS='soon': give a number"),
        ({"BSGEN_CHIEF_SECONDS": "nan"}, "BSGEN_CHIEF_SECONDS='nan': give a number"),
        ({"BSGEN_CHIEF_SECONDS": "-1"}, "BSGEN_CHIEF_SECONDS='-1': give a number"),
    )
    def test_wrong_shapes(self, values, message):
        self._set(**values)
        with self.assertRaisesRegex(errors.UserError, f"^{message}"):
            process_role.check()

    def test_a_chief_whose_port_is_in_use(self):
        port = addresses_test.taken_port(self)
        self._set("chief", port=str(port))
        with self.assertRaisesRegex(
            errors.UserError, f"^chief='127.0.0.1:{port}': the port is in use"
        ):
            process_role.check()
        self._set("worker0", port=str(port))
        process_role.check()
        self.assertEqual(process_role.chief(), addresses.Address("127.0.0.1", port))


if __name__ == "__main__":
    absltest.main()
