"""Tests of addresses, against this machine's own sockets."""

import socket
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.config import addresses
from tests import ports


def taken_port(test):
    taken = test.enter_context(socket.socket())
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    taken.bind(("127.0.0.1", ports.free()))
    taken.listen()
    return taken.getsockname()[1]


class AddressesTest(parameterized.TestCase):
    @parameterized.parameters(
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("a-b.c:1", "a-b.c", 1),
        ("[::1]:65535", "[::1]", 65535),
    )
    def test_parses(self, text, host, port):
        found = addresses.parse(text)
        self.assertEqual((found.host, found.port), (host, port))
        self.assertEqual(str(found), text)

    @parameterized.parameters(
        *("", "here", ":1", "a:", "a:0", "a:65536", "a:-1", "a:1.5", "a:٣", "a b:1"),
        *("http://a:1", "::1:80", "a:1 ", "a:1\n", None, 7),
    )
    def test_what_is_no_address(self, text):
        self.assertIsNone(addresses.parse(text))

    @parameterized.parameters("127.0.0.1", "localhost", addresses.ANY_HOST)
    def test_a_port_in_use(self, host):
        port = taken_port(self)
        message = f"^chief='{host}:{port}': the port is in use; choose another one"
        with self.assertRaisesRegex(errors.UserError, message):
            addresses.check_free("chief", addresses.Address(host, port))

    @parameterized.parameters("127.0.0.1", "localhost", addresses.ANY_HOST)
    def test_a_free_port_stays_free(self, host):
        address = addresses.Address(host, ports.free())
        for _ in range(3):
            addresses.check_free("chief", address)
        with addresses.listen("chief", address) as listening:
            socket.create_connection(("127.0.0.1", address.port)).close()
            listening.accept()[0].close()
        addresses.check_free("chief", address)  # though a connection was there

    def test_an_address_of_another_machine(self):
        message = "no such address; give one of its own"  # TEST-NET-1 is nobody's
        with self.assertRaisesRegex(errors.UserError, message):
            addresses.check_free("chief", addresses.Address("192.0.2.1", 8000))

    def test_a_name_of_no_machine(self):
        unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        with mock.patch.object(socket, "getaddrinfo", side_effect=unknown):
            for check in (addresses.check_known, addresses.check_free):
                with self.assertRaisesRegex(
                    errors.UserError, "no machine is known as nobody .Name or service"
                ):
                    check("chief", addresses.Address("nobody", 8000))
        with self.assertRaisesRegex(errors.UserError, "no machine is known as a..b "):
            addresses.check_known("chief", addresses.Address("a..b", 1))


if __name__ == "__main__":
    absltest.main()
