"""Which labels there are, and which rows hold them: several columns of two values, or one of sets.

A cell of sets is text such as "red; round", or a JSON array such as ["red", "round"] (which is
what lists in a table become); an empty cell is an empty set. A missing cell of a column of two
values is a label that is not known of that row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from wholefit.base import tasks
from wholefit.base.errors import DataError, SchemaError, WholefitError
from wholefit.base.wording import counted
from wholefit.data import Dataset, Note
from wholefit.data.notes import info, warning

SEPARATORS = (";", "|", ",")
_NAMED = 8


@dataclass(frozen=True)
class Labels:
    """The labels in order, and how they are written.

    `values` are (no, yes) of each label's column; none where `column` is the one column of sets,
    whose cells are parted by `separator` ("json" for arrays).
    """

    names: tuple[str, ...]
    values: tuple[tuple[Any, Any], ...] = ()
    column: str | None = None
    separator: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back."""
        return {"names": list(self.names), "values": [list(pair) for pair in self.values],
                "column": self.column, "separator": self.separator}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Labels:
        """Read back what `to_json` wrote; ValueError where its parts do not belong together."""
        made = cls(tuple(map(str, stored["names"])),
                   tuple((no, yes) for no, yes in stored["values"]),
                   None if stored["column"] is None else str(stored["column"]),
                   str(stored["separator"]))
        if len(set(made.names)) != len(made.names) or not made.names:
            raise ValueError("its labels must be different, and at least one")
        if (made.column is None) != (len(made.values) == len(made.names)):
            raise ValueError("each label must have its two values, or a set's column none")
        return made

    def truth(self, frame: pl.DataFrame) -> np.ndarray:
        """Who holds what, (n, labels): 1, 0, or NaN where not known.

        SchemaError where a column is absent; labels that were not learnt are passed over.
        """
        wanted = [self.column] if self.column is not None else list(self.names)
        absent = [name for name in wanted if name not in frame.columns]
        if absent:
            raise SchemaError(f"rows to be judged must have the labels' column {absent[0]!r}; it "
                              "is not there.")
        if self.column is not None:
            return _held(_sets(frame.get_column(self.column), self.separator), self.names)
        return np.column_stack([
            _twofold(frame.get_column(name), *pair)
            for name, pair in zip(self.names, self.values, strict=True)])

    def written(self, held: np.ndarray) -> dict[str, Any]:
        """Decided labels (n, labels) as columns in the form that the rows had them in."""
        if self.column is None:
            return {name: pl.Series([pair[1] if yes else pair[0] for yes in held[:, at].tolist()])
                    for at, (name, pair) in enumerate(zip(self.names, self.values, strict=True))}
        sets = [[name for name, yes in zip(self.names, row, strict=True) if yes]
                for row in held.tolist()]
        if self.separator == "json":
            return {self.column: [json.dumps(each, ensure_ascii=False) for each in sets]}
        glue = self.separator + (" " if self.separator in SEPARATORS else "")
        return {self.column: [glue.join(each) for each in sets]}

    def without(self, keep: np.ndarray) -> Labels:
        """Those of the mask (labels,)."""
        chosen = np.flatnonzero(keep)
        return replace(self, names=tuple(self.names[at] for at in chosen),
                       values=tuple(self.values[at] for at in chosen) if self.values else ())


@dataclass(frozen=True, eq=False)
class Known:
    """Labels, who holds them (n, labels), how they were read in words, and notes."""

    labels: Labels
    truth: np.ndarray
    said: str
    notes: tuple[Note, ...] = ()


def known(
    dataset: Dataset, separator: str | None, least: int, most: int
) -> Known:
    """The labels of the columns of that role, and who holds them.

    Labels held, or not held, by fewer than `least` rows are left out and noted, and so are all
    but the `most` frequent. DataError where fewer than two are left.
    """
    names = dataset.schema.having("labels")
    if not names:
        raise DataError("multilabel needs to know its labels: say target= a list of columns, or "
                        "the one column that holds sets of them.")
    if len(names) == 1:
        labels, truth = _of_sets(dataset, names[0], separator)
        how = f"column {names[0]!r} holds sets of them"
    else:
        if separator is not None:
            raise DataError("separator= parts the sets of one column; there are "
                            f"{len(names)} columns of labels: leave it out.")
        labels, truth = _of_columns(dataset, names)
        how = "each is a column"
    labels, truth, notes = _enough(labels, truth, least, most)
    said = f"{len(labels)} labels, {how}: {_some(labels.names)}"
    return Known(labels, truth, said, (*notes, *_unknown(truth)))


def _of_columns(dataset: Dataset, names: Sequence[str]) -> tuple[Labels, np.ndarray]:
    """Every column must have two values; which of them says yes is settled as for a target."""
    pairs = [_pair(dataset.frame.get_column(name)) for name in names]
    labels = Labels(tuple(names), tuple(pairs))
    return labels, labels.truth(dataset.frame)


def _pair(column: pl.Series) -> tuple[Any, Any]:
    """The values of a column that say no and yes."""
    values = column.drop_nulls().unique()
    if len(values) > 2:
        raise DataError(
            f"label {column.name!r} must have two values; got {len(values):,}, such as "
            f"{', '.join(repr(value) for value in values.sort().head(3).to_list())}. A column of "
            f"classes is predicted by itself: target={column.name!r}.")
    codec: Any
    try:
        codec = tasks.get("classification").codec(column.name, values.sort().to_numpy())
    except WholefitError:
        raise DataError(f"label {column.name!r} must have two values; it has {len(values)}: there "
                        "is nothing to tell apart. Leave it out.") from None
    return codec.classes[1 - codec.positive], codec.classes[codec.positive]


def _twofold(column: pl.Series, no: Any, yes: Any) -> np.ndarray:
    """1 where it says yes, 0 where no, NaN where missing; DataError for another value."""
    found = np.full(len(column), np.nan)
    names = {_word(no): 0.0, _word(yes): 1.0}
    for at, value in enumerate(column.to_list()):
        if value is None or value != value or value == "":
            continue
        if _word(value) not in names:
            raise DataError(f"label {column.name!r} must be {no!r} or {yes!r}; got {value!r} in "
                            f"row {at + 1}.")
        found[at] = names[_word(value)]
    return found


def _word(value: Any) -> str:
    """A value as it is compared: 1, 1.0, True and "1" are one."""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return {"true": "1", "false": "0"}.get(value.strip().lower(), value.strip())


def _of_sets(
    dataset: Dataset, name: str, separator: str | None
) -> tuple[Labels, np.ndarray]:
    column = dataset.frame.get_column(name)
    glue = separator or _separator(column)
    sets = _sets(column, glue)
    held = Counter(label for each in sets for label in each)
    names = tuple(sorted(held))
    if not names:
        raise DataError(f"column {name!r} must hold labels; every cell of it is empty.")
    return Labels(names, (), name, glue), _held(sets, names)


def _separator(column: pl.Series) -> str:
    """What parts the labels of a cell: that which most cells have."""
    cells = column.drop_nulls().cast(pl.String)
    if len(cells) and all(cell.startswith("[") for cell in cells.head(100).to_list()):
        return "json"
    found = {glue: int(cells.str.contains(glue, literal=True).sum()) for glue in SEPARATORS}
    best = max(found, key=lambda glue: found[glue])
    if not found[best]:
        raise DataError(
            f"column {column.name!r} must hold sets of labels, parted by one of "
            f"{' '.join(SEPARATORS)}, or JSON arrays; no cell does. Say separator=, name several "
            f"columns, or leave task= out to predict it as a class: target={column.name!r}.")
    return best


def _sets(column: pl.Series, separator: str) -> list[list[str]]:
    """The labels of each cell."""
    found: list[list[str]] = []
    for at, cell in enumerate(column.cast(pl.String).to_list()):
        if cell is None or not cell.strip():
            found.append([])
        elif separator == "json":
            found.append(_array(cell, column.name, at))
        else:
            found.append([part for part in map(str.strip, cell.split(separator)) if part])
    return found


def _array(cell: str, name: str, at: int) -> list[str]:
    try:
        held = json.loads(cell)
    except ValueError:
        held = None
    if not isinstance(held, list):
        raise DataError(f"column {name!r} must hold lists of labels; got {cell[:40]!r} in row "
                        f"{at + 1}.")
    return [str(each).strip() for each in held if each is not None and str(each).strip()]


def _held(sets: Sequence[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    code = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(sets), len(names)))
    for row, each in enumerate(sets):
        for label in each:
            if label in code:
                found[row, code[label]] = 1.0
    return found


def _enough(
    labels: Labels, truth: np.ndarray, least: int, most: int
) -> tuple[Labels, np.ndarray, list[Note]]:
    """Labels that can be learnt and judged."""
    yes, no = (truth == 1).sum(axis=0), (truth == 0).sum(axis=0)
    rare = np.minimum(yes, no) < least
    notes = []
    if rare.any():
        gone = [labels.names[at] for at in np.flatnonzero(rare)]
        notes.append(warning(
            "labels_rare", f"{counted(len(gone), 'label')} held, or not held, by fewer than "
            f"{least} rows cannot be learnt and judged: left out ({_some(gone)}).",
            count=len(gone)))
    keep = ~rare
    if keep.sum() > most:
        order = np.argsort(-np.where(keep, np.minimum(yes, no), -1), kind="stable")
        keep = np.isin(np.arange(len(yes)), order[:most])
        notes.append(warning(
            "labels_many", f"only the {most} most frequent labels are learnt, of "
            f"{int((~rare).sum())}: say most= to learn more.", count=int((~rare).sum()) - most))
    if keep.sum() < 2:
        raise DataError(
            f"multilabel needs at least 2 labels that {least} rows hold and {least} do not; there "
            f"{'is' if keep.sum() == 1 else 'are'} {int(keep.sum())} of {len(yes)}. Predict one "
            "label by itself: target= its column.")
    return labels.without(keep), truth[:, keep], notes


def _unknown(truth: np.ndarray) -> list[Note]:
    missing = np.isnan(truth)
    if not missing.any():
        return []
    return [info("labels_unknown", f"{missing.mean():.1%} of all labels of rows are not known: "
                 "each is learnt from the rows where it is.", count=int(missing.sum()))]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(map(repr, names[:_NAMED])) + (f" and {rest} more" if rest > 0 else "")
