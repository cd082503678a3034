"""How a run is executed, which may differ between machines and is not part of its key.

The result is the same for all settings, up to rounding; the exceptions are listed in
`bsgen.training.loop.replica_program`.
"""

import dataclasses
from typing import Literal

from bsgen import errors
from bsgen.config import checked

MAX_DEVICES = 64


@dataclasses.dataclass(frozen=True)
class HardwareConfig(checked.Checked):
    """The devices of a run, and how they are used.

    Attributes:
      strategy: "single" for one device, "mirrored" for all devices of one machine,
        "multi_worker" for the machines that the environment variable TF_CONFIG names.
      num_devices: how many devices of this machine "mirrored" takes; None for all GPUs,
        or, without one, all (logical) CPUs. At most `MAX_DEVICES`.
      gradient_accumulation: into how many parts a replica divides its share of a batch;
        they are processed one after the other, so only one part's activations are in
        memory.
      jit: whether XLA compiles the training steps; None for "on a single GPU".
      deterministic: whether equal runs are equal bit for bit (about 15 % slower).
      data_placement: "device" keeps the training images on the device, "stream" brings
        batch after batch; "auto" chooses by their size.
    """

    strategy: Literal["single", "mirrored", "multi_worker"] = checked.always("single")
    num_devices: int | None = checked.always(None)
    gradient_accumulation: int = checked.always(1)
    jit: bool | None = checked.always(None)
    deterministic: bool = checked.always(False)
    data_placement: Literal["auto", "device", "stream"] = checked.always("auto")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("gradient_accumulation", errors.check_integer, 1)
        self._check_field("num_devices", errors.check_integer, 1, MAX_DEVICES)
        if self.num_devices is not None and self.strategy != "mirrored":
            remedy = "only strategy='mirrored' takes a number of devices"
            raise errors.UserError("num_devices", self.num_devices, remedy)
        if self.jit and self.strategy != "single":
            remedy = "XLA compiles for a single device only; leave it out"
            raise errors.UserError("jit", self.jit, remedy)
