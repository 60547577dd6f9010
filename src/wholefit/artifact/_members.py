"""Members in and out: npy arrays and bytes, with their checksums.

The npy reader is our own: it accepts the one header that NumPy writes for a plain array, and
nothing else, so there is no pickle to refuse and no Python literal to evaluate. Shape and
dtype are compared with the member's size before a byte is allocated.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from wholefit.base.errors import ArtifactError, StateError

CHUNK = 2**20
Piece = bytes | memoryview
_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 4096
_MAX_DIMENSIONS = 32
_DTYPE = (
    r"\|b1|\|[iu]1|[<>][iu][248]|[<>]f[248]|[<>]c(?:8|16)|\|S[1-9]\d{0,8}|[<>]U[1-9]\d{0,8}"
    r"|[<>][mM]8(?:\[[1-9]?\d{0,8}(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
)
_DESCR = re.compile(_DTYPE, re.ASCII)
_HEADER = re.compile(
    rf"\{{'descr': '({_DTYPE})', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,19},?(?: \d{1,19},?)*)?)\),? ?\} *\n", re.ASCII)


# -- out --------------------------------------------------------------------------------------

def storable(array: Any, what: str) -> np.ndarray:
    """`array` in C order, if the format can hold it; StateError, naming `what`, if not."""
    if isinstance(array, np.generic):
        array = np.asarray(array)
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise StateError(f"{what} must be a plain numpy array; got {type(array).__name__}.")
    if not _DESCR.fullmatch(array.dtype.str) or array.dtype.hasobject:
        raise StateError(
            f"{what} has dtype {array.dtype}; only booleans, 1 to 8 byte integers, 2 to 8 byte "
            "floats, complex numbers, fixed-width strings and times may be stored."
        )
    if array.ndim > _MAX_DIMENSIONS:
        raise StateError(f"{what} has {array.ndim} dimensions; at most {_MAX_DIMENSIONS}.")
    # ascontiguousarray makes a number (shape ()) into an array of shape (1,): put it back.
    return np.ascontiguousarray(array).reshape(array.shape)


def npy(array: np.ndarray) -> Iterator[Piece]:
    """The npy form of a C-ordered array, in chunks; the header comes first.

    The bytes depend on dtype, shape and values alone, not on NumPy's version.
    """
    text = (f"{{'descr': '{array.dtype.str}', 'fortran_order': False, "
            f"'shape': {tuple(int(n) for n in array.shape)}, }}")
    padding = -(len(_MAGIC) + 4 + len(text) + 1) % 64
    header = (text + " " * padding + "\n").encode("ascii")
    yield _MAGIC + b"\x01\x00" + len(header).to_bytes(2, "little") + header
    yield from chunks(array.reshape(-1).view(np.uint8).data)


def npy_size(array: np.ndarray) -> int:
    """Bytes of the npy form."""
    return len(next(npy(array))) + int(array.nbytes)


def chunks(data: Piece) -> Iterator[Piece]:
    """`data` in pieces of CHUNK bytes."""
    view = memoryview(data)
    for start in range(0, len(view), CHUNK):
        yield view[start:start + CHUNK]


# -- in ---------------------------------------------------------------------------------------

def read_array(stream: IO[bytes], size: int, sha256: str, where: str) -> np.ndarray:
    """The array in an npy member of `size` bytes; ArtifactError unless all of it is right."""
    digest = hashlib.sha256()
    dtype, fortran, shape = _read_header(stream, size, digest, where)
    array = np.empty(shape, dtype, order="F" if fortran else "C")
    flat = array.reshape(-1, order="F" if fortran else "C")
    _fill(stream, flat.view(np.uint8).data, digest, where)
    _finish(stream, digest, sha256, where)
    _check_values(flat, where)
    return array


def read_bytes(stream: IO[bytes], size: int, sha256: str, where: str) -> bytes:
    """The `size` bytes of a member; ArtifactError unless they match their checksum."""
    digest = hashlib.sha256()
    data = bytearray(size)
    _fill(stream, memoryview(data), digest, where)
    _finish(stream, digest, sha256, where)
    return bytes(data)


def check_bytes(stream: IO[bytes], size: int, sha256: str, where: str) -> None:
    """Read a member through and keep nothing; ArtifactError unless size and checksum match."""
    digest = hashlib.sha256()
    left = size
    while left:
        piece = stream.read(min(CHUNK, left))
        if not piece:
            raise damaged(where, "it is shorter than stated")
        digest.update(piece)
        left -= len(piece)
    _finish(stream, digest, sha256, where)


def damaged(where: str, why: str) -> ArtifactError:
    """The error for bytes that are not what was written."""
    return ArtifactError(f"{where} is damaged: {why}. Copy the file again, or save the model anew.")


def _read_header(
    stream: IO[bytes], size: int, digest: Any, where: str
) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    start = _exactly(stream, 10, digest, where)
    length = int.from_bytes(start[8:10], "little")
    if start[:8] != _MAGIC + b"\x01\x00" or length > _MAX_HEADER:
        raise damaged(where, "it is not an npy file, version 1.0")
    text = _exactly(stream, length, digest, where).decode("latin-1")
    match = _HEADER.fullmatch(text)
    if match is None:
        raise damaged(where, "its npy header is not that of a plain array of numbers or text "
                             f"(object arrays are never read); got {text.strip()[:120]!r}")
    dtype = np.dtype(match.group(1))
    shape = tuple(int(n) for n in match.group(3).replace(",", " ").split())
    if len(shape) > _MAX_DIMENSIONS or max(shape, default=0) >= 2**62:
        raise damaged(where, "its npy header states an impossible shape")
    if math.prod(shape) * dtype.itemsize != size - 10 - length:
        raise damaged(where, f"its npy header states shape {shape} of {dtype}, which is not the "
                             "size of the member")
    return dtype, match.group(2) == "True", shape


def _exactly(stream: IO[bytes], count: int, digest: Any, where: str) -> bytes:
    data = bytearray(count)
    _fill(stream, memoryview(data), digest, where)
    return bytes(data)


def _fill(stream: IO[bytes], view: memoryview, digest: Any, where: str) -> None:
    done = 0
    while done < len(view):
        piece = stream.read(min(CHUNK, len(view) - done))
        if not piece:
            raise damaged(where, "it is shorter than stated")
        view[done:done + len(piece)] = piece
        digest.update(piece)
        done += len(piece)


def _finish(stream: IO[bytes], digest: Any, sha256: str, where: str) -> None:
    if stream.read(1):
        raise damaged(where, "it is longer than stated")
    if digest.hexdigest() != sha256:
        raise damaged(where, "its contents do not match their checksum")


def _check_values(flat: np.ndarray, where: str) -> None:
    """Refuse bytes that no array of this dtype can hold: numpy would not look."""
    if flat.dtype.kind == "b" and flat.size and flat.view(np.uint8).max() > 1:
        raise damaged(where, "a boolean is neither 0 nor 1")
    if flat.dtype.kind == "U" and flat.size:
        points = flat.view(f"{flat.dtype.str[0]}u4")
        if points.max() > 0x10FFFF:
            raise damaged(where, "a character is not Unicode")
