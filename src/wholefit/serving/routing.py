"""Which model answers a request: versions, shares, shadows, and changes that no request feels.

A table of routes is never changed, only replaced: a request takes its model from the table of its
moment and keeps it, so that a version that is taken away still finishes what it has.

>>> from types import SimpleNamespace as Model                                 # any `Served`
>>> routes = Routes()
>>> routes.put(Model(name="churn", version="1"))
>>> routes.put(Model(name="churn", version="2"))
>>> routes.split("churn", {"1": 0.9, "2": 0.1})                                # a canary
>>> routes.choose("churn", key="C-17") == routes.choose("churn", key="C-17")   # always the same
True
>>> routes.choose("churn", version="2").served.version
'2'

Sticky assignment is weighted rendezvous hashing (Thaler and Ravishankar 1998; with weights,
Schindelhauer and Schomaker 2005): when a share changes, only keys that the change concerns move,
and a canary that grows keeps everybody whom it had.
"""

from __future__ import annotations

import math
import random
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from wholefit.base.errors import ParameterError, UnknownNameError, unknown
from wholefit.serving._model import Choice

if TYPE_CHECKING:
    from wholefit.serving._model import Served

Told = Callable[[str, dict[str, Any]], None]
_ALIKE = 1e-6  # shares are written by people: .333333 three times is meant to be all
_SPAN = 2.0**64


@dataclass(frozen=True)
class Line:
    """The versions of one model, and how its requests are dealt out among them.

    `shares`: version to share, in sum 1; a version without one is there for those who ask for it
    by number. `shadows`: versions that answer a copy of every request that states no version.
    """

    name: str
    versions: Mapping[str, Served]
    shares: Mapping[str, float]
    shadows: tuple[str, ...] = ()
    salt: str = ""
    _choices: tuple[tuple[Choice, float, bytes], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _check(self)
        made = tuple((self._choice(version), share, _prefix(self.salt, self.name, version))
                     for version, share in self.shares.items() if share > 0)
        object.__setattr__(self, "_choices", made)

    def _choice(self, version: str) -> Choice:
        return Choice(self.versions[version],
                      tuple(self.versions[each] for each in self.shadows if each != version))

    def choose(self, key: str | None) -> Choice:
        """The version for this key, always the same one; without a key, drawn by the shares."""
        if len(self._choices) == 1:
            return self._choices[0][0]
        if key is None:
            drawn = random.random()
            for choice, share, _ in self._choices:
                drawn -= share
                if drawn < 0:
                    return choice
            return self._choices[-1][0]
        words = key.encode("utf-8", "surrogatepass")
        return min(self._choices, key=lambda each: _lot(each[2], words) / each[1])[0]

    def facts(self) -> dict[str, Any]:
        """Versions with their shares, and shadows; JSON-able."""
        return {"name": self.name,
                "versions": {version: {"share": self.shares.get(version, 0.0),
                                       "shadow": version in self.shadows}
                             for version in self.versions}}


class Routes:
    """All models that a server has: reading takes no lock, each change is one step.

    `salt` makes the assignments of one experiment independent of another's; state the same one on
    every server that shares the work. `told(event, facts)` hears of every change.
    """

    def __init__(self, *, salt: str = "", told: Told | None = None) -> None:
        self.salt, self._told = salt, told
        self._lines: dict[str, Line] = {}
        self._default: Line | None = None
        self._changing = threading.RLock()
        self._retired: list[weakref.ref[Any]] = []
        self.revision = 0
        """Grows by one with each change."""

    # Reading

    def choose(
        self, name: str | None = None, version: str | None = None, key: str | None = None
    ) -> Choice:
        """What answers: the stated version, or the one that the shares deal to `key`.

        Without a name the first model. UnknownNameError for what is not there. A request that
        states its version is nobody's experiment: no shadow gets a copy.
        """
        line = self._default if name is None else self._lines.get(name)
        if line is None:
            raise self._missing(name)
        if version is None:
            return line.choose(key)
        served = line.versions.get(version)
        if served is None:
            raise unknown(f"version of {line.name}", version, line.versions)
        return Choice(served)

    def line(self, name: str) -> Line:
        """The versions of a model as they are now; UnknownNameError if there is no such model."""
        line = self._lines.get(name)
        if line is None:
            raise self._missing(name)
        return line

    def names(self) -> list[str]:
        """The models, in the order in which they came."""
        return list(self._lines)

    def served(self) -> list[Served]:
        """Every version of every model, in order of name and version."""
        return [line.versions[version] for _, line in sorted(self._lines.items())
                for version in sorted(line.versions, key=_place)]

    def shares(self, name: str) -> dict[str, float]:
        """Version to its share of the requests that state no version."""
        return {version: share for version, share in self.line(name).shares.items() if share}

    def facts(self) -> list[dict[str, Any]]:
        """Every model with its versions, shares and shadows; JSON-able."""
        return [line.facts() for line in self._lines.values()]

    def retiring(self) -> list[Served]:
        """Versions that were taken away and still have requests to finish (or are held)."""
        with self._changing:
            return [served for each in self._retired if (served := each()) is not None]

    # Changing

    def put(self, served: Served) -> None:
        """Add a version, or replace the one of its number; the first of a model gets all shares."""
        with self._changing:
            old = self._lines.get(served.name)
            version = str(served.version)
            if old is None:
                self._lay(Line(served.name, {version: served}, {version: 1.0}, salt=self.salt),
                          "added")
                return
            self._lay(self._changed(old, versions={**old.versions, version: served}), "added")

    def swap(self, served: Served, *, keep: bool = False) -> None:
        """Give this version all requests from now on.

        Those that had shares go, and finish what they have; with `keep` they stay for who asks for
        them by number.
        """
        with self._changing:
            old, version = self._lines.get(served.name), str(served.version)
            kept: dict[str, Served] = {}
            if old is not None:
                kept = {each: one for each, one in old.versions.items()
                        if keep or each in old.shadows or not old.shares.get(each)}
            shadows = tuple(each for each in (old.shadows if old else ()) if each != version)
            self._lay(Line(served.name, {**kept, version: served}, {version: 1.0}, shadows,
                           self.salt), "swapped")

    def split(self, name: str, shares: Mapping[str, float]) -> None:
        """Deal requests out by these shares (version to share, in sum 1): canary, A/B."""
        with self._changing:
            self._lay(self._changed(self.line(name), shares=dict(shares)), "split")

    def shadow(self, name: str, versions: Iterable[str]) -> None:
        """Let these versions answer a copy of every request; none to stop that."""
        with self._changing:
            self._lay(self._changed(self.line(name), shadows=tuple(versions)), "shadowed")

    def remove(self, name: str, version: str | None = None) -> None:
        """Take a version away (one without a share), or, without one, the whole model."""
        with self._changing:
            line = self.line(name)
            if version is None:
                self._replace({each: one for each, one in self._lines.items() if each != name})
                self._retire(line, None)
                self._tell("removed", {"name": name})
                return
            if version not in line.versions:
                raise unknown(f"version of {name}", version, line.versions)
            if line.shares.get(version):
                raise ParameterError(f"version {version} of {name} answers requests; give its "
                                     "share to another before it is removed.")
            self._lay(self._changed(
                line, versions={each: one for each, one in line.versions.items()
                                if each != version},
                shadows=tuple(each for each in line.shadows if each != version)), "removed")

    def lay(
        self, name: str, served: Iterable[Served], shares: Mapping[str, float],
        shadows: Iterable[str] = (),
    ) -> None:
        """Set versions, shares and shadows of a model in one step; whatever was there goes."""
        versions = {str(each.version): each for each in served}
        with self._changing:
            self._lay(Line(name, versions, dict(shares), tuple(shadows), self.salt), "laid")

    def _changed(self, line: Line, **changes: Any) -> Line:
        versions = changes.get("versions", line.versions)
        shares = {version: share for version, share in
                  changes.get("shares", line.shares).items() if share or version in versions}
        return Line(line.name, versions, shares, changes.get("shadows", line.shadows), self.salt)

    def _lay(self, line: Line, event: str) -> None:
        old = self._lines.get(line.name)
        self._replace({**self._lines, line.name: line})
        if old is not None:
            self._retire(old, line)
        self._tell(event, line.facts())

    def _replace(self, lines: dict[str, Line]) -> None:
        self._lines = lines
        self._default = next(iter(lines.values()), None)
        self.revision += 1

    def _retire(self, old: Line, new: Line | None) -> None:
        there = {id(served) for served in new.versions.values()} if new else set()
        self._retired = [each for each in self._retired if each() is not None]
        for served in old.versions.values():
            if id(served) not in there:
                try:
                    self._retired.append(weakref.ref(served))
                except TypeError:  # it has slots and no room for a weak reference: not followed
                    continue

    def _tell(self, event: str, facts: dict[str, Any]) -> None:
        if self._told is not None:
            self._told(f"route_{event}", {**facts, "revision": self.revision})

    def _missing(self, name: str | None) -> UnknownNameError:
        if name is not None:
            return unknown("model", name, self._lines)
        return UnknownNameError("no model is served yet.")


def _check(line: Line) -> None:
    """Raise ParameterError or UnknownNameError for shares or shadows that cannot be dealt out."""
    for version in (*line.shares, *line.shadows):
        if version not in line.versions:
            raise unknown(f"version of {line.name}", version, line.versions)
    shares = list(line.shares.values())
    if not all(isinstance(share, (int, float)) and not isinstance(share, bool)
               and math.isfinite(share) and share >= 0 for share in shares):
        raise ParameterError(f"a share must be a number >= 0; got {dict(line.shares)!r}.")
    if abs(math.fsum(shares) - 1) > _ALIKE:
        raise ParameterError(f"the shares of {line.name} must be 1 in sum; got "
                             f"{math.fsum(shares):g}: {dict(line.shares)!r}.")
    if any(served.name != line.name or str(served.version) != version
           for version, served in line.versions.items()):
        raise ParameterError(f"every version of {line.name} must bear its name and its number.")


def _place(version: str) -> tuple[int, str]:
    """Where a version stands among others: 2 before 10, and words after numbers."""
    plain = version.isascii() and version.isdigit() and len(version) < 19
    return (int(version), "") if plain else (2**63, version)


def _prefix(salt: str, name: str, version: str) -> bytes:
    """What stands for a version in the hash; the lengths keep two versions apart."""
    words = [word.encode("utf-8", "surrogatepass") for word in (salt, name, version)]
    return b"".join(len(word).to_bytes(4, "big") + word for word in words)


def _lot(prefix: bytes, key: bytes) -> float:
    """A draw from the exponential distribution that belongs to this version and key."""
    drawn = int.from_bytes(blake2b(prefix + key, digest_size=8).digest(), "big")
    return -math.log((drawn + 0.5) / _SPAN)
