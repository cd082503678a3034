"""The noise of batch gradients: noise scale, covariance, alignment."""
