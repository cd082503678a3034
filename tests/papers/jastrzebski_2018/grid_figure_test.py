"""Tests of the drawing of figure 3."""

import numpy as np
from absl.testing import absltest

from tests.reports import recorded
from tests.studies import made_up


class GridTest(absltest.TestCase):
    def test_three_panels_with_every_run(self):
        results = recorded.results("jastrzebski_2018/fig3")
        drawn = made_up.figure("jastrzebski_2018/fig3", results)
        columns = ("max_eigenvalue", "hessian_frobenius_norm", "test_accuracy")
        for axes, column in zip(drawn.axes, columns, strict=True):
            shown = [
                point
                for line in axes.lines
                if line.get_alpha() is not None
                for point in zip(*line.get_data(), strict=True)
            ]
            runs = results.runs
            expected = np.stack(
                [runs["learning_rate"] / runs["batch_size"], runs[f"final_{column}"]], 1
            )
            self.assertLen(shown, len(expected))
            np.testing.assert_allclose(
                sorted(shown), sorted(map(tuple, expected)), 1e-3
            )
            lowest, highest = axes.get_ylim()
            self.assertLess(lowest, expected[:, 1].min())
            self.assertGreater(highest, expected[:, 1].max())
        labels = [text.get_text() for text in drawn.axes[0].get_legend().texts]
        self.assertEqual(labels, ["16", "40", "100", "250"])


if __name__ == "__main__":
    absltest.main()
