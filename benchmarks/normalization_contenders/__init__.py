"""The contenders of `benchmarks.ghost_batch_norm`.

PyTorch's are modules with a class `Contender`, each in a process of its own:
`Contender(problem)` builds the layer, and `take_steps()` takes the problem's steps and
returns the sum of beta's gradients when all are done. The contenders of TensorFlow,
in `tensorflow_layers`, take turns in one process.
"""

from benchmarks.stopwatch import Entry

ENTRIES = {"pytorch_eager": Entry("PyTorch, eager", "torch")}
# Compiling takes PyTorch longer on a CPU than all that is measured.
ON_GPU_ENTRIES = {**ENTRIES, "pytorch_compiled": Entry("PyTorch, compiled", "torch")}
