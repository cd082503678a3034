"""Tests of `bsgen.data.importers.treebank_files` on a made-up text."""

import dataclasses
import lzma
import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, data, errors
from bsgen.data import registry
from bsgen.data.datasets import treebank

_RNG = np.random.default_rng(5)
_WORDS = ["a", "b", "<unk>", "N", "it's"]
_LINES = {"train": 30, "validation": 12, "test": 9}


def _text(lines):
    """Lines in the form of the original: a space before the first and the last word."""
    return "".join(f" {' '.join(_RNG.choice(_WORDS, size=7))} \n" for _ in range(lines))


# Every word is in the training text.
_TEXTS = {split: _text(lines) for split, lines in _LINES.items()}
_MADE_UP = dataclasses.replace(
    treebank.PENN_TREEBANK,
    num_classes=6,
    input_shape=(5,),
    lengths=tuple(8 * lines for lines in _LINES.values()),
)


class TreebankTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        entries = {treebank.NAME: _MADE_UP}
        self.enterContext(mock.patch.dict(registry._DATASETS, entries))
        root = pathlib.Path(self.create_tempdir().full_path)
        self.source, self.data_dir = root / "source", str(root / "data")
        self.source.mkdir()
        for split, name in treebank.FILES.items():
            (self.source / name).write_text(_TEXTS[split])

    def _import(self, source=None):
        dataset = registry.find_prepared(treebank.NAME)
        return dataset.import_files(str(source or self.source), self.data_dir)

    def _refused(self, message):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            self._import()
        self.assertNotIn("\n", str(caught.exception))
        self.assertFalse(list(pathlib.Path(self.data_dir).glob("ptb/*")))

    @parameterized.parameters("plain", "xz")
    def test_words_are_read_back_in_order(self, form):
        if form == "xz":  # as in the archive, and compressed
            place = self.source / "simple-examples" / "data"
            place.mkdir(parents=True)
            for name in treebank.FILES.values():
                content = (self.source / name).read_bytes()
                (place / f"{name}.xz").write_bytes(lzma.compress(content))
                (self.source / name).unlink()
        self._import()
        settings = config.DataConfig("ptb", validation_size=4, sampling="contiguous")
        pool = data.load_pool(settings, self.data_dir)
        lines = [line.split() + ["<eos>"] for line in _TEXTS["train"].splitlines()]
        train = [word for line in lines for word in line]
        counts = {word: train.count(word) for word in train}
        # The most frequent word is number 0.
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        tokens = [ranked.index(word) for word in train]
        split = data.split(pool, settings)
        sizes = [len(part) for part in (split.train, split.validation, split.test)]
        # (240 - 1) // 5, 4 as chosen, (72 - 1) // 5.
        self.assertEqual(sizes, [47, 4, 14])
        inputs, labels = pool.gather(split.train)
        self.assertEqual(inputs.ravel().tolist(), tokens[:235])
        self.assertEqual(labels.ravel().tolist(), tokens[1:236])

    def test_a_missing_file(self):
        (self.source / "ptb.valid.txt").unlink()
        self._refused("^source='.*': ptb.valid.txt is missing")

    def test_no_such_files(self):
        for name in treebank.FILES.values():
            (self.source / name).unlink()
        self._refused("^source='.*': this is no folder that holds ptb.train.txt")

    @parameterized.parameters(
        ("train", "\n", "\r\n", "carriage returns"),
        ("test", "\n", "\r", "carriage returns"),
        ("test", "it's", "it\u2019s", "not plain ASCII"),
        ("validation", " a ", " c ", "1 words that ptb.train.txt has not.*'c'"),
    )
    def test_another_text(self, split, old, new, message):
        path = self.source / treebank.FILES[split]
        path.write_bytes(_TEXTS[split].replace(old, new).encode())
        self._refused(message)

    def test_another_encoding(self):
        path = self.source / "ptb.train.txt"
        path.write_text(_TEXTS["train"], encoding="utf-16")
        self._refused("ptb.train.txt': not plain ASCII")

    def test_another_length(self):
        path = self.source / "ptb.test.txt"
        path.write_text(_TEXTS["test"] + " a \n")
        self._refused("ptb.test.txt': it has 74 words .* original has 72;")

    def test_another_vocabulary(self):
        path = self.source / "ptb.train.txt"
        path.write_text(_TEXTS["train"].replace(" a ", " c ", 1))
        self._refused("ptb.train.txt': it has 7 different words.* original has 6;")

    def test_how_to_get_it(self):
        settings = config.DataConfig("ptb")
        with self.assertRaisesRegex(errors.UserError, "get ptb.train.txt.*--source"):
            data.load_pool(settings, self.data_dir)
        with self.assertRaisesRegex(errors.UserError, "cannot download it: get ptb"):
            registry.find_prepared("ptb").check("", self.data_dir)

    def test_damaged_after_it_was_prepared(self):
        folder = self._import()
        for path in folder.glob("ptb-train*"):
            path.write_bytes(path.read_bytes()[:-9])
        with self.assertRaisesRegex(errors.UserError, "train files are damaged; run"):
            data.load_pool(config.DataConfig("ptb"), self.data_dir)


class EntryTest(absltest.TestCase):
    def test_what_is_known_of_it(self):
        entry = treebank.PENN_TREEBANK
        # 929,589 words make 26,559 windows of 35 and the word after the last.
        self.assertEqual((entry.train_size, entry.test_size), (26_559, 2_355))


if __name__ == "__main__":
    absltest.main()
