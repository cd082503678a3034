"""PyTorch, compiled so that the kernels of a step are launched as CUDA graphs."""

from benchmarks.training_contenders import pytorch_compiled


class Contender(pytorch_compiled.Contender):
    """See `benchmarks.training_contenders`."""

    mode = "reduce-overhead"
