"""Trains what is missing of a list of runs, each by the engine that its optimizer names."""

from collections.abc import Callable, Sequence

from bsgen import config
from bsgen.training import ensemble, minima, records

# What a step costs beside its examples (launch, update), in examples; for the time left.
_STEP_COST = 30


def cost(run: config.RunConfig) -> float:
    """Returns the expected work of a run, in arbitrary units; for progress only."""
    if isinstance(run.optimizer, config.NewtonConfig):
        return 1e5
    return run.num_steps * (_STEP_COST + (run.batch_size or run.data.train_size or 1000))


def execute(
    runs: Sequence[config.RunConfig],
    store: records.RunStore,
    data_dir: str | None = None,
    on_work: Callable[[float], None] = lambda work: None,
    on_record: Callable[[records.RunRecord], None] = lambda record: None,
) -> None:
    """Trains those of `runs` that `store` lacks; every finished run is kept at once.

    Args:
      runs: any mixture of configurations.
      store: where finished runs are looked up and kept.
      data_dir: where prepared datasets lie.
      on_work: called with work done, in the units of `cost`; a run's sum to its cost.
      on_record: called with each run's record after it is on the disk.

    Raises:
      UserError: a run does not fit its data; nothing has been trained then.
    """
    missing = store.missing(runs)
    exact = [r for r in missing if isinstance(r.optimizer, config.NewtonConfig)]
    stochastic = [r for r in missing if isinstance(r.optimizer, config.MomentumConfig)]
    # Short programs first: a first result soon, and the time left is learned early.
    stochastic.sort(key=lambda run: (run.batch_size or run.data.train_size or 0))

    def on_steps(run: config.RunConfig, steps: int) -> None:
        on_work(cost(run) * steps / run.num_steps)

    for run in exact:
        ensemble.check(run, data_dir)
    for record in ensemble.train(stochastic, data_dir, on_steps=on_steps):
        store.add([record])
        on_record(record)
    for record in minima.train(exact, data_dir):
        store.add([record])
        on_work(cost(record.run))
        on_record(record)
