"""The toy task of logistic regression on Gaussian inputs.

Smith & Le (2017), arXiv:1710.06451, section 3: 200-dimensional Gaussian inputs with
<x_i> = 0 and <x_i^2> = 1, 200 training and 10,000 test examples, two classes. The
labels are random, or informative: y = 1 if sum_i x_i > 0, else y = 0.
"""

import dataclasses
import functools

import numpy as np

from bsgen import errors
from bsgen.config import DataConfig
from bsgen.data import dataset, random_streams
from bsgen.data.pool import Pool

# Smith & Le (2017), section 3.
_TRAIN_SIZE = 200
_INPUT_SHAPE = (200,)
_TEST_SIZE = 10_000
_MAX_POOL_SIZE = 500_000  # examples; drawing them takes some 3 GB


@dataclasses.dataclass(frozen=True)
class GaussianTask(dataset.Dataset):
    """One of the two tasks, whose inputs are equal at equal seeds.

    Attributes:
      informative: whether the labels follow from the inputs.
    """

    test_size: int | None = _TEST_SIZE
    is_random: bool = True
    informative: bool = False

    def load(self, settings: DataConfig, data_dir: str | None = None) -> Pool:
        """See `Dataset.load`."""
        sizes = settings.train_size, settings.validation_size
        return self.draw(settings.subset_seed, *sizes)

    @functools.lru_cache(maxsize=4)  # noqa: B019, the tasks live as long as the module
    def draw(
        self, seed: int, train_size: int | None = None, validation_size: int = 0
    ) -> Pool:
        """Draws the whole task from a seed.

        The paper does not say over which examples the averages run. Our choice: each
        component gets mean 0 and mean square 1 over the training examples (validation
        ones included), and the test inputs get the same shift and factor. The labels
        follow from the normalised inputs.

        Returns a pool with inputs [N + V + 10000, 200] float32, those of the test last:
        N is `train_size` (None is the paper's 200) and V `validation_size`; N + V are 2
        to 500,000.

        Raises:
          UserError: there are too few examples, or too many.
        """
        size = _TRAIN_SIZE if train_size is None else train_size
        pool_size = size + validation_size
        if pool_size < 2:
            remedy = "its inputs are normalised by their spread: give at least 2"
            raise errors.UserError("train_size", train_size, remedy)
        if pool_size > _MAX_POOL_SIZE:
            remedy = f"makes {pool_size:,} examples with those for validation, of "
            remedy += f"which {self.name} draws at most {_MAX_POOL_SIZE:,}"
            raise errors.UserError("train_size", train_size, remedy)
        purpose = random_streams.Purpose
        train = _normal(purpose.TRAIN_INPUTS, seed, pool_size)
        test = _normal(purpose.TEST_INPUTS, seed, _TEST_SIZE)
        shift, spread = train.mean(axis=0), train.std(axis=0)
        inputs = ((np.concatenate([train, test]) - shift) / spread).astype(np.float32)
        if self.informative:
            labels = inputs.sum(axis=1, dtype=np.float64) > 0
        else:
            coins = _coins(purpose.TRAIN_LABELS, seed, pool_size)
            test_coins = _coins(purpose.TEST_LABELS, seed, _TEST_SIZE)
            labels = np.concatenate([coins, test_coins])
        return Pool(
            name=self.name,
            inputs=inputs,
            labels=labels.astype(np.int32),
            num_classes=self.num_classes,
            train_pool=np.arange(pool_size),
            test_pool=np.arange(pool_size, pool_size + _TEST_SIZE),
        )


RANDOM = GaussianTask("gaussian_random", _INPUT_SHAPE, 2)
INFORMATIVE = GaussianTask("gaussian_informative", _INPUT_SHAPE, 2, informative=True)


def _normal(purpose: random_streams.Purpose, seed: int, size: int) -> np.ndarray:
    generator = random_streams.generator(purpose, seed)
    return generator.standard_normal((size, *_INPUT_SHAPE))


def _coins(purpose: random_streams.Purpose, seed: int, size: int) -> np.ndarray:
    return random_streams.generator(purpose, seed).integers(2, size=size)
