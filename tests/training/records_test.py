"""Tests of the append-only file of finished runs."""

import json
import math
import multiprocessing
import pathlib

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.training import json_lines, records


def _run(seed, **settings):
    return config.RunConfig(batch_size=8, num_steps=20, seed=seed, **settings)


def _record(seed, accuracy=0.5, status="completed"):
    curve = {"step": [0, 20], "test_accuracy": [0.1, accuracy]}
    final = {"test_accuracy": accuracy} if status == "completed" else {}
    return records.RunRecord(_run(seed), status, curve, final, 0.25 + seed)


def _append(folder, seeds):
    store = records.RunStore(folder)
    for seed in seeds:
        store.add([_record(seed)])


class RunStoreTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path) / "results"
        self.path = self.folder / "runs.jsonl"

    @parameterized.parameters(
        config.MomentumConfig(
            learning_rate=0.3, momentum=0.5, nesterov=True, l2=1e-3, clip_norm=2.0
        ),
        config.NewtonConfig(l2=1e-7 / 3),
    )
    def test_round_trip(self, optimizer):
        run = _run(
            7,
            data=config.DataConfig("digits", 100, 10, "none", 3, "independent"),
            model=config.ModelConfig("mlp", (3, 4), "tanh"),
            optimizer=optimizer,
            evaluation_steps=(0, 5),
        )
        curve = {"step": [0, 5, 20], "test_accuracy": [0.1, 1 / 3, 0.1 + 0.2]}
        final = {"test_accuracy": 0.1 + 0.2}
        records.RunStore(self.folder).add(
            [records.RunRecord(run, "completed", curve, final, 1.5)]
        )
        found = records.RunStore(self.folder).find(run)
        self.assertEqual(found, records.RunRecord(run, "completed", curve, final, 1.5))

    def test_nothing_is_made_before_the_first_run(self):
        store = records.RunStore(self.folder)
        self.assertIsNone(store.find(_run(0)))
        self.assertFalse(self.folder.exists())

    def test_lines_are_strict_json_with_the_key(self):
        store = records.RunStore(self.folder)
        wild = records.RunRecord(
            _run(1),
            "completed",
            {"step": [0, 20], "test_cross_entropy": [2.3, math.inf]},
            {"test_cross_entropy": math.nan},
            0.123456789,
        )
        store.add([_record(0), wild])

        def refuse(constant):
            raise AssertionError(f"{constant} is not JSON")

        lines = self.path.read_text().splitlines()
        first, second = (json.loads(line, parse_constant=refuse) for line in lines)
        self.assertEqual(first["key"], _run(0).key)
        self.assertEqual(first["version"], json_lines.FORMAT_VERSION)
        self.assertEqual(second["curve"]["test_cross_entropy"], [2.3, None])
        self.assertEqual(second["final"], {"test_cross_entropy": None})
        # What is found before the file is read again is what is found after.
        for run in (_run(0), _run(1)):
            self.assertEqual(store.find(run), records.RunStore(self.folder).find(run))

    def test_a_line_torn_anywhere_loses_only_its_run(self):
        store = records.RunStore(self.folder)
        for seed in range(3):
            store.add([_record(seed)])
        whole = self.path.read_bytes()
        start = whole.rstrip(b"\n").rfind(b"\n") + 1
        for stop in range(start, len(whole)):
            self.path.write_bytes(whole[:stop])
            store = records.RunStore(self.folder)
            # Without its last byte, the newline, the line is still whole.
            expected = [] if stop == len(whole) - 1 else [_run(2)]
            self.assertEqual(store.missing(_run(seed) for seed in range(3)), expected)
            store.add([_record(3)])
            store = records.RunStore(self.folder)
            self.assertEqual(store.missing(_run(s) for s in range(4)), expected)
            self.assertEqual(store.find(_run(0)), _record(0))
            self.assertEqual(store.find(_run(3)), _record(3))

    @parameterized.parameters(
        b"\0" * 512, b"null\n", b"\xff\xfe\n", b"[1, 2\n", b"\n\n"
    )
    def test_rubbish_between_lines_is_left_out(self, rubbish):
        records.RunStore(self.folder).add([_record(0)])
        with open(self.path, "ab") as file:
            file.write(rubbish)
        records.RunStore(self.folder).add([_record(1)])
        store = records.RunStore(self.folder)
        self.assertEmpty(store.missing([_run(0), _run(1)]))

    def test_a_newer_version_is_refused_and_kept(self):
        records.RunStore(self.folder).add([_record(0)])
        text = self.path.read_text().replace('"version": 1', '"version": 2')
        self.path.write_text(text)
        with self.assertRaisesRegex(
            errors.UserError, "^output_dir='.*results': .*newer version.*format 2"
        ):
            records.RunStore(self.folder)
        self.assertEqual(self.path.read_text(), text)

    def test_missing_names_each_run_once_in_order(self):
        store = records.RunStore(self.folder)
        store.add([_record(1)])
        runs = [_run(2), _run(1), _run(0), _run(2)]
        self.assertEqual(store.missing(runs), [_run(2), _run(0)])

    def test_forgotten_runs_are_missing_until_they_are_made_again(self):
        store = records.RunStore(self.folder)
        store.add([_record(0, 0.5), _record(1, 0.5)])
        store.forget([_run(0), _run(9)])
        self.assertEqual(store.missing([_run(0), _run(1)]), [_run(0)])
        store.add([_record(0, 0.75)])
        for reader in (store, records.RunStore(self.folder)):
            self.assertEqual(reader.find(_run(0)), _record(0, 0.75))

    def test_two_writers_share_a_file(self):
        context = multiprocessing.get_context("spawn")
        halves = [list(range(0, 60)), list(range(60, 120))]
        writers = [
            context.Process(target=_append, args=(self.folder, half)) for half in halves
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
            self.assertEqual(writer.exitcode, 0)
        store = records.RunStore(self.folder)
        self.assertEmpty(store.missing(_run(seed) for seed in range(120)))

    def test_unwritable(self):
        self.folder.parent.joinpath("file").write_text("")
        store = records.RunStore(self.folder.parent / "file" / "results")
        with self.assertRaisesRegex(errors.UserError, "^output_dir='.*cannot write"):
            store.add([_record(0)])


if __name__ == "__main__":
    absltest.main()
