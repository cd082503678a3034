"""The software that made a result: versions of the packages, and the commit."""

import importlib.metadata
import pathlib
import platform
import subprocess

_PACKAGES = ("bsgen", "tensorflow", "keras", "numpy")
_ROOT = pathlib.Path(__file__).parents[2]


def versions() -> dict[str, str | None]:
    """Returns the version of each package, None if not installed, and of Python."""
    found = {name: _version(name) for name in _PACKAGES}
    return {**found, "python": platform.python_version()}


def commit(root: pathlib.Path = _ROOT) -> str | None:
    """Returns the git commit of the package in the folder `root`, or None.

    Returns:
      40 hexadecimal digits, followed by "-dirty" if files have changed since; None if
      `root` is not the top of a git checkout, or git fails.
    """
    if not (root / ".git").exists():
        return None
    command = ["git", "--no-optional-locks", "-C", str(root), "describe", "--always"]
    command += ["--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
