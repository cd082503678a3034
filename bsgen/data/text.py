"""A text as examples: windows of T tokens, one after the other.

Window i has the tokens i T to (i + 1) T - 1 as its input, and as labels those that come
next, tokens i T + 1 to (i + 1) T. So L tokens make (L - 1) // T windows, and a network
that carries its state from window to window reads the text as one sequence.

B such sequences at a time, as in Zaremba et al. (2014), arXiv:1409.2329: the text is
cut in B streams of n = N // B windows, and batch t holds the windows b n + (t mod n),
b = 0 .. B - 1. What is left over, fewer than B windows, is not used.
"""

import collections
from collections.abc import Iterable, Sequence

import numpy as np

from bsgen import errors
from bsgen.data.pool import Pool

# Of an evaluation. Each begins without context, so there are few of them for the length
# of the text; more would be no faster.
_LEAST_WINDOWS, _MOST_STREAMS = 50, 64


def pool(name: str, parts: Sequence[np.ndarray], num_tokens: int, window: int) -> Pool:
    """Returns the windows of a text in three parts.

    Args:
      name: of the dataset.
      parts: the tokens of training, validation and test, int [L] each.
      num_tokens: that there are; tokens are 0 to num_tokens - 1.
      window: T.

    Raises:
      UserError: a part is shorter than a window and the token after it, or a token is
        out of range.
    """
    cut = [_windows(name, tokens, window) for tokens in parts]
    inputs, labels = (np.concatenate(arrays) for arrays in zip(*cut, strict=True))
    sizes = np.cumsum([len(own) for own, _ in cut])
    train, validation, test = np.split(np.arange(sizes[-1]), sizes[:-1])
    return Pool(
        name,
        inputs,
        labels,
        num_tokens,
        train_pool=train,
        test_pool=test,
        validation_pool=validation,
        in_order=True,
    )


def vocabulary(words: Iterable[str]) -> dict[str, int]:
    """Returns a number for each word, the most frequent first, then by the alphabet."""
    counts = collections.Counter(words)
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate(ordered)}


def contiguous_batches(
    first_step: int, num_steps: int, batch_size: int, train_size: int
) -> np.ndarray:
    """Returns the windows of the steps first_step to first_step + num_steps - 1.

    They are the same in every epoch, and for every seed.

    Args:
      first_step: at least 0.
      num_steps: at least 1.
      batch_size: B, the number of streams, 1 to N.
      train_size: N, the number of windows.

    Returns:
      Positions [num_steps, batch_size] int32, from 0 to N - 1.
    """
    length = train_size // batch_size
    steps = np.arange(first_step, first_step + num_steps) % length
    return (steps[:, None] + length * np.arange(batch_size)).astype(np.int32)


def evaluation_batches(num_windows: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the order in which a text is evaluated: all its windows, once each.

    It is read in streams of at least 50 windows, or in a single one, so that at most a
    50th of the windows begin without context. How many streams there are depends on the
    text alone, never on batch size or hardware.

    Args:
      num_windows: at least 1.

    Returns:
      Positions [steps, streams] int32, and whether each counts, bool: the last streams
      may be shorter.
    """
    num_streams = min(max(1, num_windows // _LEAST_WINDOWS), _MOST_STREAMS)
    length = -(-num_windows // num_streams)
    places = np.arange(length)[:, None] + length * np.arange(num_streams)
    return np.minimum(places, num_windows - 1).astype(np.int32), places < num_windows


def _windows(
    name: str, tokens: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns inputs and labels, int32 [windows, T]."""
    count = (len(tokens) - 1) // window
    if count < 1:
        remedy = f"a part of it has {len(tokens)} tokens, and a window takes "
        remedy += f"{window + 1}; give a longer text"
        raise errors.UserError("dataset", name, remedy)
    tokens = tokens[: count * window + 1].astype(np.int32)
    inputs, labels = (part.reshape(-1, window) for part in (tokens[:-1], tokens[1:]))
    return inputs, labels
