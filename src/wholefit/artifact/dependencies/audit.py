"""Are the packages that a model answers with out of date, or known to be vulnerable?

Two questions, each with a third answer: nobody could be asked. Without a database of
vulnerabilities nothing is said to be safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit.artifact.dependencies import osv, outdated
from wholefit.artifact.dependencies.installed import Distribution
from wholefit.base.wording import counted

_NO_DATABASE = ("vulnerabilities: not known, for no database was given: download the zip of "
                "advisories for PyPI from osv.dev, and name it with database=.")


@dataclass(frozen=True)
class Package:
    """What is known of one package.

    `newest` is None where the registry did not tell, and `why_not` says why; `advisories` is None
    where no database was given. `unsure` counts advisories that cannot be judged for its version.
    """

    name: str
    version: str
    newest: str | None
    why_not: str
    advisories: tuple[osv.Advisory, ...] | None
    unsure: int = 0

    @property
    def is_outdated(self) -> bool:
        """True if the registry has a newer version."""
        return self.newest is not None and outdated.is_newer(self.newest, self.version)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is not known is null."""
        found = None if self.advisories is None else [
            {"ids": list(one.ids), "summary": one.summary, "severity": one.severity or None,
             "fixed": list(one.fixed)} for one in self.advisories]
        return {"name": self.name, "version": self.version, "newest": self.newest,
                "outdated": None if self.newest is None else self.is_outdated,
                "why_not": self.why_not or None, "vulnerabilities": found,
                "not_judged": self.unsure}


@dataclass(frozen=True)
class Audit:
    """What is known of all packages. `said` tells it in sentences, what is not known included."""

    packages: tuple[Package, ...]
    database: str | None
    newest_advisory: str
    said: tuple[str, ...]

    @property
    def vulnerable(self) -> list[Package]:
        """Packages of a version that an advisory is about."""
        return [one for one in self.packages if one.advisories]

    @property
    def outdated(self) -> list[Package]:
        """Packages of which the registry has a newer version."""
        return [one for one in self.packages if one.is_outdated]

    @property
    def unknown(self) -> bool:
        """True if one of the two questions could not be answered for some package."""
        return any(one.newest is None or one.advisories is None or one.unsure
                   for one in self.packages)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"packages": [one.to_json() for one in self.packages], "database": self.database,
                "newest_advisory": self.newest_advisory or None, "said": list(self.said),
                "vulnerable": len(self.vulnerable), "outdated": len(self.outdated),
                "everything_known": not self.unknown}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows: packages that are vulnerable or out of date, the former first."""
        rows = []
        for one in sorted(self.packages, key=lambda one: (not one.advisories, one.name)):
            for each in one.advisories or ():
                fixed = ", ".join(each.fixed) or "no version is known to be"
                rows.append([one.name, one.version, each.ids[0] + (
                    f" ({each.severity})" if each.severity else ""), f"mended in {fixed}"])
            if not one.advisories and one.is_outdated:
                rows.append([one.name, one.version, "out of date", f"newest is {one.newest}"])
        return ["package", "version", "what", "way out"], rows

    def to_text(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.said)


def audit(
    packages: Mapping[str, Distribution], *, database: str | Path | None = None,
    ask: bool = True, seconds: float = 60.0,
) -> Audit:
    """Hold installed packages against the registry (where `ask`) and a database in OSV format.

    `seconds` is how long one package may take. Raises DataError for a database that cannot be
    read; a registry that cannot be reached is no error, and is told.
    """
    known = osv.read(database, packages) if database is not None else None
    told = outdated.newest(packages, seconds=seconds) if ask else {}
    found = []
    for name, one in packages.items():
        new = told.get(name) or outdated.Newest(name, None, "the registry was not asked")
        hit, unsure = known.about(name, one.version) if known else (None, [])
        found.append(Package(one.name, one.version, new.version, new.why_not,
                             None if hit is None else tuple(hit), len(unsure)))
    return Audit(tuple(found), None if known is None else known.source,
                 "" if known is None else known.newest, tuple(_said(found, known)))


def _said(found: list[Package], known: osv.Database | None) -> list[str]:
    silent = [one for one in found if one.newest is None]
    old = [one for one in found if one.is_outdated]
    said = []
    if silent and len(silent) == len(found):
        said.append(f"newer versions: not known, for {silent[0].why_not}.")
    else:
        said.append(f"newer versions: {counted(len(old), 'package')} of {len(found)} out of date."
                    + (f" Not known of {', '.join(one.name for one in silent)} "
                       f"({silent[0].why_not})." if silent else ""))
    if known is None:
        return [*said, _NO_DATABASE]
    hit = [one for one in found if one.advisories]
    count = sum(len(one.advisories or ()) for one in hit)
    said.append(f"vulnerabilities: {count} in {counted(len(hit), 'package')} of {len(found)}, by "
                f"{counted(known.read, 'advisory').replace('advisorys', 'advisories')} of "
                f"{known.source}, the newest of {known.newest or 'an unknown day'}.")
    doubtful = [one.name for one in found if one.unsure]
    if doubtful:
        said.append("not judged, as versions in advisories cannot be put in order: "
                    f"{', '.join(doubtful)}.")
    if known.skipped:
        said.append(f"{counted(known.skipped, 'document')} of the database could not be read as "
                    "an advisory.")
    return said
