"""Smoke test of the benchmark of GhostBatchNormalization, at a tiny size."""

import tensorflow as tf
from absl.testing import parameterized

from benchmarks import ghost_batch_norm


class GhostBatchNormTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("float32", "bfloat16")
    def test_a_loop_does_our_work(self, dtype):
        functions = dict(ghost_batch_norm.contenders((128, 2, 2, 3), dtype))
        # Gradients of beta: the same sum, over any ghosts; 512 terms of order 1.
        expected = functions["Keras, graph"]()
        for mode in ("XLA", "graph"):
            for title in ("ghosts of 64", "ghosts of 128", "loop, 64"):
                self.assertAllClose(
                    functions[f"{title}, {mode}"](), expected, 0.05, 0.2
                )

    def test_table(self):
        calls = []
        seconds = ghost_batch_norm.times(
            {title: lambda title=title: calls.append(title) for title in "ab"}, rounds=2
        )
        self.assertEqual(calls, list("ababab"))
        self.assertLen(seconds["a"], 2)
        made_up = {"copy": [0.002], "Keras, XLA": [0.04, 0.01, 0.02]}
        made_up["ours, XLA"] = [0.005]
        ours = ghost_batch_norm.rows(made_up)[1]
        # 5 ms, a quarter of Keras' 20 ms, once the floor of 2 ms * 5 / 2.
        self.assertEqual(ours[-3:], ["5.0", "0.25", "1.0"])


if __name__ == "__main__":
    tf.test.main()
