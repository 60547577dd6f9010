"""Reading: no code runs, nothing is trusted, and nothing is used before its checksum is right."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from wholefit.artifact import _format, _json, _members, _zip
from wholefit.base.errors import ArtifactError
from wholefit.base.state import State

DEFAULT_LIMIT = 4_000_000_000
_KEEP = 32 * 2**20  # a file this small is held in memory, so that it may change under us
Value = TypeVar("Value")
Fetch = Callable[[str, Callable[[IO[bytes], int, str, str], Any]], Any]


@dataclass(frozen=True)
class Package:
    """What a file holds. `states` and `reference` unpack each entry when it is first asked for."""

    record: dict[str, Any]
    states: Mapping[str, State]
    reference: Mapping[str, bytes]
    format: int
    writer: str
    sha256: str
    """Identity of the contents: the checksum of the manifest, which holds all the others."""


@dataclass(frozen=True)
class Fact:
    """One thing that `verify` looked at."""

    about: str
    ok: bool
    message: str


def read(
    source: str | os.PathLike[str] | bytes | IO[bytes], *, limit: int | None = None
) -> Package:
    """Open an artifact: its record and structure now, arrays and blobs as they are asked for.

    `source` is a path, the bytes of a file, or a binary file object (read to its end). `limit`
    caps the unpacked size in bytes; by default 4 GB, or twice the file itself if that is more.
    Raises ArtifactError for anything that is not a whole, untampered artifact, here or when a
    damaged entry is first used.
    """
    return _Reader(*_located(source, limit), limit).package()


def from_bytes(data: bytes, *, limit: int | None = None) -> Package:
    """Open what `to_bytes` made; the same as `read` of the bytes."""
    return read(data, limit=limit)


def verify(
    source: str | os.PathLike[str] | bytes | IO[bytes], *, limit: int | None = None
) -> list[Fact]:
    """Check every member of an artifact, and say what was found; `ok` is False for a fault.

    Only a missing file raises ArtifactError: damage is reported as facts.
    """
    data, where = _located(source, limit)
    facts = [_file_fact(data)]
    try:
        reader = _Reader(data, where, limit)
    except ArtifactError as error:
        return [*facts, Fact(_format.MANIFEST, False, str(error))]
    facts.append(Fact(_format.MANIFEST, True, f"format {reader.format}, written by "
                      f"{reader.manifest['writer']}, contents {reader.sha256}"))
    return [*facts, *reader.facts()]


class _Reader:
    """One file: its manifest, checked, and how to fetch what it lists."""

    def __init__(self, source: Path | bytes, where: str, limit: int | None) -> None:
        self.source, self.where = source, where
        self.limit = _limit(source, limit)
        with _zip.opened(source, where) as archive:
            data = self._manifest_bytes(archive)
            self.sha256 = hashlib.sha256(data).hexdigest()
            parsed = _json.loads(data, f"{where}: {_format.MANIFEST}")
            self.manifest = _format.migrated(parsed, where)
            self.format: int = parsed["format"]
            self._check_listed(_zip.check(archive, where, self.limit))

    def package(self) -> Package:
        states, reference = self.manifest["states"], self.manifest["reference"]
        return Package(
            record=self.manifest["record"],
            states=_Lazy(states, lambda name: self._state(states[name])),
            reference=_Lazy(reference, lambda name: self._blob(reference[name])),
            format=self.format,
            writer=self.manifest["writer"],
            sha256=self.sha256,
        )

    def facts(self) -> Iterator[Fact]:
        """One fact for each member, in the manifest's order."""
        arrays = set(_array_members(self.manifest["states"]))
        with self._fetching() as fetch:
            for name, entry in self.manifest["members"].items():
                how = _members.read_array if name in arrays else _members.check_bytes
                try:
                    fetch(name, how)
                except _zip.FAULTS as error:
                    yield Fact(name, False, f"{name} cannot be unpacked ({error})")
                except ArtifactError as error:
                    yield Fact(name, False, str(error))
                else:
                    yield Fact(name, True, f"{entry['size']} bytes, sha256 {entry['sha256']}")

    def _manifest_bytes(self, archive: zipfile.ZipFile) -> bytes:
        found = [info for info in archive.infolist() if info.filename == _format.MANIFEST]
        if len(found) != 1:
            raise ArtifactError(f"{self.where} is not a wholefit artifact: it is a zip with "
                                f"{len(found)} members named {_format.MANIFEST}; expected one.")
        size = found[0].file_size
        if size > _format.MAX_MANIFEST:
            raise ArtifactError(f"{self.where} is unsafe: its {_format.MANIFEST} claims {size} "
                                f"bytes; at most {_format.MAX_MANIFEST}.")
        _zip.check_member(found[0], self.where)
        with archive.open(found[0]) as stream:
            data = stream.read(size)
            if len(data) != size or stream.read(1):
                raise _members.damaged(self.where, f"{_format.MANIFEST} is not of its stated size")
        return data

    def _check_listed(self, infos: dict[str, zipfile.ZipInfo]) -> None:
        listed = self.manifest["members"]
        for name in sorted((listed.keys() | infos.keys()) - {_format.MANIFEST}):
            if name not in infos:
                raise _members.damaged(self.where, f"member {name!r} is missing")
            if name not in listed:
                raise ArtifactError(f"{self.where} is unsafe: member {name!r} is not listed in "
                                    f"its {_format.MANIFEST}.")
            if infos[name].file_size != listed[name]["size"]:
                raise _members.damaged(self.where, f"member {name!r} is not of its stated size")

    @contextmanager
    def _fetching(self) -> Iterator[Fetch]:
        """Open the file once; inside, `fetch(member, how)` unpacks one listed member."""
        listed = self.manifest["members"]
        with _zip.opened(self.source, self.where) as archive:
            infos = _zip.check(archive, self.where, self.limit)
            if not infos.keys() >= listed.keys():
                raise ArtifactError(f"{self.where} has changed since it was opened: read it again.")

            def fetch(name: str, how: Callable[[IO[bytes], int, str, str], Any]) -> Any:
                entry = listed[name]
                with archive.open(infos[name]) as stream:
                    return how(stream, entry["size"], entry["sha256"], f"{self.where}: {name}")

            yield fetch

    def _blob(self, name: str) -> bytes:
        with self._fetching() as fetch:
            return bytes(fetch(name, _members.read_bytes))

    def _state(self, node: dict[str, Any]) -> State:
        with self._fetching() as fetch:
            return _state(node, fetch)


def _state(node: dict[str, Any], fetch: Fetch) -> State:
    return State(
        kind=node["kind"],
        config=node["config"],
        arrays={name: fetch(at, _members.read_array) for name, at in node["arrays"].items()},
        blobs={name: fetch(at, _members.read_bytes) for name, at in node["blobs"].items()},
        parts={name: _state(part, fetch) for name, part in node["parts"].items()},
    )


class _Lazy(Mapping[str, Value], Generic[Value]):
    """A mapping whose values are made when first asked for."""

    def __init__(self, names: Mapping[str, Any], make: Callable[[str], Value]) -> None:
        self._names, self._make = tuple(names), make
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<{', '.join(self._names) or 'empty'}>"


def _located(
    source: str | os.PathLike[str] | bytes | IO[bytes], limit: int | None
) -> tuple[Path | bytes, str]:
    """The file's path or bytes, and the name that errors call it by."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "the artifact"
    if not isinstance(source, (str, os.PathLike)):
        most = max(limit or 0, DEFAULT_LIMIT)
        data = source.read(most + 1)
        if len(data) > most:
            raise ArtifactError(f"the artifact is larger than {most / 1e9:.3g} GB: save it to a "
                                "file and read that, or pass a larger limit=.")
        return data, str(getattr(source, "name", "the artifact"))
    path = _zip.find(source)
    try:
        small = path.stat().st_size <= _KEEP
        return (path.read_bytes() if small else path), path.name
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from error


def _limit(source: Path | bytes, limit: int | None) -> int:
    if limit is not None:
        return limit
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    return max(DEFAULT_LIMIT, 2 * size)


def _file_fact(source: Path | bytes) -> Fact:
    digest = hashlib.sha256()
    if isinstance(source, bytes):
        digest.update(source)
        size = len(source)
    else:
        size = source.stat().st_size
        with open(source, "rb") as file:
            while piece := file.read(_members.CHUNK):
                digest.update(piece)
    return Fact("file", True, f"{size} bytes, sha256 {digest.hexdigest()}")


def _array_members(states: Mapping[str, Any]) -> Iterator[str]:
    for node in states.values():
        yield from node["arrays"].values()
        yield from _array_members(node["parts"])
