"""Tests of figure 4's analysis, claims and picture on made-up potentials."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import theory
from bsgen.papers.hoffer_2017 import potential
from tests.papers.hoffer_2017 import made_up_potential
from tests.studies import made_up

_WHOLE, _OUTER, _SCATTER, _NEAR = range(4)


def _sqrt(distances, normals):
    return 0.3 * np.sqrt(distances) * normals


def _square(distances, normals):
    return 0.1 * distances**2 * normals


def _flat_with_a_rise(distances, normals):
    """A scatter that flattens and a mean that rises, linear in the root mean square."""
    scatter = np.minimum(0.1 * distances, 0.4)
    return scatter * normals + np.sqrt((0.1 * distances) ** 2 - scatter**2)


class PotentialTest(parameterized.TestCase):
    def verdicts(self, law, **options):
        found = potential.analyse(made_up_potential.results(law, **options))
        return [claim.verdict for claim in potential.judge(found)]

    def test_a_linear_scatter_holds(self):
        self.assertEqual(self.verdicts(made_up_potential.linear), ["holds"] * 4)

    @parameterized.parameters(_sqrt, _square)
    def test_the_alternatives_fail(self, law):
        self.assertEqual(self.verdicts(law), ["fails"] * 4)

    def test_a_rise_in_place_of_scatter_is_seen(self):
        verdicts = self.verdicts(_flat_with_a_rise)
        self.assertEqual(verdicts[_WHOLE], "holds")
        self.assertEqual(verdicts[_SCATTER], "fails")

    def test_fits_are_those_of_the_points(self):
        results = made_up_potential.results(num_seeds=2)
        found = potential.analyse(results)
        rows = results.measurements
        part = rows[rows["seed"] == 1]
        z, d = part["distance"].to_numpy(), part["difference"].to_numpy()
        fit = found.fits.set_index("seed").loc[1]
        self.assertAlmostEqual(fit["whole"], theory.fit_spread(z, d).exponent)
        far = z > 5.5
        self.assertAlmostEqual(fit["outer"], theory.fit_spread(z[far], d[far]).exponent)
        self.assertAlmostEqual(
            fit["inner"], theory.fit_spread(z[~far], d[~far]).exponent
        )
        slope = made_up_potential.SLOPE / np.sqrt(made_up_potential.SIZE)
        ratio = np.sqrt(np.mean(d[far] ** 2) / np.mean((slope * z[far]) ** 2))
        self.assertAlmostEqual(fit["far"], ratio)
        bins = theory.bin_differences(z, d, 11.0, 25)
        self.assertAlmostEqual(fit["b = 25"], bins.exponent)
        kept = found.bins[25]
        np.testing.assert_allclose(kept[kept["seed"] == 1]["std"], bins.std)
        near = fit["second_order"]
        self.assertBetween(near, 1.0, 2.0)

    def test_seeds_of_which_all_runs_diverged_are_named(self):
        found = potential.analyse(made_up_potential.results(diverged=(1, 3)))
        self.assertEqual(found.missing, [1, 3])
        self.assertLen(found.fits, 14)
        notes = [claim.note for claim in potential.judge(found)]
        self.assertTrue(all("seeds [1, 3] diverged" in note for note in notes))

    def test_figure_and_table(self):
        results = made_up_potential.results(num_seeds=3)
        drawn = made_up.figure("hoffer_2017/fig4", results)
        above, below = drawn.axes[:3], drawn.axes[3:]
        found = potential.analyse(results)
        for axes, count in zip(above, potential.NUM_BINS, strict=True):
            self.assertIn(f"b = {count} bins", axes.get_title(loc="left"))
            (measured,) = axes.containers
            rows = found.bins[count].groupby("bin")
            places, values = np.array(measured.lines[0].get_data(), float)
            np.testing.assert_allclose(values, rows["std"].mean())
            np.testing.assert_allclose(places, rows["distance"].mean())
        ratio = below[0].get_lines()[0].get_ydata()
        # 3 seeds x 100 points a bin know a log std to 1 / sqrt(600).
        np.testing.assert_allclose(np.log(ratio), 0, atol=4 / np.sqrt(600))
        table = potential.STUDY.show(found).table.set_index("exponent of std")
        self.assertAlmostEqual(
            table.loc["eq. 8, no bins", "here"], found.fits["whole"].mean()
        )
        self.assertEqual(table.loc["b = 100", "paper"], "linear (1)")


if __name__ == "__main__":
    absltest.main()
