"""Tests of which recorded runs advice is held against."""

import pandas as pd
from absl.testing import absltest, parameterized

from benchmarks import advice_sweeps
from bsgen import papers

_LENGTHS = {4: 300, 8: 150, 16: 74, 32: 25, 64: 75}  # 64 has as many steps as 16


class RecordedTest(parameterized.TestCase):
    @parameterized.parameters(("epochs", [4, 8, 16]), ("steps", [16, 64]))
    def test_batch_sizes_of_another_budget_are_left_out(self, kept, expected):
        runs = pd.DataFrame(
            {"batch_size": size, "num_steps": steps, "seed": seed}
            for size, steps in _LENGTHS.items()
            for seed in range(3)
        )
        found = advice_sweeps._of_equal_length(runs, kept)
        self.assertEqual(found["batch_size"].unique().tolist(), expected)

    def test_each_is_a_study_at_its_scale(self):
        for recorded in advice_sweeps.RECORDED:
            (study,) = papers.find(recorded.study)
            self.assertIn(recorded.scale, study.scales)
        self.assertLen(set(advice_sweeps.RECORDED), len(advice_sweeps.RECORDED))


if __name__ == "__main__":
    absltest.main()
