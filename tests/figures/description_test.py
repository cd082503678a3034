from absl.testing import absltest, parameterized

from bsgen.figures import description, style


class DescriptionTest(parameterized.TestCase):
    def test_panels_axes_and_lines_are_named(self):
        drawn, grid = style.panels(["before", "after"])
        first, second = grid[0]
        first.set_xlabel("steps $t$")
        first.set_ylabel("test error")
        first.set_xscale("log")
        first.plot([1, 2], [1, 2], label="$B$ = 10")
        first.plot([1, 2], [1, 2], label="$B$ = 20")
        first.legend(title="batch size")
        second.set_ylabel("distance")
        self.assertEqual(
            description.describe(drawn),
            "(a) before: test error against steps t (logarithmic). "
            "batch size: B = 10; B = 20. (b) after: distance.",
        )

    def test_a_long_legend_is_cut(self):
        drawn, grid = style.panels(["a"])
        for number in range(15):
            grid[0, 0].plot([0], [0], label=f"line {number}")
        grid[0, 0].legend()
        self.assertEndsWith(description.describe(drawn), "line 11; and 3 more.")

    @parameterized.parameters(
        (r"$\epsilon\, /\, (1 - m)$", "epsilon / (1 - m)"),
        (r"$\eta_\mathrm{crit}$", "eta_crit"),
        ("optimum batch size $B_{opt}$", "optimum batch size B_opt"),
        (r"$N^2/\sqrt{B}$", "N^2/square root of B"),
        ("two\nlines", "two lines"),
    )
    def test_mathematical_type_becomes_words(self, label, expected):
        drawn, grid = style.panels([""])
        grid[0, 0].set_title("")
        grid[0, 0].set_title("", loc="left")
        grid[0, 0].set_ylabel(label)
        self.assertEqual(description.describe(drawn), f"{expected}.")


if __name__ == "__main__":
    absltest.main()
