"""Remakes tables, verdicts, figures and the page from recorded runs; trains nothing.

    python -m launch.report --output_dir=results/quick

prints the claims with their verdicts, rewrites what the studies in the folder left, and
writes `results/quick/report.html`. It takes some seconds and does not load TensorFlow.
"""

from launch import entry, paths

_OUTPUT_DIR = paths.define(
    "output_dir", "results/quick", "The folder that launch.reproduce wrote."
)


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    from bsgen.reports import page, remake, terminal

    entry.refuse_arguments(arguments, "write --output_dir=FOLDER")
    remake.remake(_OUTPUT_DIR.value)
    terminal.print_claims(_OUTPUT_DIR.value)
    print(f"report: {page.write(_OUTPUT_DIR.value)}")


if __name__ == "__main__":
    entry.run(main)
