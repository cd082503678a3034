"""Tests of `bsgen.data.importers.restricted_pickle`."""

import contextlib
import datetime
import io
import os
import pathlib
import pickle
import struct
import warnings

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.data.importers import restricted_pickle

_DATA = np.random.default_rng(0).integers(0, 256, size=[4, 6]).astype(np.uint8)

# {'data': array([[1, 2], [3, 4]], uint8), 'labels': [7, 9]} as Python 2 writes it.
_PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03"
    b"cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02K\x02"
    b"\x86q\tcnumpy\ndtype\nq\nU\x02u1q\x0bK\x00K\x01\x87q\x0cRq\r(K\x03U\x01|q\x0e"
    b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x04\x01\x02\x03\x04q\x10"
    b"tq\x11bU\x06labelsq\x12]q\x13(K\x07K\teu."
)


class _Call:
    """Is pickled as a call of any function."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


class RestrictedPickleTest(parameterized.TestCase):
    @parameterized.parameters(0, 1, 2, 3, 4)
    def test_reads_what_python_3_writes(self, protocol):
        written = {
            "data": _DATA,
            b"labels": [3, 1, 70_000, -1],
            "batch_label": "1 of 5",
        }
        read = restricted_pickle.loads(pickle.dumps(written, protocol))
        np.testing.assert_array_equal(read.pop("data"), _DATA)
        del written["data"]
        self.assertEqual(read, written)

    def test_reads_columns_first(self):
        content = pickle.dumps({"data": np.asfortranarray(_DATA)}, 4)
        np.testing.assert_array_equal(restricted_pickle.loads(content)["data"], _DATA)

    def test_reads_what_python_2_wrote(self):
        read = restricted_pickle.loads(_PYTHON_2)
        self.assertEqual(read[b"labels"], [7, 9])
        np.testing.assert_array_equal(read[b"data"], [[1, 2], [3, 4]])
        # The twin: Python's own reader sees the same.
        twin = pickle.loads(_PYTHON_2, encoding="bytes")  # noqa: S301
        np.testing.assert_array_equal(twin[b"data"], [[1, 2], [3, 4]])

    @parameterized.parameters(0, 2, 4)
    def test_nothing_is_executed(self, protocol):
        proof = pathlib.Path(self.create_tempdir().full_path) / "executed"
        content = pickle.dumps({"data": _Call(os.mkdir, str(proof))}, protocol)
        with self.assertRaisesRegex(ValueError, "posix.mkdir, which is forbidden"):
            restricted_pickle.loads(content)
        self.assertFalse(proof.exists())
        pickle.loads(content)  # noqa: S301
        self.assertTrue(proof.exists())  # So the attack is one.

    @parameterized.parameters(
        (_Call(eval, "1"), "builtin.*eval"),
        (_Call(getattr, "a", "upper"), "builtin.*getattr"),
        (datetime.date(2017, 1, 1), "datetime.date"),
        (np.float64(1), "multiarray.scalar"),
        (_Call(np.load, "file"), "numpy.load"),
        (np.full(2, 3.5), "type 'f8', not 'u1'"),
        (np.array([None]), "type 'O8', not 'u1'"),
    )
    def test_everything_else_is_refused(self, value, message):
        for protocol in (2, 4):
            content = pickle.dumps({"data": value}, protocol)
            with self.assertRaisesRegex(ValueError, message):
                restricted_pickle.loads(content)

    @parameterized.parameters(
        (b"cnumpy\nndarray\n)R.", "calls numpy.ndarray"),
        (b"cnumpy\nndarray\n}b.", "changes a function"),
        (b"cnumpy\ndtype\nN}(S'_function'\nNu\x86b.", "changes a function"),
        (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", "encodes text as b'rot13'"),
        (b"cnumpy\nndarray\n)\x81.", "."),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R.", "no dictionary, but _Array"),
        (b"}(S'a'\ncnumpy.core.multiarray\n_reconstruct\n)Ru.", "value"),
        (b"S'abc'\n.", "no dictionary, but bytes"),
        (b"Pid\n.", "persistent"),
        (b"\x82\x01.", "."),
        (b"", "."),
        (b".", "."),
    )
    def test_crafted_pickles(self, content, message):
        with self.assertRaisesRegex(ValueError, message):
            restricted_pickle.loads(content)

    @parameterized.parameters(
        # A string of 2^40 bytes, a memo of 2^31 places, an array of 2^80 elements.
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"abc.", "expected"),
        (b"\x80\x02}r" + struct.pack("<I", 2**31 - 1) + b".", "places of memory"),
        (_PYTHON_2.replace(b"K\x02K\x02", b"J\xff\xff\xff\x7fK\x02"), "reshape"),
    )
    def test_absurd_sizes(self, content, message):
        with self.assertRaisesRegex(ValueError, message):
            restricted_pickle.loads(content)

    def test_truncated_anywhere(self):
        for kept in range(len(_PYTHON_2)):
            with self.assertRaises(ValueError):
                restricted_pickle.loads(_PYTHON_2[:kept])

    def test_damaged_anywhere(self):
        # Either an error that says so, or (in the data) other values: no crash.
        generator = np.random.default_rng(1)
        for _ in range(3000):
            content = bytearray(_PYTHON_2)
            content[generator.integers(len(content))] = generator.integers(256)
            with contextlib.suppress(ValueError), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Of damaged text, by Python.
                self.assertIsInstance(restricted_pickle.loads(bytes(content)), dict)

    def test_arrays_cannot_be_written_to(self):
        data = restricted_pickle.loads(_PYTHON_2)[b"data"]
        with self.assertRaisesRegex(ValueError, "read-only"):
            data[0] = 1

    def test_the_crafted_python_2_file_has_all_its_names(self):
        names = set()

        class Recorder(pickle.Unpickler):
            def find_class(self, module_name, global_name):
                names.add(f"{module_name}.{global_name}")
                return super().find_class(module_name, global_name)

        Recorder(io.BytesIO(_PYTHON_2), encoding="bytes").load()
        multiarray = "numpy.core.multiarray._reconstruct"
        self.assertEqual(names, {multiarray, "numpy.ndarray", "numpy.dtype"})


if __name__ == "__main__":
    absltest.main()
