"""The flags of a large batch: the run is the one that the library adapts.

    python -m tests.launch.large_batch_flags

In a process of its own: benchmarks, whose tests others may hold, have flags of the same
names.
"""

import dataclasses

from absl.testing import absltest, flagsaver, parameterized

from bsgen import errors, theory
from bsgen.training import large_batch
from launch import run_flags

_FLAGS = {
    "dataset": "digits",
    "train_size": "1000",
    "model": "normalized_mlp",
    "hidden_units": "8",
    "learning_rate": "0.3",
    "schedule": "stepwise boundaries=2,3.5 factors=0.1,0.01",
    "warm_up_epochs": "0.5",
    "epochs": "6",
    "evaluation_epochs": "0.75",
}


def _run(base=None, **more):
    """The run of a command line, as `launch.train` trains it."""
    with flagsaver.as_parsed(**_FLAGS, **more):
        run = run_flags.described()
        found, remedies = run_flags.base_and_remedies()
        counted_with = None
        if found is not None:
            run = large_batch.rescaled(run, found, remedies)
            counted_with = found if remedies.adapts_regime else None
        return run_flags.completed(run, counted_with)


class LargeBatchFlagsTest(parameterized.TestCase):
    @parameterized.parameters(
        ("none", True, 30), ("sqrt", False, 40), ("sqrt", True, 40), ("linear", True, 7)
    )
    def test_equals_the_small_run_adapted(self, rule, adapts, small):
        large = 200
        found = _run(
            batch_size=str(large),
            base_batch_size=str(small),
            learning_rate_scaling=rule,
            adapt_regime=str(adapts),
        )
        remedies = large_batch.Remedies(rule, adapts_regime=adapts)
        expected = large_batch.adapted(_run(batch_size=str(small)), large, remedies)
        if not adapts:  # evaluations are as near to each epoch as either batch allows
            steps = found.evaluation_steps
            expected = dataclasses.replace(expected, evaluation_steps=steps)
            self.assertEqual(found.num_steps, 30)
        self.assertEqual(found, expected)

    def test_noise_of_the_small_batch(self):
        found = _run(batch_size="100", base_batch_size="20", loss_noise="auto")
        sigma = theory.loss_noise(100, 20, 1000)
        expected = _run(batch_size="100", loss_noise=str(sigma))
        self.assertEqual(found, expected)

    def test_the_rate_alone_follows_to_a_smaller_batch(self):
        found = _run(
            batch_size="20", base_batch_size="80", learning_rate_scaling="sqrt"
        )
        self.assertEqual(found.sgd.learning_rate, 0.15)
        self.assertEqual(found.num_steps, 300)

    def test_a_number_of_steps_stays(self):
        more = {"steps": "77", "evaluation_steps": "11"}
        without = {name: None for name in ("epochs", "evaluation_epochs")}
        kept = {k: v for k, v in _FLAGS.items() if k not in without}
        with flagsaver.as_parsed(**kept, **more, batch_size="100"):
            run = run_flags.completed(run_flags.described(), 20)
        self.assertEqual(run.num_steps, 77)
        self.assertEqual(run.evaluation_steps, tuple(range(11, 78, 11)))

    @parameterized.parameters(
        ("adapt_regime=True: give --base_batch_size", {"adapt_regime": "true"}),
        ("loss_noise='auto': give --base_batch_size", {"loss_noise": "auto"}),
        ("base_batch_size=8: give what follows from it", {"base_batch_size": "8"}),
    )
    def test_one_without_the_other(self, message, more):
        with self.assertRaisesRegex(errors.UserError, f"^{message}"):
            _run(**more)


if __name__ == "__main__":
    absltest.main()
