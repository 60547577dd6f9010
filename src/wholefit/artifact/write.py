"""Writing: one zip, made beside its destination and renamed into place when it is whole.

Equal contents written by one version give equal bytes: members are sorted, times are fixed,
arrays are put in C order. What is written can always be read: every limit of the format is
checked here too.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from wholefit._version import __version__
from wholefit.artifact import _format, _json, _members
from wholefit.base.errors import ArtifactError, StateError
from wholefit.base.state import State

# Measured on forests, coefficients, one-hot rows and text: level 6 saves a few per cent more
# than level 1 and takes three to ten times as long; half of all arrays (coefficients, leaf
# values) do not shrink at all. So: level 1, only where a sample shrinks by a fifth, and only
# where it costs under half a second. Larger members are written at the disk's speed.
_LEVEL = 1
_WORTH = 0.8
_SAMPLE = 2**16
_DEFLATE_UP_TO = 16 * 2**20
_TIME = (1980, 1, 1, 0, 0, 0)


def write(
    path: str | os.PathLike[str],
    record: dict[str, Any],
    states: Mapping[str, State],
    *,
    reference: Mapping[str, bytes] | None = None,
    force: bool = False,
) -> Path:
    """Write a record (JSON-able), states and reference bytes to the file `path`; returns it.

    An existing file is replaced only with `force`, and only when the new one is complete.
    Raises StateError for what the format cannot hold, ArtifactError when the file cannot be
    written.
    """
    target = _target(path, force)
    plan = _plan(record, states, reference or {})
    with _replacing(target, force) as file:
        _pour(file, plan)
    return Path(path)


def to_bytes(
    record: dict[str, Any],
    states: Mapping[str, State],
    *,
    reference: Mapping[str, bytes] | None = None,
) -> bytes:
    """The bytes that `write` would put in a file."""
    file = io.BytesIO()
    _pour(file, _plan(record, states, reference or {}))
    return file.getvalue()


@dataclass(frozen=True)
class _Plan:
    """All that will be written, checked, before the first byte is."""

    record: dict[str, Any]
    states: dict[str, Any]
    reference: dict[str, str]
    members: dict[str, np.ndarray | bytes]


def _plan(
    record: dict[str, Any], states: Mapping[str, State], reference: Mapping[str, bytes]
) -> _Plan:
    _json.check(record, "the record")
    members: dict[str, np.ndarray | bytes] = {}
    tree = {name: _node(state, f"{_format.STATES}/{_format.segment(name, 'state')}", members, 1)
            for name, state in states.items()}
    extra = {name: _add(members, f"{_format.REFERENCE}/{_format.segment(name, 'reference')}",
                        _blob(data, f"reference {name!r}"))
             for name, data in reference.items()}
    if len(members) > _format.MAX_MEMBERS:
        raise StateError(f"an artifact holds at most {_format.MAX_MEMBERS} arrays and blobs; "
                         f"got {len(members)}.")
    return _Plan(record, tree, extra, members)


def _pour(file: IO[bytes], plan: _Plan) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        entries = {name: _put(archive, name, plan.members[name]) for name in sorted(plan.members)}
        data = _json.dumps(_format.manifest(
            f"wholefit {__version__}", plan.record, plan.states, plan.reference, entries))
        if len(data) > _format.MAX_MANIFEST:
            raise StateError(f"the record and configs take {len(data)} bytes of JSON; at most "
                             f"{_format.MAX_MANIFEST}: put numbers in arrays.")
        _put(archive, _format.MANIFEST, data)


def _node(
    state: State, folder: str, members: dict[str, np.ndarray | bytes], depth: int
) -> dict[str, Any]:
    """The manifest's entry for a state; what it holds is added to `members`."""
    if depth > _format.MAX_PARTS:
        raise StateError(f"states nest at most {_format.MAX_PARTS} deep; {folder[:80]} is deeper.")
    _json.check(state.kind, f"{folder}: kind")
    _json.check(state.config, f"{folder}: config")
    arrays = {name: _add(members, f"{folder}/{_format.segment(name, 'array')}.npy",
                         _members.storable(array, f"{folder}: array {name!r}"))
              for name, array in state.arrays.items()}
    blobs = {name: _add(members, f"{folder}/{_format.segment(name, 'blob')}.bin",
                        _blob(data, f"{folder}: blob {name!r}"))
             for name, data in state.blobs.items()}
    parts = {name: _node(part, f"{folder}/parts/{_format.segment(name, 'part')}", members,
                         depth + 1)
             for name, part in state.parts.items()}
    return {"kind": state.kind, "config": state.config, "arrays": arrays, "blobs": blobs,
            "parts": parts}


def _add(
    members: dict[str, np.ndarray | bytes], name: str, content: np.ndarray | bytes
) -> str:
    if len(name) > _format.MAX_PATH:
        raise StateError(f"the path of a member has at most {_format.MAX_PATH} characters; "
                         f"{name[:80]}... has {len(name)}: use shorter names.")
    members[name] = content
    return name


def _blob(data: Any, what: str) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise StateError(f"{what} must be bytes; got {type(data).__name__}.")
    return bytes(data)


def _put(archive: zipfile.ZipFile, name: str, content: np.ndarray | bytes) -> dict[str, Any]:
    """Write one member; returns its size and checksum."""
    if isinstance(content, np.ndarray):
        size, pieces = _members.npy_size(content), _members.npy(content)
    else:
        size, pieces = len(content), _members.chunks(content)
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system, info.external_attr = 3, 0o100644 << 16
    info.file_size = size
    digest = hashlib.sha256()
    if size <= _DEFLATE_UP_TO or name == _format.MANIFEST:
        data = b"".join(pieces)
        digest.update(data)
        info.compress_type = _packing(data)
        archive.writestr(info, data, compresslevel=_LEVEL)
    else:
        with archive.open(info, "w") as stream:
            for piece in pieces:
                digest.update(piece)
                stream.write(piece)
    return {"size": size, "sha256": digest.hexdigest()}


def _packing(data: bytes) -> int:
    """Deflate where a sample from the middle shrinks enough; else store."""
    middle = max(0, len(data) // 2 - _SAMPLE // 2)
    sample = data[middle:middle + _SAMPLE]
    worth = len(zlib.compress(sample, _LEVEL)) < _WORTH * len(sample)
    return zipfile.ZIP_DEFLATED if worth else zipfile.ZIP_STORED


@contextmanager
def replacing_file(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` when it is whole, and else vanishes.

    An existing file is replaced only with `force`. Raises ArtifactError.
    """
    with _replacing(_target(path, force), force) as file:
        yield file


def _target(path: str | os.PathLike[str], force: bool) -> Path:
    """The file to write; a link is followed, so that it stays a link."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ArtifactError(f"{path} is a folder; give the name of a file in it.")
    if not target.parent.is_dir():
        raise ArtifactError(f"{path} cannot be written: the folder {str(target.parent)!r} does "
                            "not exist; make it first.")
    _check_free(target, force)
    return target


def _check_free(target: Path, force: bool) -> None:
    if target.exists() and not force:
        raise ArtifactError(f"{target.name} exists; pass force=True / --force to replace it.")


@contextmanager
def _replacing(target: Path, force: bool) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `target` if the block ends well, and else vanishes."""
    draft = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(draft, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _check_free(target, force)
        os.replace(draft, target)
    except OSError as error:
        raise ArtifactError(f"{target.name} cannot be written: {error.strerror or error}.") \
            from error
    finally:
        draft.unlink(missing_ok=True)
