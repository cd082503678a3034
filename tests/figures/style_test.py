import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from matplotlib import figure
from scipy import stats

from bsgen.figures import style


def table(rows, seed=0):
    values = np.random.default_rng(seed).uniform(0.2, 0.9, (rows, 4))
    return pd.DataFrame(values, index=10.0 ** np.arange(rows))


class StyleTest(parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_interval_is_students(self, logarithmic):
        values = table(3)
        found = style.over_seeds(values, logarithmic)
        for place, row in values.iterrows():
            samples = np.log(row) if logarithmic else row
            low, high = stats.t.interval(
                0.95, 3, samples.mean(), samples.std(ddof=1) / np.sqrt(4)
            )
            expected = [samples.mean(), low, high]
            expected = np.exp(expected) if logarithmic else expected
            np.testing.assert_allclose(found.loc[place], expected, rtol=1e-12)

    def test_one_seed_has_no_interval(self):
        values = table(3).iloc[:, :1]
        found = style.over_seeds(values)
        for column in ("value", "lower", "upper"):
            np.testing.assert_array_equal(found[column], values[0])

    def test_a_row_with_a_diverged_run_has_no_mean(self):
        values = table(3)
        values.iloc[1, 2] = np.nan
        found = style.over_seeds(values)
        self.assertTrue(found.iloc[1].isna().all())
        self.assertFalse(found.iloc[[0, 2]].isna().any(axis=None))

    def test_band_shows_mean_seeds_and_interval(self):
        axes = figure.Figure().subplots()
        values = table(5)
        style.band(axes, values, "black", "label")
        *thin, mean = axes.lines
        self.assertLen(thin, 4)
        np.testing.assert_allclose(mean.get_ydata(), values.mean(axis=1))
        self.assertEqual(mean.get_label(), "label")
        (area,) = axes.collections
        corners = area.get_paths()[0].vertices[:, 1]
        found = style.over_seeds(values)
        ends = (found["lower"].min(), found["upper"].max())
        np.testing.assert_allclose((corners.min(), corners.max()), ends)

    def test_error_bars_end_where_the_intervals_do(self):
        axes = figure.Figure().subplots()
        found = style.over_seeds(table(3))
        style.error_bars(axes, [1, 2, 4], found, fmt="o")
        (container,) = axes.containers
        line, _, (bars,) = container.lines
        means = np.column_stack([[1, 2, 4], found["value"]])
        np.testing.assert_allclose(line.get_xydata(), means)
        ends = np.array(bars.get_segments())[:, :, 1]
        np.testing.assert_allclose(ends, found[["lower", "upper"]])

    def test_accuracy_axis_is_logarithmic_in_the_error(self):
        axes = figure.Figure().subplots()
        style.accuracy_axis(axes, 0.1, 0.99)
        transform = axes.transData.transform
        y = {a: transform((0, a))[1] for a in (0.0, 0.1, 0.9, 0.99)}
        # Each tenfold smaller error rate is one equal step up.
        self.assertAlmostEqual(y[0.9] - y[0.0], y[0.99] - y[0.9], places=6)
        low, high = axes.get_ylim()
        self.assertLess(low, 0.1)
        self.assertBetween(high, 0.99, 1)
        np.testing.assert_allclose(
            axes.transData.inverted().transform((0, y[0.9]))[1], 0.9
        )

    @parameterized.parameters((0.1, 0.99), (0.955, 0.968), (0.9612, 0.9618))
    def test_an_accuracy_axis_has_some_labels(self, lowest, highest):
        axes = figure.Figure().subplots()
        style.accuracy_axis(axes, lowest, highest)
        low, high = axes.get_ylim()
        seen = [tick for tick in axes.get_yticks() if low <= tick <= high]
        self.assertBetween(len(seen), 3, 12)

    @parameterized.parameters((0.01, 1.0), (1.0, 1.35), (0.9, 2.3))
    def test_a_logarithmic_axis_has_some_labels(self, lowest, highest):
        axes = figure.Figure().subplots()
        axes.set(yscale="log", ylim=(lowest, highest))
        style.plain_numbers(axes.yaxis, (1, 2, 5))
        seen = [tick for tick in axes.get_yticks() if lowest <= tick <= highest]
        self.assertGreaterEqual(len(seen), 3)

    def test_a_legend_above_names_each_label_once_and_covers_nothing(self):
        drawn, ((left, right),) = style.panels(["one", "two"])
        for axes in (left, right):
            axes.plot([0, 1], [0, 1], label="a")
        right.plot([0, 1], [1, 0], label="b")
        style.legend_above(drawn, left, right)
        (legend,) = drawn.legends
        self.assertEqual([text.get_text() for text in legend.texts], ["a", "b"])
        drawn.draw_without_rendering()
        below = min(axes.get_tightbbox().y1 for axes in (left, right))
        self.assertGreaterEqual(legend.get_window_extent().y0, below)
        drawn, ((only,),) = style.panels(["one"])
        style.legend_above(drawn, only)
        self.assertEmpty(drawn.legends)

    def test_sequential_colours_rise_in_lightness(self):
        colors = [style.sequential(p)[:3] for p in np.linspace(0, 1, 6)]
        luminance = np.array(colors) @ [0.2126, 0.7152, 0.0722]
        self.assertTrue((np.diff(luminance) > 0).all())


if __name__ == "__main__":
    absltest.main()
