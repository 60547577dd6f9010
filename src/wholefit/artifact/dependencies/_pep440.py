"""Versions of Python packages in order, as PEP 440 states it.

>>> key("1.0rc1") < key("1.0") < key("1.0.post1") < key("1!0.5")
True
>>> key("not a version") is None
True
"""

from __future__ import annotations

import re
from typing import Any

# Longer texts are no versions; a number of many digits would also take long to read.
_LONGEST = 120
_VERSION = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<phase>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre>\d*))?"
    r"(?:-(?P<bare>\d+)|[-_.]?(?P<posted>post|rev|r)[-_.]?(?P<post>\d*))?"
    r"(?:[-_.]?(?P<unfinished>dev)[-_.]?(?P<dev>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?", re.ASCII)
_PHASES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_NEVER = float("inf")

Key = tuple[Any, ...]


def key(version: str) -> Key | None:
    """What sorts as the version does; None for a text that is no version."""
    text = version.strip().lower()
    found = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    post = _post(found)
    dev = int(found["dev"] or 0) if found["unfinished"] else _NEVER
    return (int(found["epoch"] or 0), _release(found["release"]), _pre(found, post, dev), post,
            dev, _local(found["local"]))


def public(version: str) -> str:
    """The version without its local part, which no registry knows: "2.13.0+cpu" is "2.13.0"."""
    return version.partition("+")[0]


def _release(text: str) -> tuple[int, ...]:
    """The numbers, without the zeros at their end: 1.0 is 1."""
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _pre(found: re.Match[str], post: int, dev: float) -> tuple[int, str, int]:
    """Before a release lie its phases, and before all of them what is in development."""
    if found["phase"]:
        return 0, _PHASES.get(found["phase"], found["phase"]), int(found["pre"] or 0)
    return (-1 if post < 0 and dev < _NEVER else 1), "", 0


def _post(found: re.Match[str]) -> int:
    if found["bare"]:
        return int(found["bare"])
    return int(found["post"] or 0) if found["posted"] else -1


def _local(text: str | None) -> tuple[tuple[int, int, str], ...]:
    """Segments of a local version: numbers come after letters, and more after fewer."""
    if text is None:
        return ()
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part)
                 for part in re.split("[-_.]", text))
