"""Tests of the errors that a user can mend."""

from absl.testing import absltest

from bsgen import errors


class ErrorsTest(absltest.TestCase):
    def test_one_line_names_argument_value_and_remedy(self):
        error = errors.UserError("batch_size", 0, "give at least 1")
        self.assertIsInstance(error, ValueError)
        self.assertEqual(str(error), "batch_size=0: give at least 1")
        self.assertEqual((error.argument, error.value), ("batch_size", 0))

    def test_text_is_quoted_and_stays_on_one_line(self):
        error = errors.UserError("data", "a\nb", "name a data set")
        self.assertEqual(str(error), r"data='a\nb': name a data set")

    def test_unknown_name_offers_the_nearest_and_lists_all_sorted(self):
        error = errors.unknown_name("data", "mnits", {"mnist", "digits"})
        self.assertEqual(
            str(error),
            "data='mnits': unknown; did you mean 'mnist'? known: digits, mnist",
        )

    def test_unknown_name_far_from_all_offers_none(self):
        error = errors.unknown_name("data", "xyz", ["mnist", "digits"])
        self.assertEqual(str(error), "data='xyz': unknown; known: digits, mnist")


if __name__ == "__main__":
    absltest.main()
