"""The searches that `benchmarks.tuning` compares: runs, courses, verdicts."""
