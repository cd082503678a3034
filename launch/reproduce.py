"""Remakes the papers' figures and tables, and judges their claims.

    python -m launch.reproduce --suite=quick --output_dir=results/quick

runs all studies at quick scale (no download, about half an hour of two cores) and
writes `results/quick/report.html`; `--figure=smith_le_2017/fig4 --scale=paper` runs one
at the paper's own settings. Started again after any interruption, it keeps every
finished run. `--list` shows all studies with their size and the minutes that they take.
"""

import shlex
import signal
import sys

from absl import flags

from . import as_called, entry, flag_help, paths

flag_help.section("Studies")
_LIST = flags.DEFINE_bool(
    "list",
    False,
    "Show every study with its size and the minutes that it takes here, and stop.",
)
_FIGURE = flags.DEFINE_list(
    "figure",
    [],
    "Studies to remake: PAPERKEY/figN or PAPERKEY/tableN, or PAPERKEY for all of a "
    "paper.",
)
_SUITE = flags.DEFINE_string(
    "suite",
    "",
    "All studies that have this scale: quick, reduced, gpu, released or paper.",
)
_SCALE = flags.DEFINE_string(
    "scale",
    "quick",
    "Scale at which --figure is remade: quick, reduced, gpu, released or paper.",
)
flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir", "", "Folder of runs and results (default: results/SCALE)."
)
flag_help.section("Studies")
_DATA_DIR = paths.define(
    "data_dir",
    None,
    "Folder of the prepared datasets (default: $TFDS_DATA_DIR, else "
    "~/tensorflow_datasets).",
)
_SEEDS = flags.DEFINE_integer(
    "seeds",
    None,
    "Repeats of every run, from 1 to 1000 (default: the scale's own).",
    lower_bound=1,
    upper_bound=1000,
)
_CALIBRATE = flags.DEFINE_bool(
    "calibrate",
    None,
    "Measure the speed of this machine anew for --list, as after it was busy; with "
    "--nocalibrate minutes are those of one core (default: if it is not known yet).",
)
flag_help.section("Hardware")
_PROCESSES = flags.DEFINE_integer(
    "processes",
    None,
    "Worker processes, of one thread each, from 1 to 256 (default: one a core; "
    "with a GPU, or for little work, none but this one).",
    lower_bound=1,
    upper_bound=256,
)
flag_help.section("Output")
_FORCE = flags.DEFINE_bool(
    "force", False, "Replace results of another configuration, and train again."
)


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    from bsgen.training import threads

    threads.use_one()  # before the next line imports NumPy
    from bsgen import errors, papers, studies

    from . import display

    entry.refuse_arguments(arguments, "write --figure=NAME")
    if _SUITE.value and _FIGURE.value:
        raise errors.UserError(
            "suite", _SUITE.value, "give --suite or --figure, not both"
        )
    if _SUITE.value and _SCALE.present:
        remedy = "--suite is a scale; leave it out"
        raise errors.UserError("scale", _SCALE.value, remedy)
    scale = _SUITE.value or _SCALE.value
    if scale not in studies.SCALES:
        argument = "suite" if _SUITE.value else "scale"
        raise errors.unknown_name(argument, scale, studies.SCALES)
    wanted = _FIGURE.value or (papers.keys() if _SUITE.value or _LIST.value else ())
    selected = [study for name in wanted for study in papers.find(name)]
    if _SUITE.value:
        selected = [study for study in selected if scale in study.scales]
    if _LIST.value:
        speed = _speed()
        number = _PROCESSES.value or _most_processes(speed)
        display.list_studies(selected, speed, _SEEDS.value, number)
    elif selected:
        _reproduce(selected, scale, _OUTPUT_DIR.value or f"results/{scale}")
    else:
        raise errors.UserError(
            "figure", "", "give --figure=NAME, --suite=quick or --list"
        )


def _speed():  # type: ignore[no-untyped-def]
    """Returns the speed of this machine, or that of one core."""
    from bsgen.training import calibration, cost

    if _CALIBRATE.value is False:
        return cost.ONE_CORE
    found = None if _CALIBRATE.value else calibration.known()
    if found is None:
        print("measuring the speed of this machine once, some seconds", file=sys.stderr)
        entry.load_tensorflow()
        found = calibration.measure(entry.warn)
    return found


def _most_processes(speed) -> int:  # type: ignore[no-untyped-def]
    """Returns how many processes divide the work on a machine of that speed."""
    from bsgen.training import provenance, worker_processes

    is_this_processor = speed.device == provenance.processor()  # and no GPU
    return worker_processes.most() if is_this_processor else 1


def _reproduce(selected: list, scale: str, output_dir: str) -> None:
    from bsgen.studies import campaign

    settings = _SEEDS.value, _DATA_DIR.value, _FORCE.value
    with campaign.Campaign(selected, scale, output_dir, *settings, entry.warn) as work:
        if work.missing or work.unmeasured:
            entry.load_tensorflow()
        _bring_to_results(work, output_dir)
        from bsgen import papers
        from bsgen.reports import page, terminal

        names = [study.name for study in selected]
        terminal.print_claims(output_dir, papers.studies(), names)
        path = page.write(output_dir, papers.studies(), as_called)
        print(f"report: {path}", file=sys.stdout)


def _bring_to_results(work, folder: str) -> None:  # type: ignore[no-untyped-def]
    from bsgen.training import calibration, cost, interruption, worker_processes

    from . import display

    num_processes = _PROCESSES.value
    if num_processes is None:
        num_processes = worker_processes.default_number(work.expected_seconds)
    sizes = len(work.missing), len(work.unmeasured)
    speed = calibration.known() or cost.ONE_CORE
    minutes = work.seconds_at(speed, num_processes) / 60
    with display.CampaignBar(*sizes, work.expected_seconds, minutes) as progress:
        finished = []

        def on_study(study) -> None:  # type: ignore[no-untyped-def]
            finished.append(study)
            progress.say(f"finished {study.name}: {study.title}")

        try:
            work.run(progress.advance, on_study, num_processes)
        except (interruption.Interrupted, KeyboardInterrupt) as stopped:
            entry.let_go_of_lost_terminal()
            progress.say("interrupted; saved: the same command continues from there")
            if finished:
                command = f"python -m launch.report --output_dir={shlex.quote(folder)}"
                progress.say(f"what is finished so far: {as_called(command)}")
            sys.exit(128 + getattr(stopped, "signal_number", signal.SIGINT))


if __name__ == "__main__":
    entry.run(main)
