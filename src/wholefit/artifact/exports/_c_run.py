"""A C file compiled and asked, with whatever C compiler is there."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
import weakref
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.artifact.exports._of_subject import copied, table_of
from wholefit.base.errors import ExportError

_COMPILERS = ("cc", "gcc", "clang", "tcc")
_PATIENCE = 300


def compiler() -> str | None:
    """The C compiler: what the environment variable CC names, or the first one found."""
    wanted = os.environ.get("CC", "").split()
    for name in (*wanted[:1], *_COMPILERS):
        found = shutil.which(name)
        if found:
            return found
    return None


class Compiled:
    """Answers rows by a program compiled from a file that the C export wrote."""

    def __init__(self, path: Path) -> None:
        found = compiler()
        if found is None:
            raise ExportError("the C export must be compiled to be checked, and no C compiler is "
                              "here (cc, gcc, clang, tcc, or what CC names): install one.")
        self._folder = tempfile.TemporaryDirectory(prefix="wholefit-c-")
        weakref.finalize(self, self._folder.cleanup)
        self.program = Path(self._folder.name, "scorer.exe" if os.name == "nt" else "scorer")
        text = copied(path, Path(self._folder.name, "scorer.c"))
        _run([found, "-std=c99", "-O1", "-DWF_MAIN", "-o", str(self.program), str(text), "-lm"],
             None, "compiled")

    def answer(self, frame: Any) -> np.ndarray:
        """Probabilities (n, classes) or numbers (n,) for a polars frame of conforming rows."""
        names, rows = self._table(frame)
        if names == ["prediction"]:
            return np.array([float(row[0]) for row in rows])
        return np.array([[float(cell) for cell in row[1:]] for row in rows])

    def labels(self, frame: Any) -> np.ndarray:
        """Codes (n,) of the labels that it prints."""
        names, rows = self._table(frame)
        codes = {name.removeprefix("p_"): at for at, name in enumerate(names[1:])}
        return np.array([codes[row[0]] for row in rows])

    def _table(self, frame: Any) -> tuple[list[str], list[list[str]]]:
        text = _run([str(self.program)], table(frame), "run").decode()
        names, *rows = list(csv.reader(io.StringIO(text)))
        return names, rows


def table(frame: Any) -> bytes:
    """A frame as CSV that says exactly what is in it: text is quoted, what is missing empty."""
    names, rows = table_of(frame, _cell)
    lines = [",".join(map(_cell, names)), *map(",".join, rows)]
    return ("\n".join(lines) + "\n").encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (bool, date)):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    return '"' + str(value).replace('"', '""') + '"'


def _run(command: list[str], given: bytes | None, said: str) -> bytes:
    try:
        found = subprocess.run(command, input=given, capture_output=True, timeout=_PATIENCE,
                               check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"the C file could not be {said}: {error}.") from error
    if found.returncode:
        why = found.stderr.decode(errors="replace").strip()[-500:]
        raise ExportError(f"the C file could not be {said}: {why}")
    return found.stdout
