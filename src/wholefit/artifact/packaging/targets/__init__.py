"""Where a model may be deployed to: one file a target; the folder is the registry.

A target has NAME, SAID (one line), NEEDS (targets whose files it builds on), `files(plan, model)`
which gives path to contents, and `commands(plan)`: what a person types next.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol

from wholefit.artifact.packaging.plan import Plan
from wholefit.base.errors import unknown

Files = dict[str, str | bytes]


class Target(Protocol):
    """What each module of this folder offers."""

    NAME: str
    SAID: str
    NEEDS: tuple[str, ...]

    def files(self, plan: Plan, model: bytes) -> Files:
        """Path in the bundle to contents."""

    def commands(self, plan: Plan) -> list[str]:
        """Commands that come next, in order."""


@cache
def known() -> dict[str, Target]:
    """Every target by its name, in alphabetical order."""
    found: dict[str, Target] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            loaded: Target = importlib.import_module(f"{__name__}.{module.name}")
            found[loaded.NAME] = loaded
    return dict(sorted(found.items()))


def chosen(names: list[str]) -> list[Target]:
    """The targets named, after those that they need; UnknownNameError for a misspelt one."""
    found: dict[str, Target] = {}

    def add(name: str) -> None:
        if name not in known():
            raise unknown("target of a package", name, known())
        for need in known()[name].NEEDS:
            add(need)
        found.setdefault(name, known()[name])

    for name in names:
        add(name)
    return list(found.values())
