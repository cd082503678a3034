"""Ghost batch normalization, Hoffer et al. (2017), written slowly in NumPy, float64.

Ghosts are taken one after the other with the channel axis moved to the front; the
gradient is that of a full Jacobian, y_i = gamma (x_i - mu) / sigma + beta:

    dy_i / dx_j = gamma / sigma (delta_ij - 1 / n - u_i u_j / n),  u = (x - mu) / sigma.
"""

import numpy as np


def parts(batch_size, ghost_batch_size):
    """First and last index of every ghost; a single example left over joins."""
    firsts = list(range(0, batch_size, ghost_batch_size))
    if len(firsts) > 1 and batch_size - firsts[-1] == 1:
        firsts.pop()
    return list(zip(firsts, [*firsts[1:], batch_size], strict=True))


def normalize(x, gamma, beta, epsilon, axis, ghost_batch_size, mask=None):
    """Returns the outputs, and a list of (mean, biased variance, rows, examples).

    With a mask, of the shape of `x` without the last axis, statistics are over the
    positions that it keeps; a ghost without any has zeros.
    """
    kept = (
        np.ones(x.shape) if mask is None else np.broadcast_to(mask[..., None], x.shape)
    )
    y = np.empty(x.shape)
    statistics = []
    for first, last in parts(len(x), ghost_batch_size):
        ghost = np.moveaxis(x[first:last].astype(np.float64), axis, 0)
        normalized = np.empty(ghost.shape)
        means, variances = [], []
        kept_here = np.moveaxis(kept[first:last], axis, 0)
        for channel, values in enumerate(ghost):
            counted = values[kept_here[channel] != 0]
            size = max(counted.size, 1)
            means.append(counted.sum() / size)
            variances.append(((counted - means[-1]) ** 2).sum() / size)
            sigma = np.sqrt(variances[-1] + epsilon)
            normalized[channel] = gamma[channel] * (values - means[-1]) / sigma
            normalized[channel] += beta[channel]
        y[first:last] = np.moveaxis(normalized, 0, axis)
        rows = int((kept_here[0] != 0).sum())
        statistics.append((np.array(means), np.array(variances), rows, last - first))
    return y, statistics


def input_gradient(x, upstream, gamma, epsilon, axis, ghost_batch_size):
    """Returns the gradient of sum(upstream * y) with respect to x."""
    result = np.empty(x.shape)
    for first, last in parts(len(x), ghost_batch_size):
        ghost = np.moveaxis(x[first:last].astype(np.float64), axis, 0)
        above = np.moveaxis(upstream[first:last].astype(np.float64), axis, 0)
        gradient = np.empty(ghost.shape)
        for channel, values in enumerate(ghost):
            n = values.size
            sigma = np.sqrt(values.var() + epsilon)
            u = ((values - values.mean()) / sigma).ravel()
            jacobian = gamma[channel] / sigma * (np.eye(n) - 1 / n - np.outer(u, u) / n)
            gradient[channel] = (above[channel].ravel() @ jacobian).reshape(
                values.shape
            )
        result[first:last] = np.moveaxis(gradient, 0, axis)
    return result


def update(rule, spread_kind, unbiased, momentum, epsilon, statistics, ghost, old):
    """Returns the running (mean, spread) after one batch, from the `old` ones."""
    mean, spread = old
    total_examples = sum(examples for *_, examples in statistics)

    def finish(variance, rows):
        variance = variance * rows / (rows - 1) if unbiased else variance
        return np.sqrt(variance + epsilon) if spread_kind == "std" else variance

    if rule.startswith("sequential"):
        scaled = 1 - (1 - momentum) / max(total_examples / ghost, 1)
        factor = momentum if rule == "sequential" else scaled
        for own_mean, own_variance, rows, examples in statistics:
            keep = factor ** (examples / ghost)
            mean = keep * mean + (1 - keep) * own_mean
            spread = keep * spread + (1 - keep) * finish(own_variance, rows)
        return mean, spread
    shares = [examples / total_examples for *_, examples in statistics]
    whole = sum(share * each[0] for share, each in zip(shares, statistics, strict=True))
    if rule == "mean":
        new = sum(
            share * finish(variance, rows)
            for share, (_, variance, rows, _) in zip(shares, statistics, strict=True)
        )
    else:
        second_moment = sum(
            share * (variance + own_mean**2)
            for share, (own_mean, variance, *_) in zip(shares, statistics, strict=True)
        )
        rows = sum(rows for *_, rows, _ in statistics)
        new = finish(second_moment - whole**2, rows)
    return (
        momentum * mean + (1 - momentum) * whole,
        momentum * spread + (1 - momentum) * new,
    )
