"""What the registry tells: versions and events; what stands in its rows is checked on the way."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wholefit.base.errors import ParameterError, RegistryError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_WHY, _LARGEST_FACTS = 2_000, 1_000_000


@dataclass(frozen=True)
class Version:
    """One version of a model: its file, when it came, what it was made of, and plain facts.

    `sha256` is of the file's bytes, `parent` the number of the version it was made from, or None.
    `facts` are JSON values: task, target, model, metric, score, rows, and what was given with it.
    """

    name: str
    number: int
    sha256: str
    path: Path
    at: str
    parent: int | None
    facts: dict[str, Any] = field(default_factory=dict, compare=False)
    size: int = 0

    def __str__(self) -> str:
        return f"{self.name} version {self.number}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**self.__dict__, "path": str(self.path)}


@dataclass(frozen=True)
class Event:
    """One change of the registry: what was done to which version, by whom, and why.

    `action` is add, promote, rollback, traffic, shadows, note or remove. `hash` is the SHA-256 of
    this event and of the hash before it, so that an event that is altered later is seen.
    """

    place: int
    at: str
    name: str
    action: str
    number: int | None
    by: str
    why: str
    details: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    previous: str = ""
    hash: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dict(self.__dict__)

    def digest(self) -> str:
        """What `hash` must be."""
        told = [self.place, self.at, self.name, self.action, self.number, self.by, self.why,
                self.details, self.key, self.previous]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def now() -> str:
    """This moment, in UTC, as the registry writes it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def check_name(name: Any) -> str:
    """A name that is safe in a path, an address and a label."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ParameterError("a model's name must be 1 to 100 letters, digits, '.', '_' or '-', "
                             f"the first a letter or a digit; got {str(name)[:120]!r}.")
    return name


def check_words(by: str, why: str, key: str | None) -> None:
    """Who and why are words that a person reads, of a bearable length."""
    for word, said in (("by", by), ("why", why), ("key", key or "")):
        if not isinstance(said, str) or len(said) > _LONGEST_WHY:
            raise ParameterError(f"{word} must be text of at most {_LONGEST_WHY:,} letters.")


def check_digest(found: Any) -> str:
    """A checksum that stands in a row; it becomes part of a path, so nothing else may pass."""
    if not isinstance(found, str) or not _DIGEST.fullmatch(found):
        raise ValueError("a checksum is none")
    return found


def to_text(facts: Any, what: str) -> str:
    """Facts as JSON; ParameterError for what JSON cannot hold."""
    try:
        text = json.dumps(facts, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"{what} must be JSON values: {error}.") from error
    if len(text) > _LARGEST_FACTS:
        raise ParameterError(f"{what} take {len(text):,} letters of JSON; at most "
                             f"{_LARGEST_FACTS:,}.")
    return text


def of_text(text: Any) -> dict[str, Any]:
    """What `to_text` wrote, if it is an object."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("facts are no object")
    return found


def whole(value: Any, *, none: bool = False) -> Any:
    """A whole number of a row (or None); SQLite lets any column hold any type."""
    if (value is None and none) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{value!r} is no whole number")


def nothing_before(name: str, served: Any) -> RegistryError:
    """The error of a rollback that has no way back."""
    if served is None:
        return RegistryError(f"no version of {name!r} is served: promote one first.")
    return RegistryError(f"{name!r} cannot be rolled back: no version was served before version "
                         f"{served}; promote another version instead.")
