"""The strategy of two devices that all tests of a process share.

TensorFlow numbers the collectives of each `MirroredStrategy` anew, and those of a
second one would meet those of the first.
"""

from bsgen import config
from bsgen.training.loop import strategies


def strategy():
    hardware = config.HardwareConfig(strategy="mirrored", num_devices=2)
    return strategies.Devices(hardware).strategy
