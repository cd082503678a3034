"""Tests of the append-only file of finished runs."""

import dataclasses
import json
import math
import multiprocessing
import pathlib

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.files import json_lines
from bsgen.training import records


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
        self.warnings = []

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

    def test_hardware_is_kept_and_older_lines_have_none(self):
        hardware = {"device": "NVIDIA H200", "tensorflow": "2.21.0", "engine": "loop"}
        made = dataclasses.replace(_record(0), hardware=hardware)
        store = records.RunStore(self.folder)
        store.add([made, _record(1)])
        for reader in (store, records.RunStore(self.folder, self.fail)):
            self.assertEqual(reader.find(_run(0)), made)
            self.assertEqual(reader.find(_run(1)).hardware, {})
        first, second = map(json.loads, self.path.read_text().splitlines())
        self.assertEqual(first["hardware"], hardware)
        self.assertNotIn("hardware", second)

    def test_a_summary_tells_the_hardware(self):
        summary = {"status": "completed", "final": {}, "seconds": 1.0}
        for recorded, expected in (
            ({"device": "NVIDIA H200"}, {"device": "NVIDIA H200"}),
            ("1 x CPU", {"device": "1 x CPU"}),  # of older versions
        ):
            values = {**summary, "hardware": recorded}
            found = records.from_history(_run(0), values, [])
            self.assertEqual(found.hardware, expected)

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
        for stop in [*range(start, len(whole), 7), len(whole) - 2, len(whole) - 1]:
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

    def _write(self, *objects):
        """Writes lines of an older version, without digests."""
        self.folder.mkdir(exist_ok=True)
        text = "".join(json.dumps(values) + "\n" for values in objects)
        self.path.write_text(text)

    def test_older_lines_are_read_and_said_to_be_unchecked(self):
        self._write(*(_record(seed).to_values() for seed in range(3)))
        store = records.RunStore(self.folder, self.warnings.append)
        self.assertEqual(store.find(_run(2)), _record(2))
        store.add([_record(3)])
        store = records.RunStore(self.folder, self.warnings.append)
        self.assertEqual(store.find(_run(2)), _record(2))
        self.assertLen(self.warnings, 2)
        self.assertIn("3 of 3 lines are of an older version", self.warnings[0])
        self.assertIn("3 of 4 lines are of an older version", self.warnings[1])

    def test_a_flipped_bit_is_found_wherever_it_is(self):
        records.RunStore(self.folder).add([_record(0), _record(1)])
        whole = self.path.read_bytes()
        end = whole.index(b"\n")
        for place in range(end):
            changed = bytearray(whole)
            changed[place] ^= 1 << place * 5 % 8
            self.path.write_bytes(changed)
            with self.assertRaises(errors.UserError) as caught:
                records.RunStore(self.folder, self.fail)
            message = str(caught.exception)
            self.assertRegex(message, r"runs\.jsonl, line 1: .*; remove|newer version")

    @parameterized.named_parameters(
        ("accuracy", "final", {"test_accuracy": -5}, "final.test_accuracy is -5, not"),
        ("huge", "final", {"test_accuracy": 1e300}, "final.test_accuracy is 1e.300"),
        ("number", "final", {"a": "0.5"}, "final.a is '0.5', not a number"),
        ("truth", "final", {"a": True}, "final.a is True, not a number"),
        ("infinite", "seconds", 1e999, "beyond what float32"),
        ("endless", "final", {"test_cross_entropy": 10**400}, "beyond what float32"),
        (
            "loss",
            "final",
            {"test_cross_entropy": -0.5},
            "cross_entropy is -0.5, not within 0 and inf",
        ),
        (
            "distance",
            "final",
            {"weight_distance": -0.5},
            "weight_distance is -0.5, not within 0 and inf",
        ),
        ("status", "status", "finished", "status is 'finished', not completed or"),
        ("type", "curve", [], r"curve is \[\], not of type dict"),
        ("list", "curve", {"step": 3}, "curve.step is 3, not a list"),
        ("lengths", "curve", {"step": [0, 1], "a": [2]}, "lists of different lengths"),
        ("steps", "curve", {"step": [0, 20, 20]}, "curve.step does not rise"),
        ("negative", "curve", {"step": [-1]}, "curve.step is -1, not a number of"),
        ("key", "key", "0" * 16, "key is '0000000000000000', its config's is"),
        ("config", "config", {"seed": "x"}, "config: config="),
        ("unknown", "more", 1, "has an unknown field 'more'"),
        ("hardware", "hardware", "a CPU", "hardware is 'a CPU', not an object"),
        ("device", "hardware", {"device": 1}, "hardware.device is 1, not a text"),
        ("version", "version", "1", "version is '1', not of type int"),
    )
    def test_impossible_values_are_refused(self, field, value, reason):
        wrong = {**_record(0).to_values(), field: value}
        self._write(_record(1).to_values(), wrong)
        pattern = rf"^output_dir='.*': runs\.jsonl, line 2: .*{reason}"
        with self.assertRaisesRegex(errors.UserError, pattern) as caught:
            records.RunStore(self.folder)
        self.assertNotIn("\n", str(caught.exception))
        self.assertRegex(str(caught.exception), "; remove that line, and its run is tr")

    @parameterized.parameters(*_record(0).to_values())
    def test_missing_fields_are_named(self, field):
        values = _record(0).to_values()
        del values[field]
        self._write(values)
        with self.assertRaisesRegex(
            errors.UserError, f"line 1: lacks the field {field}"
        ):
            records.RunStore(self.folder)

    def test_all_damaged_lines_are_named(self):
        records.RunStore(self.folder).add(_record(seed) for seed in range(20))
        lines = self.path.read_bytes().splitlines(True)
        for number in range(2, 17):
            lines[number - 1] = b"[1, 2\n"
        self.path.write_bytes(b"".join(lines))
        numbers = ", ".join(map(str, range(3, 13)))
        with self.assertRaisesRegex(
            errors.UserError,
            rf"line 2: it is not JSON \(damaged too: {numbers}, \.\.\.\)",
        ):
            records.RunStore(self.folder)

    @parameterized.parameters(
        b"null\n", b"\xff\xfe\n", b"[1, 2\n", b"{}\n", b"[" * 100000 + b"\n"
    )
    def test_what_is_no_record_is_refused(self, rubbish):
        records.RunStore(self.folder).add([_record(0)])
        with open(self.path, "ab") as file:
            file.write(rubbish)
        with self.assertRaisesRegex(errors.UserError, "runs.jsonl, line 2: "):
            records.RunStore(self.folder)

    def test_empty_lines_and_a_block_of_zeros_at_the_end_are_passed_over(self):
        """A file system may leave zeros where a crash came before the data."""
        records.RunStore(self.folder).add([_record(0)])
        for torn in (b"\n\n", b"\0" * 512):
            with open(self.path, "ab") as file:
                file.write(torn)
            store = records.RunStore(self.folder)
            self.assertEmpty(store.missing([_run(0)]))
        store.add([_record(1)])
        self.assertEmpty(records.RunStore(self.folder).missing([_run(0), _run(1)]))
        self.assertNotIn(b"\0", self.path.read_bytes())

    def test_files_may_be_joined(self):
        records.RunStore(self.folder).add([_record(0), _record(1)])
        other = self.folder.parent / "other"
        records.RunStore(other).add([_record(1), _record(2)])
        text = (other / "runs.jsonl").read_bytes()
        self.path.write_bytes(text + self.path.read_bytes())
        store = records.RunStore(self.folder, self.warnings.append)
        self.assertEmpty(store.missing(_run(seed) for seed in range(3)))
        self.assertLen(self.warnings, 1)
        self.assertIn("1 of 4 lines repeat a run; the last", self.warnings[0])

    def test_text_may_be_laid_out_anew(self):
        records.RunStore(self.folder).add([_record(0)])
        values = json.loads(self.path.read_text())
        reordered = json.dumps(dict(reversed(values.items())), separators=(",", ":"))
        self.path.write_text(reordered + "\r\n")
        store = records.RunStore(self.folder, self.fail)
        self.assertEqual(store.find(_run(0)), _record(0))

    def test_an_impossible_result_is_not_written(self):
        with self.assertRaisesRegex(ValueError, "test_accuracy is 1.5, not"):
            records.RunStore(self.folder).add([_record(0, accuracy=1.5)])
        self.assertFalse(self.path.exists())

    def test_a_newer_version_is_refused_and_kept(self):
        records.RunStore(self.folder).add([_record(0)])
        text = self.path.read_text().replace('"version": 1', '"version": 2')
        self.path.write_text(text)
        with self.assertRaisesRegex(
            errors.UserError, "^output_dir='.*results': .*newer version.*format 2"
        ):
            records.RunStore(self.folder)
        self.assertEqual(self.path.read_text(), text)

    def test_keys_alone(self):
        self.assertEmpty(records.recorded_keys(self.folder))
        records.RunStore(self.folder).add([_record(0), _record(1), _record(0, 0.25)])
        keys = {_run(0).key, _run(1).key}
        self.assertEqual(records.recorded_keys(self.folder), keys)
        text = self.path.read_text()
        self.path.write_text(text.replace("1.25", "2.25"))
        with self.assertRaisesRegex(errors.UserError, "line 2: .*check sum"):
            records.recorded_keys(self.folder)
        self.path.write_text(text + "{}\n")
        with self.assertRaisesRegex(errors.UserError, "line 4: lacks the field key"):
            records.recorded_keys(self.folder)

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
