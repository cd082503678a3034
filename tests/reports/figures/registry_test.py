import io

from absl.testing import absltest, parameterized

from bsgen import errors, papers
from bsgen.reports import figures
from bsgen.studies import claims
from tests.reports import recorded


class RegistryTest(parameterized.TestCase):
    @parameterized.parameters(*papers.names())
    def test_every_study_is_drawn(self, name):
        drawn = figures.draw(name, recorded.results(name), [])
        content = io.BytesIO()
        drawn.savefig(content, format="png", dpi=40)
        self.assertTrue(content.getvalue().startswith(b"\x89PNG"))
        titles = [axes.get_title("left")[:3] for axes in drawn.axes]
        self.assertContainsSubset(["(a)", "(b)"], titles)

    def test_footer_counts_runs_and_verdicts(self):
        name = "smith_le_2017/fig4"
        judged = [claims.Claim("c", "q", "> 0", 1.0, (0.5, 1.5), "holds", "n")]
        drawn = figures.draw(name, recorded.results(name), judged)
        self.assertEqual(
            drawn.get_supxlabel(),
            "smith_le_2017/fig4  ·  33 runs, 3 seeds  ·  1 diverged  ·  "
            "claims: 1 hold, 0 fail, 0 undecided",
        )

    def test_unknown_name(self):
        with self.assertRaisesRegex(
            errors.UserError, "did you mean 'smith_le_2017/fig"
        ):
            figures.draw(
                "smith_le_2017/fig9", recorded.results("smith_le_2017/fig3"), []
            )


if __name__ == "__main__":
    absltest.main()
