"""`help` of a public name opens with a signature that a person can read."""

import importlib
import inspect

from absl.testing import absltest, parameterized

import bsgen

_ROOMS = ("theory", "layers", "optimizers", "measures", "tuning", "callbacks")
_MOST = 130  # characters of a parameter; an alias of NumPy has 300 when it is expanded


def _names(room):
    module = importlib.import_module(f"bsgen.{room}")
    if room != "tuning":
        return [(name, getattr(module, name)) for name in module.__all__]
    return [
        (n, getattr(module, n)) for names in module._MODULES.values() for n in names
    ]


class SignaturesTest(parameterized.TestCase):
    @parameterized.parameters(*_ROOMS)
    def test_every_parameter_fits_in_a_line_or_two(self, room):
        seen = 0
        for name, found in _names(room):
            if not callable(found):
                continue
            signature = inspect.signature(found)
            for parameter in signature.parameters.values():
                seen += 1
                text = str(parameter)
                self.assertLessEqual(len(text), _MOST, f"{room}.{name}: {text}")
                for unreadable in ("<lambda>", "numpy._typing", "array(["):
                    self.assertNotIn(unreadable, text, f"{room}.{name}")
            result = str(signature).rpartition(" -> ")[2]
            self.assertNotIn("numpy.dtype", result, f"{room}.{name}")
        self.assertGreater(seen, 3)

    def test_the_first_lines_of_help(self):
        text = str(inspect.signature(bsgen.theory.temperature))
        self.assertStartsWith(text, "(learning_rate: 'npt.ArrayLike', batch_size: ")
        self.assertLess(len(text), 150)


if __name__ == "__main__":
    absltest.main()
