"""Optional libraries: one function does every optional import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from types import ModuleType

from wholefit.base.errors import MissingExtraError


def need(module: str, *, extra: str, user: str) -> ModuleType:
    """Import `module`, or raise an error that says who needs it and what to install.

    Parameters: `module` dotted name; `extra` the extra of wholefit that brings it;
    `user` the thing that needs it, as the user knows it ("CatBoost", "reading Excel").
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        if importlib.util.find_spec(module.partition(".")[0]) is not None:
            raise MissingExtraError(
                f"{user} needs {module}, which is installed but fails to import: {error}"
            ) from error
        raise MissingExtraError(
            f"{user} needs {missing}, which is not installed: pip install 'wholefit[{extra}]'",
            name=missing,
        ) from error


def wake(module: str, *, without: str) -> None:
    """Import `module` for the first time while pretending that `without` is not installed.

    scikit-learn imports pandas, if it is there, into a name that it never uses (1.7 to 1.9):
    45 MB and a third of a second, in a library that asks for arrays only. Code that hands
    pandas frames to scikit-learn is not touched: that looks for pandas when a frame comes.
    Where another thread runs, which might want `without` meanwhile, nothing is pretended.
    """
    patient()
    if module in sys.modules or without in sys.modules or threading.active_count() > 1:
        importlib.import_module(module)
        return
    sys.modules[without] = None  # type: ignore[assignment]
    try:
        importlib.import_module(module)
    finally:
        del sys.modules[without]


def patient() -> None:
    """Let OpenMP's threads that wait sleep sooner; to be said before it is loaded.

    GNU OpenMP's own patience is 300,000 spins: a thread that waits for one whose core is busy
    elsewhere spins for milliseconds. With 3,000, LightGBM on two cores, one of them busy, took a
    quarter to six tenths of the time; on an idle machine a tenth more at most. With 300 threads
    fall asleep between two short loops and must be woken: on an idle machine LightGBM took 3 to 20
    times as long (`python -m benchmarks.waiting`). What the user's environment says of it holds.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")


def available(module: str) -> bool:
    """True if `module` could be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
