"""Tests of the stages of table 1, and of how a run's stage is found again."""

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen import config
from bsgen.papers.hoffer_2017 import presets, regimes
from bsgen.training import step_plan

_REGIME = presets.QUICK


def _table(runs):
    rows = [{"key": run.key, **config.columns(run)} for run in runs]
    return pd.DataFrame(rows)


class RegimesTest(absltest.TestCase):
    def test_each_stage_departs_from_the_one_before_it(self):
        small, large, rate, ghosts, adapted = (
            _REGIME.run(stage, 2) for stage in regimes.STAGES
        )
        ratio = _REGIME.large_batch_size / _REGIME.small_batch_size
        self.assertEqual(small.num_steps, adapted.num_steps)
        self.assertEqual(large.num_steps, round(small.num_steps / ratio))
        self.assertEqual(large.sgd.learning_rate, small.sgd.learning_rate)
        for run in (rate, ghosts, adapted):
            grown = run.sgd.learning_rate / small.sgd.learning_rate
            self.assertAlmostEqual(grown, np.sqrt(ratio))
            self.assertEqual(run.sgd.clip_norm, _REGIME.clip_norm)
        self.assertEqual(rate.model, small.model)
        for run in (ghosts, adapted):
            self.assertEqual(run.model.ghost_batch_size, _REGIME.ghost_batch_size)
        noisy = _REGIME.run(regimes.NOISE, 2)
        self.assertEqual(noisy.sgd.learning_rate, small.sgd.learning_rate)
        self.assertGreater(noisy.loss_noise, 0)

    def test_stages_are_found_again(self):
        wanted = [(regimes.LB, 10), (regimes.LB, _REGIME.large_batch_size)]
        wanted += [(stage, 125) for stage in (regimes.LR, regimes.GBN, regimes.RA)]
        wanted += [(regimes.SB, _REGIME.small_batch_size), (regimes.NOISE, 125)]
        runs = [_REGIME.run(stage, 4, size) for stage, size in wanted]
        stranger = config.RunConfig(data=_REGIME.task.data, model=_REGIME.task.model)
        table = regimes.stages(_table([*runs, stranger]), presets.known())
        *found, last = zip(table["stage"], table["regime"], strict=True)
        self.assertEqual(found, [(stage, _REGIME.name) for stage, _ in wanted])
        self.assertTrue(pd.isna(last[0]) and pd.isna(last[1]))

    def test_the_first_phase_ends_where_the_rate_drops(self):
        runs = [_REGIME.run(stage, 0) for stage in regimes.STAGES]
        runs.append(config.RunConfig(num_steps=77))
        first = regimes.first_phase_steps(_table(runs))
        for run, steps in zip(runs, first, strict=True):
            rates = step_plan.make(run, run.data.train_size or 1000).learning_rates
            self.assertEqual(steps, np.sum(rates == rates[0]))


if __name__ == "__main__":
    absltest.main()
