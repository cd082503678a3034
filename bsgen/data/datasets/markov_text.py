"""A text drawn from a Markov process, whose best possible perplexity is known exactly.

It needs no download, and stands in for Penn Treebank at quick scale. Like a language it
has words of very unequal frequency, whose order follows rules, and something to be
remembered for long: a sentence begins with one of M opening tokens, which decides by
which rules its words follow each other. The process, our choice:

- With probability e the sentence ends, and the next token is one of the M openings, all
  equally likely. So sentences have 1 / e tokens on average.
- Otherwise one of W words follows. For each opening and token before it, the words are
  ranked in an order of their own, and the one of rank k has a probability in proportion
  to k^-a, as in Zipf's law.

The text is a Markov chain on (opening, token before), and each of its states has the
same entropy of the next token, in nats

    H = h(e) + e log M + (1 - e) H_Zipf,

with h(e) = -e log e - (1 - e) log(1 - e) and H_Zipf that of the probabilities of the
ranks. So exp(H) is the perplexity of a model that knows the process, on any part of the
text; no model has a lower one in expectation. A network must carry its state to reach
it: the opening may lie many windows back.
"""

import functools
import math

import numpy as np

from bsgen.config import DataConfig
from bsgen.data import dataset, random_streams, text
from bsgen.data.pool import Pool

NUM_OPENINGS, NUM_WORDS = 3, 12  # M and W
END_PROBABILITY = 0.1  # e
ZIPF_EXPONENT = 1.5  # a
WINDOW = 5
_SEED = 0  # of rules and text: there is one text, as there is one Penn Treebank
# Windows of training, validation and test.
_SIZES = _TRAIN_SIZE, _VALIDATION_SIZE, _TEST_SIZE = 800, 1600, 1600


class _MarkovText(dataset.Dataset):
    def load(self, settings: DataConfig, data_dir: str | None = None) -> Pool:
        return load()


@functools.lru_cache(maxsize=1)
def load() -> Pool:
    """Returns the text in windows of 5 of its 15 tokens."""
    cuts = np.cumsum([WINDOW * size + 1 for size in _SIZES])
    tokens = draw(int(cuts[-1]), _SEED)
    parts = np.split(tokens, cuts[:-1])
    return text.pool(MARKOV_TEXT.name, parts, MARKOV_TEXT.num_classes, WINDOW)


def draw(num_tokens: int, seed: int) -> np.ndarray:
    """Draws rules and a text that follows them.

    Args:
      num_tokens: of the text.
      seed: of both.

    Returns:
      int32 [num_tokens]; tokens below `NUM_OPENINGS` open a sentence, the others are
      words. The first one is an opening.
    """
    generator = random_streams.generator(random_streams.Purpose.TEXT, seed)
    # The words by rank, for each opening and token before.
    before = NUM_OPENINGS + NUM_WORDS
    words = np.tile(np.arange(NUM_WORDS), (NUM_OPENINGS, before, 1))
    words = NUM_OPENINGS + generator.permuted(words, axis=-1)
    ends = generator.random(num_tokens) < END_PROBABILITY
    ends[0] = True
    openings = generator.integers(NUM_OPENINGS, size=num_tokens)
    ranks = generator.choice(NUM_WORDS, num_tokens, p=rank_probabilities())
    tokens = np.empty(num_tokens, np.int32)
    opening = token = 0
    for place in range(num_tokens):
        if ends[place]:
            opening = token = openings[place]
        else:
            token = words[opening, token, ranks[place]]
        tokens[place] = token
    return tokens


def rank_probabilities() -> np.ndarray:
    """Returns the probability of each rank of a word, [W]."""
    weights = np.arange(1, NUM_WORDS + 1) ** -ZIPF_EXPONENT
    return weights / weights.sum()


def best_perplexity() -> float:
    """Returns exp(H), that of a model which knows the process."""
    ranks, end = rank_probabilities(), END_PROBABILITY
    whether_it_ends = -end * math.log(end) - (1 - end) * math.log1p(-end)
    of_words = -float(np.sum(ranks * np.log(ranks)))
    return math.exp(
        whether_it_ends + end * math.log(NUM_OPENINGS) + (1 - end) * of_words
    )


MARKOV_TEXT = _MarkovText(
    "markov_text",
    (WINDOW,),
    NUM_OPENINGS + NUM_WORDS,
    _TRAIN_SIZE,
    _TEST_SIZE,
    scaling="none",
    sampling="contiguous",
    labels="tokens",
)
