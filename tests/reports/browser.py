"""A headless Chromium, driven over pipes by its DevTools protocol."""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
)
_SECONDS = 120  # that an answer may take on a busy machine


class Browser:
    """One page of a browser; a context manager that ends it."""

    def __init__(self, profile):
        """Starts it, with its own files in the folder `profile`."""
        ours, theirs = os.pipe(), os.pipe()  # what it reads, and what it writes
        self._to, self._from = ours[1], theirs[0]
        # It finds the ends at 3 and 4; a shell puts them there.
        script = f'exec 3<&{ours[0]} 4>&{theirs[1]}; exec "$0" "$@"'
        options = [*_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, PROGRAM, *options],
            pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self._number, self._rest, self._session = 0, b"", None
        self.events = []
        (target, *_) = [
            each
            for each in self.call("Target.getTargets")["targetInfos"]
            if each["type"] == "page"
        ]
        attached = self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def call(self, method, **values):
        """Returns the answer to one command; keeps events that come before it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._rest:
            left = max(0, end - time.monotonic())
            if not select.select([self._from], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            self._rest += os.read(self._from, 1 << 20)
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, path, fragment=""):
        """Loads a file, and waits until that is done."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri() + fragment)
        if not self.becomes("document.readyState", "complete"):
            raise TimeoutError("the page does not load")

    def becomes(self, script, value):
        """Waits for an expression to have a value; returns whether it came to it."""
        end = time.monotonic() + _SECONDS
        while (found := self.run(script)) != value and time.monotonic() < end:
            time.sleep(0.02)
        return found == value

    def run(self, script):
        """Returns the value of an expression in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, *keys):
        """Presses keys as a person does."""
        named = {"Escape": 27, "Tab": 9}
        for key in keys:
            values = {"key": key}
            if key in named:
                values |= {"windowsVirtualKeyCode": named[key], "code": key}
            else:
                values |= {"text": key}
            self.call("Input.dispatchKeyEvent", type="keyDown", **values)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def look(self, width, dark=False, script=True, height=800):
        """Sets width and colours of the window, and whether scripts run."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def picture(self):
        """Returns what is in the window as a PNG file."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])
