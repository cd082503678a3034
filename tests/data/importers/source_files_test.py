"""Tests of `bsgen.data.importers.source_files`."""

import bz2
import gzip
import lzma
import os
import pathlib
import socket
import tracemalloc

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data.importers import idx, source_files

_CONTENT = np.random.default_rng(0).bytes(4099) * 300


class SourceFilesTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.path = self.folder / "file"

    @parameterized.parameters(bytes, gzip.compress, bz2.compress, lzma.compress)
    def test_compression_is_known_by_content(self, compress):
        for name in ("file", "file.gz", "file.xz"):
            path = self.folder / name
            path.write_bytes(compress(_CONTENT))
            self.assertEqual(source_files.read(path, len(_CONTENT)), _CONTENT)
            with self.assertRaisesRegex(errors.UserError, f"'{path}': .*has more"):
                source_files.read(path, len(_CONTENT) - 1)

    @parameterized.parameters(gzip.compress, bz2.compress, lzma.compress)
    def test_every_flipped_bit_is_found_or_makes_no_difference(self, compress):
        generator = np.random.default_rng(1)
        compressed = compress(_CONTENT[:5000])
        num_found = 0
        for _ in range(100):
            damaged = bytearray(compressed)
            place, bit = generator.integers(len(damaged)), generator.integers(8)
            damaged[place] ^= 1 << bit
            self.path.write_bytes(damaged)
            try:
                content = source_files.read(self.path, 10_000)
            except errors.UserError as error:
                num_found += 1
                self.assertIn(str(self.path), str(error))
                self.assertNotIn("\n", str(error))
            else:  # The first bytes say no more that it is compressed, or a date.
                self.assertIn(content, (_CONTENT[:5000], bytes(damaged)))
        self.assertGreater(num_found, 90)

    @parameterized.parameters(0.0, 0.3, 0.999)
    def test_cut_short(self, kept):
        compressed = gzip.compress(_CONTENT)
        self.path.write_bytes(compressed[: int(len(compressed) * kept)])
        if not kept:
            self.assertEqual(source_files.read(self.path, 1), b"")
            return
        with self.assertRaisesRegex(errors.UserError, "damaged or incomplete"):
            source_files.read(self.path, len(_CONTENT))

    def test_little_memory_is_taken_by_what_claims_much(self):
        # 8 GiB of zeros: members of a gzip file follow each other.
        header = bytes([0, 0, 8, 3]) + np.array([2**31, 2, 2], ">u4").tobytes()
        zeros = gzip.compress(bytes(2**26))
        for start in (b"", gzip.compress(header)):
            self.path.write_bytes(start + zeros * 128)
            tracemalloc.start()
            try:
                with self.assertRaises(errors.UserError):
                    source_files.read(self.path, 2**22)
                with self.assertRaises(errors.UserError):
                    idx.read(self.path, 3)
                self.assertLess(tracemalloc.get_traced_memory()[1], 2**24)
            finally:
                tracemalloc.stop()

    def test_what_is_no_file_is_refused_at_once(self):
        os.mkfifo(self.folder / "pipe")
        (self.folder / "folder").mkdir()
        (self.folder / "loop").symlink_to("loop")
        with socket.socket(socket.AF_UNIX) as listening:
            here = os.getcwd()
            os.chdir(self.folder)  # The path of a socket may not be long.
            try:
                listening.bind("socket")
            finally:
                os.chdir(here)
        for path, words in (
            (self.folder / "pipe", "a pipe, socket or device, not a file"),
            (self.folder / "socket", "a pipe, socket or device, not a file"),
            (pathlib.Path("/dev/zero"), "a pipe, socket or device, not a file"),
            (self.folder / "folder", "a folder, not a file"),
            (self.folder / "loop", "cannot be read"),
            (self.folder / "nothing", "there is no such file"),
            (self.folder / "folder" / ".." / "nothing" / "x", "there is no such file"),
        ):
            with self.assertRaisesRegex(errors.UserError, f"source='{path}': {words}"):
                source_files.read(path, 10)

    def test_hidden_files(self):
        hidden = ("._7.png", ".DS_Store", "Thumbs.db", "__MACOSX", "desktop.ini")
        for name in hidden:
            self.assertTrue(source_files.is_hidden(pathlib.Path("a", name)), name)
        self.assertFalse(source_files.is_hidden(pathlib.Path(".a", "7.png")))


if __name__ == "__main__":
    absltest.main()
