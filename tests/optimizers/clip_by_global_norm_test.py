"""Tests of clipping by the global norm, for one run and for a stack of runs."""

import numpy as np
import tensorflow as tf

from bsgen.optimizers import clipping


class ClipByGlobalNormTest(tf.test.TestCase):
    def gradients(self, num_runs):
        rng = np.random.default_rng(4)
        shapes = ((num_runs, 3, 2), (num_runs, 4), (num_runs,))
        return [tf.constant(rng.normal(size=shape)) for shape in shapes]

    def test_each_run_is_clipped_by_itself(self):
        gradients = self.gradients(4)
        clip_norms = [0.5, 2.0, 1000.0, np.inf]
        clipped = clipping.clip_by_global_norm(gradients, clip_norms)
        for run, clip_norm in enumerate(clip_norms):
            own = [g[run].numpy() for g in gradients]
            norm = np.sqrt(sum(np.sum(g**2) for g in own))
            self.assertGreater(norm, 2.0)  # So the first two are clipped.
            for result, gradient in zip(clipped, own, strict=True):
                expected = gradient * min(1.0, clip_norm / norm)
                self.assertAllClose(result[run], expected, rtol=1e-14, atol=0)

    def test_one_run_equals_tensorflow(self):
        gradients = [gradient[0] for gradient in self.gradients(1)]
        expected, _ = tf.clip_by_global_norm(gradients, 0.7)
        clipped = clipping.clip_by_global_norm(gradients, 0.7)
        for result, other in zip(clipped, expected, strict=True):
            self.assertAllClose(result, other, rtol=1e-14, atol=0)

    def test_zero_stays_zero_and_a_norm_that_overflows_is_nan(self):
        gradients = [tf.constant([[0.0, 0.0], [1e30, 1.0], [np.nan, 1.0]])]
        for function in (
            clipping.clip_by_global_norm,
            tf.function(clipping.clip_by_global_norm, jit_compile=True),
        ):
            (clipped,) = function(gradients, tf.constant([1.0, 1.0, np.inf]))
            self.assertAllEqual(clipped[0], [0.0, 0.0])
            self.assertTrue(np.isnan(clipped[1:]).all())


if __name__ == "__main__":
    tf.test.main()
