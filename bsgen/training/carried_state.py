"""What goes together with a network that carries its state, known without TensorFlow.

Such a network reads a text in as many streams as a batch has examples: its state after
one window is where it begins the next one, and 0 where a stream begins, in every epoch.
Gradients do not reach back beyond a window.
"""

from bsgen import config, data, errors, models


def check(run: config.RunConfig, hardware: config.HardwareConfig | None = None) -> None:
    """Checks that data and network of a run agree on whether a text is read on.

    Args:
      run: any configuration.
      hardware: of a run of the loop engine.

    Raises:
      UserError: they do not, or the run or its hardware has what a network that carries
        its state has not.
    """
    dataset, chosen, network = data.find(run.data.name), run.data, run.model.name
    is_text = dataset.sampling == "contiguous"
    if is_text and chosen.scaling != "none":
        remedy = f"{dataset.name} holds numbers of tokens, which have no scale; take "
        raise errors.UserError("scaling", chosen.scaling, f"{remedy}'none'")
    if chosen.sampling == "contiguous" and not is_text:
        remedy = f"{dataset.name} is no text that could be read on; take 'shuffle'"
        raise errors.UserError("sampling", chosen.sampling, remedy)
    if not models.carries_state(run.model):
        return
    if not is_text:
        remedy = f"{network} reads texts only; take another dataset, or another model"
        raise errors.UserError("dataset", dataset.name, remedy)
    if chosen.sampling != "contiguous":
        remedy = f"{network} carries its state from window to window; take 'contiguous'"
        raise errors.UserError("sampling", chosen.sampling, remedy)
    if run.final_measures:
        remedy = f"the loss of {network} depends on what it has read before; leave it "
        raise errors.UserError("final_measures", run.final_measures, f"{remedy}out")
    if hardware is None:
        return
    if hardware.strategy == "multi_worker":
        remedy = f"the state of {network} is kept on one machine; take 'mirrored'"
        raise errors.UserError("strategy", hardware.strategy, remedy)
    if hardware.gradient_accumulation > 1:
        parts = hardware.gradient_accumulation
        remedy = f"{network} takes its streams all at once; take more devices"
        raise errors.UserError("gradient_accumulation", parts, remedy)
