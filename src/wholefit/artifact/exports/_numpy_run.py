"""A program answered in numpy: rows of plain Python values in, probabilities or numbers out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from wholefit.artifact.exports import _numpy_models, _numpy_ops
from wholefit.artifact.exports._program import Column, Program, Reg, Table, Words
from wholefit.base.errors import SchemaError

_CHUNK = 4096
_MISSING = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "nat", "?",
                      "-", "--", ".", "missing"))
_TRUTH = {**dict.fromkeys(("true", "t", "yes", "y", "1", "1.0", "on"), 1.0),
          **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", "off"), 0.0)}
_EPOCH = datetime(1970, 1, 1)
_FORMS = ("%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
          "%Y/%m/%d %H:%M:%S", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%Y%m%d")


class Scorer:
    """Answers with a program; `classes` are its labels, empty where it answers a number."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.classes = program.classes
        self.columns = [cell.name for cell in program.columns]
        self._steps = [(_operation(op.name), op.out.at, slice(op.start, op.start + op.width),
                        [self._constant(arg) for arg in op.args]) for op in program.ops]
        self._places: dict[int, dict[str, int]] = {}

    def answer(self, rows: Any) -> np.ndarray:
        """Probabilities (n, classes) or numbers (n,) for rows, in order.

        `rows`: a list of dicts, or a dict of columns. SchemaError where a column is absent or a
        cell is not of its kind.
        """
        cells = Cells(self.program, rows)
        parts = [self._chunk(cells.part(at, at + _CHUNK))
                 for at in range(0, max(len(cells), 1), _CHUNK)]
        found = np.concatenate(parts)
        return found if self.classes or found.shape[1] != 1 else found[:, 0]

    def predict(self, rows: Any) -> np.ndarray:
        """The label (n,) decided for each row, or the number."""
        found = self.answer(rows)
        if not self.classes:
            return found
        return np.asarray(self.classes, dtype=object)[self.codes(found)]

    def codes(self, shares: np.ndarray) -> np.ndarray:
        """Places (n,) of the labels decided for probabilities (n, classes)."""
        rule = self.program.rule
        if rule is None:
            return shares.argmax(axis=1)
        if "costs" in rule:
            return (shares @ np.array(rule["costs"])).argmin(axis=1)
        yes = int(rule["positive"])
        return np.where(shares[:, yes] >= rule["threshold"], yes, 1 - yes)

    def _chunk(self, cells: Cells) -> np.ndarray:
        size = len(cells)
        made: dict[int, np.ndarray] = {}
        for function, out, span, args in self._steps:
            if out not in made:
                made[out] = np.zeros((size, self.program.registers[out].width))
            given = [made[arg.at] if isinstance(arg, Reg) else arg for arg in args]
            function(cells, made[out][:, span], *given)
        return made[self.program.answer.at]

    def _constant(self, arg: Any) -> Any:
        if isinstance(arg, Table):
            return self.program.tables[arg.at]
        if isinstance(arg, Words):
            return self.program.words[arg.at]
        return arg.at if isinstance(arg, Column) else arg


def _operation(name: str) -> Any:
    return getattr(_numpy_ops, name, None) or getattr(_numpy_models, name)


class Cells:
    """The columns that a program reads, brought to their kinds once."""

    def __init__(self, program: Program, rows: Any) -> None:
        self._program = program
        read = set()
        for op in program.ops:
            read |= {arg.at for arg in op.args if isinstance(arg, Column)}
            if op.name == "numbers":
                read |= set(program.tables[op.args[0].at].tolist())
        columns = _by_column(rows, [program.columns[at].name for at in sorted(read)])
        self._columns = {at: _converted(columns[program.columns[at].name], program.columns[at])
                         for at in sorted(read)}
        self._size = _size(rows)

    def __len__(self) -> int:
        return self._size

    def part(self, start: int, stop: int) -> Cells:
        """Some of the rows."""
        made = Cells.__new__(Cells)
        made._program = self._program
        made._columns = {at: column[start:stop] for at, column in self._columns.items()}
        made._size = min(stop, self._size) - start
        return made

    def floats(self, column: int) -> np.ndarray:
        """Numbers, truth values or times of a column, NaN where missing."""
        return np.asarray(self._columns[column], np.float64)

    def words(self, column: int) -> list[str | None]:
        """Names or texts of a column."""
        return self._columns[column]

    def places(self, column: int, words: list[str], other: float, missing: float) -> list[float]:
        """The place of each cell's word; `other` for an unknown one, `missing` for none."""
        known: dict[str | None, float] = {word: at for at, word in enumerate(words)}
        known[None] = missing
        return [known.get(word, other) for word in self._columns[column]]


def _size(rows: Any) -> int:
    if isinstance(rows, Mapping):
        return max((len(column) for column in rows.values()), default=0)
    return len(rows)


def _by_column(rows: Any, names: Iterable[str]) -> dict[str, Sequence[Any]]:
    found: dict[str, Sequence[Any]] = {}
    for name in names:
        try:
            found[name] = rows[name] if isinstance(rows, Mapping) else [row[name] for row in rows]
        except (KeyError, TypeError):
            raise SchemaError(f"every row must have column {name!r}: add it, empty (None) where "
                              "it is not known.") from None
    if len({len(column) for column in found.values()}) > 1:
        raise SchemaError("columns must be of one length.")
    return found


def _converted(cells: Sequence[Any], cell: Any) -> list[Any]:
    change = _CHANGES[cell.kind]
    spelt = {level.lower(): level for level in cell.levels if level.lower() in ("true", "false")}
    found = []
    for at, value in enumerate(cells):
        if isinstance(value, np.generic):
            value = value.item()
        try:
            made = change(value)
        except (TypeError, ValueError, OverflowError):
            raise SchemaError(f"column {cell.name!r} must hold a {cell.kind}; got {value!r:.80} "
                              f"(row {at + 1}).") from None
        if isinstance(value, bool) and cell.kind == "level":
            made = spelt.get(str(made), made)
        found.append(made)
    return found


def _number(value: Any) -> float:
    if isinstance(value, str):
        text = value.strip()
        return math.nan if text.lower() in _MISSING else float(text)
    return math.nan if value is None else float(value)


def _truth(value: Any) -> float:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _MISSING:
            return math.nan
        if text not in _TRUTH:
            raise ValueError(text)
        return _TRUTH[text]
    return _number(value)


def _label(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def _micros(value: Any) -> float:
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _MISSING:
            return math.nan
        value = _parsed(text)
    if value is None or (isinstance(value, float) and value != value):
        return math.nan
    if isinstance(value, datetime):
        apart = value.replace(tzinfo=None) - _EPOCH
        return (apart.days * 86_400 + apart.seconds) * 1e6 + apart.microseconds
    if isinstance(value, date):
        return (value - _EPOCH.date()).days * 86_400e6
    return float(value)  # microseconds since 1970


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        for form in _FORMS:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
    raise ValueError(text)


_CHANGES = {"number": _number, "truth": _truth, "level": _label, "text": _label,
            "time": _micros}
