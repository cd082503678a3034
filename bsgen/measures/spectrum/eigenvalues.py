"""The ends of the Hessian's spectrum, of any Keras model.

The largest eigenvalue bounds the learning rate (Smith, Elsen & De 2020, section 3.1)
and measures the width of a minimum (Jastrzebski et al. 2018, figure 3). It is not the
eigenvalue of largest modulus, which power iteration finds and which may be negative:
`top_eigenvalue` and `largest_magnitude_eigenvalue` are two measures. All are of the
MEAN loss; `spectrum_ends` says how they are computed and when they stop.
"""

import dataclasses
from typing import Any

import keras

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss
from bsgen.measures.operators import curvature
from bsgen.measures.spectrum import sampled_start, spectrum_ends


@interrupts.kept()
def top_eigenvalue(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    tolerance: float = 1e-3,
    max_products: int = 100,
    l2: float = 0.0,
    training: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> spectrum_ends.Eigenvalue:
    """Measures the LARGEST eigenvalue of the Hessian of the mean loss.

    Args:
      model: a built model.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      tolerance: relative error at which to stop, at least 0.
      max_products: at least 1; the basis takes 8 bytes a weight a product.
      l2: of a penalty l2 |w|^2 / 2, at least 0; it raises every eigenvalue by l2.
      training: measure batch norm in training mode instead of inference mode.
      batch_size: examples a call, for arrays.
      seed: of the start: where data are arrays of 512 examples or more, one that half
        a product's cost finds on a sample of them; else a random one.
      on_progress: is told after every product.

    Returns:
      The eigenvalue, with what is known of its error.

    Raises:
      UserError: an argument is wrong, or the loss has no second derivative or no finite
        one.
    """
    operator = curvature.Hessian(
        model,
        loss,
        data,
        loss_weights=loss_weights,
        regularization=regularization,
        l2=l2,
        training=training,
        batch_size=batch_size,
    )
    errors.check_real("tolerance", tolerance, 0.0)
    errors.check_integer("max_products", max_products, 1)
    start = sampled_start.find(operator, seed)
    found = spectrum_ends.extremes_of(
        operator,
        1,
        tolerance=tolerance,
        max_products=max_products,
        seed=seed,
        on_progress=on_progress,
        start=start.vector,
    )
    return spectrum_ends.Eigenvalue(
        value=float(found.top[0]),
        residual=float(found.top_residuals[0]),
        error=float(found.top_errors[0]),
        num_products=found.num_products,
        stopped_because=found.stopped_because,
        mode=operator.mode,
        start_products=start.num_products,
    )


@interrupts.kept()
def largest_magnitude_eigenvalue(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    tolerance: float = 1e-3,
    max_products: int = 100,
    l2: float = 0.0,
    training: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> spectrum_ends.Eigenvalue:
    """Measures the eigenvalue of largest MODULUS, with its sign.

    Arguments, result and errors are those of `top_eigenvalue`. It stops when the other
    end of the spectrum is certainly of smaller modulus or as exactly known.
    """
    operator = curvature.Hessian(
        model,
        loss,
        data,
        loss_weights=loss_weights,
        regularization=regularization,
        l2=l2,
        training=training,
        batch_size=batch_size,
    )
    found = spectrum_ends.largest_magnitude_of(
        operator, tolerance, max_products, seed, on_progress
    )
    return dataclasses.replace(found, mode=operator.mode)


@interrupts.kept()
def extreme_eigenvalues(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    k_top: int,
    k_bottom: int = 0,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    tolerance: float = 1e-3,
    max_products: int = 200,
    block_size: int | None = None,
    l2: float = 0.0,
    training: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> spectrum_ends.ExtremeEigenvalues:
    """Measures the `k_top` largest and `k_bottom` smallest eigenvalues.

    Args:
      model: see `top_eigenvalue`, as all that is not named here.
      loss: see there.
      data: see there.
      k_top: at least 0.
      k_bottom: at least 0; the two sum to at least 1 and at most P.
      tolerance: see there; all wanted eigenvalues must meet it.
      max_products: at least k_top + k_bottom.
      block_size: number of start vectors; an eigenvalue of multiplicity r is counted
        min(r, block_size) times. None for the larger of the two k; 1 takes the fewest
        products where all eigenvalues are known to be simple.
      loss_weights: see there.
      regularization: see there.
      l2: see there.
      training: see there.
      batch_size: see there.
      seed: see there.
      on_progress: is told the outermost wanted value and the largest wanted error.

    Returns:
      The eigenvalues, with what is known of their errors.

    Raises:
      UserError: an argument is wrong, or the loss has no second derivative or no finite
        one.
    """
    operator = curvature.Hessian(
        model,
        loss,
        data,
        loss_weights=loss_weights,
        regularization=regularization,
        l2=l2,
        training=training,
        batch_size=batch_size,
    )
    found = spectrum_ends.extremes_of(
        operator,
        k_top,
        k_bottom,
        tolerance,
        max_products,
        block_size,
        seed,
        on_progress,
    )
    return dataclasses.replace(found, mode=operator.mode)
