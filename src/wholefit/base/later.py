"""Names of a package that are loaded when they are first used, not when the package is (PEP 562).

    __getattr__, __dir__ = later(__name__, {"page": "wholefit.report.writing"})

For a package whose rooms are many and dear to load, of which most users enter one. No name may be
that of a module in the package: once that is loaded, Python puts it in the name's place.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def later(
    package: str, where: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of `package`: each name with the module that holds it."""

    def get(name: str) -> Any:
        if name in where:
            return getattr(importlib.import_module(where[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted(where)
