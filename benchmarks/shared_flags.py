"""How often every benchmark gives each contender a turn: the flag that all share."""

from absl import flags

ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of every contender.", lower_bound=1)
