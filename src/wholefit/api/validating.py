"""`wf.expect`, `wf.validate`, `wf.drift`: what rows should be like, and whether new ones are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from wholefit import data
from wholefit.api import _answers
from wholefit.api.found import FoundResult
from wholefit.api.result import Result, load
from wholefit.base.errors import DataError
from wholefit.data import Dataset, Schema, Table
from wholefit.data import schema as schemas
from wholefit.data.validate import Expectations, Sketch, Validation, Violation, check, infer
from wholefit.data.validate.of_schema import of_schema
from wholefit.data.validate.validation import ordered
from wholefit.evaluation import drift as drifting
from wholefit.evaluation.drift import Drift, Options

_NO_SKETCH = ("drift: the model file carries no sketch of the rows it was fitted on (it was "
              "written before they were kept, or the model was adopted); compare with those rows: "
              "against=, or wf.drift")
_HINT = ("The expectations were inferred: `wholefit expect` (wf.expect) of {} writes them to a "
         "file that can be edited, with the places named above.")


def expect(
    source: Any, target: str | None = None, *, roles: Mapping[str, str] | str | Path | None = None,
    confidence: float = 0.99, rules: bool = True, **reading: Any,
) -> Expectations:
    """What rows like those of `source` should be like, inferred: save it, edit it, validate by it.

    Types, missing cells, ranges, sets, lengths, patterns, keys, order, rules across columns and
    the number of rows, each with room for honest new rows. `confidence` is the chance that new
    rows of the same kind pass the checks that leave room for chance; `rules=False` looks for no
    rules across columns. `reading` goes to `wf.read`.
    """
    _answers.check_options(reading)
    table = data.read(source, **reading)
    schema = _schema(table.frame, target, roles)
    return infer(table.frame, schema, source=table.source, confidence=confidence, rules=rules)


def validate(
    new: Any, against: Any, *, target: str | None = None, strict: bool = False,
    drift: Mapping[str, Any] | bool = True, **reading: Any,
) -> Validation:
    """Hold new rows against what they should be like.

    `against` is Expectations, a TOML file of them, other rows (any source that `wf.read` reads:
    expectations are inferred from them, and drift is judged), a Result or a model file (.wf: its
    schema, and drift by the sketch of its training rows). `strict`: warnings count as errors.
    `drift`: False for none, or a dict of `evaluation.drift.Options` (level, threshold,
    correction). `reading` goes to `wf.read`, for the new rows and for others.
    """
    _answers.check_options(reading)
    known = _known(against, target, reading)
    table = _read(new, reading)
    found = check(table.frame, known.expected, source=table.source, against=known.name,
                  strict=strict, notes=table.notes)
    found = dataclasses.replace(found, hint=known.hint)
    if drift is False or not known.comparable:
        return dataclasses.replace(found, unchecked=(*found.unchecked, *known.unchecked))
    options = Options.from_dict({} if drift is True or drift is None else dict(drift))
    compared = _compared(table.frame, known, options)
    return dataclasses.replace(
        found, drift=compared, violations=ordered([*found.violations, *_as_violations(compared)]))


def drift(
    new: Any, against: Any, *, target: str | None = None, level: float = 0.05,
    threshold: float = 0.1, correction: str = "holm", whole: bool = True, **reading: Any,
) -> Drift:
    """Compare how the columns of two sets of rows are distributed, with a verdict for each.

    `against` is other rows, a Result or a model file. A column has drifted if its corrected
    p-value is below `level` and its distance, a share of rows, at least `threshold`;
    `correction` is "holm", "bonferroni", "bh" or "none". `whole=False` leaves out the test of
    the tables as a whole.
    """
    options = Options(level=level, threshold=threshold, correction=correction, whole=whole)
    _answers.check_options(reading)
    known = _known(against, target, reading, rules=False)
    if not known.comparable:
        raise DataError(f"{known.name} cannot be compared with: " + (
            _NO_SKETCH if known.unchecked else "expectations hold no distribution; give rows or "
            "a model file."))
    return _compared(_read(new, reading).frame, known, options)


@dataclass(frozen=True)
class _Known:
    """What new rows are held against: expectations, and rows or a sketch where there are any."""

    name: str
    expected: Expectations
    schema: Schema | None = None
    rows: pl.DataFrame | Sketch | None = None
    unchecked: tuple[str, ...] = ()
    hint: str = ""

    @property
    def comparable(self) -> bool:
        """True if distributions can be compared."""
        return self.rows is not None and self.schema is not None


def _known(
    against: Any, target: str | None, reading: dict[str, Any], rules: bool = True
) -> _Known:
    if isinstance(against, Expectations):
        return _Known(against.source or "expectations", against)
    if isinstance(against, (str, Path)):
        suffix = Path(against).suffix.lower()
        if suffix == ".toml":
            return _Known(Path(against).name, Expectations.load(against))
        if suffix == ".wf":
            return _of_result(load(against), Path(against).name)
    if isinstance(against, Result):
        return _of_result(against, f"the model of {against.target!r}")
    if isinstance(against, FoundResult):
        return _of_result(against, f"the {against.task} result")
    table = _read(against, reading)
    schema = _schema(table.frame, target, None)
    return _Known(table.source, infer(table.frame, schema, source=table.source, rules=rules),
                  schema, table.frame, hint=_HINT.format(table.source))


def _of_result(result: Result | FoundResult, name: str) -> _Known:
    rows = result.lineage.get("rows")
    fitted_here = isinstance(rows, int) and "adopted" not in result.lineage
    expected = of_schema(result.schema, rows if fitted_here else 0, name)  # type: ignore[arg-type]
    sketch = result._facts.sketch() if isinstance(result, Result) else result._sketch()
    return _Known(name, expected, result.schema, sketch, () if sketch else (_NO_SKETCH,),
                  _HINT.format("the model's training rows"))


def _read(source: Any, reading: dict[str, Any]) -> Table:
    if isinstance(source, Dataset):
        return Table(source.original, source.source, source.guest, list(source.notes))
    return data.read(source, **reading)


def _schema(
    frame: pl.DataFrame, target: str | None, roles: Mapping[str, str] | str | Path | None
) -> Schema:
    return schemas.infer(frame, target=target, roles=roles)


def _compared(frame: pl.DataFrame, known: _Known, options: Options) -> Drift:
    assert known.schema is not None and known.rows is not None
    return drifting.drift(frame, known.rows, known.schema, options)


def _as_violations(found: Drift) -> list[Violation]:
    """Drift as warnings: rows may change for good reasons."""
    made = [Violation(
        "drift", "warning", (shift.column,),
        f"{_kinds(shift.kind)} {shift.column!r} drifted: {shift.said} (distance "
        f"{shift.distance:.2f}, corrected p {shift.p_said})",
        "See why the rows changed; fit anew on rows like the new ones if they stay so.")
        for shift in found.shifted]
    if found.table_differs and found.table is not None:
        made.append(Violation(
            "drift", "warning", (), "the tables differ as a whole (energy distance "
            f"{found.table.statistic:.2f}, p = {found.table.p:.1g})",
            "Columns may hang together otherwise than before: compare what goes with what."))
    return made


def _kinds(kind: str) -> str:
    return {"missing": "missing cells of", "text": "the length of"}.get(kind, "column")
