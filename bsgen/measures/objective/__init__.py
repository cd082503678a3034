"""What is measured: the mean loss of a model over a data set."""
