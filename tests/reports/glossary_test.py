from absl.testing import absltest, parameterized

from bsgen.reports import glossary


class GlossaryTest(parameterized.TestCase):
    @parameterized.parameters(
        ("smith_le_2017", "phase 2 of appendix D raises m", ["m", "appendix D"]),
        ("smith_le_2017", "epsilon, B and N", ["B", "epsilon", "N"]),
        ("smith_le_2017", "eta / S", []),  # not this paper's letters
        ("jastrzebski_2018", "eta / S, and B", ["S", "eta"]),
        ("jastrzebski_2018", "the alignment of C with H", ["H", "C", "alignment"]),
        ("hoffer_2017", "(B = 10)", ["B"]),
        ("smith_elsen_de_2020", "Both nets may embed a Batch", []),
        ("made_up", "B", []),
        ("made_up", "the effective learning rate", ["effective rate"]),
    )
    def test_terms_are_found_as_whole_words(self, paper, text, expected):
        found = [name for name, _ in glossary.used_in(paper, [text])]
        self.assertContainsSubset(expected, found)
        self.assertContainsSubset(found, [*expected, "phase 1, 2, 3"])

    def test_each_term_once(self):
        ((name, meaning),) = glossary.used_in("made_up", ["m = 0.9", "1 - m"])
        self.assertEqual(name, "m")
        self.assertStartsWith(meaning, "momentum")


if __name__ == "__main__":
    absltest.main()
