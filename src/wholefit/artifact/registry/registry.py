"""Registry: add, promote, roll back, share; every change one transaction with a line in the trail.
"""

from __future__ import annotations

import getpass
import math
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wholefit.artifact import opening
from wholefit.artifact.read import Fact, read, verify
from wholefit.artifact.registry import _checking, _database, _facts
from wholefit.artifact.registry._database import Database, done, noted
from wholefit.artifact.registry._files import Files
from wholefit.artifact.registry._records import (
    Event,
    Version,
    check_digest,
    check_name,
    check_words,
    nothing_before,
    now,
    of_text,
    to_text,
    whole,
)
from wholefit.base.errors import ArtifactError, ParameterError, RegistryError, unknown

VARIABLE = "WHOLEFIT_REGISTRY"
"""The environment variable that names the folder, where none is given."""
_COLUMNS = "name, number, sha256, size, at, parent, facts"


def folder_of(given: str | os.PathLike[str] | None) -> Path:
    """The folder stated, else that of the environment variable, else "registry" here."""
    named = given if given is not None else os.environ.get(VARIABLE, "").strip() or "registry"
    return Path(named).expanduser()


class Registry:
    """An open registry; its folder is made when need be, unless `make` is False.

    Changes take `by` (who; the user of the system where left out), `why`, and may take a `key`: a
    change whose key was used before is not done again, so that a program that was killed may
    repeat its last step without a second thought. Raises RegistryError for a folder that is
    damaged, of another kind, or newer.
    """

    def __init__(self, folder: str | os.PathLike[str], *, make: bool = True) -> None:
        self.folder = Path(folder).expanduser()
        self._files = Files(self.folder / "files")
        self._base = Database(self.folder / "registry.db", make=make)

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Registry {str(self.folder)!r}>"

    def close(self) -> None:
        """Close the database; it opens again when it is next asked."""
        self._base.close()

    # What is there

    @property
    def revision(self) -> int:
        """A number that grows with every change, and tells a server when to look again."""
        with self._base.reading() as line:
            found = line.execute("SELECT MAX(place) FROM events").fetchone()[0]
            return int(whole(found, none=True) or 0)

    def names(self) -> list[str]:
        """Names of the models that have versions."""
        with self._base.reading() as line:
            return [str(name) for (name,) in line.execute(
                "SELECT DISTINCT name FROM versions ORDER BY name")]

    def versions(self, name: str) -> list[Version]:
        """The versions of a model, the oldest first."""
        with self._base.reading() as line:
            return [self._version(row) for row in line.execute(
                f"SELECT {_COLUMNS} FROM versions WHERE name = ? ORDER BY number", (name,))]

    def version(self, name: str, number: int | None = None) -> Version:
        """One version; the served one where no number is said. UnknownNameError if there is none.
        """
        with self._base.agreeing() as line:
            asked = self._served(line, name) if number is None else number
            if asked is None:
                self._known(line, name)
                raise RegistryError(f"no version of {name!r} is served: promote one, or say which "
                                    "version.")
            return self._one(line, name, asked)

    def served(self, name: str) -> Version | None:
        """The version that was promoted last and not rolled back; None if none was."""
        with self._base.agreeing() as line:
            number = self._served(line, name)
            return None if number is None else self._one(line, name, number)

    def traffic(self, name: str) -> dict[int, float]:
        """Versions that answer, and their shares of the requests, which sum to 1."""
        with self._base.agreeing() as line:
            return self._traffic(line, name)

    def shadows(self, name: str) -> list[int]:
        """Versions that answer copies of the requests in the background, and are only logged."""
        with self._base.reading() as line:
            return self._shadows(line, name)

    def events(
        self, name: str | None = None, *, since: int = 0, most: int | None = None
    ) -> list[Event]:
        """The trail of changes after revision `since`, the oldest first; the latest `most`."""
        with self._base.reading() as line:
            return _database.events(line, name, since, -1 if most is None else most)

    def done(self, key: str) -> Event | None:
        """The change that was made under this key; None if none was."""
        with self._base.reading() as line:
            return done(line, key)

    def check(self) -> list[Fact]:
        """Look at every file, row and event; a fact each, `ok` False for what is wrong."""
        with self._base.agreeing() as line:
            return _checking.facts(line, self._files)

    # What changes it

    def add(
        self, path: str | os.PathLike[str], name: str, parent: int | None = None,
        facts: Mapping[str, Any] | None = None, *, by: str | None = None, why: str = "",
        key: str | None = None,
    ) -> Version:
        """Copy a model file in as the next version of `name`; it is not served until promoted.

        Each member of the file is checked first. A file that is a version of this name already
        gives that version. Raises ArtifactError for a damaged file, UnknownNameError for a parent
        that is not there.
        """
        by = _words(check_name(name), by, why, key)
        before = None if key is None else self.done(key)
        if before is not None:
            return self.version(name, before.number)
        source = Path(path)
        plain = opening.source(source)  # of a sealed file what it holds; the file itself is kept
        wrong = [fact for fact in verify(plain) if not fact.ok]
        if wrong:
            raise ArtifactError(f"{source.name} is damaged and was not added: {wrong[0].message}.")
        told = to_text({**_facts.of_record(read(plain)), **dict(facts or {})}, "facts")
        digest, size = self._files.put(source)
        with self._base.changing() as line:
            before = done(line, key)
            known = line.execute("SELECT number FROM versions WHERE name = ? AND sha256 = ?",
                                 (name, digest)).fetchone()
            if before is not None or known is not None:
                return self._one(line, name, known[0] if before is None else before.number)
            if parent is not None:
                self._one(line, name, parent)
            if not self._files.path(digest).exists():  # somebody tidied up in between
                self._files.put(source)
            last = line.execute("SELECT MAX(number) FROM events WHERE name = ? AND action = 'add'",
                                (name,)).fetchone()[0]
            number = int(last or 0) + 1
            line.execute(f"INSERT INTO versions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                         (name, number, digest, size, now(), parent, told))
            noted(line, name, "add", number, by, why, {"sha256": digest, "parent": parent}, key)
            return self._one(line, name, number)

    def promote(
        self, name: str, number: int, by: str | None = None, why: str = "", *,
        key: str | None = None,
    ) -> Version:
        """Serve this version from now on, alone: shares of other versions end.

        Its file is checked first. Promoting what is served already changes nothing.
        """
        by = _words(name, by, why, key)
        with self._base.changing() as line:
            found = self._sound(line, name, number)
            served = self._served(line, name)
            alone = set(self._traffic(line, name)) <= {number}
            if done(line, key) is None and (served != number or not alone):
                self._alone(line, name, number)
                if served != number:
                    line.execute("INSERT INTO promotions (name, number) VALUES (?, ?)",
                                 (name, number))
                noted(line, name, "promote", number, by, why, {"before": served}, key)
            return found

    def rollback(
        self, name: str, by: str | None = None, why: str = "", *, key: str | None = None
    ) -> Version:
        """Serve what was served before the last promotion; shares of other versions end.

        Twice in a row goes back twice. RegistryError where nothing was served before, or its file
        is damaged.
        """
        by = _words(name, by, why, key)
        with self._base.changing() as line:
            before = done(line, key)
            if before is not None:
                return self._one(line, name, before.number)
            served = self._served(line, name)
            last = line.execute(
                "SELECT place, number FROM promotions WHERE name = ? AND NOT undone "
                "AND number != ? ORDER BY place DESC LIMIT 1", (name, served)).fetchone()
            if last is None:
                self._known(line, name)
                raise nothing_before(name, served)
            place, number = last
            found = self._sound(line, name, number)
            line.execute("UPDATE promotions SET undone = 1 WHERE name = ? AND place > ?",
                         (name, place))
            self._alone(line, name, number)
            noted(line, name, "rollback", number, by, why, {"before": served}, key)
            return found

    def set_traffic(
        self, name: str, shares: Mapping[int, float], by: str | None = None, why: str = "", *,
        key: str | None = None,
    ) -> dict[int, float]:
        """Share requests out: {1: 0.9, 2: 0.1} is a canary of a tenth, {1: 0.5, 2: 0.5} an A/B.

        The served version must be among them, and the shares must sum to 1.
        """
        by = _words(name, by, why, key)
        shares = _shares(shares)
        with self._base.changing() as line:
            served = self._served(line, name)
            for number in shares:
                self._sound(line, name, number)
            if served is None or served not in shares:
                raise RegistryError(f"shares of {name!r} must hold the version that is served "
                                    f"({served}); got {sorted(shares)}.")
            before = self._traffic(line, name)
            if done(line, key) is None and before != shares:
                line.execute("DELETE FROM traffic WHERE name = ?", (name,))
                if set(shares) != {served}:
                    line.executemany("INSERT INTO traffic VALUES (?, ?, ?)",
                                     [(name, *pair) for pair in sorted(shares.items())])
                line.executemany("DELETE FROM shadows WHERE name = ? AND number = ?",
                                 [(name, number) for number in shares])
                noted(line, name, "traffic", None, by, why, {
                    "shares": {str(number): share for number, share in sorted(shares.items())},
                    "before": {str(number): share for number, share in before.items()}}, key)
            return self._traffic(line, name)

    def set_shadows(
        self, name: str, numbers: Iterable[int], by: str | None = None, why: str = "", *,
        key: str | None = None,
    ) -> list[int]:
        """Let these versions, and no others, answer copies of the requests; [] ends them."""
        by = _words(name, by, why, key)
        wanted = sorted(set(numbers))
        with self._base.changing() as line:
            self._known(line, name)
            answering = self._traffic(line, name)
            for number in wanted:
                self._sound(line, name, number)
                if number in answering:
                    raise RegistryError(f"version {number} of {name!r} answers requests already, "
                                        "and cannot be a shadow too.")
            before = self._shadows(line, name)
            if done(line, key) is None and before != wanted:
                line.execute("DELETE FROM shadows WHERE name = ?", (name,))
                line.executemany("INSERT INTO shadows VALUES (?, ?)",
                                 [(name, number) for number in wanted])
                noted(line, name, "shadows", None, by, why, {"numbers": wanted, "before": before},
                      key)
        return wanted

    def note(
        self, name: str, number: int, details: Mapping[str, Any], by: str | None = None,
        why: str = "", *, key: str | None = None,
    ) -> Event:
        """Write something about a version into the trail: the verdict of a gate, an approval."""
        by = _words(name, by, why, key)
        with self._base.changing() as line:
            self._one(line, name, number)
            return done(line, key) or noted(line, name, "note", number, by, why, dict(details),
                                            key)

    def remove(self, name: str, number: int, by: str | None = None, why: str = "") -> None:
        """Take a version away that answers no requests; its events stay, its number is not reused.
        """
        by = _words(name, by, why, None)
        with self._base.changing() as line:
            found = self._one(line, name, number)
            if number in self._traffic(line, name) or number in self._shadows(line, name):
                raise RegistryError(f"{found} is in use: promote another version, or take it out "
                                    "of the shares and shadows first.")
            line.execute("DELETE FROM versions WHERE name = ? AND number = ?", (name, number))
            line.execute("UPDATE promotions SET undone = 1 WHERE name = ? AND number = ?",
                         (name, number))
            noted(line, name, "remove", number, by, why, {"sha256": found.sha256}, None)
        self.tidy()

    def tidy(self) -> int:
        """Delete files that no version names, such as those of a killed `add`; how many."""
        with self._base.changing() as line:
            strays = list(self._files.strays({str(row[0]) for row in line.execute(
                "SELECT sha256 FROM versions")}))
            for path in strays:
                path.unlink(missing_ok=True)
        return len(strays)

    # How it is done

    def _version(self, row: tuple[Any, ...]) -> Version:
        name, number, digest, size, at, parent, facts = row
        return Version(check_name(name), whole(number), check_digest(digest),
                       self._files.path(digest).absolute(), str(at), whole(parent, none=True),
                       of_text(facts), whole(size))

    def _one(self, line: sqlite3.Connection, name: str, number: int | None) -> Version:
        row = line.execute(f"SELECT {_COLUMNS} FROM versions WHERE name = ? AND number = ?",
                           (name, number)).fetchone()
        if row is None:
            raise unknown(f"version of {name!r}", str(number), map(str, self._known(line, name)))
        return self._version(row)

    def _known(self, line: sqlite3.Connection, name: str) -> list[int]:
        """Numbers of the versions of a name; UnknownNameError if it has none."""
        found = [row[0] for row in line.execute(
            "SELECT number FROM versions WHERE name = ? ORDER BY number", (name,))]
        if not found:
            raise unknown("model in the registry", name, [str(row[0]) for row in line.execute(
                "SELECT DISTINCT name FROM versions ORDER BY name")])
        return found

    def _sound(self, line: sqlite3.Connection, name: str, number: int) -> Version:
        """A version whose file is whole."""
        found = self._one(line, name, number)
        if self._files.digest(found.sha256) != found.sha256:
            raise RegistryError(f"the file of {found} is missing or damaged: add the model again, "
                                "or choose another version.")
        return found

    def _served(self, line: sqlite3.Connection, name: str) -> int | None:
        row = line.execute("SELECT number FROM promotions WHERE name = ? AND NOT undone "
                           "ORDER BY place DESC LIMIT 1", (name,)).fetchone()
        return None if row is None else int(whole(row[0]))

    def _traffic(self, line: sqlite3.Connection, name: str) -> dict[int, float]:
        rows = line.execute("SELECT number, share FROM traffic WHERE name = ? ORDER BY number",
                            (name,)).fetchall()
        if rows:
            return {int(whole(number)): float(share) for number, share in rows}
        served = self._served(line, name)
        return {} if served is None else {served: 1.0}

    def _shadows(self, line: sqlite3.Connection, name: str) -> list[int]:
        return [int(whole(number)) for (number,) in line.execute(
            "SELECT number FROM shadows WHERE name = ? ORDER BY number", (name,))]

    def _alone(self, line: sqlite3.Connection, name: str, number: int) -> None:
        """End every share, and the shadow of what will answer."""
        line.execute("DELETE FROM traffic WHERE name = ?", (name,))
        line.execute("DELETE FROM shadows WHERE name = ? AND number = ?", (name, number))


def _words(name: str, by: str | None, why: str, key: str | None) -> str:
    """Who acts: as said, else the user of the system."""
    if by is None:
        try:
            by = getpass.getuser()
        except (OSError, KeyError, ImportError):
            by = "unknown"
    check_name(name)
    check_words(by, why, key)
    return by


def _shares(shares: Mapping[int, float]) -> dict[int, float]:
    for number, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
            raise ParameterError(f"the share of version {number} must be > 0 and <= 1; got "
                                 f"{share!r}.")
    if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6):
        raise ParameterError(f"shares must sum to 1; {dict(shares)} sum to "
                             f"{sum(shares.values()):g}.")
    return {int(number): float(share) for number, share in shares.items()}
