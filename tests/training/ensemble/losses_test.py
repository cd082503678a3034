"""Every loss, trained together and one by one."""

import tensorflow as tf
from absl.testing import parameterized

from bsgen import config
from bsgen.training import ensemble, loop, routing
from tests.training import made_up_tasks

# Both engines sum float32 terms in other orders; the runs are stable.
_ROUNDING = 2e-5


class LossesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("reconstruct", "regress", "tokens")
    def test_runs_together_are_those_of_the_loop(self, task):
        self.enterContext(made_up_tasks.registered())
        optimizer = config.MomentumConfig(0.02, 0.5, l2=0.01)
        runs = [
            made_up_tasks.run(task, num_steps=200, evaluation_steps=(0, 100)),
            made_up_tasks.run(task, num_steps=200, loss_noise=1.0, seed=5),
            made_up_tasks.run(task, num_steps=150, optimizer=optimizer, loss_noise=0.5),
        ]
        self.assertEqual({routing.engine(run) for run in runs}, {"ensemble"})
        found = {each.run.key: each for each in ensemble.train(runs)}
        for run in runs:
            expected = loop.train(run, self.create_tempdir().full_path)
            record = found[run.key]
            self.assertEqual(record.status, "completed")
            self.assertEqual(record.final.keys(), expected.final.keys())
            self.assertAllClose(record.final, expected.final, _ROUNDING, _ROUNDING)
            for name, values in record.curve.items():
                self.assertAllClose(values, expected.curve[name], _ROUNDING, _ROUNDING)


if __name__ == "__main__":
    tf.test.main()
