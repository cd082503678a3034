"""The Python in README.md runs as it stands."""

import os
import pathlib
import re

import tensorflow as tf

_README = pathlib.Path(__file__).parent.parent / "README.md"


class ReadmeTest(tf.test.TestCase):
    def test_every_python_block_runs(self):
        blocks = re.findall(r"```python\n(.*?)```", _README.read_text(), re.DOTALL)
        self.assertNotEmpty(blocks)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.create_tempdir())  # They write results.
        for block in blocks:
            exec(compile(block, "README.md", "exec"), {})

    def test_quoted_batch_size_is_what_the_formula_gives(self):
        (line,) = re.findall(r"theory\.optimal_batch_size\(.*", _README.read_text())
        call, quoted = line.split("  # ")
        names: dict = {}
        exec("from bsgen import theory", names)
        scale = "theory.noise_scale(1.0, 32, 1000, 0.9)"
        self.assertAllClose(
            eval(call.replace("(g,", f"({scale},"), names), float(quoted)
        )


if __name__ == "__main__":
    tf.test.main()
