"""All that touches keras-tuner: oracles, tuner, chief and workers."""
