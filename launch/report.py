"""Remakes tables, verdicts and figures from recorded runs.

    python -m launch.report --output_dir=results/quick

prints the claims with their verdicts, rewrites what the studies in the folder left, and
writes `results/quick/report.html`. It takes some seconds and does not load TensorFlow.
Studies that lack runs or measurements are named and left as they were, or shown as far
as they have come, without verdicts; if none can be made, the exit status is 1.
`--markdown` also writes the results into the documentation of the project in which it
runs: quick ones into `docs/RESULTS.md`, a page a paper in `docs/results/`, and
`README.md`, those of other scales, with their pictures, into `docs/PAPER_SCALE.md` and
the like. In the folder of a `launch.sweep` it makes table and picture again, and says
again what `--rule_of_thumb` recommended.
"""

import pathlib

from absl import flags

from . import as_called, entry, flag_help, paths

flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir",
    "results/quick",
    "The folder that launch.reproduce or launch.sweep wrote.",
)
_MARKDOWN = flags.DEFINE_bool(
    "markdown",
    False,
    "Also write the results into docs/ and README.md of the project here.",
)


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --output_dir=FOLDER")
    from . import boundary_display

    folder = pathlib.Path(_OUTPUT_DIR.value)
    if (folder / "sweep.json").exists():
        _remake_sweep(_OUTPUT_DIR.value)
    elif boundary := boundary_display.read(folder):
        _refuse_markdown("a rule of thumb's result")
        boundary_display.print_result(boundary, folder)
    else:
        _remake_studies(_OUTPUT_DIR.value)


def _refuse_markdown(found: str) -> None:
    from bsgen import errors

    if _MARKDOWN.value:
        remedy = f"the folder holds {found}, which is in no document; leave it out"
        raise errors.UserError("markdown", True, remedy)


def _remake_sweep(output_dir: str) -> None:
    from bsgen.sweeps import folder

    from . import grid_display

    _refuse_markdown("a sweep")
    summary = folder.remake(output_dir, entry.warn)
    grid_display.print_summary(summary)
    grid_display.print_files(summary, output_dir)


def _remake_studies(output_dir: str) -> None:
    from bsgen import errors, papers
    from bsgen.reports import markdown, page, remake, terminal

    remade = remake.remake(output_dir, papers.studies(), entry.warn)
    terminal.print_claims(output_dir, papers.studies())
    print(f"report: {page.write(output_dir, papers.studies(), as_called)}")
    if _MARKDOWN.value:
        written = markdown.write(output_dir, papers.studies())
        print(f"results: {' and '.join(written)}")
    if not remade:
        remedy = "nothing was remade, because no study has all of its runs and "
        remedy += "measurements recorded; launch.reproduce trains what is missing"
        raise errors.UserError("output_dir", output_dir, remedy)


if __name__ == "__main__":
    entry.run(main)
