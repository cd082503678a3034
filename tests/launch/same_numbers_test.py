"""A study gives the same on any number of cores: numbers to the last bit, and verdicts.

Numbers may depend on the threads of a process, which `launch.reproduce` therefore
limits to one; verdicts must not.
"""

import pathlib

from absl.testing import absltest

from bsgen import papers
from bsgen.studies import campaign, folder
from bsgen.training import records
from tests.launch import process

_STUDY = "smith_elsen_de_2020/fig5"  # 96 runs of four programs
_SEEDS = 2


class SameNumbersTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir().full_path)

    def _here(self, name, num_processes):
        output = self.root / name
        found = papers.find(_STUDY)
        with campaign.Campaign(found, "quick", output, num_seeds=_SEEDS) as work:
            work.run(num_processes=num_processes)
        return output

    def _launched(self, name):
        output = self.root / name
        flags = f"--figure={_STUDY}", f"--seeds={_SEEDS}", f"--output_dir={output}"
        finished = process.reproduce(*flags, "--processes=1")
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        return output

    def _numbers(self, output):
        store = records.RunStore(output)
        runs = papers.find(_STUDY)[0].runs("quick", _SEEDS)
        return [
            (found.status, found.curve, found.final) for found in map(store.find, runs)
        ]

    def _claims(self, output):
        claims = folder.Folder(output, _STUDY).read_claims()
        return [(claim.claim, claim.verdict) for claim in claims]

    def test_numbers_and_verdicts(self):
        one_process = self._launched("one")
        two_processes = self._here("two", 2)
        several_threads = self._here("threads", 1)
        self.assertEqual(self._numbers(one_process), self._numbers(two_processes))
        self.assertNotEmpty(self._claims(one_process))
        for other in (two_processes, several_threads):
            self.assertEqual(self._claims(one_process), self._claims(other))


if __name__ == "__main__":
    absltest.main()
