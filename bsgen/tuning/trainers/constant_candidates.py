"""Candidates for the best constant answer to some targets.

Which one is best depends on the metric: the most frequent class for an accuracy, the
shares of the classes for a cross-entropy, the mean for a squared error, the median for
an absolute one, "yes" everywhere for an F score. So many are tried.
"""

from typing import NamedTuple

import numpy as np

_MOST_CLASSES = 16  # each a candidate of its own
_MOST_SHARES = 2**28  # comparisons to find the classes' shares at every place
_MOST_NUMBERS = 2**24  # of targets; of more, every n-th example
_THRESHOLDS = (-1.0, 0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_QUANTILES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_LARGEST_LOGIT = 10.0


class _Targets(NamedTuple):
    """Targets of a kind, [n, *places, components] or, of "labels", [n, *places]."""

    kind: str
    values: np.ndarray
    num_classes: int


def candidates(
    targets: np.ndarray,
    train_targets: np.ndarray,
    output_shape: tuple[int, ...],
    weights: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Returns constant outputs of one example.

    Answers with one number a class or component come from the targets that they are
    scored on. Answers with separate numbers at every place of a larger output would
    overfit those, so they come from the training data.

    Args:
      targets: [n, ...] on which the answers are scored.
      train_targets: [m, ...] of training.
      output_shape: of one example.
      weights: of the targets, [n] or [n, *places], if there are any.

    Returns:
      Arrays of `output_shape`; none if targets do not show what an output means.
    """
    found: list[np.ndarray] = []
    some = slice(None, None, 1 + targets.size // _MOST_NUMBERS)
    known = _as_outputs(targets[some], output_shape)
    if known is not None:
        num_places = int(np.prod(known.values.shape[1 : len(output_shape) or 1]))
        values = known.values.reshape(-1, *known.values.shape[len(output_shape) or 1 :])
        known = known._replace(values=values)
        found += _answers(known)
        if weights is not None:
            weights = weights[some].reshape(len(targets[some]), -1)
            if weights.shape[1] in (1, num_places):
                weights = np.repeat(weights, num_places // weights.shape[1], axis=1)
                found += _answers(known, weights.ravel())
    some = slice(None, None, 1 + train_targets.size // _MOST_NUMBERS)
    placed = _as_outputs(train_targets[some], output_shape)
    if len(output_shape) > 1 and known is not None and placed is not None:
        if placed.values.size * placed.num_classes <= _MOST_SHARES:
            found += _answers(placed)
    shape = output_shape or (1,)
    return [
        np.broadcast_to(each, shape).astype(np.float32).reshape(output_shape)
        for each in found
    ]


def _as_outputs(targets: np.ndarray, output_shape: tuple[int, ...]) -> _Targets | None:
    if targets.dtype.kind not in "biuf" or not np.isfinite(targets).all():
        return None
    shape, last = output_shape or (1,), (output_shape or (1,))[-1]
    places = shape[:-1]
    if last > 1 and targets.shape[1:] in (places, (*places, 1)):
        labels = targets.reshape(-1, *places)
        if not np.array_equal(labels, np.round(labels)):
            return None
        return _Targets("labels", labels.astype(int), last)
    if int(np.prod(targets.shape[1:])) != int(np.prod(shape)):
        return None
    values = targets.reshape(-1, *shape).astype(np.float64)
    if values.min() >= 0 and values.max() <= 1:
        if last > 1 and np.allclose(values.sum(axis=-1), 1, atol=1e-3):
            return _Targets("shares", values, last)
        if np.isin(values, (0, 1)).all():
            return _Targets("binary", values, 1)
    return _Targets("real", values, 1)


def _answers(targets: _Targets, weights: np.ndarray | None = None) -> list[np.ndarray]:
    """Returns answers [*places, components] to targets [n, *places, components]."""
    values = targets.values
    if weights is not None and not weights.sum() > 0:
        return []
    if targets.kind == "labels":
        return _of_classes(_shares(values, targets.num_classes, weights))
    mean = np.average(values, axis=0, weights=weights)
    if targets.kind == "shares":
        return _of_classes(mean)
    if targets.kind == "binary":
        return _of_probabilities(mean)
    found = [mean, *np.quantile(values, _QUANTILES, axis=0)]
    if values.min() > -1:
        found.append(np.expm1(np.average(np.log1p(values), axis=0, weights=weights)))
    lengths = np.linalg.norm(values, axis=-1, keepdims=True)
    if values.shape[-1] > 1 and lengths.min() > 0:
        found.append((values / lengths).mean(axis=0))
    return found


def _shares(
    labels: np.ndarray, num_classes: int, weights: np.ndarray | None
) -> np.ndarray:
    """Returns the shares [*places, classes] of labels [n, *places]."""
    if labels.ndim == 1:
        # Some losses ignore labels of no class.
        known = (labels >= 0) & (labels < num_classes)
        chosen = None if weights is None else weights[known]
        counts = np.bincount(labels[known], chosen, num_classes)
        return counts / max(counts.sum(), 1e-30)
    return np.stack(
        [(labels == label).mean(axis=0) for label in range(num_classes)], axis=-1
    )


def _of_classes(shares: np.ndarray) -> list[np.ndarray]:
    """Returns probabilities and logits [..., classes], no two of them equal.

    Keras would count all of several equal ones among the top k.
    """
    ranks = shares.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable")
    apart = (1 + ranks) / shares.shape[-1]
    alone = np.eye(shares.shape[-1])
    found = [shares * (1 + 1e-6 * ranks) + 1e-8 * apart]
    found.append(alone[shares.argmax(axis=-1)] + 1e-4 * apart)
    if shares.ndim == 1:
        frequent = shares.argsort()[::-1][:_MOST_CLASSES]
        found.extend(alone[label] + 1e-4 * apart for label in frequent)
    found = [each / each.sum(axis=-1, keepdims=True) for each in found]
    return [form for each in found for form in (each, np.log(each))]


def _of_probabilities(shares: np.ndarray) -> list[np.ndarray]:
    """Returns probabilities, logits and signs of binary targets with given shares."""
    found = [shares]
    for threshold in _THRESHOLDS:
        hard = (shares > threshold).astype(float)
        if not any(np.array_equal(hard, each) for each in found):
            found.append(hard)
    with np.errstate(divide="ignore"):
        logits = [np.log(each) - np.log1p(-each) for each in found]
    largest = _LARGEST_LOGIT
    return [
        *found,
        *(np.clip(each, -largest, largest) for each in logits),
        *(2 * each - 1 for each in found),
    ]
