"""A Dataset: rows, the roles of their columns, and the arrays that models ask for.

>>> table = {"age": [30, 41, None], "town": ["Ely", "Wells", "Ely"], "y": [0, 1, 0]}
>>> dataset = wholefit.data.load(table, target="y")
>>> dataset.numeric("age")
array([30., 41., nan])
>>> dataset.codes("town")
(array([0, 1, 0], dtype=int32), ['Ely', 'Wells'])
>>> len(dataset.take(np.array([2, 0])))
2

Each column is converted once, whole, when it is first asked for. A Dataset that `take` gives
keeps the arrays of the one it came from and picks its rows out of them, so a fold costs an
index, not a conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit.base import errors
from wholefit.base.spool import Filed
from wholefit.base.tasks import Codec
from wholefit.data import _cells
from wholefit.data.images import keeping
from wholefit.data.notes import Note
from wholefit.data.schema import Schema, times_or_numbers

# Above this many different numbers a target is encoded cell by cell, not value by value.
_MANY_VALUES = 1000


class Dataset:
    """Rows and roles. Arrays it gives are shared and read-only: copy before writing.

    `source` names where the rows came from, `guest` the frame type the user gave, `notes` what
    reading and cleaning found. `original` is the user's own frame when the rows were made to
    conform to a schema; without that it is `frame`. `without_target` are rows that were left out
    because their target is missing; None where there are none.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        schema: Schema,
        *,
        source: str = "memory (polars)",
        guest: str = "polars",
        notes: Sequence[Note] = (),
        original: pl.DataFrame | None = None,
    ) -> None:
        self.schema = schema
        self.source = source
        self.guest = guest
        self.notes = list(notes)
        self._store = _Store(frame, frame if original is None else original)
        self._rows: np.ndarray | None = None
        self.without_target: pl.DataFrame | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """The rows as a polars frame."""
        return self._store.frame if self._rows is None else self._store.frame[self._rows]

    @property
    def original(self) -> pl.DataFrame:
        """The same rows with all columns as the user gave them."""
        return self._store.original if self._rows is None else self._store.original[self._rows]

    def __len__(self) -> int:
        return self._store.frame.height if self._rows is None else len(self._rows)

    def __repr__(self) -> str:
        return (f"Dataset({self.source!r}, {len(self):,} rows, "
                f"{len(self.schema.features)} features, target {self.schema.target!r})")

    def take(self, rows: np.ndarray) -> Dataset:
        """The Dataset of these rows, by index (in that order, repeats allowed) or by mask."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            if len(rows) != len(self):
                raise errors.DataError(
                    f"a mask of rows must have {len(self):,} entries; got {len(rows):,}.")
            rows = np.flatnonzero(rows)
        elif len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise errors.DataError(
                f"rows must be >= 0 and < {len(self):,}; got {rows.min()} to {rows.max()}.")
        return self._like(self.schema, rows if self._rows is None else self._rows[rows])

    def with_schema(self, schema: Schema) -> Dataset:
        """The same rows with other roles; what was converted already is kept."""
        return self._like(schema, self._rows)

    def unlabelled(self) -> Dataset | None:
        """The rows without a target, as new data are made to fit the schema; None if none are."""
        if self.without_target is None:
            return None
        from wholefit.data.conform import conform

        return Dataset(conform(self.schema, self.without_target)[0], self.schema,
                       source=self.source, guest=self.guest)

    def numeric(self, name: str) -> np.ndarray:
        """Column as float64 (n,): NaN where missing, booleans 0/1, infinities kept."""
        is_text = self._column(name).dtype in (pl.String, pl.Categorical, pl.Enum)
        if is_text and self.schema.role(name) == "boolean":
            return self._pick(("truth", name), lambda c: _cells.to_booleans(c).to_numpy(), name)
        return self._pick(("numbers", name), lambda c: _cells.to_numbers(c).to_numpy(), name)

    def codes(self, name: str) -> tuple[np.ndarray, list[str]]:
        """Column as codes int32 (n,), -1 where missing, into its sorted levels.

        The levels are those of the whole data the rows were taken from, so a fold's codes agree
        with every other fold's.
        """
        codes = self._pick(("codes", name), self._coded(name), name)
        return codes, self._store.arrays[("levels", name)]

    def texts(self, name: str) -> list[str | None]:
        """Column as text, None where missing."""
        column = self._column(name)
        return _cells.to_labels(column if self._rows is None else column[self._rows]).to_list()

    def times(self, name: str) -> np.ndarray:
        """Column as datetime64[us] (n,), NaT where missing; wall-clock time where zoned."""
        return self._pick(("times", name), lambda c: _cells.to_times(c).to_numpy(), name)

    def images(
        self, name: str, shape: tuple[int, int, int], fit: str = "stretch"
    ) -> np.ndarray | Filed:
        """Pictures of a column at one size: uint8 (n, channels, height, width), 0 where missing.

        `shape` is (channels, height, width), one or three channels; `fit` as in
        `data.images.sizing`. They are made whole, once for each size that is asked for; where that
        is more than memory should hold they lie in a file, and rows are read as they are asked for.
        """
        from wholefit.data.images import sizing

        key = ("images", name, *map(str, shape), fit)
        return self._pick(key, lambda c: sizing.at_size(c, shape, fit), name)

    def image_sizes(self, name: str) -> np.ndarray:
        """(channels, height, width) of each picture as it was read, int64 (n, 3); 0 if missing."""
        from wholefit.data.images import sizing

        return self._pick(("image sizes", name), sizing.sizes, name)

    def target(self, codec: Codec) -> np.ndarray:
        """The encoded target (n,): int32 codes, -1 missing or unknown; or float64 with NaN."""
        column = self._column(self._target_name())
        try:
            return _encode(column if self._rows is None else column[self._rows], codec)
        except errors.WholefitError:
            raise
        except (TypeError, ValueError) as error:
            raise errors.DataError(
                f"target {self.schema.target!r} holds values that the task cannot learn: {error}."
            ) from error

    def target_values(self) -> np.ndarray:
        """The different values that the target takes, as Python values (k,), missing apart."""
        column = self._column(self._target_name())
        column = (column if self._rows is None else column[self._rows]).drop_nulls()
        if column.dtype.is_float():
            column = column.drop_nans()
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            return column.unique().sort().to_numpy()
        return np.array(_cells.to_labels(column).unique().sort().to_list(), dtype=object)

    def weights(self) -> np.ndarray | None:
        """Row weights float64 (n,), or None; DataError where one is missing or negative."""
        name = self._having("weight")
        if name is None:
            return None
        weights = self.numeric(name)
        bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
        if len(bad):
            more = f" and {len(bad) - 1:,} more like it" if len(bad) > 1 else ""
            raise errors.DataError(
                f"weights column {name!r} must be finite and >= 0 in every row; got "
                f"{weights[bad[0]]:g} (row {bad[0] + 1}){more}.")
        if not weights.any():
            raise errors.DataError(f"weights column {name!r} must be > 0 in some row; all are 0.")
        return weights

    def telling_weights(self) -> np.ndarray | None:
        """`weights`, or None where all are equal: then they must change nothing.

        Some learners draw otherwise once they are given weights, even equal ones.
        """
        weights = self.weights()
        return None if weights is None or bool(np.all(weights == weights[0])) else weights

    def groups(self) -> np.ndarray | None:
        """Group of each row as codes int32 (n,), -1 where missing; or None."""
        name = self._having("group")
        return None if name is None else self.codes(name)[0]

    def time_order(self) -> np.ndarray | None:
        """Rank of each row in time int64 (n,), equal times equal, -1 where missing; or None."""
        name = self._having("time")
        return None if name is None else self._pick(("order", name), _ranks, name)

    def row_keys(self) -> np.ndarray:
        """A hash uint64 (n,) of each row's feature columns: equal for exact duplicates."""
        features = tuple(self.schema.features)
        if not features:
            return np.arange(len(self), dtype=np.uint64)
        keys = self._store.get(("keys", *features), lambda: keeping.hashed(pl.DataFrame(
            [self._column(name).alias(str(i)) for i, name in enumerate(features)])).to_numpy())
        return keys if self._rows is None else keys[self._rows]

    def _like(self, schema: Schema, rows: np.ndarray | None) -> Dataset:
        other = Dataset.__new__(Dataset)
        other.schema, other.source, other.guest = schema, self.source, self.guest
        other.notes, other._store, other._rows = self.notes, self._store, rows
        other.without_target = self.without_target
        return other

    def _column(self, name: str) -> pl.Series:
        if name not in self._store.columns:
            raise errors.unknown("column", name, self._store.columns)
        return self._store.columns[name]

    def _pick(
        self, key: tuple[str, ...], make: Callable[[pl.Series], Any], name: str
    ) -> Any:
        whole = self._store.get(key, lambda: make(self._column(name)))
        if self._rows is None:
            return whole
        return whole.take(self._rows) if isinstance(whole, Filed) else whole[self._rows]

    def _coded(self, name: str) -> Callable[[pl.Series], np.ndarray]:
        def code(column: pl.Series) -> np.ndarray:
            codes, self._store.arrays[("levels", name)] = _cells.to_codes(column)
            return codes

        return code

    def _having(self, role: str) -> str | None:
        found = self.schema.having(role)
        return found[0] if found else None

    def _target_name(self) -> str:
        if self.schema.target is None:
            raise errors.DataError(f"data {self.source!r} has no target; say target= its name.")
        return self.schema.target


class _Store:
    """The whole frame and its converted columns, shared by every Dataset taken from it."""

    def __init__(self, frame: pl.DataFrame, original: pl.DataFrame) -> None:
        self.frame = frame
        self.original = original
        self.arrays: dict[tuple[str, ...], Any] = {}
        self.held = keeping.stores_of(frame, original)  # files of pixels, as long as this lives
        # By name at once: looking one up in a frame takes as long as it has columns. And under a
        # neutral name: the engine reads names such as "*" and "^a.*$" as patterns.
        self.columns = {column.name: column.alias("column") for column in frame.get_columns()}

    def get(self, key: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if key not in self.arrays:
            array = make()
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
            self.arrays[key] = array
        return self.arrays[key]


def _encode(column: pl.Series, codec: Codec) -> np.ndarray:
    """Encode the different values, then spread the answers over the rows."""
    if column.dtype.is_decimal():
        column = column.cast(pl.Float64)
    missing = column.is_null().to_numpy()
    if column.dtype == pl.Boolean:
        values, codes = np.array([False, True]), column.fill_null(False).cast(pl.Int8).to_numpy()
    elif column.dtype.is_numeric():
        cells = column.to_numpy()
        missing = missing | np.isnan(cells)
        if column.n_unique() > _MANY_VALUES:
            return _with_missing(codec.encode(cells), missing)
        values, codes = np.unique(cells, return_inverse=True)
    else:
        codes, levels = _cells.to_codes(column)
        values = np.array(levels, dtype=object)
    if len(values) == 0:
        values, codes = np.array([np.nan]), np.zeros(len(column), dtype=np.int64)
    return _with_missing(codec.encode(values)[codes], missing)


def _with_missing(encoded: np.ndarray, missing: np.ndarray) -> np.ndarray:
    if missing.any():
        encoded = np.where(missing, -1 if encoded.dtype.kind == "i" else np.nan, encoded)
    return encoded.astype(np.int32 if encoded.dtype.kind == "i" else np.float64, copy=False)


def _ranks(column: pl.Series) -> np.ndarray:
    order = times_or_numbers(column).rank("dense").cast(pl.Int64) - 1
    return order.fill_null(-1).to_numpy().copy()
