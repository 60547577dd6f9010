"""A database of vulnerabilities in the OSV format, and which versions of packages it is about.

The format and how a version is judged: https://ossf.github.io/osv-schema/. A database is a file
that someone else made: a zip of JSON files (as osv.dev gives one for each ecosystem), a folder of
them, one JSON file of one advisory or a list, or one advisory a line. Nothing in it is trusted:
sizes are bounded, and what is no advisory is counted and left out.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wholefit.artifact.dependencies._pep440 import Key, key
from wholefit.artifact.dependencies.installed import normal
from wholefit.base.errors import DataError

_MOST_FILES = 500_000
_LARGEST = 8 * 2**20
_LARGEST_LIST = 512 * 2**20
_WORDS = {"CRITICAL", "HIGH", "MODERATE", "MEDIUM", "LOW"}
_FIRST: Key = (-1,)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")


@dataclass(frozen=True)
class Advisory:
    """One vulnerability of one package: its names, what it is, and where it was mended.

    `ids` holds its identifier and its other names; `severity` is the database's word for it, or
    empty; `fixed` the versions that no longer have it; `affects` how versions are judged.
    """

    package: str
    ids: tuple[str, ...]
    summary: str
    severity: str
    fixed: tuple[str, ...]
    affects: dict[str, Any]


@dataclass(frozen=True)
class Database:
    """Advisories by package, and what is known of the database itself.

    `newest` is the last day on which any of its advisories was changed: how fresh it is.
    """

    source: str
    advisories: dict[str, list[Advisory]] = field(default_factory=dict)
    read: int = 0
    skipped: int = 0
    newest: str = ""

    def about(self, name: str, version: str) -> tuple[list[Advisory], list[Advisory]]:
        """Advisories that the version has, and those that cannot be judged for it."""
        hit, unsure = [], []
        for advisory in self.advisories.get(normal(name), []):
            verdict = affected(advisory.affects, version)
            if verdict is None:
                unsure.append(advisory)
            elif verdict:
                hit.append(advisory)
        return _joined(hit), unsure


def read(path: str | Path, names: Iterable[str] | None = None) -> Database:
    """The advisories of a database about the packages named (all, without names).

    Raises DataError for a file that cannot be read or holds no advisory at all.
    """
    wanted = None if names is None else {normal(name) for name in names}
    source = Path(path)
    found: dict[str, list[Advisory]] = {}
    read_, skipped, newest = 0, 0, ""
    for raw in _raw(source):
        parsed = _parsed(raw)
        if parsed is None:
            skipped += 1
            continue
        read_ += 1
        newest = max(newest, str(parsed.get("modified", ""))[:10])
        for advisory in _advisories(parsed, wanted):
            found.setdefault(advisory.package, []).append(advisory)
    if not read_:
        raise DataError(f"{source} holds no advisory in the OSV format; got {skipped} other "
                        "documents: give a zip, a folder or a JSON file of them.")
    return Database(str(source), found, read_, skipped, newest)


def affected(affects: dict[str, Any], version: str) -> bool | None:
    """True if the entry is about the version, False if not, None where it cannot be told."""
    versions = affects.get("versions")
    listed = [str(each) for each in versions] if isinstance(versions, list) else []
    at = key(version)
    if version in listed or (at is not None and any(key(each) == at for each in listed)):
        return True
    unsure = at is None
    for events in _ranges(affects):
        verdict = None if at is None else _within(events, at)
        if verdict:
            return True
        unsure = unsure or verdict is None
    # Where every version is listed, one that is not in the list is not affected.
    return None if unsure and not listed else False


def _within(events: list[dict[str, Any]], at: Key) -> bool | None:
    """OSV's own evaluation: events in order of version, each of which turns it on or off."""
    order = []
    for event in events:
        for kind in ("introduced", "fixed", "last_affected"):
            if kind in event:
                found = _FIRST if event[kind] == "0" else key(str(event[kind]))
                if found is None:
                    return None
                order.append((found, kind))
    inside = False
    for found, kind in sorted(order, key=lambda one: one[0]):
        if kind == "introduced" and at >= found:
            inside = True
        elif (kind == "fixed" and at >= found) or (kind == "last_affected" and at > found):
            inside = False
    return inside


def _ranges(affects: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    ranges = affects.get("ranges")
    for each in ranges if isinstance(ranges, list) else []:
        if isinstance(each, dict) and each.get("type") in ("ECOSYSTEM", "SEMVER"):
            events = each.get("events")
            if isinstance(events, list):
                yield [event for event in events if isinstance(event, dict)]


def _advisories(parsed: dict[str, Any], wanted: set[str] | None) -> Iterator[Advisory]:
    if parsed.get("withdrawn"):
        return
    for affects in parsed["affected"]:
        package = affects.get("package") if isinstance(affects, dict) else None
        if not isinstance(package, dict) or str(package.get("ecosystem", ""))[:4] != "PyPI":
            continue
        name = normal(str(package.get("name", "")))
        if wanted is not None and name not in wanted:
            continue
        fixed = tuple(str(event["fixed"])[:80] for events in _ranges(affects) for event in events
                      if "fixed" in event)
        said = str(parsed.get("summary") or parsed.get("details") or "")
        yield Advisory(name, _ids(parsed), " ".join(said.split())[:200], _severity(parsed, affects),
                       fixed, affects)


def _ids(parsed: dict[str, Any]) -> tuple[str, ...]:
    aliases = parsed.get("aliases")
    names = [parsed["id"], *(aliases if isinstance(aliases, list) else [])]
    return tuple(dict.fromkeys(name for name in names
                               if isinstance(name, str) and _ID.fullmatch(name)))


def _severity(parsed: dict[str, Any], affects: dict[str, Any]) -> str:
    for holder in (affects, parsed):
        for part in ("database_specific", "ecosystem_specific"):
            stated = holder.get(part)
            word = str(stated.get("severity", "")).upper() if isinstance(stated, dict) else ""
            if word in _WORDS:
                return word.lower()
    return ""


def _joined(advisories: list[Advisory]) -> list[Advisory]:
    """One for each vulnerability: several databases write the same one under names of their own."""
    found: list[Advisory] = []
    for one in advisories:
        same = [other for other in found if set(other.ids) & set(one.ids)]
        for other in same:
            found.remove(other)
            one = Advisory(one.package, tuple(dict.fromkeys((*other.ids, *one.ids))),
                           other.summary or one.summary, other.severity or one.severity,
                           tuple(dict.fromkeys((*other.fixed, *one.fixed))), other.affects)
        found.append(one)
    return found


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """One advisory, or None for what is none."""
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    good = (isinstance(parsed, dict) and isinstance(parsed.get("id"), str)
            and _ID.fullmatch(parsed["id"]) and isinstance(parsed.get("affected", []), list))
    return {"affected": [], **parsed} if good else None


def _raw(source: Path) -> Iterator[bytes]:
    """The documents of a database, each of bounded size."""
    try:
        if source.is_dir():
            yield from _of_folder(source)
        elif zipfile.is_zipfile(source):
            yield from _of_zip(source)
        else:
            yield from _of_file(source)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError,
            EOFError) as error:
        raise DataError(f"{source} cannot be read as a database of vulnerabilities: "
                        f"{error}.") from error


def _of_folder(source: Path) -> Iterator[bytes]:
    for at, path in enumerate(sorted(source.rglob("*.json"))):
        if at < _MOST_FILES and path.is_file() and path.stat().st_size <= _LARGEST:
            yield path.read_bytes()


def _of_zip(source: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist()[:_MOST_FILES]:
            if info.filename.endswith(".json") and info.file_size <= _LARGEST:
                with archive.open(info) as stream:
                    yield stream.read(_LARGEST)


def _of_file(source: Path) -> Iterator[bytes]:
    if source.stat().st_size > _LARGEST_LIST:
        raise DataError(f"{source} is larger than {_LARGEST_LIST // 2**20} MB; give the zip of "
                        "single advisories instead.")
    data = source.read_bytes()
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        yield from data.splitlines()
        return
    for each in parsed if isinstance(parsed, list) else [parsed]:
        yield json.dumps(each).encode()
