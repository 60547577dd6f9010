"""A JavaScript module imported and asked, with whatever runtime is there."""

from __future__ import annotations

import json
import math
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

_RUNTIMES = {"node": (), "nodejs": (), "bun": ("run",), "deno": ("run", "--allow-read", "--quiet")}
_PATIENCE = 300
_ASK = """
import { readFileSync } from "node:fs";
const { answer, decide, labels } = await import(%s);
const { names, cells } = JSON.parse(readFileSync(%s, "utf8"));
const found = cells.map((row) => {
  const asked = Object.create(null);
  names.forEach((name, i) => { asked[name] = row[i]; });
  const given = answer(asked);
  return [given.map((v) => Number.isFinite(v) ? v : String(v)), labels.length ? decide(given) : 0];
});
console.log(JSON.stringify({ found, labels: labels.length }));
"""


def runtime() -> list[str] | None:
    """The command that runs a module: Node's, Bun's or Deno's, the first that is found."""
    for name, words in _RUNTIMES.items():
        found = shutil.which(name)
        if found:
            return [found, *words]
    return None


class Module:
    """Answers rows by a module that the JavaScript export wrote."""

    def __init__(self, path: Path) -> None:
        found = runtime()
        if found is None:
            raise ExportError("the javascript export must be run to be checked, and no JavaScript "
                              "runtime is here (node, bun or deno): install one.")
        self._command = found
        self._folder = tempfile.TemporaryDirectory(prefix="wholefit-js-")
        weakref.finalize(self, self._folder.cleanup)
        self.module = copied(path, Path(self._folder.name, "model.mjs"))

    def answer(self, frame: Any) -> np.ndarray:
        """Probabilities (n, classes) or numbers (n,) for a polars frame of conforming rows."""
        found = self._asked(frame)
        answers = np.array([[float(cell) for cell in answer] for answer, _ in found["found"]])
        return answers if found["labels"] else answers[:, 0]

    def labels(self, frame: Any) -> np.ndarray:
        """Codes (n,) of the labels that it decides for."""
        return np.array([code for _, code in self._asked(frame)["found"]])

    def _asked(self, frame: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="wholefit-js-") as folder:
            rows, ask = Path(folder, "rows.json"), Path(folder, "ask.mjs")
            rows.write_text(table(frame), encoding="utf-8")
            ask.write_text(_ASK % (json.dumps(self.module.as_uri()), json.dumps(str(rows))),
                           encoding="utf-8")
            return json.loads(_run([*self._command, str(ask)]))


def table(frame: Any) -> str:
    """A frame as JSON: the names of its columns, and the cells of each row."""
    names, cells = table_of(frame, _cell)
    return json.dumps({"names": names, "cells": cells}, allow_nan=False)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None if value != value else ("inf" if value > 0 else "-inf")
    return value


def _run(command: list[str]) -> str:
    try:
        found = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"the JavaScript module could not be run: {error}.") from error
    if found.returncode:
        why = found.stderr.decode(errors="replace").strip()[-500:]
        raise ExportError(f"the JavaScript module could not be run: {why}")
    return found.stdout.decode()
