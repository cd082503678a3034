"""Tests of the plan of a run: by hand, and against a plain loop in exact fractions."""

import dataclasses
import fractions

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.training import step_plan
from tests.references import exact_schedules


def run(batch_size, num_steps=1, batch_schedule=None, **optimizer):
    return config.RunConfig(
        optimizer=config.MomentumConfig(**optimizer),
        batch_size=batch_size,
        num_steps=num_steps,
        batch_size_schedule=batch_schedule or config.Constant(),
    )


def exact_batch_sizes(schedule, base, train_size, num_steps):
    """Batch after batch, in fractions; Python rounds halves to the even neighbour."""
    sizes, place = [], 0
    for step in range(num_steps):
        epoch = fractions.Fraction(place, train_size)
        factor = exact_schedules.factor(schedule, step, epoch, num_steps)
        sizes.append(max(1, round(base * factor)))
        place += sizes[-1]
    return sizes


def draw(kind, rng, num_steps=300):
    """A schedule that fits in the steps, the batch size and the training set."""
    while True:
        schedule = exact_schedules.draw(kind, rng)
        base, train_size = int(rng.integers(1, 50)), int(rng.integers(300, 800))
        sizes = exact_batch_sizes(schedule, base, train_size, num_steps)
        made = run(base, num_steps, schedule)
        if len({*sizes}) > 1 and max(sizes) <= train_size:
            try:
                return made, train_size, sizes, step_plan.make(made, train_size)
            except errors.UserError:  # Longer than the budget: draw another one.
                continue


class MakeByHandTest(parameterized.TestCase):
    def test_constant(self):
        found = step_plan.make(run(4, 5, learning_rate=0.5), 10)
        self.assertEqual(found.batch_sizes.tolist(), [4] * 5)
        self.assertEqual(found.first_places.tolist(), [0, 4, 8, 12, 16])
        self.assertEqual(found.learning_rates.tolist(), [0.5] * 5)
        self.assertEqual(found.epochs.tolist(), [0, 0.4, 0.8, 1.2, 1.6, 2.0])
        self.assertEqual(found.num_steps, 5)
        self.assertEqual(found.batch_sizes.dtype, np.int32)
        self.assertEqual(found.first_places.dtype, np.int64)
        self.assertEqual(found.learning_rates.dtype, np.float32)

    def test_resets(self):
        made = run(4, 6, momentum_reset="each_epoch")
        # They begin with the examples 0, 4, 8, 12, 16, 20 of epochs of 10.
        resets = [True, False, False, True, False, True]
        self.assertEqual(step_plan.make(made, 10).resets.tolist(), resets)
        self.assertFalse(step_plan.make(run(4, 6), 10).resets.any())
        full = run(None, 3, momentum_reset="each_epoch")
        self.assertTrue(step_plan.make(full, 10).resets.all())

    def test_streams_of_a_text(self):
        streams = config.DataConfig(sampling="contiguous")
        # 11 windows in 3 streams of 3: an epoch has 3 steps.
        made = dataclasses.replace(run(3, 7, momentum_reset="each_epoch"), data=streams)
        found = step_plan.make(made, 11)
        np.testing.assert_allclose(found.epochs, np.arange(8) / 3)
        begins = [True, False, False, True, False, False, True]
        self.assertEqual(found.begins_epoch.tolist(), begins)
        self.assertEqual(found.resets.tolist(), begins)
        # Smith, Elsen & De: 16,560 steps are 40 epochs of Penn Treebank at 64.
        treebank = dataclasses.replace(run(64, 1), data=streams)
        windows = (929_589 - 1) // 35
        self.assertEqual(step_plan.num_steps_in_epochs(40, treebank, windows), 16_560)

    def test_more_streams_than_windows_are_refused_in_a_line(self):
        streams = config.DataConfig(sampling="contiguous")
        made = dataclasses.replace(run(12, 1), data=streams)
        with self.assertRaisesRegex(errors.UserError, "^batch_size=12: more streams"):
            step_plan.make(made, 11)
        with self.assertRaisesRegex(errors.UserError, "^batch_size_schedule='not con"):
            changes = config.Cyclic((1, 2), 4, "steps")
            dataclasses.replace(made, batch_size_schedule=changes)

    def test_no_batch_size_is_the_full_batch(self):
        found = step_plan.make(run(None, 3), 7)
        self.assertEqual(found.batch_sizes.tolist(), [7, 7, 7])

    def test_a_batch_that_grows_by_epochs(self):
        # N = 10: places 0, 4, 8, then 12 is beyond epoch 1 and batches are of 8: 20 is
        # epoch 2 and batches are of 10, places 20, 30.
        schedule = config.Stepwise((1, 2), (2, 2.5))
        found = step_plan.make(run(4, 6, schedule), 10)
        self.assertEqual(found.batch_sizes.tolist(), [4, 4, 4, 8, 10, 10])
        self.assertEqual(found.first_places.tolist(), [0, 4, 8, 12, 20, 30])
        self.assertEqual(found.epochs.tolist(), [0, 0.4, 0.8, 1.2, 2.0, 3.0, 4.0])

    def test_learning_rate_by_epochs_follows_the_batch_size(self):
        found = step_plan.make(
            run(
                2,
                6,
                config.Cyclic((1, 2), 4, "steps"),
                learning_rate=0.5,
                schedule=config.Stepwise((1.0,), (0.5,)),
                warm_up=config.WarmUp(0.5, 0.5),
            ),
            10,
        )
        # Places 0, 2, 4, 8, 12, 14: epochs 0, 0.2, 0.4, 0.8, 1.2, 1.4.
        self.assertEqual(found.batch_sizes.tolist(), [2, 2, 4, 4, 2, 2])
        expected = [0.25, 0.35, 0.45, 0.5, 0.25, 0.25]
        np.testing.assert_allclose(found.learning_rates, expected, rtol=1e-7)

    def test_sizes_are_rounded_to_at_least_one(self):
        schedule = config.Cyclic((1.0, 0.5, 1.5, 0.01), 4, "steps")
        found = step_plan.make(run(3, 4, schedule), 10)
        self.assertEqual(found.batch_sizes.tolist(), [3, 2, 4, 1])

    def test_smith_elsen_and_de(self):
        smith = run(1024, 9765, learning_rate=2.0, schedule=config.ConstantThenDecay())
        rates = step_plan.make(smith, 50_000).learning_rates
        self.assertEqual(
            rates[[0, 4881, 4882, 9764]].tolist(), [2.0, 2.0, 1.0, 2.0**-9]
        )

    def test_cyclic_batch_and_cyclic_rate_have_the_same_ratio(self):
        # Jastrzebski et al. (2018), figure 1, with a period in steps.
        cycle = config.Cyclic((1, 5), 10, "steps")
        inverse = config.Cyclic((5, 1), 10, "steps")
        batch = step_plan.make(run(128, 40, cycle, learning_rate=0.005), 50_000)
        rate = step_plan.make(
            run(128, 40, learning_rate=0.001, schedule=inverse), 50_000
        )
        self.assertEqual(set(batch.batch_sizes.tolist()), {128, 640})
        np.testing.assert_allclose(
            batch.learning_rates / batch.batch_sizes,
            rate.learning_rates / rate.batch_sizes,
            rtol=1e-6,
        )


class AgainstALoopTest(parameterized.TestCase):
    @parameterized.product(kind=exact_schedules.KINDS, seed=(0, 1, 2, 3))
    def test_batch_sizes_and_places(self, kind, seed):
        rng = np.random.default_rng([seed, exact_schedules.KINDS.index(kind)])
        _, train_size, sizes, found = draw(kind, rng)
        self.assertEqual(found.batch_sizes.tolist(), sizes)
        places = [sum(sizes[:t]) for t in range(301)]
        self.assertEqual(found.first_places.tolist(), places[:-1])
        np.testing.assert_allclose(
            found.epochs, np.array(places) / train_size, rtol=1e-15
        )

    @parameterized.product(kind=exact_schedules.KINDS, seed=(0, 1))
    def test_segments_and_steps_of_an_epoch_budget(self, kind, seed):
        rng = np.random.default_rng([seed, 9, exact_schedules.KINDS.index(kind)])
        made, train_size, sizes, found = draw(kind, rng)
        for step in range(300):
            end = step
            while end < 300 and sizes[end] == sizes[step]:
                end += 1
            self.assertEqual(found.segment_end(step), end)
        if kind == "constant_then_decay":
            return
        for num_epochs in (0.5, 1.7, 3.0):
            steps = 0
            while 10 * sum(sizes[: steps + 1]) <= round(10 * num_epochs) * train_size:
                steps += 1
            self.assertLess(steps, 300)
            self.assertEqual(
                step_plan.num_steps_in_epochs(num_epochs, made, train_size), steps
            )

    @parameterized.product(unit=("epochs", "steps"), every=(0.1, 0.3, 1.0, 2.0, 7.5))
    def test_evaluation_steps(self, unit, every):
        rng = np.random.default_rng(3)
        for kind in exact_schedules.KINDS:
            _, train_size, sizes, found = draw(kind, rng)
            length, expected, done = fractions.Fraction(repr(every)), [], 0
            for step in range(1, 301):
                position = fractions.Fraction(sum(sizes[:step]), train_size)
                position = position if unit == "epochs" else step
                if position // length > done or step == 300:
                    expected.append(step)
                done = position // length
            self.assertEqual(
                step_plan.evaluation_steps(every, unit, found), tuple(expected)
            )


class EpochsTest(parameterized.TestCase):
    @parameterized.parameters(
        (200, 1024, 50_000, 9765),
        (200, 64, 50_000, 156_250),
        (0.29, 1, 100, 29),  # 0.29 x 100 is 28.999... in float64.
        (0.1, 3, 30, 1),
        (2, None, 7, 2),
    )
    def test_steps_of_a_constant_batch(self, num_epochs, batch, train_size, steps):
        found = step_plan.num_steps_in_epochs(num_epochs, run(batch), train_size)
        self.assertEqual(found, steps)

    def test_evaluation_by_hand(self):
        made = step_plan.make(
            run(4, 8), 10
        )  # Epochs 0.4, 0.8, 1.2, 1.6, 2.0, ..., 3.2.
        self.assertEqual(step_plan.evaluation_steps(1, "epochs", made), (3, 5, 8))
        self.assertEqual(
            step_plan.evaluation_steps(0.4, "epochs", made), (*range(1, 9),)
        )
        self.assertEqual(step_plan.evaluation_steps(3, "steps", made), (3, 6, 8))
        self.assertEqual(step_plan.evaluation_steps(100, "steps", made), (8,))

    def test_a_million_steps_end_where_the_last_batch_does(self):
        made = step_plan.make(run(128, 10**6), 50_000)
        self.assertEqual(made.first_places[-1], 127_999_872)
        self.assertEqual(made.epochs[-1], 2560)
        self.assertEqual(made.segment_end(0), 10**6)


class MistakesTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("batch", run(11), "^batch_size=11: .*train_size=10"),
        (
            "factor",
            run(4, 5, config.Stepwise((1,), (3,))),
            "^batch_size_schedule=3.0: the factor 3 makes batches of 12.*train_size=10",
        ),
        (
            "huge_factor",
            run(4, 5, config.Stepwise((1,), (1e30,))),
            "^batch_size_schedule=.*train_size=10",
        ),
        (
            "batch_schedule_beyond_the_budget",
            run(4, 5, config.Stepwise((2,), (2,))),
            "^boundaries=.*2 epochs are beyond the budget of 2;",
        ),
        (
            "rate_schedule_beyond_the_budget",
            run(4, 5, schedule=config.Stepwise((5,), (2,), "steps")),
            "^boundaries=.*5 steps are beyond the budget of 5;",
        ),
        (
            "warm_up_beyond_the_budget",
            run(4, 5, warm_up=config.WarmUp(5, unit="epochs")),
            "^length=5.0: 5 epochs are beyond",
        ),
        (
            "no_room_for_decays",
            run(4, 5, schedule=config.ConstantThenDecay()),
            "^num_decays=10: num_steps=5",
        ),
        (
            "newton",
            config.RunConfig(optimizer=config.NewtonConfig(l2=1.0)),
            "^optimizer='newton': ",
        ),
    )
    def test_make(self, made, message):
        with self.assertRaisesRegex(errors.UserError, message):
            step_plan.make(made, 10)

    @parameterized.parameters(
        (0.3, run(4), "^num_epochs=0.3: .*batch_size=4, train_size=10"),
        (0, run(4), "^num_epochs=0.0: "),
        (-1, run(4), "^num_epochs=-1: "),
        (1, run(11), "^batch_size=11: "),
        (2, run(4, 1, config.ConstantThenDecay()), "^num_epochs=2.0: .*num_steps"),
        (0.3, run(4, 1, config.Cyclic((1, 2))), "^num_epochs=0.3: .*batch_size=4"),
    )
    def test_num_steps_in_epochs(self, num_epochs, made, message):
        with self.assertRaisesRegex(errors.UserError, message):
            step_plan.num_steps_in_epochs(num_epochs, made, 10)

    @parameterized.parameters(
        (run(4),), (run(4, 1, config.Cyclic((1, 2))),), (run(10, 5),)
    )
    def test_more_epochs_than_a_run_may_have_steps_of(self, made):
        for num_epochs in (2e7, 1e308):
            with self.assertRaisesRegex(errors.UserError, "^num_epochs=.*10,000,000"):
                step_plan.num_steps_in_epochs(num_epochs, made, 10)

    def test_too_many_evaluations(self):
        made = step_plan.make(run(4, 200_000), 10)
        with self.assertRaisesRegex(errors.UserError, "^every=1: makes 200,000"):
            step_plan.evaluation_steps(1, "steps", made)
        self.assertLen(step_plan.evaluation_steps(2, "steps", made), 100_000)

    def test_an_evaluation_at_every_step(self):
        made = step_plan.make(run(4, 5), 10)
        for every in (1, 0.3, 1e-300):
            self.assertEqual(
                step_plan.evaluation_steps(every, "steps", made), (*range(1, 6),)
            )
        self.assertEqual(
            step_plan.evaluation_steps(1e-300, "epochs", made), (*range(1, 6),)
        )

    @parameterized.parameters(
        config.ConstantThenDecay(1e-30, 2),
        config.ConstantThenDecay(1e30, 2),
        config.Stepwise((1.0,), (2e-38,)),
    )
    def test_a_rate_that_float32_cannot_hold(self, schedule):
        made = run(4, 8, schedule=schedule, learning_rate=0.5)
        with self.assertRaisesRegex(errors.UserError, "^schedule=.*float32"):
            step_plan.make(made, 10)

    def test_evaluation_steps_and_segments(self):
        made = step_plan.make(run(4, 8), 10)
        with self.assertRaisesRegex(errors.UserError, "^unit='epoch': .*'epochs'"):
            step_plan.evaluation_steps(1, "epoch", made)
        for every in (0, -1, float("nan")):
            with self.assertRaisesRegex(errors.UserError, f"^every={every}: "):
                step_plan.evaluation_steps(every, "steps", made)
        for step in (-1, 8):
            with self.assertRaisesRegex(errors.UserError, f"^step={step}: .*0 to 7"):
                made.segment_end(step)


if __name__ == "__main__":
    absltest.main()
