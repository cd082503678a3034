"""Tests of sums over long vectors, with and without BLAS."""

import math
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.measures.spectrum import long_vectors


class LongVectorsTest(parameterized.TestCase):
    @parameterized.parameters(0, 2**22)
    def test_both_ways(self, blas_entries):
        rng = np.random.default_rng(0)
        rows, coefficients = rng.normal(size=(3, 50)), rng.normal(size=3)
        vector = rng.normal(size=50)
        with mock.patch.object(long_vectors, "_BLAS_ENTRIES", blas_entries):
            found = long_vectors.inner(rows, vector)
            expected = [math.fsum(row * vector) for row in rows]
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            found = long_vectors.combination(coefficients, rows)
            expected = [math.fsum(coefficients * column) for column in rows.T]
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            self.assertAlmostEqual(long_vectors.norm(vector), math.hypot(*vector))
            dot = long_vectors.dot(rows[0], vector)
            self.assertAlmostEqual(dot, math.fsum(rows[0] * vector))


if __name__ == "__main__":
    absltest.main()
