"""Tests of the simulations on quadratics: spectra, settings and measured values."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import quadratic_minima
from tests.papers.jastrzebski_2018 import made_up_simulations


def _settings(scale, num_seeds=1):
    return [e.settings for e in quadratic_minima.measurements(scale, num_seeds)]


class QuadraticMinimaTest(parameterized.TestCase):
    @parameterized.product(spectrum=quadratic_minima.SPECTRA, dimension=(8, 32))
    def test_spectra(self, spectrum, dimension):
        matrix = quadratic_minima.hessian(spectrum, dimension)
        np.testing.assert_array_equal(
            matrix, quadratic_minima.hessian(spectrum, dimension)
        )
        values = np.linalg.eigvalsh(matrix)[::-1]
        self.assertAlmostEqual(values[0], 1.0)
        if spectrum == "equal":
            np.testing.assert_allclose(matrix, np.eye(dimension), atol=1e-12)
            return
        self.assertGreater(np.abs(matrix - np.diag(np.diag(matrix))).max(), 0.01)
        if spectrum == "power law":
            np.testing.assert_allclose(values, 1 / np.arange(1, dimension + 1))
        else:
            self.assertGreater(values[2], 3.9 * values[3])  # outliers stand apart
            self.assertGreater(values[-1], 0.04)

    @parameterized.parameters("quick", "paper")
    def test_every_small_ratio_has_several_rates(self, scale):
        found = {}
        for s in _settings(scale):
            rate = s["learning_rate"] / (1 - s["momentum"])
            if rate < 0.09:
                key = s["spectrum"], s["momentum"], round(rate / s["batch_size"], 9)
                found.setdefault(key, []).append(round(rate, 9))
        self.assertLen(found, 3 * 2 * 3)
        for (_, momentum, ratio), rates in found.items():
            self.assertIn(ratio, (2.5e-4, 1e-3, 4e-3))
            self.assertEqual(rates, [0.04] if momentum else [0.02, 0.04, 0.08])

    @parameterized.parameters("quick", "paper")
    def test_rates_approach_the_critical_one(self, scale):
        shares = {
            (s["momentum"], round(s["learning_rate"] / (2 * (1 + s["momentum"])), 6))
            for s in _settings(scale)
        }
        for momentum in quadratic_minima.MOMENTA:
            self.assertEqual(max(x for m, x in shares if m == momentum), 0.95)

    def test_settings_identify_simulations(self):
        few, many = (
            {e.key for e in quadratic_minima.measurements("quick", n)} for n in (2, 3)
        )
        self.assertLess(few, many)
        self.assertLen(many, 3 * len(_settings("quick")))

    @parameterized.parameters(0.0, 0.9)
    def test_measures_what_it_predicts(self, momentum):
        entries = [
            e
            for e in quadratic_minima.measurements("quick", 1)
            if e.settings["spectrum"] == "power law"
            and e.settings["momentum"] == momentum
            and e.settings["batch_size"] == 32
        ]
        entry = entries[2]  # half the critical rate
        (row,) = entry.measure(None)
        (expected,) = made_up_simulations.rows(entry, np.random.default_rng(0))
        del expected["loss"], expected["standard_error"]
        for name, value in expected.items():
            self.assertAlmostEqual(row[name] / value, 1.0, places=9)
        self.assertAlmostEqual(row["critical_share"], 0.5)
        distance = row["loss"] - row["exact_loss"]
        self.assertLess(abs(distance), 4 * row["standard_error"])
        # The interval tells the two predictions apart.
        self.assertLess(
            8 * row["standard_error"], row["exact_loss"] - row["continuous_loss"]
        )
        self.assertEqual(entry.measure(None), [row])

    def test_noise_is_its_own(self):
        entries = [
            e
            for e in quadratic_minima.measurements("quick", 2)
            if e.settings["learning_rate"] == 0.08 and e.settings["spectrum"] == "equal"
        ]
        rows = [e.measure(None)[0] for e in entries]
        scaled = {round(r["loss"] / r["exact_loss"], 9) for r in rows}
        self.assertLen(rows, 3 * 2)  # common noise would leave one number
        self.assertLen(scaled, 3 * 2)


if __name__ == "__main__":
    absltest.main()
