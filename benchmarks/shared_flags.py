"""The flag that benchmarks share: how many turns each contender gets."""

from absl import flags

ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of every contender.", lower_bound=1)
