"""Trains the runs of a sweep; one that fails does not keep the others from training."""

import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bsgen import config, data, errors, interrupts, models
from bsgen.training import interruption, records

OnRecord = Callable[[records.RunRecord], None]
_LOGGER = logging.getLogger(__name__)
_MAX_CHARACTERS = 300  # of a reason that is not one of ours


def check(run: config.RunConfig, data_dir: str | None = None) -> None:
    """Checks that an engine takes a run, without training.

    Args:
      run: with its budget.
      data_dir: where prepared datasets lie.

    Raises:
      UserError: none does; says why.
    """
    from bsgen.training import execution, step_plan
    from bsgen.training.loop import shares

    execution.check([run], data_dir)
    dataset = data.find(run.data.name)
    models.size(run.model, dataset.input_shape, dataset.num_classes)
    pool = data.load_source(run.data, data_dir)
    plan = step_plan.make(run, len(data.split(pool, run.data).train))
    shares.check(run, plan.batch_sizes, num_replicas=1, parts=1)


@interrupts.kept()
def train(
    settings: Iterable[Sequence[config.RunConfig]],
    store: records.RunStore,
    data_dir: str | None = None,
    on_work: Callable[[float], None] = lambda seconds: None,
    on_record: OnRecord = lambda record: None,
    warn: Callable[[str], None] = _LOGGER.warning,
    num_processes: int = 1,
) -> dict[str, str]:
    """Trains what `store` lacks, all settings together; keeps every finished run.

    If one of the runs raises an error, those that are left are trained setting by
    setting, so that only its own setting stays incomplete.

    Args:
      settings: the runs of each.
      store, data_dir, on_work, on_record: as for `execution.execute`.
      warn: likewise; also called with one line for each failure.
      num_processes: likewise; what an error leaves is trained by this one.

    Returns:
      The reason, in one line, for each run that failed, by its key.

    Raises:
      Interrupted: as `execution.execute`.
    """
    from bsgen.training import execution  # loads TensorFlow

    def attempt(runs: Sequence[config.RunConfig], number: int = 1) -> str | None:
        own: dict[str, Any] = {"warn": warn, "num_processes": number}
        try:
            execution.execute(runs, store, data_dir, on_work, on_record, **own)
        except interruption.Interrupted:
            raise
        except Exception as error:  # noqa: BLE001, whatever a device or network raises
            interrupts.check()  # this may be what became of a Ctrl-C
            return _one_line(error)
        return None

    groups = [group for runs in settings if (group := store.missing(runs))]
    reason = attempt(list(itertools.chain(*groups)), num_processes)
    if reason is None:
        return {}
    warn(f"{reason}; what is left is trained setting by setting")
    failed: dict[str, str] = {}
    for group in groups:
        reason = attempt(store.missing(group))
        if reason is not None:
            lost = store.missing(group)
            warn(f"{len(lost)} runs of a setting failed ({reason})")
            failed |= {run.key: reason for run in lost}
    return failed


def _one_line(error: Exception) -> str:
    if isinstance(error, errors.UserError):
        return str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
