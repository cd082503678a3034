"""Speed beside real peers, on the same work in one run."""
