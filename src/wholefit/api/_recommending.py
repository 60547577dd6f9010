"""From names to codes and from codes to frames, for the Result of a recommender."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.base.errors import DataError, ParameterError, SchemaError, WholefitWarning, nearest
from wholefit.base.events import emit
from wholefit.base.wording import counted
from wholefit.data import _cells
from wholefit.data.write import give_back
from wholefit.training.recommendation._engine import Engine
from wholefit.training.recommendation._ids import label_of, labels_of
from wholefit.training.recommendation._top import blocks

_SCALARS = (str, bytes, int, float, np.generic, dt.date)


@dataclass(frozen=True)
class Explanation:
    """Why an item is (or is not) offered to a user: its place, its rating, and the reasons.

    `rank` is its place among all items that the user does not have, None if it cannot be offered;
    `rating` the rating expected (None of uses); `reasons` items that the user has and that speak
    for it, with what each adds; `had` whether the user has it already.
    """

    user: str
    item: str
    rank: int | None
    rating: float | None
    reasons: tuple[tuple[str, float], ...]
    had: bool
    text: str

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"user": self.user, "item": self.item, "rank": self.rank, "rating": self.rating,
                "reasons": [list(reason) for reason in self.reasons], "had": self.had,
                "text": self.text}


def table_of(source: Any, reading: Mapping[str, Any]) -> data.Table:
    """A table read as any other source is."""
    return data.read(source, **reading)


def column_of(table: data.Table, name: str, what: str) -> pl.Series:
    """The column of that name, under a neutral one; SchemaError if there is none."""
    if name not in table.frame.columns:
        near = nearest(name, table.frame.columns)
        hint = f"there is {near!r}: rename it" if near else (
            f"it has {', '.join(map(repr, table.frame.columns[:10]))}")
        raise SchemaError(f"{table.source} must have the column {name!r} of {what}; {hint}.")
    return table.frame.get_column(name).alias("column")


def asked_users(
    users: Any, column: str, reading: Mapping[str, Any]
) -> tuple[pl.Series, str | None]:
    """The names asked for as a Series, and the kind of frame that they came in, if in one.

    One name, a list or Series of names, or a table (a path or frame) with the column of users.
    """
    if isinstance(users, _SCALARS) or users is None:
        return _series([users]), None
    if isinstance(users, pl.Series):
        return users.alias("column"), "polars"
    if isinstance(users, (list, tuple, set, frozenset, range)):
        return _series(list(users)), None
    if isinstance(users, np.ndarray) and users.ndim == 1:
        return _series(users.tolist()), None
    if type(users).__module__.startswith("pandas") and not hasattr(users, "columns"):
        return _series(users.tolist()), "pandas"
    table = table_of(users, reading)
    return column_of(table, column, "users"), table.guest


def _series(names: list[Any]) -> pl.Series:
    try:
        return pl.Series("column", names, strict=True)
    except (TypeError, pl.exceptions.PolarsError, OverflowError):
        return pl.Series("column", labels_of(names), dtype=pl.String)


def tell_unknown(names: pl.Series, codes: np.ndarray, what: str, then: str) -> None:
    """Say aloud who is not known, and what is given instead."""
    strange = np.flatnonzero(codes < 0)
    if not len(strange):
        return
    said = ", ".join(repr(names[int(row)]) for row in strange[:3])
    more = ", ..." if len(strange) > 3 else ""
    message = f"{counted(len(strange), what)} not met in training ({said}{more}): {then}."
    emit("note", kind=f"unknown_{what}", message=message, severity="warning")
    warnings.warn(message, WholefitWarning, stacklevel=4)


def allowed(engine: Engine, filter: Any) -> np.ndarray | None:
    """Which items (items,) a `filter` lets through: names of items, or a function of a name."""
    if filter is None:
        return None
    if isinstance(filter, Callable):  # type: ignore[arg-type]
        own = engine.items.values(np.arange(len(engine.items))).to_list()
        return np.fromiter((bool(filter(name)) for name in own), dtype=bool, count=len(own))
    names = [filter] if isinstance(filter, _SCALARS) else list(filter)
    codes = engine.items.codes(names)
    tell_unknown(_series(names), codes, "item", "the filter cannot let them through")
    mask = np.zeros(len(engine.items), dtype=bool)
    mask[codes[codes >= 0]] = True
    return mask


def liked(engine: Engine, names: Any, scale: Mapping[str, Any] | None) -> tuple[
        np.ndarray, np.ndarray]:
    """Codes and values of items that somebody likes: names, or a dict of name to rating."""
    values = dict(names) if isinstance(names, Mapping) else None
    listed = [names] if isinstance(names, _SCALARS) else list(values if values is not None
                                                              else names)
    if not listed:
        raise ParameterError("likes= must name at least one item; got none.")
    codes = item_codes(engine, listed)
    tell_unknown(_series(listed), codes, "item", "left out of the likes")
    kept = codes >= 0
    if not kept.any():
        raise _no_item(engine, listed[0])
    most = 1.0 if scale is None else float(scale["high"])
    given = np.full(len(listed), most) if values is None else np.array(
        [_number(values[name]) for name in listed])
    codes, first = np.unique(codes[kept], return_index=True)
    return codes.astype(np.int32), given[kept][first]


def _number(value: Any) -> float:
    if not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise ParameterError(f"likes= may give each item a rating, a finite number; got {value!r}.")
    return float(value)


def item_codes(engine: Engine, names: Any) -> np.ndarray:
    """Codes of items by id; what is no id may be what exactly one item is called."""
    codes = engine.items.codes(names)
    if engine.titles is None or (codes >= 0).all():
        return codes
    called: dict[str, int] = {}
    for code, title in enumerate(engine.titles):
        called[title] = -1 if title in called else code
    for at in np.flatnonzero(codes < 0):
        codes[at] = called.get(str(names[int(at)]), -1)
    return codes


def one_item(engine: Engine, name: Any) -> int:
    """The code of one item; UnknownNameError-like words if there is none."""
    code = int(item_codes(engine, [name])[0])
    if code < 0:
        raise _no_item(engine, name)
    return code


def _no_item(engine: Engine, name: Any) -> DataError:
    names = engine.items.labels + (engine.titles or [])
    near = nearest(str(label_of(name)), names[:50_000])
    return DataError(f"no item {name!r} was met in training"
                     + (f"; did you mean {near!r}?" if near else "."))


# ---- frames -----------------------------------------------------------------------------


def lists_frame(
    engine: Engine, columns: Mapping[str, str], asked: pl.Series, codes: np.ndarray,
    top: np.ndarray, scores: np.ndarray, why: list[str] | None, rated: bool,
) -> pl.DataFrame:
    """One row a user and place: user, rank, item, what it is called, score, rating, why."""
    row, place = np.nonzero(top >= 0)
    items = top[row, place]
    found = {columns["user"]: asked.gather(row.astype(np.uint32)), "rank": place + 1,
             _free("item", columns["item"]): engine.items.values(items)}
    if engine.titles is not None:
        found["called"] = pl.Series([engine.titles[item] for item in items], dtype=pl.String)
    found["score"] = scores[row, place]
    if rated:
        found["rating"] = engine.rates(codes[row], items)
    if why is not None:
        found["why"] = pl.Series(why, dtype=pl.String)
    return _framed(found)


def _free(role: str, name: str) -> str:
    return name if name not in ("rank", "score", "why", "rating", "called") else f"{role}_{name}"


def _framed(columns: Mapping[str, Any]) -> pl.DataFrame:
    made = []
    for name, values in columns.items():
        series = values if isinstance(values, pl.Series) else pl.Series(values)
        made.append(series.alias(name))
    return pl.DataFrame(made)


def near_frame(
    engine: Engine, columns: Mapping[str, str], item: int, top: np.ndarray, scores: np.ndarray
) -> pl.DataFrame:
    """One row an item alike: the item asked, rank, the item, what it is called, score."""
    kept = top[top >= 0]
    found: dict[str, Any] = {
        _free("item", columns["item"]): engine.items.values(np.full(len(kept), item)),
        "rank": np.arange(1, len(kept) + 1), "similar": engine.items.values(kept)}
    if engine.titles is not None:
        found["called"] = pl.Series([engine.titles[code] for code in kept], dtype=pl.String)
    return _framed({**found, "score": scores[top >= 0]})


def reasons(engine: Engine, codes: np.ndarray, top: np.ndarray) -> list[str]:
    """Why each item of each list is in it, row by row."""
    return [_because(engine, int(user), int(item)) for user, row in zip(codes, top, strict=True)
            for item in row if item >= 0]


def _because(engine: Engine, user: int, item: int) -> str:
    why = engine.why(user, item)
    if why:
        return "because of " + "; ".join(engine.named(code) for code, _ in why)
    return _popular(engine, item)


def because_of(engine: Engine, had: np.ndarray, top: np.ndarray) -> list[str]:
    """Reasons for a list made for somebody who has these items."""
    found = []
    for item in top[top >= 0]:
        why = engine.alike(had, int(item))
        found.append("because of " + "; ".join(engine.named(code) for code, _ in why) if why
                     else _popular(engine, int(item)))
    return found


def _popular(engine: Engine, item: int) -> str:
    return f"popular: {counted(int(engine.having[item]), 'user')} have it"


def give(frame: pl.DataFrame, guest: str | None, told: Mapping[str, Any]) -> Any:
    """The frame in the kind that was asked in, else in the one that the fit was given."""
    kind = guest or str(told.get("guest", "polars"))
    return give_back(frame, kind if kind in ("pandas", "pyarrow", "dict") else "polars")


# ---- a file of all lists ----------------------------------------------------------------


def stream(
    engine: Engine, columns: Mapping[str, str], codes: np.ndarray, k: int, exclude_seen: bool,
    mask: np.ndarray | None, why: bool, rated: bool,
) -> Iterator[pl.DataFrame]:
    """Frames of a few thousand lists at a time, in the order of `codes`."""
    for block in blocks(len(codes), max(len(engine.items), 1)):
        part = codes[block]
        top, scores = engine.lists(part, k, exclude_seen, mask)
        said = reasons(engine, part, top) if why else None
        yield lists_frame(engine, columns, engine.users.values(part), part, top, scores, said,
                          rated)


def missing(column: pl.Series) -> np.ndarray:
    """Which cells (n,) hold no name."""
    return np.asarray(_cells.to_labels(column).is_null().to_numpy())
