"""Tests of measurements and of the store that keeps their rows."""

import json
import math
import pathlib

import keras
import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import config, data, errors
from bsgen.studies import measurement, measurement_store, tables
from bsgen.training import execution, records
from tests.studies import made_up

_HARDWARE = {"device": "a card", "tensorflow": "2.21.0", "engine": "tensorflow"}


def _run(seed):
    return config.RunConfig(
        config.DataConfig("digits", 40),
        config.ModelConfig("mlp", (3,)),
        config.MomentumConfig(learning_rate=0.1),
        10,
        4,
        seed=seed,
    )


def _made(seed=0, runs=(), **settings):
    return measurement.Measurement({"seed": seed, **settings}, lambda place: [], runs)


class MeasurementTest(parameterized.TestCase):
    def test_settings_and_runs_identify_it(self):
        entries = [_made(), _made(1), _made(rate=0.1), _made(runs=(_run(0),))]
        self.assertLen({entry.key for entry in entries}, 4)
        same = measurement.Measurement({"seed": 0}, print, seconds=9.0)
        self.assertEqual(same.key, entries[0].key)

    def test_order_of_settings_is_nothing(self):
        first = measurement.Measurement({"a": 1, "b": 2}, print)
        self.assertEqual(
            first.key, measurement.Measurement({"b": 2, "a": 1}, print).key
        )

    def test_a_study_s_name_is_among_the_settings(self):
        def make(scale, num_seeds):
            return [_made(seed, (_run(seed),)) for seed in range(num_seeds or 2)]

        studies = [
            made_up.a_study(
                name,
                lambda scale, n: [_run(1)],
                make_measurements=make,
                scales=("quick",),
            )
            for name in ("paper/fig1", "paper/fig2")
        ]
        keys = [{m.key for m in entry.measurements("quick", 3)} for entry in studies]
        self.assertLen(keys[0] | keys[1], 6)
        self.assertEqual(studies[0].runs("quick", 3), [_run(1), _run(0), _run(2)])
        with self.assertRaisesRegex(errors.UserError, "^scale='paper'"):
            studies[0].measurements("paper")


class StoreTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path) / "results"

    def test_keeps_rows_as_they_will_be_read(self):
        store = measurement_store.MeasurementStore(self.folder)
        rows = [{"loss": math.nan, "name": "é"}, {"loss": 1 / 3, "name": None}]
        store.add(_made(), rows, 1.23456789, _HARDWARE)
        again = measurement_store.MeasurementStore(self.folder)
        found = store.by_key(_made().key)
        self.assertEqual(found, again.by_key(_made().key))
        self.assertEqual(found.rows, [{**rows[0], "loss": None}, rows[1]])
        self.assertEqual(found.seconds, 1.2346)
        self.assertEqual(found.hardware, _HARDWARE)
        self.assertEqual(again.missing([_made()]), [])

    def test_a_torn_line_loses_only_its_measurement(self):
        store = measurement_store.MeasurementStore(self.folder)
        for seed in (0, 1):
            store.add(_made(seed), [{"loss": 1.0}], 0.1, _HARDWARE)
        path = self.folder / "measurements.jsonl"
        path.write_bytes(path.read_bytes()[:-20])
        store = measurement_store.MeasurementStore(self.folder)
        self.assertIsNotNone(store.by_key(_made(0).key))
        self.assertIsNone(store.by_key(_made(1).key))

    def test_lines_of_older_versions_name_no_hardware(self):
        line = {"version": 1, "key": "a", "settings": {}, "rows": [], "seconds": 1.0}
        self.folder.mkdir()
        path = self.folder / "measurements.jsonl"
        for more, expected in (
            ({}, {}),
            ({"hardware": _HARDWARE}, _HARDWARE),
            ({"hardware": {"device": 1}}, "hardware.device is 1, not a text"),
            ({"hardware": "a card"}, "hardware is 'a card', not an object"),
            ({"machine": _HARDWARE}, "unknown field 'machine'"),
        ):
            path.write_text(json.dumps(line | more) + "\n")
            if isinstance(expected, str):
                with self.assertRaisesRegex(errors.UserError, expected):
                    measurement_store.MeasurementStore(self.folder)
            else:
                store = measurement_store.MeasurementStore(self.folder)
                self.assertEqual(store.by_key("a").hardware, expected)

    def test_a_newer_version_is_refused(self):
        self.folder.mkdir()
        line = json.dumps({"version": 2, "rows": []})
        (self.folder / "measurements.jsonl").write_text(line + "\n")
        with self.assertRaisesRegex(errors.UserError, "newer version.*format 2"):
            measurement_store.MeasurementStore(self.folder)

    def test_forgetting_removes_what_it_would_resume_from(self):
        store = measurement_store.MeasurementStore(self.folder)
        store.add(_made(), [{"loss": 1.0}], 0.1, _HARDWARE)
        begun = store.folder(_made()) / "search"
        begun.mkdir(parents=True)
        other = store.folder(_made(1))
        other.mkdir(parents=True)
        store.forget([_made()])
        self.assertFalse(begun.parent.exists())
        self.assertTrue(other.exists())
        self.assertLen(store.missing([_made()]), 1)

    def test_table_has_a_row_for_each_row(self):
        store = measurement_store.MeasurementStore(self.folder)
        for seed in (0, 1):
            rows = [{"step": step, "loss": step / 7} for step in range(seed + 1)]
            hardware = {"device": "a card"} if seed else {}
            store.add(_made(seed, study="paper/fig1"), rows, 2.0, hardware)
        found = [store.by_key(_made(s, study="paper/fig1").key) for s in (0, 1)]
        table = tables.results((), found).measurements
        names = ["key", "seed", "seconds", "hardware", "step", "loss"]
        self.assertEqual([*table], names)
        self.assertEqual(table["seed"].tolist(), [0, 1, 1])
        self.assertTrue(pd.isna(table["hardware"][0]))
        self.assertEqual(table["hardware"][1:].tolist(), ["a card"] * 2)
        self.assertEqual(table["loss"].tolist(), [0, 0, 1 / 7])
        self.assertTrue(tables.results(()).measurements.empty)


class PlaceTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.store = records.RunStore(self.folder)

    def _place(self, resume="auto"):
        own = self.folder / "measurements" / "key"
        return measurement.Place(self.store, own, resume=resume)

    def _lines(self):
        return len(self.store.path.read_text().splitlines())

    def test_trains_what_is_missing_and_returns_all(self):
        first, second = self._place().train([_run(1)])[0], _run(2)
        found = self._place().train([second, _run(1)])
        self.assertEqual([record.run for record in found], [second, _run(1)])
        self.assertEqual(found[1], first)
        self.assertEqual(self._lines(), 2)
        self.assertEqual(self._place().record(second), found[0])
        self._place("never").train([second])
        self.assertEqual(self._lines(), 3)
        with self.assertRaisesRegex(errors.UserError, "has not been trained"):
            self._place().record(_run(3))

    def test_the_network_of_a_run(self):
        run, place = _run(0), self._place()
        execution.execute([run], place.store, keep_networks={run.key})
        record, model = place.record(run), self._place().model(run)
        inputs, labels = data.load(run.data).test
        predicted = np.argmax(keras.ops.convert_to_numpy(model(inputs)), axis=1)
        self.assertAlmostEqual(
            float(np.mean(predicted == labels)), record.final["test_accuracy"], places=6
        )

    def test_an_ensemble_keeps_no_network(self):
        self._place().train([_run(0)])
        with self.assertRaisesRegex(errors.UserError, "model.keras.*--force"):
            self._place().model(_run(0))


if __name__ == "__main__":
    absltest.main()
