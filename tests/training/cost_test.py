"""Tests of the expected cost of runs."""

import dataclasses

from absl.testing import absltest

from bsgen import config
from bsgen.training import cost


def _seconds(keeps_network=False, **settings):
    data = config.DataConfig("digits", 1000)
    return cost.seconds(config.RunConfig(data, **settings), keeps_network)


class CostTest(absltest.TestCase):
    def test_is_proportional_to_the_steps(self):
        first, *others = (
            _seconds(batch_size=32, num_steps=100 * n) for n in (1, 2, 11)
        )
        self.assertAlmostEqual(others[1] - first, 10 * (others[0] - first), places=12)

    def test_counts_multiplications_outputs_weights_and_layers(self):
        # 64-800-10 has 59,200 weights without biases, and 810 outputs of 2 layers.
        per_step = [_seconds(batch_size=b, num_steps=1) for b in (1, 11)]
        products = 59_200 + 68 * 810
        more = 4.4 * 10 * products * 3.4e-12
        self.assertAlmostEqual(per_step[1] - per_step[0], more, places=12)
        # The evaluation at the end: 597 test examples, and those of training.
        evaluation = 6 * 1597 * products * 3.4e-12
        rest = per_step[0] - more / 10 - evaluation
        self.assertAlmostEqual(rest, (59_200 + 2 * 2500) * 4e-10, places=12)

    def test_a_recurrent_network_is_counted_token_by_token(self):
        """An LSTM on 5 of 15 tokens: 24 units, and as wide an embedding."""
        data = config.DataConfig("markov_text", sampling="contiguous")
        small, large = (
            cost.seconds(
                config.RunConfig(
                    data,
                    config.ModelConfig("lstm", (24,)),
                    batch_size=batch_size,
                    num_steps=1,
                    loss="token_cross_entropy",
                )
            )
            for batch_size in (1, 11)
        )
        products = 5 * (4 * 24 * 48 + 24 * 15) + 68 * 5 * (4 * 24 + 15)
        expected = 4.4 * 10 * products * 3.4e-12
        self.assertAlmostEqual(large - small, 5 * expected, places=12)

    def test_counts_evaluations(self):
        """Of the test and validation examples, and of those of training at the end."""
        data = config.DataConfig("digits", 1000, validation_size=100)
        model = config.ModelConfig("mlp", (800,))
        for kept, operations, each in (
            (False, 6 * 3.4e-12 * (59_200 + 68 * 810), 0),
            (True, 2 * 1.2e-11 * 59_200, 50 * 1.8e-4),
        ):
            few, many = (
                cost.seconds(
                    config.RunConfig(data, model, evaluation_steps=tuple(range(n))),
                    kept,
                )
                for n in (1, 11)
            )
            expected = 10 * (operations * 697 + each)
            self.assertAlmostEqual(many - few, expected, places=10)

    def test_normalisation_takes_half_more_arithmetic(self):
        model = config.ModelConfig("normalized_mlp", (800,))
        bare = dataclasses.replace(model, normalization="none")
        per_example = [
            _seconds(model=each, batch_size=11, num_steps=1)
            - _seconds(model=each, batch_size=1, num_steps=1)
            for each in (bare, model)
        ]
        self.assertAlmostEqual(per_example[1], 1.5 * per_example[0], places=12)

    def test_full_batch_is_the_training_set(self):
        self.assertEqual(
            _seconds(batch_size=None, num_steps=5),
            _seconds(batch_size=1000, num_steps=5),
        )

    def test_networks_trained_one_by_one(self):
        # 64-512-512-512-10 has 562,176 weights without biases.
        model = config.ModelConfig("mlp4")
        one, two = (
            _seconds(True, model=model, batch_size=b, num_steps=100) for b in (10, 20)
        )
        self.assertAlmostEqual(two - one, 6 * 1000 * 562_176 * 1.2e-11, places=12)
        named = config.ModelConfig("normalized_mlp", (512,) * 3)
        self.assertEqual(one, _seconds(True, model=named, batch_size=10, num_steps=100))
        measured = _seconds(
            model=model,
            batch_size=10,
            num_steps=100,
            final_measures=config.FINAL_MEASURES,
        )
        self.assertGreater(measured, one)

    def test_exact_minima_have_one_price(self):
        exact = config.NewtonConfig(l2=1.0)
        self.assertEqual(
            _seconds(optimizer=exact), _seconds(optimizer=exact, num_steps=7)
        )

    def test_runs_together_share_start_compilation_and_launches(self):
        """Two programs, of 300 and of one run; a program has 256 runs at most."""
        speed = dataclasses.replace(
            cost.ONE_CORE,
            start=7.0,
            program=2.0,
            launch=1e-3,
            weight=0.0,
            operation=0.0,
            loop_start=9.0,
            loop_step=1e-4,
        )
        data = config.DataConfig("digits", 1000)
        many = [
            config.RunConfig(data, batch_size=32, num_steps=100, seed=seed)
            for seed in range(300)
        ]
        one = config.RunConfig(data, batch_size=64, num_steps=50)
        total = cost.total_seconds([*many, one], speed=speed)
        steps = 2 * 100 + 50
        evaluations = 3 * 50 * 1e-4
        expected = 7 + 2 * 2 + steps * 1e-3 + evaluations
        self.assertAlmostEqual(total, expected, places=9)
        # A network that is needed afterwards is trained alone. It serves runs of other
        # batch sizes, too, but not of another seed.
        other = dataclasses.replace(one, batch_size=32)
        third = dataclasses.replace(one, seed=1)
        alone = [one, other, third]
        total = cost.total_seconds(alone, {run.key for run in alone}, speed)
        expected = 7 + 2 * 9 + sum(cost.seconds(run, True, speed) for run in alone)
        self.assertAlmostEqual(total, expected, places=9)
        self.assertEqual(cost.total_seconds([]), 0)

    def test_deep_networks_take_longer_to_compile_and_to_launch(self):
        """Six layers for the two of the calibration; half more with statistics."""
        speed = dataclasses.replace(
            cost.ONE_CORE,
            start=0.0,
            program=2.0,
            launch=1e-3,
            weight=0.0,
            operation=0.0,
            loop_step=0.0,
        )
        data = config.DataConfig("digits", 1000)
        deep = config.ModelConfig("mlp", (8,) * 5)
        for model, factor in (
            (deep, 1.0),
            (dataclasses.replace(deep, name="normalized_mlp"), 1.5),
        ):
            run = config.RunConfig(data, model, batch_size=8, num_steps=100)
            total = cost.total_seconds([run], speed=speed)
            self.assertAlmostEqual(total, 3 * (factor * 2.0 + 0.1), places=9)

    def test_processes_divide_all_but_the_start(self):
        """As many as may be, of 30 s of work or more."""
        self.assertAlmostEqual(cost.total_seconds([], (), measuring=100.0), 105.0)
        for most, number in ((1, 1), (2, 2), (3, 3), (4, 3)):
            found = cost.total_seconds([], measuring=100.0, most_processes=most)
            self.assertAlmostEqual(found, 5.0 + 100.0 / number)
        self.assertEqual(cost.num_processes(29.0, 8), 1)
        self.assertEqual(cost.num_processes(60.0, 8), 2)

    def test_a_faster_machine_takes_less(self):
        run = config.RunConfig(config.DataConfig("digits", 1000), num_steps=100)
        times = {
            f.name: getattr(cost.ONE_CORE, f.name) / 2
            for f in dataclasses.fields(cost.Speed)[1:]
        }
        speed = cost.Speed("a faster one", **times)
        for alone in (False, True):
            expected = cost.seconds(run, alone) / 2
            self.assertAlmostEqual(cost.seconds(run, alone, speed), expected, places=9)


if __name__ == "__main__":
    absltest.main()
