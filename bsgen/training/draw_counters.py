"""The variables in which layers of a model count their random draws.

Dropout draws from a seed and a count. Where the count is set to a function of the step
before every use, masks follow from seed and step, and the counts are no state.
"""

import keras


def of(model: keras.Model) -> list[keras.Variable]:
    """Returns them, int64 [2] each: a seed and a count."""
    return [
        variable
        for variable in model.non_trainable_variables
        if variable.path.endswith("seed_generator_state")
    ]
