"""Curvature and covariance matrices, known by their products with vectors."""
