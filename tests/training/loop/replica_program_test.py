"""Tests of `loop.replica_program`: equal steps however they are computed."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, models
from bsgen.models import normalization
from tests.references import plain_loop
from tests.training import made_up_runs

_STEPS = config.Stepwise(boundaries=(3.0, 6.0), factors=(0.5, 0.1), unit="steps")
# A step rounds sums of some hundred float32 terms in another order, to about 1e-6 of
# them; these runs are far from unstable, so ten steps amplify that by little.
_ROUNDING = 2e-5
_EPSILON = normalization.EPSILON


class ReplicaProgramTest(tf.test.TestCase, parameterized.TestCase):
    def assert_same_state(self, first, second, exactly=False):
        self.assertEqual(first.keys(), second.keys())
        for name in first:
            if exactly:
                np.testing.assert_array_equal(first[name], second[name], name)
            else:
                self.assertAllClose(
                    first[name], second[name], _ROUNDING, _ROUNDING, msg=name
                )

    @parameterized.named_parameters(
        ("plain", {"momentum": 0.0}, "none"),
        ("momentum_and_crops", {}, "crop_flip"),
        ("l2_nesterov", {"l2": 0.1, "nesterov": True}, "crop_flip"),
        ("l2_of_kernels", {"l2": 0.3, "l2_parameters": "kernels"}, "none"),
        ("reset", {"momentum_reset": "each_epoch"}, "crop_flip"),
        ("clipped", {"clip_norm": 0.3, "clip_steps": 3}, "crop_flip"),
        ("always_clipped", {"clip_norm": 0.3, "l2": 0.01}, "flip"),
        ("noisy", {"loss_noise": 1.5, "clip_norm": 0.3, "clip_steps": 3}, "none"),
    )
    def test_takes_the_steps_of_a_plain_loop(self, optimizer, augmentation):
        run = made_up_runs.run(
            num_steps=9,
            schedule=_STEPS,
            batch_size_schedule=made_up_runs.GROW,
            data_settings={"augmentation": augmentation},
            **optimizer,
        )
        trained = made_up_runs.ready(run)
        pool, chosen = made_up_runs.pool(), trained._split.train
        model = models.build(run.model, (8, 8, 3), made_up_runs.NUM_CLASSES, run.seed)
        loop = plain_loop.PlainLoop(
            run, model, pool.inputs[chosen], pool.labels[chosen]
        )
        rates = 0.02 * np.array([1, 1, 1, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1])
        sizes = [8] * 4 + [16] * 5
        expected = [loop.step(*each) for each in zip(sizes, rates, strict=True)]
        metrics = np.concatenate([trained.take_steps(0, 4), trained.take_steps(4, 9)])
        self.assertAllClose(metrics, expected, _ROUNDING, _ROUNDING)
        for name, ours, theirs in (
            ("weights", trained.model.trainable_variables, model.trainable_variables),
            ("sums", trained._optimizer.accumulators, loop.accumulators),
        ):
            for a, b in zip(ours, theirs, strict=True):
                self.assertAllClose(a.numpy(), b, _ROUNDING, _ROUNDING, msg=name)

    @parameterized.parameters(1, 2)
    def test_clipping_is_felt(self, replicas):
        plain = made_up_runs.train(made_up_runs.run(num_steps=3), replicas)[1]
        run = made_up_runs.run(num_steps=3, clip_norm=0.3, clip_steps=3)
        clipped = made_up_runs.train(run, replicas)[1]
        self.assertNotAllClose(plain["model/0000"], clipped["model/0000"], 1e-3, 1e-3)

    def test_two_replicas_take_the_steps_of_one(self):
        run = made_up_runs.run(
            clip_norm=0.3,
            clip_steps=5,
            momentum_reset="each_epoch",
            l2=0.01,
            loss_noise=1.0,
            schedule=_STEPS,
            batch_size_schedule=made_up_runs.GROW,
        )
        one, two = made_up_runs.train(run), made_up_runs.train(run, replicas=2)
        self.assertAllClose(one[0], two[0], _ROUNDING, _ROUNDING)
        self.assert_same_state(one[1], two[1])

    def test_ghosts_of_two_replicas_are_those_of_one(self):
        run = made_up_runs.run(made_up_runs.ghost(), batch_size=16, num_steps=6)
        one, two = (made_up_runs.ready(run, replicas) for replicas in (1, 2))
        metrics = [trained.take_steps(0, 6) for trained in (one, two)]
        self.assertAllClose(*metrics, _ROUNDING, _ROUNDING)
        weights = (trained.model.trainable_variables for trained in (one, two))
        for a, b in zip(*weights, strict=True):
            self.assertAllClose(a.numpy(), b.numpy(), _ROUNDING, _ROUNDING)
        for variable in two.model.non_trainable_variables:
            copies = two._devices.strategy.experimental_local_results(variable.value)
            self.assertLen(copies, 2)
            self.assertAllEqual(*copies)

    @parameterized.parameters(made_up_runs.ghost(), made_up_runs.batch())
    def test_running_averages_are_the_mean_over_replicas(self, **model):
        run = made_up_runs.run(model, batch_size=8, num_steps=1)
        whole = made_up_runs.ready(run, replicas=2)
        whole.take_steps(0, 1)
        batch = whole._feed.training(0, 1)
        halves = []
        for half in (slice(0, 4), slice(4, 8)):
            alone = made_up_runs.ready(run)
            part = tf.nest.map_structure(lambda each, h=half: each[:, h], batch)
            alone._program.take_steps(
                tf.nest.map_structure(tf.constant, part),
                tf.constant([0.02]),
                tf.constant(0, tf.int64),
            )
            halves.append([v.numpy() for v in alone.model.non_trainable_variables])
        for variable, a, b in zip(
            whole.model.non_trainable_variables, *halves, strict=True
        ):
            mean = (a + b) / 2
            if model["normalization"] == "ghost" and "variance" in variable.path:
                # Algorithm 1 averages standard deviations, over replicas too.
                mean = ((np.sqrt(a + _EPSILON) + np.sqrt(b + _EPSILON)) / 2) ** 2
                mean -= _EPSILON
            self.assertAllClose(variable.numpy(), mean, 1e-6, 1e-6)
            self.assertNotAllClose(a, b, 1e-3, 1e-3)

    @parameterized.parameters(
        (2, 1, "none"), (4, 1, "ghost"), (4, 2, "none"), (2, 2, "ghost")
    )
    def test_accumulated_parts_take_the_same_steps(
        self, parts, replicas, normalization
    ):
        model = made_up_runs.ghost(2) if normalization == "ghost" else None
        run = made_up_runs.run(
            model, batch_size=16, num_steps=3, clip_norm=0.5, loss_noise=1.0
        )
        whole = made_up_runs.train(run, replicas)
        in_parts = made_up_runs.train(run, replicas, gradient_accumulation=parts)
        self.assertAllClose(whole[0], in_parts[0], _ROUNDING, _ROUNDING)
        # On one replica the running averages are those of the same ghosts in the same
        # order; on two, replicas are averaged after every part and not once.
        if replicas == 2 and normalization == "ghost":
            for state in (whole[1], in_parts[1]):
                self._remove_running_averages(run, state)
        self.assert_same_state(whole[1], in_parts[1])

    def _remove_running_averages(self, run, state):
        model = models.build(run.model, (8, 8, 3), made_up_runs.NUM_CLASSES)
        for index, variable in enumerate(model.variables):
            if "moving" in variable.path:
                (name,) = (n for n in state if n.startswith(f"model/{index:04d}"))
                del state[name]

    @parameterized.parameters(None, "ghost", "dropout")
    def test_how_steps_fall_into_calls_changes_no_bit(self, kind):
        model = {
            None: None,
            "ghost": made_up_runs.ghost(),
            "dropout": made_up_runs.convolutional(),
        }[kind]
        run = made_up_runs.run(model, num_steps=7)
        self.enterContext(made_up_runs.deterministic())
        whole = made_up_runs.train(run)
        for calls in ([1, 2, 3, 4, 5, 6, 7], [3, 7]):
            split = made_up_runs.train(run, calls=calls)
            np.testing.assert_array_equal(whole[0], split[0])
            self.assert_same_state(whole[1], split[1], exactly=True)

    @parameterized.named_parameters(
        ("plain", None, {"clip_norm": 0.5, "l2": 0.01}, 120),
        ("ghosts", made_up_runs.ghost(), {"clip_norm": 0.5, "clip_steps": 60}, 120),
        # In many steps rounding may once decide which input a maximum takes.
        ("dropout", made_up_runs.convolutional(), {}, 8),
        ("batch_norm", made_up_runs.batch(), {"nesterov": True}, 8),
        ("parts", made_up_runs.ghost(), {"clip_norm": 0.5}, 8, 2),
    )
    def test_xla_takes_the_same_steps(self, model, optimizer, num_steps, parts=1):
        run = made_up_runs.run(
            model,
            num_steps=num_steps,
            learning_rate=0.005,
            schedule=config.Stepwise((2.0,), (0.5,), "steps"),
            batch_size_schedule=made_up_runs.GROW,
            **optimizer,
        )
        plain, compiled = (
            made_up_runs.train(
                run,
                calls=[3, 4, num_steps],
                jit=jit,
                gradient_accumulation=parts,
            )
            for jit in (False, True)
        )
        self.assertAllClose(plain[0], compiled[0], _ROUNDING, _ROUNDING)
        self.assert_same_state(plain[1], compiled[1])

    @parameterized.product(
        precision=("mixed_bfloat16", "mixed_float16"), replicas=(1, 2)
    )
    def test_mixed_precision_trains_float32_weights(self, precision, replicas):
        run = made_up_runs.run(precision=precision, num_steps=4, l2=0.1)
        full = made_up_runs.train(made_up_runs.run(num_steps=4, l2=0.1))[0]
        trained = made_up_runs.ready(run, replicas)
        metrics = trained.take_steps(0, 4)
        # bfloat16 keeps 8 bits of each factor, and errors of many terms partly cancel.
        self.assertAllClose(metrics[:, 0], full[:, 0], 0.03, 0.03)
        self.assertNotAllClose(metrics[:, 0], full[:, 0], 1e-6, 1e-6)
        for variable in trained.model.trainable_variables:
            self.assertEqual(variable.dtype, "float32")


if __name__ == "__main__":
    tf.test.main()
