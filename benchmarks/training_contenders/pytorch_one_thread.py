"""PyTorch on one thread: ahead where its barriers wait for a core that others use."""

from benchmarks.training_contenders import pytorch_eager


class Contender(pytorch_eager.Contender):
    """See `benchmarks.training_contenders`."""

    num_threads = 1
