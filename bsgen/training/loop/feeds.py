"""The batches of a run for one worker, as functions of the step.

Images that fit stay on the device, and a batch holds positions in them; larger data
are read ahead through `tf.data`, and a batch holds the images themselves. Either way,
the examples, their shifts, flips and weights follow from seed and step alone.
"""

from collections.abc import Generator, Iterator

import numpy as np

from bsgen import config, data, models
from bsgen.data import augmentation, loss_weights, sampling, streaming, text
from bsgen.training import step_plan
from bsgen.training.loop import strategies
from bsgen.training.loop.batch import Batch

_MAX_STEPS, _MAX_POSITIONS = 1000, 2**20  # in one call
_EVALUATION_VALUES = 3 * 2**20  # input values per replica and evaluation call


class Feed:
    """Gives a worker its share of every batch.

    Attributes:
      max_steps: the most steps that one call of `training` may request.
    """

    def __init__(
        self,
        run: config.RunConfig,
        plan: step_plan.Plan,
        source: data.Source,
        train: np.ndarray,
        resident: data.Pool | None,
        devices: strategies.Devices,
    ):
        """Prepares the feed; nothing is read yet.

        `train` holds the positions of the training examples in the source, [N];
        `resident` is the source if its images are on the device. Workers share each
        batch in equal parts, and the replicas of one share an evaluation batch.
        """
        self._run = run
        self._plan = plan
        self._source = source
        self._train = train
        # For images on the device only; the others come with their labels.
        self._labels = None if resident is None else resident.labels
        self._worker, self._num_workers = devices.worker, devices.num_workers
        self._augmentation = augmentation.by_name(run.data.augmentation)
        self._stream: Generator[streaming.Batch, None, None] | None = None
        self._streamed_step = 0  # the step whose batch the stream gives next
        examples = _EVALUATION_VALUES // int(np.prod(source.input_shape))
        size = int(np.clip(examples, 32, 1000))
        self._reads_on = models.carries_state(run.model)
        self._replicas_of_worker = devices.replicas_of_worker
        self._evaluation_size = size * devices.replicas_of_worker
        self.max_steps = 1
        if resident is not None:
            fitting = max(1, _MAX_POSITIONS // int(plan.batch_sizes.max()))
            self.max_steps = min(_MAX_STEPS, fitting)

    def training(self, first_step: int, last_step: int) -> Batch:
        """Returns this worker's shares of K batches of equal size, [K, b, ...].

        They are those of the steps first_step to last_step - 1.
        """
        drawn = self._draws(first_step, last_step), self._weights(first_step, last_step)
        if self._labels is not None:
            positions = self._positions(first_step, last_step)
            return Batch(positions, self._labels[positions], *drawn)
        parts = zip(*(self._read(s) for s in range(first_step, last_step)), strict=True)
        images, labels = (np.stack(part) for part in parts)
        return Batch(images, labels, *drawn)

    def evaluation(self, positions: np.ndarray) -> Iterator[tuple[Batch, np.ndarray]]:
        """Yields a worker's share of some examples, padded to batches of equal size.

        For a network that carries its state they are streams that are read on.

        Args:
          positions: of the examples in the source, [n].

        Yields:
          Batches [b, ...] and weights [b], 1 for an example and 0 for padding.
        """
        in_batches = self._in_streams if self._reads_on else self._in_batches
        places, counts = in_batches(len(positions))
        size, weights = places.shape[1], counts.astype(np.float32)
        own = positions[np.minimum(places, len(positions) - 1)]
        if self._labels is not None:
            found = ((part, self._labels[part]) for part in own)
        else:
            found = streaming.evaluation_batches(self._source, own.reshape(-1), size)
        for (examples, labels), weight in zip(found, weights, strict=True):
            yield Batch(examples, labels), weight

    def _in_batches(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns this worker's places, [batches, b], and which of them count."""
        size = self._evaluation_size
        first = np.arange(self._worker * size, count, self._num_workers * size)
        places = first[:, None] + np.arange(size)
        num_batches = -(-count // (self._num_workers * size))
        # Every worker takes part in every call, some perhaps with padding only.
        missing = np.full((num_batches - len(places), size), count)
        places = np.concatenate([places, missing])
        return places, places < count

    def _in_streams(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the same of a text that is read on; there is one worker."""
        places, counts = text.evaluation_batches(count)
        padding = [(0, 0), (0, -places.shape[1] % self._replicas_of_worker)]
        return np.pad(places, padding), np.pad(counts, padding)

    def close(self) -> None:
        """Ends reading ahead."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _read(self, step: int) -> streaming.Batch:
        """Returns images and labels of a step; fastest in the order of the steps."""
        if self._stream is None or step != self._streamed_step:
            self.close()
            self._stream = streaming.batches(
                self._source,
                lambda wanted: self._positions(wanted, wanted + 1)[0],
                step,
                self._plan.num_steps,
                self._places,
                self._run.seed,
            )
        self._streamed_step = step + 1
        return next(self._stream)

    def _positions(self, first_step: int, last_step: int) -> np.ndarray:
        """Returns the positions in the source of this worker's shares, [K, b]."""
        num_steps, size = last_step - first_step, self._size(first_step)
        seed, train_size = self._run.seed, len(self._train)
        if self._run.data.sampling == "contiguous":
            drawn = text.contiguous_batches(first_step, num_steps, size, train_size)
        elif self._run.data.sampling == "independent":
            drawn = sampling.independent_batches(
                seed, first_step, num_steps, size, train_size
            )
        else:
            first_place = int(self._plan.first_places[first_step])
            drawn = sampling.stream(seed, first_place, num_steps * size, train_size)
        return self._train[self._share(drawn.reshape(num_steps, size))]

    def _draws(self, first_step: int, last_step: int) -> tuple[np.ndarray, ...]:
        """Returns the augmentation's draws, each [K, b]; () without augmentation."""
        if self._augmentation is None:
            return ()
        num_steps, size = last_step - first_step, self._size(first_step)
        first_place = int(self._plan.first_places[first_step])
        drawn = augmentation.draws(
            self._augmentation, self._run.seed, first_place, num_steps * size
        )
        return tuple(self._share(each.reshape(num_steps, size)) for each in drawn)

    def _weights(self, first_step: int, last_step: int) -> tuple[np.ndarray, ...]:
        """Returns the weights of the losses, one array [K, b]; () without noise."""
        if not self._run.loss_noise:
            return ()
        num_steps, size = last_step - first_step, self._size(first_step)
        drawn = loss_weights.draws(
            self._run.loss_noise,
            self._run.seed,
            int(self._plan.first_places[first_step]),
            num_steps * size,
        )
        return (self._share(drawn.reshape(num_steps, size)),)

    def _places(self, step: int) -> np.ndarray:
        """Returns the places in the stream of this worker's share of a batch, [b]."""
        first_place = int(self._plan.first_places[step])
        return self._share(first_place + np.arange(self._size(step))[None])[0]

    def _size(self, step: int) -> int:
        return int(self._plan.batch_sizes[step])

    def _share(self, of_all: np.ndarray) -> np.ndarray:
        """Returns this worker's columns of an array [K, B]."""
        own = of_all.shape[1] // self._num_workers
        return of_all[:, self._worker * own : (self._worker + 1) * own]
