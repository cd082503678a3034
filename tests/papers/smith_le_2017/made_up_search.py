"""Made-up rows of a search, as `appendix_d` makes them."""

START = {"batch_size": 32, "learning_rate": 1.0, "momentum": 0.9, "num_steps": 1000}
LARGER = {"batch_size": 160, "learning_rate": 1.0, "momentum": 0.98, "num_steps": 200}
TOO_LARGE = {**LARGER, "batch_size": 800, "momentum": 0.996, "num_steps": 40}
TOO_SMALL = {**START, "batch_size": 8, "num_steps": 4000}


def trial(phase, setting, accuracy, decision, status="completed"):
    """A row of a search."""
    return {
        "stage": f"phase {phase}",
        **setting,
        "status": status,
        "validation_accuracy": accuracy,
        "test_accuracy": None,
        "standard_error": 0.001,
        "decision": decision,
    }


def tests(stage, setting, accuracies):
    """The rows of a setting trained with new seeds; None is a run that diverged."""
    return [
        {
            "stage": stage,
            **setting,
            "status": "diverged" if accuracy is None else "completed",
            "repeat": repeat,
            "validation_accuracy": accuracy,
            "test_accuracy": accuracy,
        }
        for repeat, accuracy in enumerate(accuracies)
    ]


def rows(generator):
    """A whole search that went from 32 to 160."""
    noise = generator.normal(0, 1e-3, 6)
    return [
        trial(1, TOO_SMALL, 0.1, "rejected", "untrained"),
        trial(1, START, 0.97, "accepted"),
        trial(2, START, 0.968, "accepted"),
        trial(2, LARGER, 0.966 + noise[0], "accepted"),
        trial(2, TOO_LARGE, 0.93, "rejected"),
        trial(3, {**LARGER, "batch_size": 240}, 0.95, "rejected"),
        *tests("start", START, 0.965 + noise[:3]),
        *tests("chosen", LARGER, 0.966 + noise[3:]),
    ]
