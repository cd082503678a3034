"""Trains what is missing of a list of runs, each by its optimizer's engine."""

import itertools
from collections.abc import Callable, Sequence

from bsgen import config
from bsgen.training import cost, ensemble, minima, records


def check(runs: Sequence[config.RunConfig], data_dir: str | None = None) -> None:
    """Checks runs against their data, without training.

    Raises:
      UserError: a dataset is not prepared, or a run does not fit it.
    """
    for run in runs:
        ensemble.check(run, data_dir)


def execute(
    runs: Sequence[config.RunConfig],
    store: records.RunStore,
    data_dir: str | None = None,
    on_work: Callable[[float], None] = lambda seconds: None,
    on_record: Callable[[records.RunRecord], None] = lambda record: None,
) -> None:
    """Trains those of `runs` that `store` lacks; every finished run is kept at once.

    Args:
      runs: any mixture of configurations.
      store: where finished runs are looked up and kept.
      data_dir: where prepared datasets lie.
      on_work: called with the expected seconds (`cost.seconds`) of work just done;
        those of a run sum to its cost, also when it diverged early.
      on_record: called with each run's record after it is on the disk.

    Raises:
      UserError: a run does not fit its data; nothing has been trained then.
    """
    missing = store.missing(runs)
    check(missing, data_dir)
    exact = [r for r in missing if isinstance(r.optimizer, config.NewtonConfig)]
    stochastic = [r for r in missing if isinstance(r.optimizer, config.MomentumConfig)]
    # Cheap runs first: first results soon, and the time left is learned early.
    stochastic.sort(key=cost.seconds)

    steps_left = {run.key: run.num_steps for run in missing}

    def on_steps(run: config.RunConfig, steps: int) -> None:
        steps_left[run.key] -= steps
        on_work(cost.seconds(run) * steps / run.num_steps)

    for record in itertools.chain(
        minima.train(exact, data_dir),
        ensemble.train(stochastic, data_dir, on_steps=on_steps),
    ):
        store.add([record])
        on_steps(record.run, steps_left[record.run.key])
        on_record(record)
