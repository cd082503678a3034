"""Tests of the division of runs into programs: properties, a slow twin, hand-worked."""

import collections
import dataclasses
import itertools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.training.ensemble import grouping

_DEVICES = {"cpu": grouping.CPU, "gpu": grouping.GPU}
# Costs that are easy to add up: a step costs 1 and a compilation 100.
_PLAIN = grouping.Device(
    memory_bytes=2**40,
    launch=1 / 4,
    byte=0.0,
    operation=0.0,
    compilation=100.0,
    recompiles=True,
    evaluation=0.0,
    pads=True,
)
# As much for each run as for a step.
_WEIGHED = dataclasses.replace(_PLAIN, byte=1 / (24 * 60_000))


def _load(batch_size=32, num_steps=1000, evaluation_steps=(), kind="a", **more):
    steps = tuple(sorted({*evaluation_steps, num_steps}))
    fields = {"variables": 4, "weights": 60_000, "outputs": 900, **more}
    return grouping.Load(
        kind,
        batch_size=batch_size,
        num_steps=num_steps,
        evaluation_steps=steps,
        **fields,
    )


def _random_loads(rng, count=60):
    """Runs of three networks, one of which has batch statistics."""
    networks = {
        "small": {"weights": 5_000, "outputs": 100},
        "large": {"weights": 600_000, "outputs": 2_000},
        "normalized": {"weights": 60_000, "outputs": 900, "pads": False},
    }
    sizes = 2 ** rng.integers(10, size=4)
    lengths = rng.integers(1, 20_000, size=4)
    found = []
    for _ in range(count):
        kind = str(rng.choice([*networks]))
        length = int(rng.choice(lengths))
        evaluations = tuple(rng.integers(length, size=rng.integers(3)).tolist())
        size = int(rng.choice(sizes))
        found.append(_load(size, length, evaluations, kind, **networks[kind]))
    return found


def _cost(groups, loads, device):
    """The expected time of groups of chunks of positions, which may be of any kinds."""
    kinds = collections.defaultdict(list)
    for group in groups:
        chunks = [[loads[place] for place in chunk] for chunk in group]
        first = chunks[0][0]
        mixes = device.pads and first.pads
        kinds[first.kind, mixes or first.batch_size].append(chunks)
    return sum(grouping.seconds(own, device) for own in kinds.values())


def _bytes(load, batch_size, count):
    return count * 4 * (3 * load.weights + 2 * batch_size * load.outputs)


class PropertiesTest(parameterized.TestCase):
    @parameterized.product(device=[*_DEVICES], seed=[*range(4)])
    def test_of_random_runs(self, device, seed):
        device, rng = _DEVICES[device], np.random.default_rng(seed)
        loads = _random_loads(rng)
        memory_bytes = int(10 ** rng.uniform(5, 9))
        groups = grouping.divide(loads, device, memory_bytes)
        chunks = [chunk for group in groups for chunk in group]
        places = [place for chunk in chunks for place in chunk]
        self.assertCountEqual(places, range(len(loads)))
        for chunk in chunks:
            own = [loads[place] for place in chunk]
            self.assertLen({load.kind for load in own}, 1)
            if not (device.pads and own[0].pads):
                self.assertLen({load.batch_size for load in own}, 1)
            largest = max(load.batch_size for load in own)
            needed = _bytes(own[0], largest, len(own))
            self.assertTrue(len(own) == 1 or needed <= memory_bytes)
        self.assertEqual(groups, grouping.divide(loads, device, memory_bytes))

        alone = collections.defaultdict(list)
        for place, load in enumerate(loads):
            key = load.kind, load.batch_size, load.num_steps, load.evaluation_steps
            alone[key].append(place)
        one_each = []
        for group in alone.values():
            first = loads[group[0]]
            most = max(memory_bytes // _bytes(first, first.batch_size, 1), 1)
            size = -(-len(group) // -(-len(group) // most))
            one_each.append([group[i : i + size] for i in range(0, len(group), size)])
        cost = _cost(groups, loads, device)
        self.assertLessEqual(cost, _cost(one_each, loads, device) * (1 + 1e-12))

    @parameterized.product(device=[*_DEVICES], seed=[*range(3)])
    def test_the_cheapest_of_all_groups_of_neighbours(self, device, seed):
        device = dataclasses.replace(_DEVICES[device], recompiles=True)
        rng = np.random.default_rng(100 + seed)
        sizes = np.sort(rng.integers(1, 300, size=6)) if device.pads else [32] * 6
        lengths = np.sort(rng.integers(1, 50_000, size=6))
        counts = rng.integers(1, 4, size=6)
        equal = [
            [_load(int(size), int(length))] * count
            for size, length, count in zip(sizes, lengths, counts, strict=True)
        ]
        loads = list(itertools.chain(*equal))
        costs = []
        for is_bound in itertools.product((False, True), repeat=5):
            bounds = [0, *(i + 1 for i in range(5) if is_bound[i]), 6]
            groups = []
            for first, last in itertools.pairwise(bounds):
                own = list(itertools.chain(*equal[first:last]))
                most = 20_000_000 // _bytes(own[0], own[-1].batch_size, 1)
                size = -(-len(own) // -(-len(own) // max(most, 1)))
                cuts = range(0, len(own), size)
                groups.append([own[cut : cut + size] for cut in cuts])
            costs.append(grouping.seconds(groups, device))
        groups = grouping.divide(loads, device, 20_000_000)
        self.assertAlmostEqual(_cost(groups, loads, device), min(costs))
        self.assertLess(min(costs), max(costs))


class HandWorkedTest(parameterized.TestCase):
    def test_a_program_goes_on_without_those_that_ended_once_they_are_half(self):
        # Four runs to step 20, two to step 30, one to step 70.
        loads = [_load(num_steps=n) for n in (10, 20, 30, 70)]
        self.assertAlmostEqual(
            grouping.seconds([[loads]], _WEIGHED),
            20 * (1 + 4) + 10 * (1 + 2) + 40 * (1 + 1) + 3 * 100,
        )

    def test_programs_of_equal_size_share_a_compilation(self):
        load = _load(num_steps=10)
        two, three = [load] * 2, [load] * 3
        for recompiles, groups, compilations in (
            (True, [[three, three]], 1),
            (True, [[three, two]], 2),
            (True, [[three], [three]], 2),
            (False, [[three], [three]], 1),
            (False, [[three], [two]], 2),
        ):
            device = dataclasses.replace(_PLAIN, recompiles=recompiles)
            found = grouping.seconds(groups, device)
            self.assertAlmostEqual(found, 2 * 10 + compilations * 100)

    def test_every_evaluation_of_any_run_interrupts_the_program(self):
        device = dataclasses.replace(_PLAIN, evaluation=7.0)
        loads = [_load(num_steps=10, evaluation_steps=steps) for steps in ((5,), (6,))]
        self.assertAlmostEqual(grouping.seconds([[loads]], device), 10 + 100 + 3 * 7)

    def test_a_step(self):
        # 4 variables; 24 bytes and 4.4 operations an example of 60,000 weights a run.
        device = dataclasses.replace(_PLAIN, launch=0.5, byte=1e-6, operation=1e-7)
        self.assertAlmostEqual(
            grouping.step_seconds(_load(), 3, 10, device),
            4 * 0.5 + 3 * 60_000 * (24e-6 + 44e-7),
        )

    def test_lengths_share_a_program_where_compiling_is_dearer(self):
        # Together they take 5000 steps of three runs, since one that has ended is less
        # than half of them; apart, 10 of one run and 5000 of two, in two programs.
        loads = [_load(num_steps=n) for n in (5000, 10, 5000)]
        apart, together = [[[0, 2]], [[1]]], [[[1, 0, 2]]]
        for compilation, expected in ((4e3, apart), (6e3, together)):
            device = dataclasses.replace(_WEIGHED, compilation=compilation)
            self.assertEqual(grouping.divide(loads, device), expected)

    def test_lengths_stay_apart_where_they_share_a_compilation(self):
        # Together the program shrinks, which is another compilation: 15 + 10 + 200
        # against 10 + 20 + 100 (or 200).
        loads = [_load(num_steps=n) for n in (5, 10)]
        for recompiles, expected in ((True, [[[0, 1]]]), (False, [[[0]], [[1]]])):
            device = dataclasses.replace(_WEIGHED, recompiles=recompiles)
            self.assertEqual(grouping.divide(loads, device), expected)

    def test_batch_sizes_share_a_program_where_steps_cost_a_launch(self):
        loads = [_load(size) for size in (8, 16, 32, 64)]
        together = [[[0, 1, 2, 3]]]
        self.assertEqual(grouping.divide(loads, grouping.GPU), together)
        self.assertLen(grouping.divide(loads, grouping.CPU), 4)
        normalized = [dataclasses.replace(load, pads=False) for load in loads]
        self.assertLen(grouping.divide(normalized, grouping.GPU), 4)

    @parameterized.parameters((1, 1), (10, 1), (25, 2), (79, 7), (10**9, 256))
    def test_max_runs(self, copies, expected):
        # Three copies of 66 weights, and two of 10 outputs for each of 4 examples.
        one = 4 * (3 * 66 + 2 * 4 * 10)
        memory_bytes = one * copies // 10 if copies < 100 else one * copies
        self.assertEqual(grouping.max_runs(66, 10, 4, memory_bytes), expected)

    def test_the_order_is_that_of_the_first_runs(self):
        loads = [_load(kind=kind) for kind in "babcab"]
        self.assertEqual(
            grouping.divide(loads, grouping.CPU), [[[0, 2, 5]], [[1, 4]], [[3]]]
        )


if __name__ == "__main__":
    absltest.main()
