"""All benchmarks that a GPU matters to, on the GPU that is there, as one table.

    make bench-gpu
    python3 -m benchmarks.gpu --output_dir=results

runs `ensemble`, `ghost_batch_norm` and `train_step`, each in a process of its own, and
writes OUTPUT_DIR/bench_gpu.md: one line a contender, with the card and the memory
bandwidth that a copy on it reaches. "ours / it" is how many times as fast this project
is, "/ Keras" the share of Keras' time, "/ floor" the time over that of the passes over
memory which cannot be avoided. A benchmark that fails or takes too long leaves what it
had printed, and the exit status is 1. Expected: under 8 minutes on an H200 with 16
cores. Without a GPU it ends at once, with one line and exit status 1.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence

from absl import flags

from benchmarks import device
from bsgen import errors
from launch import entry

_OUTPUT_DIR = flags.DEFINE_string("output_dir", "results", "Where the table goes.")
_BENCHMARKS = {
    "ensemble": ("--rounds=3", "--seconds=0.5"),
    "ghost_batch_norm": ("--rounds=5",),
    "train_step": ("--rounds=3",),
}
_MOST_SECONDS = 240  # of each
_RATIOS = ("ours / it", "/ Keras", "/ floor")


def markdown(tables: Iterable[dict]) -> str:
    """Returns one table of Markdown with the rows of all tables.

    Args:
      tables: as `tables.show` writes them: a title, columns (of which the first holds
        contenders and the second what was measured, with its unit as the title), rows.
    """
    lines = [
        f"| problem | contender | measured | {' | '.join(_RATIOS)} |",
        "|---|---|---|" + "---|" * len(_RATIOS),
    ]
    for table in tables:
        _, unit, *_ = table["columns"]
        for row in table["rows"]:
            cells = dict(zip(table["columns"], row, strict=False))
            ratios = [cells.get(name, "") for name in _RATIOS]
            measured = f"{cells[unit]} {unit}"
            line = [table["title"], row[0], measured, *ratios]
            lines.append(f"| {' | '.join(line)} |")
    return "\n".join(lines)


def _run(
    name: str, options: Sequence[str], tables_file: pathlib.Path
) -> tuple[bool, str]:
    """Runs a benchmark; returns whether it ended well, and how it went in words."""
    module = f"benchmarks.{name}"
    command = [sys.executable, "-m", module, *options, f"--tables_file={tables_file}"]
    begun = time.perf_counter()
    try:
        status = subprocess.run(command, timeout=_MOST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        return False, f"{name} took more than {_MOST_SECONDS} s"
    if status:
        return False, f"{name} failed"
    return True, f"{name} took {time.perf_counter() - begun:.0f} s"


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmarks and writes the table."""
    entry.refuse_arguments(arguments, "see --help")
    found = device.find()
    if not found.is_gpu:
        remedy = "TensorFlow sees no GPU; 'make bench' measures on a CPU"
        raise errors.UserError("device", found.name, remedy)
    with tempfile.TemporaryDirectory() as folder:
        kept = pathlib.Path(folder, "tables.jsonl")
        kept.touch()
        ends = [_run(name, each, kept) for name, each in _BENCHMARKS.items()]
        table = markdown(map(json.loads, kept.read_text().splitlines()))
    head = f"{found}; {', '.join(words for _, words in ends)}."
    output = pathlib.Path(_OUTPUT_DIR.value, "bench_gpu.md")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f"{head}\n\n{table}\n")
    print(f"\n{head}\n{output}")
    if not all(well for well, _ in ends):
        sys.exit(1)


if __name__ == "__main__":
    entry.run(main)
