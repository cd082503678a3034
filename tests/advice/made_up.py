"""A situation whose numbers are known, for the tests of advice."""

import dataclasses

from bsgen.advice import situation

PRESENT = situation.Situation(
    batch_size=32,
    learning_rate=0.1,
    target_batch_size=128,
    train_size=50_000,
    momentum=0.9,
    gradient_noise_scale=480.0,
    gradient_noise_scale_error=30.0,
    critical_learning_rate=0.8,
    critical_learning_rate_error=0.02,
    num_examples=2000,
)


def situation_with(**changes):
    return dataclasses.replace(PRESENT, **changes)
