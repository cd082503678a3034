"""Tests of which untrained networks are kept."""

from unittest import mock

import numpy as np
import tensorflow as tf

from bsgen import config, models
from bsgen.training.ensemble import initial_variables

_NETWORK = config.ModelConfig("mlp", (5,))  # 4 * 5 + 5 + 5 * 3 + 3 float32 weights
_BYTES = 4 * 43


class KeptTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        build = mock.patch.object(models, "build", wraps=models.build)
        self.build = self.enterContext(build)

    def of(self, kept, seed, network=_NETWORK):
        return kept.of(network, [2, 2], 3, seed)

    def built(self):
        """Returns the seeds of the networks built since the last call."""
        seeds = [call.args[3] for call in self.build.call_args_list]
        self.build.reset_mock()
        return seeds

    def test_as_many_as_the_memory_holds(self):
        """Seeds in turn, as a sweep has them: each network is built once."""
        kept = initial_variables.Kept(60 * _BYTES)
        for seed in 3 * list(range(60)):
            self.of(kept, seed)
        self.assertEqual(self.built(), list(range(60)))

    def test_the_one_asked_for_longest_ago_goes(self):
        kept = initial_variables.Kept(3 * _BYTES)
        for seed in (0, 1, 2, 0, 3):
            self.of(kept, seed)
        self.assertEqual(self.built(), [0, 1, 2, 3])
        for seed in (2, 0, 3, 1):
            self.of(kept, seed)
        self.assertEqual(self.built(), [1])

    def test_the_last_one_is_kept_however_large(self):
        kept = initial_variables.Kept(1)
        for seed in (7, 7, 8, 7):
            self.of(kept, seed)
        self.assertEqual(self.built(), [7, 8, 7])

    def test_what_is_kept_is_what_was_built(self):
        kept = initial_variables.Kept()
        network = config.ModelConfig("normalized_mlp", (5,))
        model = models.build(network, (2, 2), 3, 11)
        for _ in range(2):
            weights, statistics, seeds = self.of(kept, 11, network)
            for own, variables in (
                (weights, model.trainable_variables),
                (statistics, model.non_trainable_variables),
            ):
                for array, variable in zip(own, variables, strict=True):
                    np.testing.assert_array_equal(array, variable.numpy())
            self.assertEmpty(seeds)


if __name__ == "__main__":
    tf.test.main()
