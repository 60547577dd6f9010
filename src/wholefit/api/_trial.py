"""A model is served in a process that can import some modules alone: are they enough?

`python -m wholefit.api._trial` reads one JSON object from standard input and writes one to
standard output. It is run by `wholefit.api.packaging`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

from wholefit.api._meters import peak
from wholefit.artifact.packaging import Trial
from wholefit.artifact.packaging.plan import ROUTES

_SECONDS = 180.0
_BEGINS = "wholefit-trial:"


def trial(path: Path, modules: set[str], row: dict[str, Any] | None) -> Trial:
    """Serve the model and ask it the row where no other third-party modules can be imported."""
    asked = json.dumps({"path": str(path), "modules": sorted(modules), "row": row})
    try:
        done = subprocess.run([sys.executable, "-m", "wholefit.api._trial"], input=asked,
                              capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Trial(False, why=f"no answer within {_SECONDS:g} s")
    for line in done.stdout.splitlines():
        if line.startswith(_BEGINS):
            return Trial(**json.loads(line[len(_BEGINS):]))
    last = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
    return Trial(False, why=last[:300])


class _Only(MetaPathFinder):
    """Refuses third-party modules that are not among those allowed."""

    def __init__(self, allowed: set[str], known: set[str]) -> None:
        self.allowed, self.known = allowed, known

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """None, so that others look for it; ModuleNotFoundError for what is not allowed."""
        top = name.partition(".")[0]
        if top in self.known and top not in self.allowed:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)


def _main() -> None:
    asked = json.loads(sys.stdin.read())
    from wholefit.artifact.dependencies.installed import providers

    sys.meta_path.insert(0, _Only({*asked["modules"], "wholefit"}, set(providers())))
    begun = time.perf_counter()
    found: dict[str, Any] = {"answered": False}
    try:
        found["answered"] = _answer(asked["path"], asked["row"])
    except Exception as error:
        found["missing"] = _missing(error)
        found["why"] = f"{type(error).__name__}: {error}"[:300]
    found |= {"peak": peak(), "seconds": round(time.perf_counter() - begun, 3)}
    sys.stdout.write(f"\n{_BEGINS}{json.dumps(found)}\n")


def _missing(error: BaseException | None) -> str:
    """The module that could not be imported, wherever in the chain of errors that is said."""
    while error is not None:
        if isinstance(error, ImportError):
            return (error.name or "a library").partition(".")[0]
        error = error.__cause__ or error.__context__
    return ""


def _answer(path: str, row: dict[str, Any] | None) -> bool:
    """Serve the model as an image does, and ask it the row; False where there is none to ask."""
    from wholefit.api.serving import serve

    server = serve(path, port=0, wait=False)
    assert server is not None
    with server:
        if row is None:
            return False
        asked = urllib.request.Request(f"{server.url}{ROUTES['predict']}", json.dumps(row).encode(),
                                       {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
                return bool(json.load(answer))
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("detail", error.reason)) from error


if __name__ == "__main__":
    _main()
