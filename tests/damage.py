"""Damage to files, for tests: each kind from the content and a generator of numbers."""

import json
import shutil


def _flip(content, draw):
    place = draw.integers(8 * len(content))
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)


def _raise_a_digit(content, draw):
    """Changes one digit, so that a text stays one of the same form."""
    places = [i for i, byte in enumerate(content) if byte in b"12345678"]
    damaged = bytearray(content)
    damaged[draw.choice(places)] += 1
    return bytes(damaged)


def _other_type(content, draw):
    """Changes one value of a JSON object to a list, or any other content to one."""
    try:
        values = json.loads(content)
        values[draw.choice(sorted(values))] = [None]
    except (ValueError, TypeError):
        return b"[null]"
    return json.dumps(values).encode()


# None for a file that is gone.
KINDS = {
    "empty": lambda content, draw: b"",
    "truncated": lambda content, draw: content[: draw.integers(1, len(content) - 1)],
    "flipped_0": _flip,
    "flipped_1": _flip,
    "digit_0": _raise_a_digit,
    "digit_1": _raise_a_digit,
    "garbage": lambda content, draw: draw.bytes(len(content)),
    "appended": lambda content, draw: content + draw.bytes(20),
    "list": lambda content, draw: b"[" + content + b"]",
    "other_type": _other_type,
    "deleted": lambda content, draw: None,
}


def do(kind, path, draw):
    """Damages a file; the kind "folder" puts a folder in its place."""
    content = path.read_bytes()
    if kind == "folder":
        path.unlink()
        path.mkdir()
        return
    damaged = KINDS[kind](content, draw)
    if damaged is None:
        path.unlink()
    else:
        path.write_bytes(damaged)


def copy(source, target):
    """Copies a folder over what an earlier test left."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
