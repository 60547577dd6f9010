"""Hashes of the files that packages are installed from, as the registry states them.

pip is asked, in its own configuration, what it would install on Linux; nothing is installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from wholefit.artifact.dependencies._pep440 import public
from wholefit.artifact.dependencies.installed import Distribution, normal
from wholefit.base.errors import DataError

_SECONDS = 600
# Newest first: what pip may take on a Linux whose C library is as old as that of the base images.
_GLIBC = range(36, 4, -1)


def hashes(
    packages: Mapping[str, Distribution], python: str, machine: str = "x86_64"
) -> dict[str, tuple[str, ...]]:
    """Package to the SHA-256 of the wheel that pip takes on Linux for that Python.

    A package that the registry does not have at its version is left out. Raises DataError where
    the registry cannot be reached.
    """
    wanted = {name: f"{name}=={public(one.version)}" for name, one in packages.items()
              if name != "wholefit"}
    found = _asked(list(wanted.values()), python, machine)
    if not found:
        # One that is not there spoils the answer for all: each by itself.
        for line in wanted.values():
            found |= _asked([line], python, machine)
    if not found:
        raise DataError("hashes of packages cannot be had: the registry could not be reached, or "
                        "has none of them; leave hashes out, and versions alone are pinned.")
    return found


def missing(packages: Mapping[str, Distribution], known: Mapping[str, object]) -> list[str]:
    """Packages without a hash; none where no hash was asked for."""
    return [name for name in packages if name != "wholefit" and name not in known] if known else []


def _asked(lines: Iterable[str], python: str, machine: str) -> dict[str, tuple[str, ...]]:
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps",
                 "--ignore-installed", "--only-binary=:all:", "--no-input",
                 "--disable-pip-version-check", "--implementation", "cp", "--python-version",
                 ".".join(python.split(".")[:2]), "--target", folder, "--report", str(report)]
        for each in platforms:
            words += ["--platform", each]
        try:
            subprocess.run([*words, *lines], capture_output=True, timeout=_SECONDS, check=False,
                           stdin=subprocess.DEVNULL)
            return _read(json.loads(report.read_bytes()))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return {}


def _read(report: dict[str, object]) -> dict[str, tuple[str, ...]]:
    """Names and hashes in pip's installation report."""
    found: dict[str, tuple[str, ...]] = {}
    items = report.get("install")
    for item in items if isinstance(items, list) else []:
        try:
            name = normal(item["metadata"]["name"])
            found[name] = (str(item["download_info"]["archive_info"]["hashes"]["sha256"]),)
        except (KeyError, TypeError):
            continue
    return found
