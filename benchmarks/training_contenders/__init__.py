"""The contenders of `train_step`, each in a process of its own.

A contender is a module with a class `Contender`:

- `Contender(problem)` builds the network, with initial weights of its own, on the GPU
  if there is one;
- `take_steps(positions)` trains on the batches [K, B] and returns when done;
- `num_parameters()` counts the trainable parameters.
"""

from benchmarks.stopwatch import Entry

_OURS = {"bsgen_ghosts": Entry("bsgen, ghosts of 64", "tensorflow")}
_KERAS = {"keras_fit": Entry("Keras fit, BatchNormalization", "keras")}
_EAGER = {"pytorch_eager": Entry("PyTorch eager", "torch")}
_COMPILED = {"pytorch_compiled": Entry("PyTorch, torch.compile", "torch")}
_GRAPHS = {"pytorch_cuda_graphs": Entry("PyTorch, torch.compile, CUDA graphs", "torch")}
_ONE_THREAD = {"pytorch_one_thread": Entry("PyTorch eager, 1 thread", "torch")}

# PyTorch's compiler needs another compiler where there is no GPU.
ON_CPU = {**_OURS, **_KERAS, **_EAGER, **_ONE_THREAD}
ON_GPU = {**_OURS, **_KERAS, **_EAGER, **_COMPILED, **_GRAPHS}
# Those for which the launches of kernels count most.
ONLY_SMALL_BATCHES = {**_KERAS, **_GRAPHS}
# Those that start in no time.
COMPILE_NOTHING = _EAGER
