"""The columns of a table as numbers and codes, and back: made rows come in columns of their own
kind, with the decimals, the ranges and the missing cells of the rows that were learnt from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, StateError
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.data.schema import Column
from wholefit.features.spans import Span

CONDITION = "label"
_MOST_LEVELS, _MOST_LABELS = 1000, 200
_NUMERIC = ("Int", "UInt", "Float", "Decimal")


@dataclass(frozen=True)
class Made:
    """How one column is made.

    `kind` is "number", "date", "code", "constant", "key" (numbered anew) or "image"; `dtype` what
    its cells were; `decimals` of numbers; `levels` of codes, None for a missing cell, the most
    frequent first; `value` of a constant.
    """

    name: str
    kind: str
    dtype: str
    decimals: int = 0
    low: float = 0.0
    high: float = 0.0
    levels: tuple[str | None, ...] = ()
    value: str | None = None
    shape: tuple[int, int, int] | None = None
    start: int = 0


@dataclass(frozen=True)
class Columns:
    """How a table is made: its columns in order, the label first in the matrix where one is said.

    `shape` (channels, height, width) says that all numbers together are one picture.
    """

    made: tuple[Made, ...]
    label: str | None = None
    shape: tuple[int, int, int] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[Made, ...]:
        """Columns that stand in the matrix, in its order: the label first."""
        there = [made for made in self.made if made.kind in ("number", "date", "code", "image")]
        return tuple(sorted(there, key=lambda made: made.name != self.label))

    @property
    def image(self) -> Made | None:
        """The column of pictures, where there is one."""
        return next((made for made in self.made if made.kind == "image"), None)

    @property
    def pixels(self) -> tuple[int, int, int] | None:
        """Channels, height and width, where rows are pictures."""
        return self.shape or (self.image.shape if self.image is not None else None)

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The levels of the label."""
        return next((made.levels for made in self.made if made.name == self.label), ())

    @property
    def spans(self) -> tuple[Span, ...]:
        """What the features of the matrix are."""
        found: list[Span] = []
        at = 0
        if self.label is not None:
            found, at = [Span("codes", 0, 1, levels=(len(self.labels),), column=CONDITION)], 1
        rest = self.order[at:]
        if self.pixels is not None:
            return (*found, Span("image", at, at + int(np.prod(self.pixels)), self.pixels))
        for made in rest:
            codes = (len(made.levels),) if made.kind == "code" else ()
            found.append(Span("codes" if codes else "numbers", at, at + 1, levels=codes))
            at += 1
        return tuple(found)

    @property
    def levels(self) -> np.ndarray:
        """Levels of each feature (p,), 0 of numbers."""
        sizes = [0] * sum(span.stop - span.start for span in self.spans)
        for span in self.spans:
            if span.kind == "codes":
                sizes[span.start] = span.levels[0]
        return np.array(sizes, dtype=np.int64)

    def matrix(self, dataset: Dataset) -> np.ndarray:
        """Rows as numbers and codes (n, p) float64."""
        parts = []
        for made in self.order:
            if made.kind == "image":
                assert made.shape is not None
                pictures = np.asarray(dataset.images(made.name, made.shape))
                parts.append(pictures.reshape(len(pictures), -1).astype(np.float64))
            else:
                parts.append(_cells(dataset, made)[:, None])
        return np.concatenate(parts, axis=1)

    def frame(self, X: np.ndarray, *, first: int = 0) -> pl.DataFrame:
        """Made rows (n, p) as a table; keys are numbered from `first`."""
        found: dict[str, pl.Series] = {}
        at = 0
        for made in self.order:
            wide = int(np.prod(made.shape)) if made.kind == "image" and made.shape else 1
            found[made.name] = _column(made, X[:, at:at + wide])
            at += wide
        if at != X.shape[1]:
            raise StateError(f"made rows have {X.shape[1]} numbers; the table has {at}.")
        keys = np.arange(len(X)) + first
        for made in self.made:
            if made.kind == "key":
                found[made.name] = _keys(made, keys)
            elif made.kind == "constant":
                found[made.name] = pl.Series(made.name, [made.value] * len(X), pl.String).cast(
                    _dtype(made.dtype), strict=False)
        return pl.DataFrame([found[made.name].alias(made.name) for made in self.made])

    def code_of(self, label: Any) -> int:
        """The code of a label; DataError for one that was never seen."""
        from wholefit.base.errors import unknown

        if self.label is None:
            raise DataError("rows are made under no label: fit with label= the name of its column "
                            "first.")
        asked = _label(label)
        if asked not in self.labels:
            raise unknown("label", str(label), [str(each) for each in self.labels])
        return self.labels.index(asked)

    def state(self) -> State:
        """As plain data."""
        return State("generation.columns", {
            "made": [asdict(made) for made in self.made], "label": self.label,
            "shape": self.shape, "left_out": list(self.left_out)})

    @classmethod
    def of(cls, state: State) -> Columns:
        """Back from `state`."""
        def shaped(value: Any) -> tuple[int, int, int] | None:
            if value is None:
                return None
            channels, high, wide = (int(each) for each in value)
            if min(channels, high, wide) < 1 or channels * high * wide > 2**24:
                raise StateError("the shape of made pictures is none.")
            return channels, high, wide

        config = state.config
        return cls(tuple(Made(**{**made, "levels": tuple(made["levels"]),
                                 "shape": shaped(made["shape"])}) for made in config["made"]),
                   config["label"], shaped(config["shape"]), tuple(config["left_out"]))


def learn(dataset: Dataset, shape: tuple[int, int, int] | None) -> Columns:
    """How the rows of a dataset can be made; DataError where nothing can be learnt."""
    schema = dataset.schema
    made, left = [], []
    named = next(iter(schema.having("label")), None)
    for column in schema.columns:
        one = _learn_one(dataset, column, whole=shape is not None)
        if one is None:
            left.append(column.name)
        else:
            made.append(one)
    label = next((each.name for each in made if each.name == named and each.kind == "code"
                  and len(each.levels) <= _MOST_LABELS), None)
    pictures = [each for each in made if each.kind == "image"]
    if len(pictures) > 1:
        raise DataError("generation makes one column of pictures; got "
                        f"{', '.join(each.name for each in pictures)}: ignore all but one of them "
                        "by roles=.")
    if pictures or shape is not None:  # a picture is made by itself, under its label
        kept = {label, *(each.name for each in pictures)} if pictures else {
            label, *(each.name for each in made if each.kind == "number")}
        left += [each.name for each in made if each.name not in kept]
        made = [each for each in made if each.name in kept]
    found = Columns(tuple(made), label, shape, tuple(left))
    _check(found, shape)
    return found


def _check(columns: Columns, shape: tuple[int, int, int] | None) -> None:
    rest = [made for made in columns.order if made.name != columns.label]
    if not rest:
        raise DataError("generation needs columns to learn from, and none is left: every one is an "
                        "identifier, free text, constant or ignored; say roles=, or text= a column "
                        "of texts to write like.")
    if shape is not None and len(rest) != int(np.prod(shape)):
        raise DataError(f"shape {'x'.join(map(str, shape))} asks for {int(np.prod(shape)):,} "
                        f"columns of pixels; got {len(rest):,}: say label= for a column of labels, "
                        "and another shape=.")


def _learn_one(dataset: Dataset, column: Column, *, whole: bool) -> Made | None:
    """How a column is made; None where it cannot be."""
    name, dtype, role = column.name, column.dtype, column.role
    if role == "ignored":
        return None
    if role == "image":
        from wholefit.data.images.sizing import usual_size

        sizes = dataset.image_sizes(name)
        high, wide = usual_size(sizes, 32)
        return Made(name, "image", dtype, shape=(3 if (sizes[:, 0] == 3).any() else 1, high, wide))
    if whole and role not in ("label", "identifier", "group", "time", "weight"):
        return _number(dataset, column) if dtype.startswith((*_NUMERIC, "Bool")) else None
    if role == "identifier":
        return Made(name, "key", dtype)
    if role == "constant":
        values = [value for value in dataset.texts(name) if value is not None]
        return Made(name, "constant", dtype, value=values[0] if values else None)
    if role == "datetime" or dtype.startswith(("Date", "Datetime")):
        return _date(dataset, column)
    numeric = dtype.startswith(_NUMERIC)
    if role == "numeric" or (numeric and role in ("weight", "time", "amount", "rating")):
        return _number(dataset, column)
    if role == "label" and numeric and column.distinct > _MOST_LABELS:
        return _number(dataset, column)
    if role == "text" and column.distinct > 50:
        return None
    return _code(dataset, column)


def _number(dataset: Dataset, column: Column) -> Made:
    seen = dataset.numeric(column.name)
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return Made(column.name, "constant", column.dtype)
    return Made(column.name, "number", column.dtype, _decimals(seen), float(seen.min()),
                float(seen.max()))


def _date(dataset: Dataset, column: Column) -> Made:
    times = dataset.times(column.name)
    seen = times[~np.isnat(times)].astype("int64") / 1e6
    if not len(seen):
        return Made(column.name, "constant", column.dtype)
    whole = bool((seen % 86400 == 0).all())
    return Made(column.name, "date", column.dtype, 0 if whole else 1, float(seen.min()),
                float(seen.max()), value=column.format)


def _code(dataset: Dataset, column: Column) -> Made | None:
    texts = pl.Series(dataset.texts(column.name), dtype=pl.String)
    counts = texts.alias("level").value_counts(name="n").sort(
        ["n", "level"], descending=[True, False])
    levels = counts["level"].to_list()
    if len(levels) > _MOST_LEVELS:
        return None
    return Made(column.name, "code", column.dtype, levels=tuple(levels))


def _cells(dataset: Dataset, made: Made) -> np.ndarray:
    if made.kind == "number":
        cells = dataset.numeric(made.name)
        return np.where(np.isfinite(cells), cells, np.nan)
    if made.kind == "date":
        times = dataset.times(made.name)
        return np.where(np.isnat(times), np.nan, times.astype("int64") / 1e6)
    places = {level: at for at, level in enumerate(made.levels)}
    # A level that the learning rows lack is taken for the most frequent one.
    return np.array([places.get(text, 0) for text in dataset.texts(made.name)], dtype=np.float64)


def _column(made: Made, cells: np.ndarray) -> pl.Series:
    """Made cells (n, width) as a column of the kind that was learnt from."""
    if made.kind == "image":
        from wholefit.data.images.cells import of_pixels

        assert made.shape is not None
        shades = np.clip(np.round(cells), 0, 255).astype(np.uint8).reshape(-1, *made.shape)
        return of_pixels(made.name, shades.transpose(0, 2, 3, 1))
    values = cells[:, 0]
    if made.kind == "code":
        if ((values < 0) | (values >= len(made.levels))).any():
            raise StateError(f"made codes of {made.name!r} have no level.")
        return _as(pl.Series(made.name, [made.levels[int(at)] for at in values], pl.String),
                   made.dtype)
    missing = np.isnan(values)
    held = np.clip(np.where(missing, made.low, values), made.low, made.high)
    if made.kind == "date":
        return _dates(made, held, missing)
    rounded = np.clip(np.round(held, made.decimals), made.low, made.high)
    column = pl.Series(made.name, rounded).set(pl.Series(missing), None)
    return column.cast(_dtype(made.dtype) if made.dtype.startswith(_NUMERIC) else pl.Float64,
                       strict=False)


def _dates(made: Made, seconds: np.ndarray, missing: np.ndarray) -> pl.Series:
    step = 1 if made.decimals else 86400
    whole = (np.round(seconds / step) * step * 1e6).astype(np.int64)
    column = pl.Series(made.name, whole).cast(pl.Datetime("us")).set(pl.Series(missing), None)
    if made.dtype == "String":
        return column.dt.strftime(made.value or ("%Y-%m-%dT%H:%M:%S" if made.decimals
                                                 else "%Y-%m-%d"))
    return column.cast(pl.Date) if made.dtype == "Date" else column


def _as(column: pl.Series, dtype: str) -> pl.Series:
    """Labels in the type of the column that they came from."""
    if dtype == "Boolean":
        return column.replace_strict({"true": True, "false": False}, default=None,
                                     return_dtype=pl.Boolean)
    kind = _dtype(dtype)
    if kind == pl.String:
        return column
    whole = column.cast(pl.Float64, strict=False) if dtype.startswith(_NUMERIC) else column
    return whole.cast(kind, strict=False)


def _keys(made: Made, keys: np.ndarray) -> pl.Series:
    """New names: numbers where they were numbers, else "made-1" and so on."""
    if made.dtype.startswith(("Int", "UInt")):
        return pl.Series(made.name, keys + 1).cast(_dtype(made.dtype), strict=False)
    return pl.Series(made.name, [f"made-{key + 1}" for key in keys])


def _decimals(seen: np.ndarray) -> int:
    """Decimals that the numbers are written with, at most 6."""
    for digits in range(6):
        if np.allclose(seen, np.round(seen, digits), rtol=0, atol=1e-9 * max(
                1.0, float(np.abs(seen).max()))):
            return digits
    return 6 if np.abs(seen).max() >= 1e-3 else 12


def _dtype(name: str) -> Any:
    """The polars type of that name; String where it is none that a column is made in."""
    plain = name.partition("(")[0]
    known = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32",
             "Float64", "Boolean", "Date")
    if plain == "Decimal":
        return pl.Float64
    return getattr(pl, plain) if plain in known else pl.String


def _label(label: Any) -> str | None:
    """A label as the level it is written as."""
    if label is None:
        return None
    if isinstance(label, bool):
        return "true" if label else "false"
    if isinstance(label, (dt.date, dt.datetime)):
        return str(label)
    if isinstance(label, float) and label == int(label):
        return str(int(label))
    return str(label)


def named(columns: Sequence[str]) -> str:
    """Names in a sentence, few of them."""
    shown = ", ".join(repr(name) for name in columns[:5])
    return shown + (f" and {len(columns) - 5} more" if len(columns) > 5 else "")
