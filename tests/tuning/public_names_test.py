"""The public names of tuning exist, wherever they are imported from."""

from absl.testing import absltest

from bsgen import tuning


class PublicNamesTest(absltest.TestCase):
    def test_every_name_is_found(self):
        for names in tuning._MODULES.values():
            for name in names:
                self.assertEqual(getattr(tuning, name).__name__, name)

    def test_no_other(self):
        with self.assertRaisesRegex(AttributeError, "has no attribute 'Sitting'"):
            _ = tuning.Sitting


if __name__ == "__main__":
    absltest.main()
