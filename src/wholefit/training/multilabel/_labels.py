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
from wholefit.base.errors import DataError, SchemaError
from wholefit.base.wording import counted
from wholefit.data import Dataset, Note
from wholefit.data.notes import info, warning

SEPARATORS = (";", "|", ",")
_NAMED, _REMEMBERED = 8, 5000


@dataclass(frozen=True)
class Labels:
    """The labels in order, and how they are written.

    `values` are (no, yes) of each label's column; none where `column` is the one column of sets,
    whose cells are parted by `separator` ("json" for arrays). `others` were seen in sets and not
    learnt.
    """

    names: tuple[str, ...]
    values: tuple[tuple[Any, Any], ...] = ()
    column: str | None = None
    separator: str = ""
    others: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back."""
        return {"names": list(self.names), "values": [list(pair) for pair in self.values],
                "column": self.column, "separator": self.separator,
                "others": list(self.others)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Labels:
        """Read back what `to_json` wrote; ValueError where its parts do not belong together."""
        made = cls(tuple(map(str, stored["names"])),
                   tuple((no, yes) for no, yes in stored["values"]),
                   None if stored["column"] is None else str(stored["column"]),
                   str(stored["separator"]), tuple(map(str, stored["others"])))
        if len(set(made.names)) != len(made.names) or not made.names:
            raise ValueError("its labels must be different, and at least one")
        if (made.column is None) != (len(made.values) == len(made.names)):
            raise ValueError("each label must have its two values, or a set's column none")
        for no, yes in made.values:
            if type(no) is not type(yes) or type(no) not in _DTYPES or _word(no) == _word(yes):
                raise ValueError("a label's two values must be different texts, numbers or truths")
        return made

    def truth(self, frame: pl.DataFrame) -> np.ndarray:
        """Who holds what, (n, labels): 1, 0, or NaN where not known.

        SchemaError where a column is absent. Labels of sets that were not learnt are passed over;
        DataError where more than half of all were never seen (of very many labels, all): they are
        written otherwise.
        """
        wanted = [self.column] if self.column is not None else list(self.names)
        absent = [name for name in wanted if name not in frame.columns]
        if absent:
            raise SchemaError(f"rows to be judged must have the labels' column {absent[0]!r}; it "
                              "is not there.")
        if self.column is not None:
            return _held(self._recognised(_sets(frame.get_column(self.column), self.separator)),
                         self.names)
        return np.column_stack([
            _twofold(frame.get_column(name), *pair)
            for name, pair in zip(self.names, self.values, strict=True)])

    def _recognised(self, sets: list[list[str]]) -> list[list[str]]:
        """The sets, where they hold the labels that were seen in training."""
        seen = {*self.names, *self.others}
        met = [label for each in sets for label in each]
        strange = [label for label in met if label not in seen]
        sure = len(self.others) < _REMEMBERED or len(strange) == len(met)
        if sure and len(strange) * 2 > len(met):
            raise DataError(
                f"column {self.column!r} holds labels that training did not have, such as "
                f"{strange[0][:60]!r}: sets must be written as they were, "
                + ("as JSON arrays or lists." if self.separator == "json" else
                   f"parted by {self.separator!r}."))
        return sets

    def written(self, held: np.ndarray) -> dict[str, Any]:
        """Decided labels (n, labels) as columns in the form that the rows had them in."""
        if self.column is None:
            return {name: pl.Series([pair[1] if yes else pair[0] for yes in held[:, at].tolist()],
                                    dtype=_DTYPES[type(pair[1])])
                    for at, (name, pair) in enumerate(zip(self.names, self.values, strict=True))}
        sets = [[name for name, yes in zip(self.names, row, strict=True) if yes]
                for row in held.tolist()]
        if self.separator == "json":
            return {self.column: [json.dumps(each, ensure_ascii=False) for each in sets]}
        glue = self.separator + (" " if self.separator in SEPARATORS else "")
        return {self.column: [glue.join(each) for each in sets]}

    def without(self, keep: np.ndarray) -> Labels:
        """Those of the mask (labels,); of sets, the names of the others are remembered."""
        chosen, gone = np.flatnonzero(keep), np.flatnonzero(~keep)[:_REMEMBERED]
        names = tuple(self.names[at] for at in chosen)
        if self.column is None:
            return replace(self, names=names, values=tuple(self.values[at] for at in chosen))
        others = (*self.others, *(self.names[at] for at in gone))
        return replace(self, names=names, others=others[:_REMEMBERED])


@dataclass(frozen=True, eq=False)
class Known:
    """Labels, who holds them (n, labels), how they were read in words, and notes."""

    labels: Labels
    truth: np.ndarray
    how: str
    notes: tuple[Note, ...] = ()

    @property
    def said(self) -> str:
        """How many labels there are, how they are written, and some by name."""
        return f"{len(self.labels)} labels, {self.how}: {_some(self.labels.names)}"

    def without(self, keep: np.ndarray, why: str) -> Known:
        """Those of the mask (labels,), and a note that says `why` the others are left out."""
        gone = [self.labels.names[at] for at in np.flatnonzero(~keep)]
        note = warning("labels_unjudged", f"{counted(len(gone), 'label')} {why}: left out "
                       f"({_some(gone)}).", count=len(gone))
        if keep.sum() < 2:
            raise DataError(f"multilabel needs at least 2 labels; {note.message}")
        return Known(self.labels.without(keep), self.truth[:, keep], self.how, (*self.notes, note))


def known(
    dataset: Dataset, separator: str | None, least: int, most: int
) -> Known:
    """The labels of the columns of that role, and who holds them.

    Labels held, or not held, by fewer than `least` rows are left out and noted, and so are all
    but the `most` frequent. DataError where fewer than two are left.
    """
    names = dataset.schema.having("labels")
    if separator is not None and not separator:
        raise DataError("separator= must be at least one character; got ''.")
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
    return Known(labels, truth, how, (*notes, *_unknown(truth)))


def _of_columns(dataset: Dataset, names: Sequence[str]) -> tuple[Labels, np.ndarray]:
    """Every column must have two values; which of them says yes is settled as for a target.

    A column of one value, or none, has NaN and 0 only: it is left out with the rare ones.
    """
    pairs, truth = [], []
    for name in names:
        column = dataset.frame.get_column(name)
        pair = _pair(column)
        pairs.append(pair or ("no", "yes"))
        truth.append(np.zeros(len(column)) if pair is None else _twofold(column, *pair))
    return Labels(tuple(names), tuple(pairs)), np.column_stack(truth)


def _pair(column: pl.Series) -> tuple[Any, Any] | None:
    """The values of a column that say no and yes; None where there is only one, or none."""
    if column.dtype.is_temporal():
        raise DataError(f"label {column.name!r} holds dates or times: make it 0 and 1.")
    counts = column.drop_nulls().rename("value").value_counts(sort=True)
    values: dict[str, Any] = {}
    for value in counts.get_column("value").to_list():
        plain = value.strip() if isinstance(value, str) else value
        if value == value and plain != "":
            values.setdefault(_word(plain), plain)  # of several spellings the most frequent
    if len(values) > 2:
        raise DataError(
            f"label {column.name!r} must have two values; got {len(values):,}, such as "
            f"{', '.join(repr(value) for value in sorted(values.values(), key=str)[:3])}. A column "
            f"of classes is predicted by itself: target={column.name!r}.")
    if len(values) < 2:
        return None
    two = list(values.values())
    if not isinstance(two[0], (str, bool)) and any(isinstance(each, float) for each in two):
        two = [float(each) for each in two]
    codec: Any = tasks.get("classification").codec(column.name, np.array(two, dtype=object))
    yes = _word(codec.classes[codec.positive])
    two.sort(key=lambda value: _word(value) == yes)
    return two[0], two[1]


def _twofold(column: pl.Series, no: Any, yes: Any) -> np.ndarray:
    """1 where it says yes, 0 where no, NaN where missing; DataError for another value."""
    found = np.full(len(column), np.nan)
    names = {_word(no): 0.0, _word(yes): 1.0}
    for at, value in enumerate(column.to_list()):
        if value is None or value != value or (isinstance(value, str) and not value.strip()):
            continue
        word = _word(value)
        if word not in names:
            raise DataError(f"label {column.name!r} must be {no!r} or {yes!r}; got {value!r} in "
                            f"row {at + 1}.")
        found[at] = names[word]
    return found


_DTYPES: dict[type, Any] = {str: pl.String, bool: pl.Boolean, int: pl.Int64, float: pl.Float64}


def _word(value: Any) -> str:
    """A value as it is compared: 1, 1.0, True and "1" are one, and so are "Yes" and "yes "."""
    if isinstance(value, str):
        said = value.strip().casefold()
        said = {"true": "1", "false": "0"}.get(said, said)
        try:
            value = float(said)
        except ValueError:
            return said
    return repr(float(value)) if isinstance(value, (bool, int, float)) else str(value)


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
    cells = column.drop_nulls().cast(pl.String).str.strip_chars()
    cells = cells.filter(cells != "")
    arrays = int((cells.str.starts_with("[") & cells.str.ends_with("]")).sum())
    if arrays and arrays == len(cells):
        return "json"
    if arrays:
        raise DataError(
            f"column {column.name!r} must hold sets of labels that are all written alike; "
            f"{arrays:,} of {len(cells):,} cells are arrays, and the others text. Say separator= "
            "if brackets are part of labels.")
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
