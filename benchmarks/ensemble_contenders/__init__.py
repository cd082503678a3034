"""The contenders of `ensemble`, each in a process of its own.

A contender is a module with a class `Contender`:

- `Contender(problem)` starts from the problem's initial weights;
- `take_steps(positions)` trains on the batches [K, runs, B] and returns when done;
- `weights()` returns the arrays [runs, ...] in the order of the problem's weights;
- `stacked` is whether it trains many runs at once. One that trains them one after the
  other is measured on a single run.
"""

from benchmarks.stopwatch import Entry

ENTRIES = {
    "bsgen_engine": Entry("bsgen ensemble engine", "tensorflow"),
    "jax_vmap": Entry("JAX jit(vmap), fori_loop", "jax"),
    "pytorch_eager": Entry("PyTorch eager", "torch"),
    "keras_fit": Entry("Keras fit", "keras"),
    "keras_fit_many_steps": Entry("Keras fit, 50 steps_per_execution", "keras"),
}
