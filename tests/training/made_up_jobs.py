"""Jobs for worker processes, in a module that does not load TensorFlow."""

import functools
import os
import signal
import sys
import time

from bsgen import config
from bsgen.training import interruption, jobs, records

SLEEP_SECONDS = 600.0  # of a job that is stopped long before


def run(seed, num_steps=30):
    data = config.DataConfig("digits", 50)
    optimizer = config.MomentumConfig(0.1)
    model = config.ModelConfig("mlp", (4,))
    return config.RunConfig(data, model, optimizer, 10, num_steps, (0, 5), seed)


def record(seed):
    return records.RunRecord(run(seed), "diverged", {}, {}, 1.0)


def add(seed, desk):
    desk.store.add([record(seed)])
    desk.on_work(0.5)
    desk.on_work(0.25)
    desk.warn(f"added {seed}")
    return seed, os.getpid()


def add_and_sleep(seed, desk):
    add(seed, desk)
    time.sleep(SLEEP_SECONDS)


def add_and_die(seed, desk):
    add(seed, desk)
    os.kill(os.getpid(), signal.SIGKILL)


def add_and_raise(error, seed, desk):
    add(seed, desk)
    raise error


def add_when_asked_to_end(seed, desk):
    """As a job that saves, and tells what it has, before it ends."""
    with interruption.Interruption() as asked:
        desk.warn("ready")
        latest = time.monotonic() + SLEEP_SECONDS
        while asked.signal_number is None and time.monotonic() < latest:
            time.sleep(0.01)
    desk.store.add([record(seed)])
    raise interruption.Interrupted(asked.signal_number, 0)


def add_and_find(seed, desk):
    desk.store.add([record(seed)])
    return seeds_found([run(seed)], desk)


def seeds_found(runs, desk):
    return [record.run.seed for run in runs if (record := desk.store.find(run))]


def unpicklable(desk):
    class Local(Exception):
        pass

    raise Local("of no other process")


def environment(desk):
    kinds = "TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM", "OPENBLAS_NUM", "MKL_NUM"
    names = [f"{kind}_THREADS" for kind in kinds]
    return [os.environ[name] for name in names], "tensorflow" in sys.modules


def _add_and_tell_process_and_sleep(seed, desk):
    desk.store.add([record(seed)])
    desk.warn(str(os.getpid()))
    time.sleep(SLEEP_SECONDS)


def sleep_in_workers(folder):
    """Prints the processes of two workers, which sleep; for a process to be killed."""
    desk = jobs.Desk(
        records.RunStore(folder),
        lambda seconds: None,
        lambda record: None,
        functools.partial(print, flush=True),
    )
    both = [functools.partial(_add_and_tell_process_and_sleep, seed) for seed in (0, 1)]
    jobs.perform([jobs.Job(each, 1.0) for each in both], desk, 2)
