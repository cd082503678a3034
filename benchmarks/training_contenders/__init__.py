"""The contenders of `train_step`, each in a process of its own.

A contender is a module with a class `Contender`:

- `Contender(problem)` builds the network, with initial weights of its own, on the GPU
  if there is one;
- `take_steps(positions)` trains on the batches [K, B] and returns when done;
- `num_parameters()` counts the trainable parameters.
"""

from benchmarks.stopwatch import Entry

_EVERYWHERE = {
    "bsgen_ghosts": Entry("bsgen, ghosts of 64", "tensorflow"),
    "keras_fit": Entry("Keras fit, BatchNormalization", "keras"),
    "pytorch_eager": Entry("PyTorch eager", "torch"),
}
# PyTorch's compiler needs another compiler where there is no GPU.
_ON_GPU = {
    "pytorch_compiled": Entry("PyTorch, torch.compile", "torch"),
    "pytorch_cuda_graphs": Entry("PyTorch, torch.compile, CUDA graphs", "torch"),
}
_ON_CPU = {"pytorch_one_thread": Entry("PyTorch eager, 1 thread", "torch")}


def entries(on_gpu: bool) -> dict[str, Entry]:
    """Returns the contenders on a GPU, or on a CPU, by the name of their module."""
    return {**_EVERYWHERE, **(_ON_GPU if on_gpu else _ON_CPU)}
