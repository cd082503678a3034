"""What is measured on a model, given model, loss and data as arguments."""

from bsgen.measures.hessian import dense_hessian
from bsgen.measures.output_derivatives import OutputDerivatives, output_derivatives

__all__ = ["OutputDerivatives", "dense_hessian", "output_derivatives"]
