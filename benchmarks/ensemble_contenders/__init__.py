"""The contenders of `ensemble`, each in a process of its own.

A contender is a module with a class `Contender`:

- `Contender(problem)` builds what it trains;
- `call()` takes some steps, and returns how many runs x steps it counts and the seconds
  that these took;
- `num_steps` is how many steps each run has taken;
- `first_call_ended` is when its first call ended, by `time.perf_counter`;
- `score()` returns cross-entropy and accuracy of the first run on the training set;
- `steps_per_call` is how many steps a call of its compiled function takes.

Those that train runs one after the other train the first run alone.
"""

from benchmarks.stopwatch import Entry

ENTRIES = {
    "bsgen_engine": Entry("bsgen ensemble engine", "tensorflow"),
    "jax_vmap": Entry("JAX jit(vmap), fori_loop", "jax"),
    "jax_vmap_own_batches": Entry("JAX, batches drawn on the device", "jax"),
    "pytorch_eager": Entry("PyTorch eager", "torch"),
    "pytorch_vmap": Entry("PyTorch vmap, CUDA graph on a GPU", "torch"),
    "keras_fit": Entry("Keras fit", "keras"),
    "keras_fit_many_steps": Entry("Keras fit, 50 steps_per_execution", "keras"),
}
ONE_BY_ONE = ("pytorch_eager", "keras_fit", "keras_fit_many_steps")
