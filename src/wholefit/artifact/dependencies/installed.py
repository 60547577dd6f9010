"""Packages that are installed here, and the closure of what they need.

>>> found = closure(["scikit-learn"])
>>> "numpy" in found and found["numpy"].version == numpy.__version__
True
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cache

from wholefit.artifact.dependencies import _markers

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?"
    r"\s*(?P<bounds>[^;]*)(?:;(?P<marker>.*))?", re.DOTALL)
# Letters of a licence's name; what is longer is the licence itself.
_LONGEST_LICENCE = 80


@dataclass(frozen=True)
class Distribution:
    """An installed package: its name as it is spelt, its version, what it needs here, its licence.

    `needs` names packages in their normal spelling; `missing` those among them that are not
    installed. `licence` is an SPDX expression where `spdx` is True, else what the package says.
    """

    name: str
    version: str
    needs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    licence: str = ""
    spdx: bool = False
    summary: str = ""


@dataclass(frozen=True)
class Requirement:
    """One line of what a package asks for: "uvicorn>=0.30 ; extra == 'serve'"."""

    name: str
    extras: tuple[str, ...] = ()
    bounds: str = ""
    marker: str = ""


def normal(name: str) -> str:
    """A package's name as registries compare it: "Scikit_Learn" is "scikit-learn"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> Requirement | None:
    """A line of a package's metadata, parted; None where it is none."""
    found = _REQUIREMENT.fullmatch(line)
    if found is None:
        return None
    extras = tuple(normal(part.strip()) for part in (found["extras"] or "").split(",")
                   if part.strip())
    bounds = (found["bounds"] or "").strip()
    return Requirement(normal(found["name"]), extras, bounds.strip("()").strip(),
                       (found["marker"] or "").strip())


def asked(name: str, extras: Iterable[str], environment: Mapping[str, str]) -> list[Requirement]:
    """What an installed package asks for in the environment, with these of its extras.

    Nothing for a package that is not installed.
    """
    wanted = ["", *extras]
    found = []
    for line in _lines(normal(name)):
        one = requirement(line)
        if one is not None and (not one.marker or any(
                _markers.holds(one.marker, {**environment, "extra": extra}) for extra in wanted)):
            found.append(one)
    return found


def closure(
    roots: Iterable[str], *, environment: Mapping[str, str] | None = None
) -> dict[str, Distribution]:
    """The packages named, and whatever they need, by normal name in alphabetical order.

    A root may ask for extras: "uvicorn[standard]". Those that are not installed are left out; who
    needs them says so in `missing`. `environment`: as markers see it, this one by default.
    """
    environment = environment or _markers.here()
    found: dict[str, Distribution] = {}
    seen: dict[str, set[str]] = {}
    waiting = [one for root in roots if (one := requirement(root)) is not None]
    while waiting:
        one = waiting.pop()
        extras = seen.setdefault(one.name, set())
        if one.name in found and extras >= set(one.extras):
            continue
        extras |= set(one.extras)
        if version(one.name) is None:
            continue
        needs = asked(one.name, sorted(extras), environment)
        found[one.name] = _distribution(one.name, needs)
        waiting += needs
    return dict(sorted(found.items()))


@cache
def version(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def providers() -> dict[str, list[str]]:
    """Top-level module to the packages that bring it: "sklearn" to ["scikit-learn"]."""
    found = importlib.metadata.packages_distributions()
    return {module: sorted({normal(name) for name in names}) for module, names in found.items()}


@cache
def _lines(name: str) -> tuple[str, ...]:
    try:
        return tuple(importlib.metadata.requires(name) or ())
    except importlib.metadata.PackageNotFoundError:
        return ()


def _distribution(name: str, needs: list[Requirement]) -> Distribution:
    facts: Message = importlib.metadata.metadata(name)  # type: ignore[assignment]
    names = tuple(sorted({one.name for one in needs}))
    licence, spdx = _licence(facts)
    return Distribution(
        name=str(facts["Name"] or name), version=version(name) or "", needs=names,
        missing=tuple(each for each in names if version(each) is None), licence=licence,
        spdx=spdx, summary=str(facts["Summary"] or "")[:200])


def _licence(facts: Message) -> tuple[str, bool]:
    """What a package says of its licence, and whether in SPDX's own words."""
    if facts["License-Expression"]:
        return str(facts["License-Expression"]), True
    stated = str(facts["License"] or "").strip()
    if stated and len(stated) <= _LONGEST_LICENCE and "\n" not in stated:
        return stated, False
    for line in facts.get_all("Classifier") or []:
        if str(line).startswith("License ::"):
            return str(line).rpartition("::")[2].strip(), False
    return "", False
