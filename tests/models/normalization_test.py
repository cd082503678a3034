"""Tests of normalisation by name."""

import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, layers, models
from bsgen.layers import running_averages
from bsgen.models import normalization


class ByNameTest(tf.test.TestCase, parameterized.TestCase):
    def test_none_is_nothing(self):
        self.assertIsNone(normalization.by_name("none"))

    @parameterized.parameters(
        ("batch", None, layers.BatchNormalization),
        ("ghost", 16, layers.GhostBatchNormalization),
    )
    def test_layers_have_the_constants_of_the_released_code(self, name, size, cls):
        factory = normalization.by_name(name, size)
        layer = factory(gamma_initializer="zeros")
        self.assertIs(type(layer), cls)
        self.assertIsNot(factory(), layer)
        self.assertEqual((layer.momentum, layer.epsilon), (0.9, 1e-5))
        layer.build((None, 3))
        self.assertAllEqual(layer.gamma, [0.0, 0.0, 0.0])
        self.assertEqual(layer.get_config().get("ghost_batch_size"), size)

    def test_running_statistics_of_ghosts(self):
        chosen = ("running_statistics", "running_spread", "unbiased")
        self.assertEqual(config.GHOST_OPTIONS, chosen)
        known = [config.choices(config.ModelConfig, name) for name in chosen[:2]]
        self.assertEqual(known, [running_averages.RULES, running_averages.SPREADS])
        for values in (("mean", "variance", True), ("pooled", "std", False)):
            options = dict(zip(chosen, values, strict=True))
            settings = config.ModelConfig(
                "normalized_mlp",
                (5,),
                normalization="ghost",
                ghost_batch_size=4,
                **options,
            )
            model = models.build(settings, (3,), 2)
            (layer,) = (
                each
                for each in model.layers
                if isinstance(each, layers.GhostBatchNormalization)
            )
            self.assertEqual({name: getattr(layer, name) for name in chosen}, options)

    def test_mistakes(self):
        with self.assertRaisesRegex(errors.UserError, "^normalization='gost': .*ghost"):
            normalization.by_name("gost")
        with self.assertRaisesRegex(errors.UserError, "^ghost_batch_size=None"):
            normalization.by_name("ghost")


if __name__ == "__main__":
    tf.test.main()
