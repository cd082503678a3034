"""Threefry-2x32: random words as a function of a key and a counter.

Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3", with 20 rounds. It
is written in operations on integers, so that eager and graph mode, XLA, CPU and GPU,
and `tf.vectorized_map` all give the same words, which TensorFlow's own draws do not.
"""

import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_GROUPS = 5  # of four rounds, each followed by words of the key


def words(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns two random words for each counter.

    Args:
      key: two uint32 tensors.
      counter: two uint32 tensors; all four broadcast against each other.
    """
    parity = tf.constant(_PARITY, tf.uint32)
    schedule = *key, tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(*key), parity)
    first, second = counter[0] + schedule[0], counter[1] + schedule[1]
    for group in range(_GROUPS):
        for rotation in _ROTATIONS[group % 2]:
            first = first + second
            second = tf.bitwise.bitwise_xor(_rotate(second, rotation), first)
        first = first + schedule[(group + 1) % 3]
        number = tf.constant(group + 1, tf.uint32)
        second = second + schedule[(group + 2) % 3] + number
    return first, second


def _rotate(word: tf.Tensor, bits: int) -> tf.Tensor:
    left = tf.bitwise.left_shift(word, tf.constant(bits, tf.uint32))
    right = tf.bitwise.right_shift(word, tf.constant(32 - bits, tf.uint32))
    return tf.bitwise.bitwise_or(left, right)
