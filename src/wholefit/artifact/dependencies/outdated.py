"""Newer versions of packages, as the registry tells them: pip asks, in its own configuration.

pip knows the registry, its certificates and its passwords; nothing of them is read or shown here.
Each package is asked for by itself, so that "up to date" and "nobody answered" stay apart.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from wholefit.artifact.dependencies._pep440 import key
from wholefit.base.events import emit

_AT_ONCE = 4
_SECONDS = 60
_LATEST = re.compile(r"^(?P<name>\S+) \((?P<version>[^)\s]+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Newest:
    """The newest final version of a package for this Python; None, and why it is not known."""

    name: str
    version: str | None
    why_not: str = ""


def newest(names: Iterable[str], *, seconds: float = _SECONDS) -> dict[str, Newest]:
    """What the registry says of each package; nothing is installed or downloaded.

    If the first two get no answer, the others are not asked for.
    """
    names = list(names)
    if not names:
        return {}
    found = {names[0]: _ask(names[0], seconds)}
    if found[names[0]].version is None and len(names) > 1:
        found[names[1]] = _ask(names[1], seconds)
        if found[names[1]].version is None:
            why = f"the registry did not answer ({found[names[0]].why_not})"
            return {name: Newest(name, None, why) for name in names}
    rest = [name for name in names if name not in found]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for at, one in enumerate(pool.map(lambda name: _ask(name, seconds), rest), 1):
            found[one.name] = one
            emit("report_step", step=f"asking the registry: {at} of {len(rest)} packages")
    return {name: found[name] for name in names}


def is_newer(newest: str, than: str) -> bool:
    """True if a version comes after another; False where one of them is no version."""
    a, b = key(newest), key(than)
    # A build of one's own, such as 2.13.0+cpu, is not older than 2.13.0.
    return a is not None and b is not None and a[:5] > b[:5]


def _ask(name: str, seconds: float) -> Newest:
    words = [sys.executable, "-m", "pip", "index", "versions", name, "--no-input", "--no-color",
             "--disable-pip-version-check", "--retries", "1", "--timeout",
             str(max(1, round(seconds / 4)))]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Newest(name, None, f"no answer within {seconds:g} s")
    except OSError as error:
        return Newest(name, None, f"pip cannot be run: {error.strerror or error}")
    found = _LATEST.search(done.stdout)
    if done.returncode == 0 and found is not None:
        return Newest(name, found["version"])
    return Newest(name, None, _reason(done.stderr))


def _reason(said: str) -> str:
    """Why pip had no answer, in words of ours: its own may hold the address of a registry."""
    if "No module named pip" in said:
        return "pip is not installed beside this Python"
    if "No matching distribution" in said:
        return "the registry has no such package, or could not be reached"
    return "pip could not ask the registry"
