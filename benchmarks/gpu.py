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
_MOST_SECONDS = flags.DEFINE_integer(
    "most_seconds", 480, "What takes longer is cut.", lower_bound=1
)
_ROUNDS = 3
# Each gets a share of the time that is left when it starts.
_BENCHMARKS = {"ensemble": 0.6, "ghost_batch_norm": 0.4, "train_step": 1.0}
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


def measure(found: device.Device, output: pathlib.Path, most_seconds: float) -> bool:
    """Runs the benchmarks and writes their table, anew after each.

    Args:
      found: what they run on.
      output: the file of the table; its folder is made.
      most_seconds: what takes longer is cut.

    Returns:
      Whether all ended well.
    """
    end = time.perf_counter() + most_seconds
    output.parent.mkdir(parents=True, exist_ok=True)
    words = [f"{found}"]
    all_well = True
    with tempfile.TemporaryDirectory() as folder:
        kept = pathlib.Path(folder, "tables.jsonl")
        kept.touch()
        for name, share in _BENCHMARKS.items():
            options = (f"--rounds={_ROUNDS}", f"--tables_file={kept}")
            well, said = _run(name, options, share * (end - time.perf_counter()))
            all_well &= well
            words.append(said)
            tables = map(json.loads, kept.read_text().splitlines())
            output.write_text(f"{'; '.join(words)}.\n\n{markdown(tables)}\n")
    return all_well


def _run(name: str, options: Sequence[str], most_seconds: float) -> tuple[bool, str]:
    """Runs a benchmark; returns whether it ended well, and how it went in words."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    begun = time.perf_counter()
    try:
        status = subprocess.run(command, timeout=most_seconds).returncode
    except subprocess.TimeoutExpired:
        return False, f"{name} was cut after {most_seconds:.0f} s"
    seconds = time.perf_counter() - begun
    return not status, f"{name} {'failed' if status else 'ended'} after {seconds:.0f} s"


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmarks and writes the table."""
    entry.refuse_arguments(arguments, "see --help")
    found = device.find()
    if not found.is_gpu:
        remedy = "TensorFlow sees no GPU; 'make bench' measures on a CPU"
        raise errors.UserError("device", found.name, remedy)
    output = pathlib.Path(_OUTPUT_DIR.value, "bench_gpu.md")
    well = measure(found, output, _MOST_SECONDS.value)
    print(f"\n{output.read_text()}\n{output}")
    if not well:
        sys.exit(1)


if __name__ == "__main__":
    entry.run(main)
