"""What a run's configuration asks to be measured on its trained network.

The Hessian is that of the mean loss, without noise or an L2 penalty and with batch norm
in inference mode, on training examples without augmentation: its largest eigenvalue and
its Frobenius norm, as in figure 3 of Jastrzebski et al. (2018), and its trace, as in
their eq. 7.
"""

from bsgen import config, measures
from bsgen.training.loop import trainee

_EIGENVALUE_TOLERANCE = 0.01  # far below the differences between seeds
_NORM_ERROR = 0.1
_TRACE_ERROR = 0.03
_MAX_PRODUCTS = 100


def measure(run: config.RunConfig, trained: trainee.Trainee) -> dict[str, float]:
    """Returns the run's `final_measures`, each with its error.

    Args:
      run: says what to measure and on how many examples.
      trained: the run, at its end.

    Returns:
      `max_eigenvalue` with the estimated `max_eigenvalue_error`, and
      `hessian_frobenius_norm` and `hessian_trace`, each with its `..._standard_error`,
      if asked.

    Raises:
      UserError: more examples than there are, or no finite second derivative.
    """
    hessian = trained.hessian(run.measured_examples)
    found: dict[str, float] = {}
    if "max_eigenvalue" in run.final_measures:
        ends = measures.extreme_eigenvalues(
            hessian, 1, tolerance=_EIGENVALUE_TOLERANCE, max_products=_MAX_PRODUCTS
        )
        found["max_eigenvalue"] = float(ends.top[0])
        found["max_eigenvalue_error"] = float(ends.top_errors[0])
    if "hessian_frobenius_norm" in run.final_measures:
        norm = measures.hessian_frobenius_norm(
            hessian, relative_error=_NORM_ERROR, max_products=_MAX_PRODUCTS
        )
        found["hessian_frobenius_norm"] = norm.value
        found["hessian_frobenius_norm_standard_error"] = norm.standard_error
    if "hessian_trace" in run.final_measures:
        trace = measures.hessian_trace(
            hessian, relative_error=_TRACE_ERROR, max_products=_MAX_PRODUCTS
        )
        found["hessian_trace"] = trace.value
        found["hessian_trace_standard_error"] = trace.standard_error
    return found
