"""What launchers write, wherever their streams lead, and Ctrl-C before they begin."""

import io
import pathlib
import signal
import subprocess
import sys
from unittest import mock

from absl.testing import absltest, parameterized

from launch import streams
from tests.launch import process


def _shell(command, **more):
    """Runs a line of shell in which `launcher` starts one; returns how it ended."""
    text = f'launcher() {{ "{sys.executable}" -m "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", text],
        env=process.environment(**more),
        cwd=process.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


class StreamsTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("closed", "launcher launch.report --output_dir=no/such >&-", 1, True),
        ("all_closed", "launcher launch.report --output_dir=x <&- >&- 2>&-", 1, False),
        ("full_stderr", "launcher launch.report --output_dir=x 2>/dev/full", 1, False),
        ("no_stderr", "launcher launch.report --outptdir=x 2>&-", 1, False),
        (
            "no_reader",
            "(sleep 1; launcher launch.report --help) | true; exit ${PIPESTATUS[0]}",
            141,
            False,
        ),
        ("full", "launcher launch.report --help >/dev/full", 1, True),
    )
    def test_no_traceback(self, command, status, says):
        done = _shell(command)
        self.assertEqual(done.returncode, status, done)
        self.assertEmpty(done.stdout)
        self.assertLen(done.stderr.splitlines(), int(says), done.stderr)
        if says:
            self.assertStartsWith(done.stderr, "error: ")

    def test_letters_that_the_encoding_lacks(self):
        buffer = io.BytesIO()
        streams.codecs.register_error("spelled", streams._spell)
        stream = io.TextIOWrapper(buffer, "ascii", errors="spelled")
        stream.write("0.98 ± 0.01 → é \udcff")
        stream.flush()
        self.assertEqual(buffer.getvalue(), rb"0.98 +- 0.01 -> \xe9 \udcff")

    def test_what_is_opened_later_does_not_take_the_place_of_a_closed_stream(self):
        code = "import sys, os; from launch import streams; streams.prepare(); "
        code += "print('x'); print('y', file=sys.stderr); os.write(2, b'z'); "
        code += "file = open('FILE', 'w+'); file.write('ours'); file.seek(0); "
        code += "sys.exit(0 if file.read() == 'ours' and file.fileno() > 2 else 5)"
        place = pathlib.Path(self.create_tempdir().full_path) / "file"
        code = code.replace("FILE", str(place))
        done = _shell(f'"{sys.executable}" -c "{code}" <&- >&- 2>&-')
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(place.read_text(), "ours")

    def test_who_listens_to_a_stream_keeps_it(self):
        with mock.patch.object(sys, "stdout", io.StringIO()) as listening:
            with mock.patch.object(sys, "stderr", io.StringIO()):
                streams.prepare()
                print("heard")
        self.assertEqual(listening.getvalue(), "heard\n")


class InterruptTest(absltest.TestCase):
    def _interrupt(self, module, text):
        """Starts a launcher, for which a module of that name reads `text`, interrupts
        it as soon as it says that it is there, and returns how it ended."""
        folder = pathlib.Path(self.create_tempdir().full_path)
        (folder / f"{module}.py").write_text(text)
        started = subprocess.Popen(
            [sys.executable, "-m", "launch.train", "--steps=2"],
            env=process.environment(PYTHONPATH=f"{folder}:{process.ROOT}"),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(started.kill)
        self.assertEqual(started.stdout.readline(), "here\n")
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
        return started.returncode, out, err

    _WAIT = "print('here', flush=True)\nimport time\n"
    _WAIT += "try:\n  time.sleep(60)\nexcept BaseException:\n  pass\nprint('lost')\n"

    def test_while_the_first_modules_are_imported(self):
        self.assertEqual(
            self._interrupt("absl", self._WAIT), (130, "", "interrupted\n")
        )

    def test_while_tensorflow_is_imported(self):
        found = self._interrupt("tensorflow", self._WAIT)
        self.assertEqual(found, (130, "", "interrupted\n"))

    def test_whoever_imports_the_launchers_keeps_ctrl_c(self):
        code = "import signal, launch.train; "
        code += "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
        done = _shell(f'"{sys.executable}" -c "{code}"')
        self.assertEqual(done.stdout, "True\n", done)


if __name__ == "__main__":
    absltest.main()
