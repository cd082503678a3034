"""Tests of finding studies by name."""

import dataclasses
from multiprocessing import reduction

from absl.testing import absltest, parameterized

from bsgen import config, errors, papers
from bsgen.training import step_plan

_BESIDE = ("smith_le_2017/appendix_d", "smith_le_2017/noise")
_FIGURES = tuple(f"jastrzebski_2018/fig{number}" for number in range(1, 6))
_JASTRZEBSKI = (*_FIGURES, "jastrzebski_2018/theory")


def _form(run):
    """Returns all that a plan depends on, but for the size of the learning rates."""
    schedule = run.sgd.schedule
    if isinstance(schedule, config.ConstantThenDecay):
        schedule = dataclasses.replace(schedule, decay=2.0)
    steps = run.num_steps, run.batch_size, run.batch_size_schedule
    return *steps, schedule, run.sgd.warm_up, run.data.train_size


class RegistryTest(parameterized.TestCase):
    def test_names(self):
        smith_le = [f"smith_le_2017/fig{number}" for number in range(1, 9)]
        expected = (*smith_le, *_BESIDE, *_JASTRZEBSKI)
        self.assertEqual([n for n in papers.names() if n in expected], [*expected])
        papers_in_order = ("smith_le_2017", "hoffer_2017", "jastrzebski_2018")
        self.assertEqual(papers.keys()[:3], papers_in_order)

    def test_one_study(self):
        (found,) = papers.find("smith_le_2017/fig4")
        self.assertEqual(found.name, "smith_le_2017/fig4")

    def test_all_of_a_paper(self):
        found = papers.find("jastrzebski_2018")
        self.assertEqual(tuple(study.name for study in found), _JASTRZEBSKI)

    def test_a_scale_that_a_study_lacks(self):
        (found,) = papers.find("smith_le_2017/fig4")
        with self.assertRaisesRegex(errors.UserError, "^scale='reduced': .*quick, pap"):
            found.runs("reduced")

    def test_measurements_can_be_sent_to_a_worker_process(self):
        pickler = reduction.ForkingPickler
        measuring = set()
        for study in papers.studies():
            for scale in study.scales:
                for entry in study.measurements(scale, 1):
                    sent = pickler.loads(pickler.dumps(entry))
                    self.assertEqual(sent.key, entry.key)
                    self.assertTrue(callable(sent.measure))
                    measuring.add(study.name)
        self.assertContainsSubset([*_BESIDE, "jastrzebski_2018/theory"], measuring)

    def test_every_run_of_every_scale_has_a_plan(self):
        planned, seen = set(), set()
        for study in papers.studies():
            for scale in study.scales:
                for run in study.runs(scale, 1):
                    if isinstance(run.optimizer, config.MomentumConfig):
                        if (form := _form(run)) not in seen:
                            step_plan.make(run, run.data.train_size)
                        seen.add(form)
                        planned.add((study.name, scale))
        self.assertContainsSubset({("hoffer_2017/fig2", "released")}, planned)

    @parameterized.parameters(
        ("smith_le_2017/fig44", "smith_le_2017/fig4"),
        ("smith_le/fig7", "smith_le_2017/fig7"),
        ("Smith_Le_2017/fig2", "smith_le_2017/fig2"),
    )
    def test_the_nearest_match_is_named(self, name, nearest):
        with self.assertRaisesRegex(
            errors.UserError, f"^figure='{name}': unknown; did you mean '{nearest}'"
        ):
            papers.find(name)

    def test_the_known_ones_are_listed(self):
        with self.assertRaises(errors.UserError) as caught:
            papers.find("xyz")
        for name in papers.names():
            self.assertIn(name, str(caught.exception))


if __name__ == "__main__":
    absltest.main()
