"""What is known of items (or users) beside who met them: a table of attributes and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.base.errors import ArtifactError, DataError, unknown
from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.data import Dataset, Note, _cells
from wholefit.data.notes import info, some, warning
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, changed
from wholefit.models._kernels.recommenders_rows import kept, read_rows
from wholefit.training.recommendation._ids import Ids

_TITLES = ("title", "name", "description", "label", "movie_title", "film", "product",
           "product_name", "item_name")
# A column of so many different texts, most of several words, is text, whatever it looks like.
_MANY, _SPACED = 4, 0.5
_MOST_FEATURES = 10_000_000


@dataclass(frozen=True, eq=False)
class Described:
    """A table with one row an item: `key` names its column of ids, `called` that of titles."""

    dataset: Dataset
    key: str
    labels: list[str]
    called: str | None
    notes: list[Note]

    def learn(
        self, ids: Ids, known: np.ndarray, changes: Mapping[str, Any], seed: int
    ) -> Features:
        """The encoder of the columns, learnt on the rows of `known` items (codes) alone."""
        rows = self._rows(ids)
        learnt = np.unique(rows[known])
        learnt = learnt[learnt >= 0]
        encoder = Encoder(changed(Encoding(scale="standard", rare=0.0), changes), seed=seed)
        encoder.fit(self.dataset, learnt if len(learnt) else None)
        return Features(encoder, _spread(encoder, self.dataset, rows))

    def titles(self, ids: Ids) -> list[str] | None:
        """What each item is called, or None where the table has no such column."""
        if self.called is None:
            return None
        said = _cells.to_labels(self.dataset.frame.get_column(self.called).alias("column"))
        return _titled(said.to_list(), self._rows(ids), ids)

    def _rows(self, ids: Ids) -> np.ndarray:
        """The row of each code in the table, -1 where it has none."""
        place = {label: row for row, label in enumerate(self.labels)}
        return np.fromiter((place.get(label, -1) for label in ids.labels), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Features:
    """An encoder and the CSR matrix (codes, features) that it made; unknown rows are empty."""

    encoder: Encoder
    matrix: Any

    @property
    def names(self) -> list[str]:
        """One name a feature."""
        return list(self.encoder.names)

    def states(self, role: str) -> dict[str, State]:
        """What must be kept to learn anew from the same features, and to describe new items."""
        made = self.matrix
        return {f"{role}_encoder": self.encoder.state(),
                f"{role}_features": State("features", {"width": int(made.shape[1])},
                                          kept("features", made, np.float64))}


def read_features(state: State) -> Any:
    """The CSR (codes, features) that `Features.states` wrote; ArtifactError if it was altered."""
    width = state.config["width"]
    if type(width) is not int or not 0 < width <= _MOST_FEATURES:
        raise ArtifactError("the model file's table of what items are like cannot be read: it was "
                            "altered; save the model anew.")
    return read_rows(state, "features", width)


def described(source: Any, ids: Ids, column: str, role: str, called: str | None) -> Described:
    """The table `source` as one row an item (or user), known by the ids that `ids` holds.

    Its column of ids is the one called like `column`, else the one that holds most of them.
    """
    table = data.read(source)
    frame = table.frame
    if not frame.height or not frame.width:
        raise DataError(f"{role}s= ({table.source}) must have rows; it has none.")
    key = _key(frame, ids, column, f"{role}s= ({table.source})")
    labels = _cells.to_labels(frame.get_column(key).alias("column"))
    keep = (labels.is_not_null() & labels.is_first_distinct()).to_numpy()
    notes = [note for note in table.notes if note.severity == "warning"]
    if not keep.all():
        extra = int((~keep).sum())
        notes.append(warning(f"{role}_rows", f"{role}s= ({table.source}): {counted(extra, 'row')} "
                             f"without an id, or with one that an earlier row has: left out "
                             f"(rows {some((np.flatnonzero(~keep)[:20] + 1).tolist())}).",
                             count=extra))
    frame, labels = frame.filter(pl.Series(keep)), labels.filter(pl.Series(keep))
    if frame.width < 2:
        raise DataError(f"{role}s= ({table.source}) must have a column beside {key!r} that says "
                        f"something of each {role}; it has none.")
    known = set(labels.to_list())
    absent = sum(label not in known for label in ids.labels)
    if absent:
        notes.append(info(f"{role}_unknown", f"{counted(absent, role)} of {len(ids):,} not in "
                          f"{role}s= ({table.source}): nothing is known of what they are like.",
                          count=absent))
    return Described(_dataset(frame.drop(key), table.source), key, labels.to_list(),
                     _called(frame.drop(key), called, role), notes)


def titles_of_rows(frame: pl.DataFrame, item: str, called: str, ids: Ids) -> list[str]:
    """Titles from a column of the rows themselves: of each item the one that it has most often."""
    if called not in frame.columns:
        raise unknown("column", called, frame.columns)
    labels = _cells.to_labels(frame.get_column(item).alias("column"))
    said = _cells.to_labels(frame.get_column(called).alias("column"))
    pairs = pl.DataFrame({"id": labels, "said": said.str.strip_chars()}).drop_nulls()
    often = pairs.filter(pl.col("said") != "").group_by("id", "said", maintain_order=True).len()
    first = often.sort("len", descending=True, maintain_order=True).unique(
        "id", keep="first", maintain_order=True).select("id", "said")
    found = dict(first.iter_rows())
    return [found.get(label, label) for label in ids.labels]


def _titled(said: list[str | None], rows: np.ndarray, ids: Ids) -> list[str]:
    return [(said[row] if row >= 0 else None) or label
            for row, label in zip(rows.tolist(), ids.labels, strict=True)]


def _key(frame: pl.DataFrame, ids: Ids, column: str, where: str) -> str:
    if column in frame.columns:
        return column
    known = set(ids.labels)
    best, most = None, 0.0
    for name in frame.columns:
        labels = _cells.to_labels(frame.get_column(name).alias("column"))
        held = len(known.intersection(labels.to_list())) / max(len(known), 1)
        if held > most:
            best, most = name, held
    if best is None or most < 0.5:
        raise DataError(f"{where} must have a column {column!r} of the same ids as the rows "
                        f"learnt from; it has {', '.join(map(repr, frame.columns[:10]))}. Rename "
                        "the one that holds them.")
    return best


def _called(frame: pl.DataFrame, called: str | None, role: str) -> str | None:
    if role != "item":
        return None
    if called is not None:
        return called if called in frame.columns else None
    lower = {name.lower(): name for name in reversed(frame.columns)}
    return next((lower[word] for word in _TITLES if word in lower), None)


def _dataset(frame: pl.DataFrame, source: str) -> Dataset:
    """The table with roles: what holds several words is text, even where no two are the same."""
    made = data.dataset_of(frame)
    texts = {}
    for column in made.schema.columns:
        cells = frame.get_column(column.name).alias("column")
        wordy = column.role in ("identifier", "categorical") and column.distinct >= _MANY
        if wordy and cells.dtype == pl.String:
            spaced = cells.drop_nulls().str.contains(r"\S[\s,;|]+\S").mean()
            if spaced is not None and float(spaced) >= _SPACED:  # type: ignore[arg-type]
                texts[column.name] = "text"
    if not texts and not made.schema.features:
        texts = {name: "text" for name in frame.columns if frame[name].dtype == pl.String}
    schema = made.schema.with_role(texts) if texts else made.schema
    if not schema.features:
        raise DataError(f"{source} must have a column that says something of each row; "
                        + "; ".join(f"{c.name!r} is {c.role} ({c.reason})"
                                    for c in schema.columns[:5]) + ".")
    return made.with_schema(schema)


def _spread(encoder: Encoder, dataset: Dataset, rows: np.ndarray) -> Any:
    """CSR (codes, features): the row of each code, empty where it has none."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(encoder.transform(dataset), dtype=np.float64)
    known = np.flatnonzero(rows >= 0)
    pick = csr_matrix((np.ones(len(known)), (known, rows[known])),
                      shape=(len(rows), matrix.shape[0]))
    made = csr_matrix(pick @ matrix)
    made.sort_indices()
    return made
