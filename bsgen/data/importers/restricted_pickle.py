"""Reads the pickles of CIFAR's python files, and runs nothing that a pickle names.

A pickle is a program that names functions and calls them. The files of CIFAR name four
functions of NumPy and Python; here each name stands for a small function of ours, which
does no more than these files need, and every other name is refused. Before that, all
opcodes are checked, so that no size they state exceeds the file itself.

This is the only file of the project that may import `pickle`.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np


def loads(content: bytes) -> Any:
    """Returns the object in a pickle of dictionaries, lists, numbers, text and arrays.

    It may be of any protocol, with arrays in the form of protocols 0 to 4. Byte strings
    of Python 2 become bytes. Arrays hold unsigned bytes, and come as NumPy arrays that
    are read-only.

    Raises:
      ValueError: the pickle is damaged, or contains anything else; the message says
        what.
    """
    try:
        _check_sizes(content)
        return _reveal(_Unpickler(io.BytesIO(content), encoding="bytes").load())
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(str(error) or type(error).__name__) from error


class _Array:
    """An array of unsigned bytes that is being unpickled."""

    __slots__ = ("value",)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        if not isinstance(dtype, _ByteType) or type(data) is not bytes:
            raise pickle.UnpicklingError("an array is not made of bytes")
        array = np.frombuffer(data, np.uint8)
        # The bytes go column by column where Fortran wrote them.
        self.value = (
            array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)
        )


class _ByteType:
    """The type of unsigned bytes; its state says nothing more."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class _Global:
    """Stands for what a pickle names; it can be called but not changed."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]):
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a function")


def _new_array(*arguments: Any) -> _Array:
    del arguments  # An empty array, whose content follows as its state.
    return _Array()


def _new_type(name: Any, *arguments: Any) -> _ByteType:
    del arguments  # Whether to align and to copy.
    if name not in ("u1", b"u1"):
        raise pickle.UnpicklingError(f"an array has type {name!r}, not 'u1' (uint8)")
    return _ByteType()


def _encode(text: str, encoding: str) -> bytes:
    # Python 3 writes bytes in this way in protocol 2.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it encodes text as {encoding!r}")
    return text.encode("latin1")


def _not_called(*arguments: Any) -> None:
    raise pickle.UnpicklingError("it calls numpy.ndarray")


_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"): _Global(_new_array),
    ("numpy._core.multiarray", "_reconstruct"): _Global(_new_array),
    ("numpy", "ndarray"): _Global(_not_called),
    ("numpy", "dtype"): _Global(_new_type),
    ("_codecs", "encode"): _Global(_encode),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in _GLOBALS:
            name = f"{module_name}.{global_name}"
            raise pickle.UnpicklingError(f"it asks for {name}, which is forbidden")
        return _GLOBALS[module_name, global_name]


def _check_sizes(content: bytes) -> None:
    """Raises a ValueError where an opcode states a size that the file does not have.

    `genops` itself refuses strings that are longer than the file. The places of the
    memo, which grows to the largest, are counted up, so none exceeds the bytes before.
    """
    for opcode, argument, position in pickletools.genops(content):
        is_place = opcode.name in ("PUT", "BINPUT", "LONG_BINPUT")
        if is_place and int(argument or 0) > (position or 0):
            raise ValueError(f"it claims {argument} places of memory")


def _reveal(value: Any) -> Any:
    """Returns the dictionary with real arrays in place of the stand-ins."""
    if type(value) is not dict:
        raise ValueError(f"it holds no dictionary, but {type(value).__name__}")
    return {
        key: each.value if isinstance(each, _Array) else each
        for key, each in value.items()
    }
