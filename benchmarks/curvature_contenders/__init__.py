"""The contenders of `curvature`, each in a process of its own.

A contender is a module with a class `Contender`:

- `Contender(problem)` builds the network with the problem's weights;
- `gradient()` takes the gradient of the mean loss, and waits for it;
- `products()` returns functions, by title, that take one Hessian-vector product each;
- `search(max_products, seed)` looks for the largest eigenvalue from a start that the
  seed draws, and yields after every product the value so far and whether its rule would
  stop there;
- `start_products` is what the start of the last search cost, in products.
"""

from benchmarks.stopwatch import Entry

ENTRIES = {
    "bsgen_lanczos": Entry("bsgen", "tensorflow"),
    "bsgen_random_start": Entry("bsgen, random start", "tensorflow"),
    "pyhessian_power": Entry("PyHessian", "pyhessian"),
    "pyhessian_one_thread": Entry("PyHessian, one thread", "pyhessian"),
    "naive_tensorflow": Entry("TensorFlow, naive", "tensorflow"),
}

# Relative change from one power iteration to the next at which PyHessian stops.
POWER_TOLERANCE = 1e-3
