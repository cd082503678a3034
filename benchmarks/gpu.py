"""All benchmarks that a GPU matters to, on the GPU that is there, as one table.

    make bench-gpu
    python3 -m benchmarks.gpu --output_dir=results

runs `ensemble`, `ghost_batch_norm` and `train_step`, each in a process of its own, and
writes OUTPUT_DIR/bench_gpu.md: one line a contender, with the card and the memory
bandwidth that a copy on it reaches. "ours / it" is how many times as fast this project
is, "/ Keras" the share of Keras' time, "/ floor" the time over that of the passes over
memory which cannot be avoided. A benchmark that fails or takes too long leaves what it
had measured, and the exit status is 1. It ends within 8 minutes, or --most_seconds.
Without a GPU it ends at once, with one line and exit status 1.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from absl import flags

from benchmarks import device
from bsgen import errors
from bsgen.training import provenance
from launch import entry

_OUTPUT_DIR = flags.DEFINE_string("output_dir", "results", "Where the table goes.")
_MOST_SECONDS = flags.DEFINE_integer(
    "most_seconds", 480, "What takes longer is cut.", lower_bound=1
)
_MOST_ROUNDS = 3
_SECONDS_PER_ROUND = 150
# Each gets a share of the time that is left when it begins.
_BENCHMARKS = {"ensemble": 0.55, "train_step": 0.8, "ghost_batch_norm": 1.0}
_REMEDY = "TensorFlow sees no GPU; 'make bench' measures on a CPU"
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


def measure(output: pathlib.Path, most_seconds: float) -> bool:
    """Runs the benchmarks and writes their table, anew after each.

    Args:
      output: the file of the table; its folder is made.
      most_seconds: what takes longer is cut; with less, contenders have fewer turns.

    Returns:
      Whether all ended well.

    Raises:
      UserError: TensorFlow sees no GPU.
    """
    end = time.perf_counter() + most_seconds
    rounds = int(np.clip(most_seconds // _SECONDS_PER_ROUND, 1, _MOST_ROUNDS))
    output.parent.mkdir(parents=True, exist_ok=True)
    found, words, all_well = None, [], True
    with tempfile.TemporaryDirectory() as folder:
        kept = pathlib.Path(folder, "tables.jsonl")
        kept.touch()
        for name, share in _BENCHMARKS.items():
            options = (f"--rounds={rounds}", f"--tables_file={kept}")
            with _begun(name, options) as process:
                # The first one's contenders are imported while the device is asked.
                found = found or _gpu()
                well, said = _wait(process, found, share * (end - time.perf_counter()))
            all_well &= well
            words.append(f"{name} {said}")
            tables = map(json.loads, kept.read_text().splitlines())
            head = f"{found}; {'; '.join(words)}."
            output.write_text(f"{head}\n\n{markdown(tables)}\n")
    return all_well


def _gpu() -> device.Device:
    found = device.find()
    if not found.is_gpu:
        raise errors.UserError("device", found.name, _REMEDY)
    return found


@contextlib.contextmanager
def _begun(name: str, options: Sequence[str]) -> Iterator[subprocess.Popen]:
    """Starts a benchmark in a session of its own, whose processes end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}", *options],
        stdin=subprocess.PIPE,
        env={**os.environ, device.GIVEN: "1"},
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait(
    process: subprocess.Popen, found: device.Device, most_seconds: float
) -> tuple[bool, str]:
    """Tells a benchmark the device; returns whether it ended well, and a word on it."""
    begun = time.perf_counter()
    try:
        process.communicate(json.dumps(found) + "\n", timeout=max(most_seconds, 0))
    except subprocess.TimeoutExpired:
        return False, f"cut after {most_seconds:.0f} s"
    seconds = time.perf_counter() - begun
    return not process.returncode, (
        f"{'failed' if process.returncode else 'ended'} after {seconds:.0f} s"
    )


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmarks and writes the table."""
    entry.refuse_arguments(arguments, "see --help")
    if not device.has_card():
        raise errors.UserError("device", provenance.processor(), _REMEDY)
    output = pathlib.Path(_OUTPUT_DIR.value, "bench_gpu.md")
    well = measure(output, _MOST_SECONDS.value)
    print(f"\n{output.read_text()}\n{output}")
    if not well:
        sys.exit(1)


if __name__ == "__main__":
    entry.run(main)
