"""How a run is carried out: what changes neither its key nor, but for rounding, it."""

import dataclasses

from bsgen import config


@dataclasses.dataclass(frozen=True)
class Options:
    """Settings of a run's execution.

    Attributes:
      hardware: the devices and how to use them.
      data_dir: folder of the prepared datasets; None for the default one.
      resume: "auto" continues from a checkpoint if there is one, "must" requires one,
        "never" starts over and removes what an earlier run left.
      checkpoint_seconds: longest time between checkpoints.
      write_events: whether to write TensorBoard's scalars, to `tensorboard/`.
    """

    hardware: config.HardwareConfig = config.HardwareConfig()
    data_dir: str | None = None
    resume: str = "auto"
    checkpoint_seconds: float = 300.0
    write_events: bool = False
