"""Mistakes on any launcher's command line: one line, before TensorFlow is loaded."""

import json
import os
import pathlib
import subprocess
import sys

from absl.testing import absltest

from bsgen import config
from bsgen.training import run_config_file
from tests.launch import process

_ABSL = r"error: flag --[^\n]*\(--help shows all\)\n"
_LINE = r"error: [^\n]*\n"
_RUN = ("train", "--steps=2")
_LOGISTIC = (*_RUN, "--model=autoencoder", "--loss=binary_cross_entropy")
_SWEEP = ("sweep", "--steps=2")
_RULE = ("sweep", "--rule_of_thumb", "--epochs=3")
_PROTOCOL = ("sweep", "--steps=20", "--protocol=constant_steps", "--select_by=test")
_PROTOCOL += ("--seeds=12",)
_PROTOCOL += ("--axis=effective_learning_rate=1,2",)
_USER = ("tune", "--data_fn=json:loads")
# What is wrong, and the beginning of the line that says so; the words are absl's where
# a flag cannot be read.
_MISTAKES = {
    ("train", "--epochs=2", "--dataset=mnits"): "error: dataset='mnits': .*'mnist'",
    ("train", "mnist"): "error: argument='mnist': not a flag",
    ("train", "--epochs=2", "--steps=2"): "error: epochs=2.0: give one of",
    ("train", "--steps=0"): "error: num_steps=0: give an integer from 1",
    (*_RUN, "--ghost_batch_size=0"): "error: ghost_batch_size=0: give .* at least 2",
    (*_RUN, "--ghost_batch_size=1"): "error: ghost_batch_size=1: give .* at least 2",
    (*_RUN, "--train_size=100"): "error: batch_size=128: .*train_size=100$",
    (*_RUN, "--hidden_units=a"): r"error: hidden_units=\['a'\]: give whole numbers",
    (*_RUN, "--scaling=unitnorm"): "error: scaling='unitnorm': .*'unit_norm'",
    (*_RUN, "--augmentation=crop_flp"): "error: augmentation='crop_flp': .*_flip'",
    (*_RUN, "--normalization=bach"): "error: normalization='bach': .*'batch'",
    (*_RUN, "--schedule=stepwse"): "error: schedule='stepwse': .*'stepwise'",
    (*_RUN, "--batch_size_schedule=cyclc"): "error: batch_size_schedule='cyclc': ",
    (*_RUN, "--schedule=stepwise"): r"error: factors=\(\): give one factor a boundary",
    (*_RUN, "--jit", "--strategy=mirrored"): "error: jit=True: XLA compiles for a sin",
    (*_RUN, "--num_devices=2"): "error: num_devices=2: only strategy='mirrored'",
    (*_RUN, "--gradient_accumulation=0"): "error: gradient_accumulation=0: give",
    ("train",): "error: epochs=None: give one of",
    (*_RUN, "--model=resnet45"): "error: model='resnet45': .*'resnet56'",
    (*_RUN, "--variant=released"): "error: variant='released': mlp has no released",
    (*_RUN, "--loss=cross_entrpy"): "error: loss='cross_entrpy': .*'cross_entropy'",
    (*_RUN, "--loss=squared_error"): "error: loss='squared_error': mlp on digits pred",
    (*_RUN, "--model=autoencoder"): "error: loss='cross_entropy': .*take squared_err",
    (*_RUN, "--initialization=sparse"): "error: initialization='sparse': mlp has no i",
    (*_LOGISTIC,): "error: scaling='unit_norm': binary_cross_entropy needs inputs fro",
    (*_LOGISTIC, "--scaling=unit_interval", "--output_activation=sigmoid"): (
        "error: output_activation='sigmoid': binary_cross_entropy takes the sigmoid"
    ),
    (*_RUN, "--loss_noise=-1"): "error: loss_noise=-1.0: give a finite number of",
    (*_RUN, "--loss_noise=1e300"): r"error: loss_noise=1e\+300: float32 cannot",
    (*_RUN, "--loss_noise=little"): "error: loss_noise='little': give a number, or au",
    (*_RUN, "--base_batch_size=8"): "error: base_batch_size=8: give what follows from",
    (*_RUN, "--adapt_regime"): "error: adapt_regime=True: give --base_batch_size, for",
    (*_RUN, "--base_batch_size=256", "--adapt_regime"): (
        "error: batch_size=128: the large batch is at least the small one, 256"
    ),
    (*_RUN, "--base_batch_size=256", "--loss_noise=auto"): (
        "error: batch_size=128: the large batch is at least the small one, 256"
    ),
    (
        *_RUN,
        "--base_batch_size=8",
        "--loss_noise=auto",
        "--learning_rate_scaling=sqrt",
    ): ("error: learning_rate_scaling='sqrt': it takes the place of a larger"),
    (*_RUN, "--base_batch_size=0", "--adapt_regime"): _ABSL,
    ("tune", "--model=autoencoder"): "error: model='autoencoder': a search scores",
    (*_RUN, "--dropout=0.1"): "error: dropout=0.1: mlp has no dropout",
    (*_RUN, "--normalization=batch"): "error: normalization='batch': mlp has no",
    (*_RUN, "--model=f1", "--hidden_units=800"): "error: hidden_units=.*: f1 has no",
    (*_RUN, "--hidden_units=99999999999"): "error: hidden_units=99999999999: .*,216$",
    (*_RUN, "--model=logistic_regression", "--precision=mixed_float16"): (
        "error: precision='mixed_float16': logistic_regression computes in float64"
    ),
    ("train", "--steps=10000000000"): "error: num_steps=10000000000: .*10,000,000",
    ("train", "--epochs=inf"): "error: epochs=inf: give a finite number",
    (*_RUN, "--seed=18446744073709551616"): "error: seed=18446744073709551616: ",
    (*_RUN, "--learning_rate=nan"): "error: learning_rate=nan: give a number",
    (*_RUN, "--learning_rate=-1"): "error: learning_rate=-1.0: ",
    (*_RUN, "--learning_rate=1e300"): r"error: learning_rate=1e\+300: float32",
    (*_RUN, "--l2=1e-320"): "error: l2=1e-320: float32 cannot hold it",
    (*_RUN, "--momentum=0.999999999"): "error: momentum=0.999999999: float32 makes",
    (*_RUN, "--warm_up_start=0.5"): "error: warm_up_start=0.5: give --warm_up_epochs",
    (*_RUN, "--evaluation_steps=0"): "error: evaluation_steps=0: ",
    (*_RUN, "--evaluation_steps=1", "--evaluation_epochs=1"): (
        "error: evaluation_steps=1: give one of"
    ),
    (*_RUN, "--evaluations_per_decade=0"): "error: evaluations_per_decade=0: give an",
    (*_SWEEP, "--axis=weight_distance=0,1"): "error: axis='weight_distance': not an ax",
    (*_RUN, "--strategy=mirrored", "--num_devices=100000"): (
        "error: num_devices=100000: give an integer from 1 to 64"
    ),
    (*_RUN, "--output_dir=FILE"): "error: output_dir='.*': cannot write .*is a file",
    (*_RUN, "--output_dir=FILE/x"): "error: output_dir='.*': cannot write .*is a file",
    (*_RUN, "--output_dir=~nosuchuser/x"): "error: flag .*no home folder '~nosuchuser'",
    (*_RUN, "--data_dir=" + "a" * 300): "error: flag .*File name too long",
    ("train", "--stps=2"): "error: .* no flag --stps; did you mean --steps",
    (*_RUN, "--from_search=nowhere"): "error: from_search='nowhere': holds no search",
    ("tune", "--model=resnet45"): "error: model='resnet45': ",
    ("tune", "--model=lstm"): "error: model='lstm': a search scores settings by accura",
    ("tune", "--dataset=markov_text"): "error: dataset='markov_text': a search scores",
    ("tune", "--dataset=mnits"): "error: dataset='mnits': ",
    ("tune", "--learning_rates=1,x"): "error: learning_rates=.*: give numbers",
    ("tune", "--learning_rates=0.1,1"): "error: learning_rates=.*: give falling",
    ("tune", "--learning_rates=1,nan"): "error: learning_rates=nan: ",
    ("tune", "--oracle=random", "--learning_rates=1"): "error: learning_rates=.*least",
    ("tune", "--min_batch_size=9", "--max_batch_size=8"): "error: min_batch_size=9: ",
    ("tune", "--epochs=nan"): "error: epochs=nan: ",
    ("tune", "--output_dir=FILE"): "error: output_dir='.*': cannot write there",
    (*_USER, "--model_fn=../x:y"): "error: model_fn='../x:y': write package.module:f",
    (*_USER, "--model_fn=x"): "error: model_fn='x': write package.module:function",
    (*_USER, "--model_fn=no_such:y"): "error: model_fn='no_such:y': no module 'no_suc",
    (*_USER,): "error: model_fn=None: give both",
    ("measure",): "error: run_dir='': give one of --run_dir and --model_fn",
    ("measure", "--measures=tracee", "--run_dir=."): "error: measures='tracee': .*trac",
    ("measure", "--run_dir=.", "--measures=trace", "--group_size=2"): (
        "error: group_size=2: goes with gradient_noise_scale; leave it out"
    ),
    ("measure", "--run_dir=.", "--measures=noise_alignment", "--training"): (
        "error: training=True: .* have inference mode only"
    ),
    ("measure", "--run_dir=.", "--max_products=0"): "error: max_products=0: ",
    ("measure", "--run_dir=."): "error: run_dir='.': it has no config.json",
    (
        "measure",
        "--run_dir=lstm",
    ): "error: run_dir='lstm': holds a run of lstm, whose",
    ("measure", "--model_fn=x:y"): "error: data_fn='': give it with --model_fn",
    ("measure", "--run_dir=.", "--seed=-1"): "error: seed=-1: ",
    ("measure", "--run_dir=.", "--measures=random_potential"): (
        "error: max_distance=None: random_potential needs it"
    ),
    ("measure", "--run_dir=.", "--max_distance=1"): (
        "error: max_distance=1.0: goes with random"
    ),
    ("measure", "--run_dir=.", "b"): "error: argument='b'",
    ("reproduce", "--figure=smith_le_2017", "--scale=papr"): (
        "error: scale='papr': .*did you mean 'paper'"
    ),
    ("reproduce", "--suite=quick", "--figure=smith_le_2017"): (
        "error: suite='quick': .*not both"
    ),
    ("reproduce", "smith_le_2017"): "error: argument='smith_le_2017': not a flag",
    ("reproduce", "--suite=quick", "--seeds=0"): "error: .*--seeds=0",
    ("reproduce",): "error: figure='': give --figure=NAME, --suite=quick or --list",
    ("reproduce", "--figure=smith_le_2017/fg4"): "error: figure=.*'smith_le_2017/fig4'",
    ("reproduce", "--suite=quik"): "error: suite='quik': .*'quick'",
    ("reproduce", "--suite=quick", "--scale=paper"): "error: scale='paper': --suite is",
    ("reproduce", "--figure=smith_le_2017", "--output_dir=FILE"): (
        "error: output_dir='.*': "
    ),
    ("prepare_data", "--dataset=mnits"): "error: dataset='mnits': .*'mnist'",
    ("prepare_data", "--source=no/such"): "error: source='no/such': there is no such",
    ("prepare_data", "--source=FILE", "--data_dir=FILE"): (
        "error: data_dir='.*': cannot write there"
    ),
    ("report", "--output_dir=no/such"): "error: output_dir='no/such': holds no study",
    (*_SWEEP,): "error: axis='': give at least one",
    (*_SWEEP, "--axis=learning_rte=1,2"): "error: axis='learning_rte': .*'learning_ra",
    (*_SWEEP, "--axis=l2=0"): "error: axis='l2': an axis has two values or more",
    (*_SWEEP, "--axis=l2=0,1,0"): "error: axis='l2=0': l2 has the value 0 twice",
    (*_SWEEP, "--axis=l2=0,1", "--axis=l2=2,3"): "error: axis='l2': give each axis",
    (*_SWEEP, "--axis=seed=1,2"): "error: axis='seed': not an axis; --seeds repeats",
    (*_SWEEP, "--axis=l2=1..2"): "error: axis='l2=1..2': write a range as FIRST",
    (*_SWEEP, "--axis=l2=1e-3..1*1.01", "--axis=clip_norm=1..9*1.1", "--seeds=9"): (
        "error: axis='695 l2 x 24 clip_norm x 9 seeds': 150,120 runs; give --yes to"
    ),
    (*_SWEEP, "--axis=l2=0,1", "--l2=1"): "error: l2=1.0: the axis l2 takes its place",
    (*_SWEEP, "--axis=l2=0,1", "--jit"): "error: jit=True: a sweep trains on one dev",
    (*_SWEEP, "--axis=l2=0,1", "--learning_rate_scaling=sqrt"): (
        "error: learning_rate_scaling='sqrt': give --base_batch_size, for which"
    ),
    (*_SWEEP, "--axis=batch_size=4,8", "--base_batch_size=8", "--adapt_regime"): (
        "error: batch_size=4: the large batch is at least the small one, 8"
    ),
    (*_SWEEP, "--axis=model=mlp,mpl"): "error: model='mpl': .*'mlp'",
    (*_SWEEP, "--axis=dropout=0.1,0.2"): "error: dropout=0.1: mlp has no dropout",
    (
        *(*_SWEEP, "--axis=l2=0,1", "--processes=2"),
        *("--role=chief", "--chief=localhost:8000"),
    ): "error: processes=2: a chief is one process; start more",
    (*_SWEEP, "--axis=l2=0,1", "--role=worker"): "error: chief=None: say where the ch",
    ("sweep", "--large_batch_size=9"): "error: large_batch_size=9: goes with --rule_of",
    (*_RULE, "--axis=l2=0,1"): "error: axis=.*: --rule_of_thumb chooses what to train",
    (*_RULE, "--steps=9"): "error: epochs=3.0: --rule_of_thumb trains for a few epochs",
    (*_RULE, "--model=mpl"): "error: model='mpl': .*'mlp'",
    (*_RULE, "--jit"): "error: jit=True: a sweep trains on one device",
    (*_RULE, "--role=chief", "--chief=localhost:8000"): "error: role='chief': --rule_",
    (*_SWEEP, "--grid=no/such"): "error: grid='no/such': cannot be read",
    (*_SWEEP, "--axis=l2=0,1", "--output_dir=FILE"): "error: output_dir='.*': cannot w",
    (*_PROTOCOL, "--keep=13"): "error: keep=13: the best of --seeds=12 runs; give at",
    (*_PROTOCOL, "--keep=0"): "error: keep=0: give an integer of at least 1",
    (*_PROTOCOL, "--select_by=validation"): "error: select_by='validation': there is",
    (*_PROTOCOL, "--epochs=3"): "error: epochs=3.0: give one of --epochs and --steps",
    (*_PROTOCOL, "--protocol=epoch_budgets"): "error: protocol='epoch_budgets': give t",
    (*_PROTOCOL, "--protocol=constant_epochs"): "error: protocol='constant_epochs': gi",
    (*_PROTOCOL, "--axis=epochs=1,2"): "error: steps=20: the budget is in epochs here",
    (*_PROTOCOL, "--axis=learning_rate=1,2"): "error: axis='learning_rate': not with ",
    (*_PROTOCOL, "--learning_rate=1"): "error: learning_rate=1.0: the axis effective_l",
    (*_PROTOCOL, "--extend", "--role=chief", "--chief=localhost:8000"): (
        "error: extend=True: a chief has the same runs from the start to the end; ext"
    ),
    (*_PROTOCOL, "--learning_rate_scaling=sqrt", "--base_batch_size=128"): (
        "error: learning_rate_scaling='sqrt': the protocol tunes the rate at every ba"
    ),
    (*_PROTOCOL, "--steps=18"): "error: num_decays=10: num_steps=18 leaves no room",
    (*_PROTOCOL[:1], *_PROTOCOL[2:3], "--epochs=9", "--axis=learning_rate=1,2"): (
        "error: protocol='constant_steps': give --steps, and no other budget"
    ),
    (*_RUN, "--schedule=constant_then_decay"): "error: num_decays=10: num_steps=2 lea",
    ("train", "--epochs=3", "--train_size=512", "--schedule=constant_then_decay"): (
        "error: num_decays=10: num_steps=12 leaves no room for a constant part and"
    ),
    ("train", "--epochs=3", "--train_size=512", "--warm_up_epochs=3"): (
        "error: length=3.0: 3 epochs are beyond the budget of 3; train longer"
    ),
    (
        *("train", "--epochs=3", "--train_size=512", "--learning_rate_scaling=sqrt"),
        *("--base_batch_size=32", "--schedule=constant_then_decay"),
    ): "error: num_decays=10: num_steps=12 leaves no room",
    (*_SWEEP, "--axis=schedule=constant;constant_then_decay"): (
        "error: num_decays=10: num_steps=2 leaves no room"
    ),
    (*_SWEEP, "--axis=l2=0,1", "--protocol=constant_steps", "--schedule=constant"): (
        "error: axis='': the protocol tunes the learning rate: give a grid of it, such"
    ),
    (*_SWEEP, "--protocol=constant_steps", "--axis=learning_rate=0.1"): (
        "error: axis='learning_rate': an axis has two values or more; a field's own"
    ),
    (*_PROTOCOL[:3], "--axis=learning_rate=0,0.1"): (
        "error: learning_rate=0: give rates above 0"
    ),
    ("sweep", "--protocol=constant_epoch"): "error: flag --protocol=constant_epoch: ",
    (*_PROTOCOL, "--select_by=train"): "error: flag --select_by=train: value should be",
    (*_PROTOCOL, "--extend=maybe"): "error: flag --extend=maybe: ",
    (*_PROTOCOL, "--keep=all"): "error: flag --keep=all: ",
    (*_SWEEP, "--axis=l2=0,1", "--select_by=test"): "error: select_by='test': goes wi",
    (*_SWEEP, "--axis=l2=0,1", "--keep=3"): "error: keep=3: goes with --protocol",
    (*_SWEEP, "--axis=l2=0,1", "--extend"): "error: extend=True: goes with --protocol",
    ("tune_cluster", "--", "--role=chief"): "error: argument='--role=chief': ",
}
_LSTM = config.RunConfig(
    config.DataConfig("markov_text", scaling="none", sampling="contiguous"),
    config.ModelConfig("lstm"),
    loss="token_cross_entropy",
)
_NUM_RANDOM = 420
_MAX_BYTES = 600e6  # NumPy, pandas and SciPy take some 200


class AtOnceTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = pathlib.Path(absltest.TEST_TMPDIR.value) / "at_once"
        folder.mkdir(exist_ok=True)
        (folder / "FILE").touch()
        (folder / "lstm").mkdir(exist_ok=True)
        run_config_file.write(folder / "lstm", _LSTM, config.HardwareConfig())
        lines = [list(line) for line in _MISTAKES]
        wanted = {"lines": lines, "seed": 0, "count": _NUM_RANDOM}
        done = subprocess.run(
            [sys.executable, "-m", "tests.launch.in_process"],
            input=json.dumps(wanted),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(process.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        found = json.loads(done.stdout)
        cls.bytes, cls.by_line = found["bytes"], {}
        for outcome in found["outcomes"]:
            launcher, *arguments = outcome["line"]
            line = (launcher.removeprefix("launch."), *arguments)
            cls.by_line.setdefault(line, outcome)

    def test_each_mistake_is_answered_in_one_line(self):
        for line, beginning in _MISTAKES.items():
            with self.subTest(line=line):
                outcome = self.by_line[line]
                self.assertEqual(outcome["status"], 1, outcome)
                self.assertRegex(outcome["stderr"], f"^{beginning}")
                self.assertRegex(outcome["stderr"], f"^{_LINE}$")
                self.assertEmpty(outcome["stdout"])

    def test_random_flags_are_refused_in_one_line_or_taken(self):
        statuses = set()
        for line, outcome in self.by_line.items():
            with self.subTest(line=line):
                statuses.add(outcome["status"])
                self.assertIn(outcome["status"], (None, 0, 1, "loaded"), outcome)
                if outcome["status"] == 1:
                    self.assertRegex(outcome["stderr"], f"^{_LINE}$")
                else:
                    self.assertEmpty(outcome["stderr"])
        self.assertContainsSubset((1, "loaded"), statuses)
        self.assertGreater(len(self.by_line), _NUM_RANDOM)

    def test_memory_is_bounded(self):
        self.assertLess(self.bytes, _MAX_BYTES)


if __name__ == "__main__":
    absltest.main()
