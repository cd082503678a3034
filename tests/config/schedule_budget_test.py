"""A budget that is too short for a schedule is refused in a line."""

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.config import schedule_budget


class ScheduleBudgetTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("stepwise", config.Stepwise((5, 20), (0.5, 0.1)), "boundaries=.*20 epochs"),
        (
            "stepwise_steps",
            config.Stepwise((100,), (0.5,), "steps"),
            "boundaries=.*100 steps",
        ),
        ("cyclic", config.Cyclic((1, 2), 40.0), "period=40.0: 20 epochs are beyond"),
        ("warm_up", config.WarmUp(20.0), "length=20.0: 20 epochs.* budget of 20"),
        (
            "decays",
            config.ConstantThenDecay(num_decays=51),
            "num_decays=51: num_steps=100 leaves no room",
        ),
    )
    def test_a_schedule_longer_than_the_budget(self, schedule, message):
        with self.assertRaisesRegex(errors.UserError, f"^{message}"):
            schedule_budget.check(schedule, 100, 20.0)
        schedule_budget.check(schedule, 102, 20.4)


if __name__ == "__main__":
    absltest.main()
