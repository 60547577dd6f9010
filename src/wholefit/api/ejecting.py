"""`result.eject`: the model as a plain script, run and held against the model on rows given."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wholefit import data
from wholefit.api import _answers
from wholefit.api.replaying import _of_result as of_result
from wholefit.artifact import eject as ejecting
from wholefit.artifact.exports.parity import difference
from wholefit.base.errors import ExportError
from wholefit.training.replaying import again

_PATIENCE = 3600
# numbers closer than this share of the largest count as the same prediction
_SAME = 1e-6


@dataclass(frozen=True)
class Ejected:
    """The script, and how its answers compare with the model's.

    `rows` were answered by both, after the script had trained itself; `most` is the largest
    difference of probabilities, or of numbers divided by the largest of them, and `agreement` the
    share of rows with the same prediction. All are None where the script was not run.
    """

    path: Path
    lines: int
    rows: int | None = None
    most: float | None = None
    agreement: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "path": str(self.path)}

    def to_text(self) -> str:
        """In a sentence or two."""
        first = f"{self.path}: {self.lines} lines of plain Python."
        if self.rows is None:
            return (f"{first} It was not run: give the rows that the model learnt from (rows=, "
                    "--rows) to have it trained and compared.")
        return (f"{first} Trained by itself, it gives {100 * (self.agreement or 0):.6g} % of "
                f"{self.rows:,} rows the same prediction; largest difference {self.most:.2g}.")

    def __str__(self) -> str:
        return self.to_text()


def ejected(
    result: Any, path: str | Path, rows: Any, force: bool, options: dict[str, Any]
) -> Ejected:
    """See `Result.eject`."""
    path = Path(path)
    facts = result._facts
    origin = ejecting.Origin(facts.model["name"], dict(facts.model["params"]), facts.lineage)
    folds = None
    if rows is not None and ejecting.is_folded(result._fitted):
        folds = _folds(result, rows, options)
    text = ejecting.script(result._fitted, origin, path.name, folds)
    if path.exists() and not force:
        raise ExportError(f"{path} exists: choose another path, or say force=True (--force).")
    found = Ejected(path, text.count("\n"))
    if rows is not None:
        found = _compared(result, text, rows, options, found)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error
    return found


def _folds(result: Any, rows: Any, options: dict[str, Any]) -> np.ndarray:
    """The fold of each row that a blend learnt from, dealt again as its fit dealt them."""
    before = of_result(result)
    asked = before.asked
    special = {"groups" if role == "group" else "weights" if role == "weight" else role: name
               for role, name in asked.special.items()}
    _, reading = _answers.asked_for(options)
    dataset = data.load(rows, roles=dict(asked.roles), **special, **{**asked.reading, **reading})
    words = again.options_of(asked, before.script, {})
    return ejecting.folds_of(dataset, result._fitted.task, words, before.script,
                             result._facts.lineage)


def _compared(
    result: Any, text: str, rows: Any, options: dict[str, Any], found: Ejected
) -> Ejected:
    """The script run on the rows, which it learns from and answers."""
    fitted = result._fitted
    asked = _answers.dataset(fitted, rows, options, with_target=True)
    ours = fitted.answer(asked)
    names = [name for name in fitted.schema.names if name in asked.original.columns]
    with tempfile.TemporaryDirectory(prefix="wholefit-eject-") as folder:
        script, table = Path(folder, "script.py"), Path(folder, "rows.parquet")
        script.write_text(text, encoding="utf-8")
        asked.original.select(names).write_parquet(table)
        answers = _run(script, _itself(rows) or table, table)
    theirs = np.array([[float(cell) for cell in row[ours.ndim - 1:]] for row in answers])
    theirs = theirs if ours.ndim == 2 else theirs[:, 0]
    scale = 1.0 if ours.ndim == 2 else float(np.abs(ours).max(initial=0.0)) or 1.0
    apart = difference(ours, theirs) / scale
    if ours.ndim == 1:
        same = apart <= _SAME
    else:
        said = fitted.codec.decode(fitted.decided(ours, asked))
        same = np.array([str(label) == row[0] for label, row in zip(said, answers, strict=True)])
    return replace(found, rows=len(ours), most=float(apart.max(initial=0.0)),
                   agreement=float(np.mean(same)))


def _itself(rows: Any) -> Path | None:
    """The file that the script can read as it lies there, if `rows` names one."""
    path = Path(rows) if isinstance(rows, (str, Path)) and str(rows) != "-" else None
    known = path is not None and path.suffix in (".csv", ".parquet") and path.is_file()
    return path.absolute() if path is not None and known else None


def _run(script: Path, learnt: Path, asked: Path) -> list[list[str]]:
    command = [sys.executable, str(script), str(learnt), str(asked)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_PATIENCE, check=False, cwd=script.parent,
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONPATH": ""})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"the ejected script could not be run: {error}.") from error
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()[-600:]
        raise ExportError(f"the ejected script failed: {why}")
    return list(csv.reader(io.StringIO(done.stdout.decode())))[1:]
