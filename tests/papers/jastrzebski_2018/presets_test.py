"""Tests of the runs that figures 1, 2 and 5 compare evaluation by evaluation."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import breakdown, cycles, presets, rescaling
from bsgen.training import step_plan

_MODULES = (cycles, rescaling, breakdown)


class PresetsTest(parameterized.TestCase):
    @parameterized.product(module=_MODULES, scale=("quick", "paper"))
    def test_evaluations_are_at_the_same_epochs(self, module, scale):
        counts = set()
        for run in module.runs(scale, 1):
            plan = step_plan.make(run, run.data.train_size)  # and so the schedules fit
            steps = np.array(run.evaluation_steps)
            counts.add(len(steps))
            marks = np.linspace(0, 1, len(steps)) * round(plan.epochs[-1])
            # As near as whole batches allow.
            largest = plan.batch_sizes.max() / run.data.train_size
            distance = np.abs(plan.epochs[steps] - marks).max()
            self.assertLessEqual(distance, 0.51 * largest)
        self.assertLen(counts, 1)

    @parameterized.product(module=_MODULES, scale=("quick", "paper"))
    def test_more_seeds_keep_the_runs(self, module, scale):
        few, many = ({r.key for r in module.runs(scale, n)} for n in (2, 3))
        self.assertLess(few, many)
        self.assertLen(module.runs(scale, 2), len(few))
        default = presets.NUM_SEEDS[scale]
        if (module, scale) == (breakdown, "quick"):
            default = 20
        self.assertLen({r.seed for r in module.runs(scale, None)}, default)


if __name__ == "__main__":
    absltest.main()
