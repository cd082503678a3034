"""Protocols: their flags' meaning, the optima of made-up runs, and their files."""

import dataclasses
import math

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.sweeps import (
    extension,
    folder,
    optima_figure,
    plan,
    protocol,
    results,
)
from bsgen.training import large_batch
from tests.sweeps import made_up

_RATES = (0.5, 1, 2)


def _accuracy(run):
    """Highest at 2^-1 for B = 10 and 2^1 for B = 20; each seed adds a little."""
    best = {10: -1, 20: 1}[run.batch_size]
    away = abs(math.log2(run.sgd.learning_rate) - best)
    return 0.9 - 0.1 * away + 0.01 * run.seed


def _grid(num_seeds=3, rates=_RATES, **axes):
    axes = {"learning_rate": rates, "batch_size": (10, 20), **axes}
    return made_up.grid(num_seeds, 50, **axes)


class ProtocolTest(parameterized.TestCase):
    def test_of_a_classifier(self):
        found = protocol.make("constant_epochs", _grid(15))
        self.assertEqual((found.keep, found.of), (12, 15))
        self.assertEqual(found.score.column, "final_validation_accuracy")
        self.assertEqual(found.score.worst, 0.1)
        self.assertEqual(found.training_loss.column, "final_train_cross_entropy")
        self.assertEqual(found.training_loss.worst, math.inf)

    def test_of_a_network_with_a_loss_alone(self):
        grid = _grid()
        base = dataclasses.replace(
            grid.base,
            model=dataclasses.replace(
                grid.base.model, name="autoencoder", hidden_units=()
            ),
            loss="squared_error",
        )
        grid = dataclasses.replace(grid, base=base)
        found = protocol.make("constant_steps", grid, 2, "test")
        self.assertEqual(found.score.column, "final_test_mse")
        self.assertFalse(found.score.higher_is_better)
        self.assertEqual(found.score.worst, math.inf)

    @parameterized.parameters((1, 1), (3, 3), (5, 4), (7, 6), (10, 8), (15, 12))
    def test_the_usual_share_of_runs(self, num_seeds, keep):
        found = protocol.make("constant_epochs", _grid(num_seeds))
        self.assertEqual(found.keep, keep)

    @parameterized.named_parameters(
        ("keep", {"keep": 4}, {}, "^keep=4: the best of --seeds=3 runs"),
        ("none", {"keep": 0}, {}, "^keep=0: give an integer of at"),
        ("rate_0", {}, {"rates": (0, 1)}, "^learning_rate=0: give rates above 0"),
        ("rate_text", {}, {"rates": ("a", 1)}, "^learning_rate='a': give a finite"),
        ("budgets", {"budget": "epoch_budgets"}, {}, "^protocol='epoch_b.*give the"),
        ("epochs", {}, {"epochs": (1, 2)}, "^protocol='constant_e.*epochs is no axis"),
        ("steps", {}, {"num_steps": (1, 2)}, "num_steps is no axis of it"),
    )
    def test_mistakes(self, given, axes, message):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            protocol.make(
                **{"budget": "constant_epochs", "grid": _grid(**axes), **given}
            )
        self.assertNotIn("\n", str(caught.exception))

    def test_needs_a_grid_of_rates_and_a_validation_set(self):
        with self.assertRaisesRegex(errors.UserError, "give a grid of it, such as"):
            protocol.make("constant_steps", made_up.grid(batch_size=(10, 20)))
        with self.assertRaisesRegex(
            errors.UserError, "^select_by='validation': .*=test"
        ):
            protocol.make("constant_steps", made_up.grid())
        protocol.make("constant_steps", made_up.grid(), part="test")

    def test_refuses_rates_that_follow_the_batch_size(self):
        for remedies in (
            large_batch.Remedies("sqrt"),
            large_batch.Remedies("none", adapts_regime=True),
        ):
            grid = dataclasses.replace(_grid(), base_batch_size=10, remedies=remedies)
            with self.assertRaisesRegex(errors.UserError, "under its own budget"):
                protocol.make("constant_epochs", grid)


class OptimaTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.grid = _grid()
        self.protocol = protocol.make("constant_epochs", self.grid, 2)

    def _summary(self, accuracy, grid=None, more=()):
        """The summary of made-up runs, and their plan."""
        grid = grid or self.grid
        settings = made_up.settings(grid)
        settings += [
            (each, grid.repeats(each, lambda run: run))
            for each in map(grid.setting, more)
        ]
        planned = plan.make(grid, settings, self.protocol)
        store = made_up.store_of(self.folder, settings, accuracy, "validation")
        return results.summarize(planned, results.table(planned, store)), planned, store

    def test_by_hand(self):
        summary, *_ = self._summary(_accuracy)
        table = summary.optima.table().set_index("batch_size")
        self.assertEqual(table["rate"].tolist(), [0.5, 2.0])
        self.assertEqual(table["edge"].tolist(), ["lower", "upper"])
        # The best two of 0.9, 0.91 and 0.92.
        np.testing.assert_allclose(table["score"], 0.915)
        np.testing.assert_allclose(table["std"], 0.01 / math.sqrt(2))
        np.testing.assert_allclose(table["plain"], 0.91)
        self.assertEqual(table["moves"].tolist(), [0.0, 0.0])
        # The losses fall with the accuracies, and all of them with seed.
        np.testing.assert_allclose(table["train_loss"], 1 - 0.915)
        self.assertEqual(table["loss_rate"].tolist(), [0.5, 2.0])
        self.assertEqual(table["runs"].tolist(), [9, 9])
        rates = summary.optima.rates()
        self.assertLen(rates, 6)
        row = rates[(rates["batch_size"] == 10) & (rates["learning_rate"] == 1)]
        self.assertAlmostEqual(row["mean"].item(), 0.815)
        self.assertAlmostEqual(row["loss_plain"].item(), 1 - 0.81)

    def test_extension_until_no_edge_is_touched(self):
        more, rounds = [], 0
        while True:
            summary, planned, _ = self._summary(_accuracy, more=more)
            added = extension.wanted(self.grid, summary.optima)
            if not added:
                break
            rounds += 1
            self.assertEmpty(set(added) & set(more))
            more += added
            # Started again, the sweep knows them from its plan.
            restored = plan.Plan.from_values(planned.to_values())
            self.assertEqual(restored, planned)
        self.assertEqual((rounds, more), (1, [(0.25, 10), (4, 20)]))
        self.assertEmpty(summary.optima.edges())
        self.assertCountEqual(extension.kept(self.grid, planned), more)
        # Not those of a grid that has them anyway, or of other axes.
        wider = _grid(rates=(0.25, *_RATES))
        self.assertEqual(extension.kept(wider, planned), [(4, 20)])
        self.assertEmpty(extension.kept(self.grid, None))
        other = made_up.grid(3, 50, learning_rate=_RATES, l2=(0, 1))
        self.assertEmpty(extension.kept(other, planned))

    def test_extension_stops_where_nothing_trains(self):
        def diverged(run):
            return "diverged" if run.sgd.learning_rate >= 1 else 0.1

        summary, *_ = self._summary(diverged)
        # Every rate is as good as a guess; those below may be better, none above.
        self.assertEqual(
            extension.wanted(self.grid, summary.optima), [(0.25, 10), (0.25, 20)]
        )
        lowest = [(0.5 / 2**k, size) for k in range(1, 13) for size in (10, 20)]
        summary, *_ = self._summary(diverged, more=lowest)
        self.assertEmpty(extension.wanted(self.grid, summary.optima))
        self.assertLen(summary.optima.edges(), 2)

    def test_files_are_remade(self):
        summary, planned, store = self._summary(
            lambda run: "diverged" if run.seed == 2 else _accuracy(run)
        )
        with folder.SweepFolder(self.folder) as found:
            found.claim(planned)
            found.write(planned, store)
        names = folder.OPTIMA, folder.RATES, folder.PICTURE
        before = [(found.path / name).read_bytes() for name in names]
        for name in names:
            (found.path / name).unlink()
        again = folder.remake(self.folder)
        self.assertEqual([(found.path / name).read_bytes() for name in names], before)
        written = pd.read_csv(found.path / folder.OPTIMA, keep_default_na=False)
        self.assertEqual(written["edge"].tolist(), ["lower", "upper"])
        self.assertEqual(written["diverged"].tolist(), [3, 3])
        self.assertEqual(again.optima.protocol, self.protocol)

    def test_runs_that_are_missing(self):
        summary, *_ = self._summary(lambda run: None)
        self.assertIsNone(summary.optima)
        summary, *_ = self._summary(
            lambda run: 0.5 if run.seed == 0 or run.batch_size == 20 else None
        )
        table = summary.optima.table()
        self.assertTrue(math.isnan(table["rate"][0]))
        self.assertEqual(table["rate"][1], 0.5)
        optima_figure.draw(summary.optima)

    def test_pictures_of_other_axes(self):
        for axes in (
            {},
            {"l2": (0, 1)},
            {"schedule": ("constant", "cyclic factors=1,5 period=0.1")},
            {
                "momentum": (0, 0.9),
                "hidden_units": ((4,), (5,)),
                "batch_size": (10, 20),
            },
        ):
            grid = made_up.grid(2, 50, learning_rate=(0.5, 1), **axes)
            summary, *_ = self._summary(lambda run: 0.5 + 0.1 * run.seed, grid)
            drawn = optima_figure.draw(summary.optima)
            panel = drawn.axes[3]
            stars = [line for line in panel.lines if line.get_marker() == "*"]
            self.assertLen(stars, len(summary.optima.by_score))


if __name__ == "__main__":
    absltest.main()
