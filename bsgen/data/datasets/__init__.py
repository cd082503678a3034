"""The datasets, one file for each or for a family of them."""
