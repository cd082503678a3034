"""Eigenvalues, trace, norm and density of a symmetric operator."""
