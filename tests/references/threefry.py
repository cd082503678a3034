"""Threefry-2x32 with 20 rounds in Python's integers, after the paper's section 3.3.

Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3".
"""

_WORD = 2**32


def block(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """The two words of one key and one counter."""
    keys = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    rotations = [13, 15, 26, 6, 17, 29, 16, 24]
    words = [(c + k) % _WORD for c, k in zip(counter, keys, strict=False)]
    for number in range(20):
        words[0] = (words[0] + words[1]) % _WORD
        places = rotations[number % 8]
        rotated = words[1] * 2**places
        words[1] = (rotated % _WORD + rotated // _WORD) ^ words[0]
        if number % 4 == 3:
            injection = number // 4 + 1
            words[0] = (words[0] + keys[injection % 3]) % _WORD
            words[1] = (words[1] + keys[(injection + 1) % 3] + injection) % _WORD
    return words[0], words[1]


def kept(seed: int, call: int, rate: float, count: int) -> list[bool]:
    """Which of `count` elements dropout keeps: those whose word is at least rate 2^32.

    Seed and call are 64 bits, of which the key takes the seed, the counter the lower
    half of the call and the number of a pair of elements.
    """
    key = seed % _WORD, seed // _WORD
    words = [
        word
        for pair in range(-(-count // 2))
        for word in block(key, (call % _WORD, pair))
    ]
    return [word / _WORD >= rate for word in words[:count]]
