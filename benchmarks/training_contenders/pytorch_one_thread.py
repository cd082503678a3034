"""PyTorch on one thread: faster when other processes need a core."""

from benchmarks.training_contenders import pytorch_eager


class Contender(pytorch_eager.Contender):
    """See `benchmarks.training_contenders`."""

    num_threads = 1
