"""Tests of training tasks and the runs that depart from them."""

import math

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.studies import budgets, tasks

TASK = tasks.Task(
    config.DataConfig("digits", 200, scaling="standardize"),
    config.ModelConfig("normalized_mlp", (8,)),
    config.MomentumConfig(0.1, momentum=0.5),
    batch_size=20,
    budget=budgets.Epochs(4, num_evaluations=2),
    num_seeds=3,
)


class TaskTest(parameterized.TestCase):
    def test_a_run_as_the_task_says(self):
        expected = config.RunConfig(
            config.DataConfig("digits", 200, scaling="standardize", subset_seed=7),
            TASK.model,
            TASK.optimizer,
            20,
            num_steps=40,
            evaluation_steps=(0, 20, 40),
            seed=7,
        )
        self.assertEqual(TASK.run(seed=7), expected)

    def test_changes_go_where_they_belong(self):
        run = TASK.run(
            seed=1,
            batch_size=50,
            subset_seed=2,
            train_size=100,
            normalization="ghost",
            ghost_batch_size=5,
            l2=0.01,
            learning_rate=0.3,
            precision="mixed_bfloat16",
        )
        self.assertEqual((run.data.train_size, run.data.subset_seed), (100, 2))
        self.assertEqual(run.model.ghost_batch_size, 5)
        self.assertEqual((run.sgd.l2, run.sgd.learning_rate), (0.01, 0.3))
        self.assertEqual(run.sgd.momentum, 0.5)
        self.assertEqual((run.seed, run.precision), (1, "mixed_bfloat16"))
        # The budget is that of the changed run: four epochs of two batches.
        self.assertEqual(run.num_steps, 8)

    @parameterized.parameters(("linear", 10.0), ("sqrt", math.sqrt(10)), ("none", 1.0))
    def test_the_learning_rate_follows_the_batch_size(self, scaling, factor):
        run = TASK.run(seed=0, batch_size=200, scaling=scaling)
        self.assertAlmostEqual(run.sgd.learning_rate, 0.1 * factor, places=12)
        same = TASK.run(seed=0, scaling=scaling)
        self.assertEqual(same, TASK.run(seed=0))

    def test_another_task(self):
        budget = budgets.Epochs(2)
        found = TASK.changed(name="mnist", hidden_units=(9,), l2=0.1, budget=budget)
        self.assertEqual(found.data.name, "mnist")
        self.assertEqual(found.model, config.ModelConfig("normalized_mlp", (9,)))
        self.assertEqual(found.optimizer.l2, 0.1)
        self.assertEqual(found.batch_size, TASK.batch_size)
        self.assertEqual(found.run(seed=0).num_steps, 20)
        with self.assertRaises(TypeError):
            TASK.changed(width=3)

    def test_mistakes(self):
        with self.assertRaisesRegex(TypeError, "learning_rates"):
            TASK.run(seed=0, learning_rates=0.1)
        with self.assertRaisesRegex(errors.UserError, "rule='square'"):
            TASK.run(seed=0, scaling="square")

    def test_seeds(self):
        self.assertEqual(list(TASK.seeds()), [0, 1, 2])
        self.assertEqual(list(TASK.seeds(2)), [0, 1])


if __name__ == "__main__":
    absltest.main()
