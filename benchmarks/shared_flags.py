"""The flags that benchmarks share."""

from absl import flags

ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of every contender.", lower_bound=1)
TABLES_FILE = flags.DEFINE_string(
    "tables_file", None, "Append the tables to this file, an object of JSON each."
)
