"""Rows of runs of a sweep of learning rates, as if they had been trained."""

import numpy as np
import pandas as pd


def runs(table):
    """Rows of runs: {rate: accuracies of the seeds}, NaN where one diverged."""
    rows = [
        {
            "effective_learning_rate": rate,
            "seed": seed,
            "final_test_accuracy": value,
            "final_train_cross_entropy": 1 - value,
            "status": "diverged" if np.isnan(value) else "completed",
        }
        for rate, values in table.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)
