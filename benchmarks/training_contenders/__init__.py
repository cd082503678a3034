"""The contenders of `train_step`, each in a process of its own.

A contender is a module with a class `Contender`:

- `Contender(problem)` builds the network, with initial weights of its own;
- `take_steps(positions)` trains on the batches [K, B] and returns when done;
- `num_parameters()` counts the trainable parameters.
"""

from benchmarks.stopwatch import Entry

ENTRIES = {
    "bsgen_ghosts": Entry("bsgen, ghosts of 64", "tensorflow"),
    "keras_fit": Entry("Keras fit, BatchNormalization", "keras"),
    "pytorch_eager": Entry("PyTorch eager, all cores", "torch"),
    "pytorch_one_thread": Entry("PyTorch eager, 1 thread", "torch"),
}
