"""Tests of which engine trains which run."""

import dataclasses

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.training import minima, routing

_EXACT = config.RunConfig(
    config.DataConfig("gaussian_random", 20, scaling="none"),
    config.ModelConfig("logistic_regression", ()),
    config.NewtonConfig(l2=1.0),
)


def _run(model="mlp", dataset="digits", optimizer=None, **settings):
    return config.RunConfig(
        config.DataConfig(dataset),
        config.ModelConfig(model),
        config.MomentumConfig(**(optimizer or {})),
        **{"batch_size": 10, **settings},
    )


class EngineTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("plain", _run(), "ensemble"),
        ("exact", _EXACT, "minima"),
        ("normalized", _run("f1"), "ensemble"),
        ("convolutional", _run("c1"), "loop"),
        ("warm_up", _run(optimizer={"warm_up": config.WarmUp(2)}), "ensemble"),
        ("noisy", _run(loss_noise=0.1), "ensemble"),
        ("followed", _run(weight_distance=True), "ensemble"),
        ("measures", _run(final_measures=config.FINAL_MEASURES), "loop"),
        ("streamed", _run(dataset="imagenet2012"), "loop"),
        ("in_mixed_precision", _run(precision="mixed_bfloat16"), "loop"),
    )
    def test_engine(self, run, expected):
        self.assertEqual(routing.engine(run), expected)
        kept = routing.engine(run, keeps_network=True)
        self.assertEqual(kept, "minima" if expected == "minima" else "loop")

    @parameterized.parameters(
        (_run("c1", precision="mixed_float16"), {"precision", "model"}),
        (_run(dataset="imagenet2012", seed=4), {"dataset"}),
        (_run(optimizer={"learning_rate": 0.1, "nesterov": True}), set()),
    )
    def test_says_why(self, run, fields):
        self.assertEqual({*routing.only_in_loop(run)}, fields)

    @parameterized.parameters("model", "dataset")
    def test_an_unknown_name(self, part):
        with self.assertRaisesRegex(errors.UserError, f"^{part}='mnits': .*known: "):
            routing.engine(_run(**{part: "mnits"}))

    def test_a_field_that_an_engine_does_not_know_is_not_ignored(self):
        @dataclasses.dataclass(frozen=True)
        class LaterData(config.DataConfig):
            shuffles_pixels: bool = False

        plain = LaterData("digits", 50)
        later = LaterData("digits", 50, shuffles_pixels=True)
        for settings, expected in ((plain, "ensemble"), (later, "loop")):
            run = dataclasses.replace(_run(), data=settings)
            self.assertEqual(routing.engine(run), expected)
        exact = dataclasses.replace(_EXACT, data=later)
        with self.assertRaisesRegex(errors.UserError, "^shuffles_pixels=True"):
            minima.check(exact)


if __name__ == "__main__":
    absltest.main()
