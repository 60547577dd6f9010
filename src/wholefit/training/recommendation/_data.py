"""From rows of ratings or uses to codes, times and strengths; what is odd is noted or refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.wording import counted
from wholefit.data import Dataset, Note, Schema, _cells
from wholefit.data.notes import info, some, warning
from wholefit.data.schema import times_or_numbers
from wholefit.models._recommend.base import Interactions, merged
from wholefit.training.recommendation._ids import Ids


@dataclass(frozen=True, eq=False)
class Events:
    """Rows as they came: who, what, how much, when; a pair may come many times.

    `value` float64 (n,) ratings or amounts, None where each row counts as one; `time` float64
    (n,) seconds or numbers, None where unknown. `strength` is the amount that a usual pair has, by
    which amounts are measured.
    """

    users: Ids
    items: Ids
    user: np.ndarray
    item: np.ndarray
    value: np.ndarray | None
    time: np.ndarray | None
    explicit: bool
    strength: float = 1.0

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: np.ndarray) -> Events:
        """Those rows alone; users and items keep their codes."""
        return replace(self, user=self.user[rows], item=self.item[rows],
                       value=None if self.value is None else self.value[rows],
                       time=None if self.time is None else self.time[rows])

    @cached_property
    def pairs(self) -> Interactions:
        """Pairs made one: of ratings the latest (their mean without times), amounts added up."""
        kept = self.take(_latest(self)) if self.explicit and self.time is not None else self
        return merged(kept.user, kept.item, kept.value, kept.time, n_users=len(self.users),
                      n_items=len(self.items), explicit=self.explicit)

    def learnt(self, pairs: Interactions, item_features: Any = None,
               user_features: Any = None) -> Interactions:
        """Those pairs as models take them: amounts on the scale of `strengths`."""
        values = pairs.values if self.explicit else strengths(pairs.values, self.strength)
        return replace(pairs, values=values, item_features=item_features,
                       user_features=user_features)


def strengths(amounts: np.ndarray | None, usual: float) -> np.ndarray | None:
    """log2(1 + amount / usual): 1 for a usual pair, and a hundredfold amount is not a hundredfold
    preference (Hu, Koren and Volinsky, 2008, take a logarithm too)."""
    return None if amounts is None else np.log2(1.0 + amounts / usual)


def read_events(
    dataset: Dataset, feedback: str | None, settle: bool = True
) -> tuple[Events, list[Note], str]:
    """The rows as codes, what was found odd, and how the feedback was understood.

    With `settle`, ratings that are all the same are taken as uses, and a usual amount is measured.
    Raises DataError for ratings that are no numbers, and where nothing is left to learn from.
    """
    frame, schema = dataset.frame, dataset.schema
    value, explicit, said = _values(frame, schema, feedback)
    columns = {role: frame.get_column(schema.having(role)[0]).alias("column")
               for role in ("user", "item")}
    time = _times(frame, schema)
    good, notes = _usable(columns, value, time, schema, explicit)
    if not good.any():
        raise DataError(f"{dataset.source} must have rows with a user and an item to learn from; "
                        f"none is left. {' '.join(note.message for note in notes)}")
    rows = pl.Series(good)
    users, user = Ids.of(columns["user"].filter(rows))
    items, item = Ids.of(columns["item"].filter(rows))
    found = Events(users, items, user, item, None if value is None else value[good],
                   None if time is None else time[good], explicit)
    if settle and explicit and found.value is not None and np.ptp(found.value) == 0:
        rate = found.value[0]
        found, explicit = replace(found, value=None, explicit=False), False
        said = f"every rating is {rate:g}, so that only who rated what tells anything"
        notes.append(warning("constant_rating", f"{said[0].upper()}{said[1:]}: taken as uses.",
                             column=schema.having("rating")[0]))
    return _settled(found) if settle else found, [*notes, *_repeats(found)], said


def _values(
    frame: pl.DataFrame, schema: Schema, feedback: str | None
) -> tuple[np.ndarray | None, bool, str]:
    """Numbers of the rating or amount column, whether they are ratings, and why."""
    rating, amount = schema.having("rating"), schema.having("amount")
    explicit = bool(rating) if feedback is None else feedback == "explicit"
    if explicit and not rating:
        raise DataError("feedback='explicit' needs ratings: say rating= the column that holds "
                        "them, or leave feedback out.")
    name = rating[0] if rating and (explicit or not amount) else next(iter(amount), None)
    asked = "" if feedback is None else ", as asked"
    if name is None:
        return None, False, f"no ratings are named: each row is a use{asked}"
    column = frame.get_column(name).alias("column")
    numbers = _cells.to_numbers(column)
    bad = _cells.unconverted(column, numbers)
    if len(bad) * 2 > len(column) - column.null_count():
        raise DataError(f"column {name!r} must hold numbers to be ratings or amounts; got "
                        f"{column[int(bad[0])]!r} (row {int(bad[0]) + 1}). Give the words numbers "
                        f"first, or leave {'rating' if explicit else 'amount'}= out.")
    values = numbers.fill_null(float("nan")).to_numpy().astype(np.float64)
    if explicit:
        return values, True, f"{name!r} holds ratings{asked}"
    return values, False, f"{name!r} says how strong each use is{asked}"


def _times(frame: pl.DataFrame, schema: Schema) -> np.ndarray | None:
    name = next(iter(schema.having("time")), None)
    if name is None:
        return None
    found = times_or_numbers(frame.get_column(name).alias("column"))
    if found.null_count() == len(found):
        raise DataError(f"time column {name!r} holds no time at all; leave time= out.")
    if found.dtype.is_temporal():
        seconds = found.dt.timestamp("us").cast(pl.Float64) / 1e6
    else:
        seconds = found.cast(pl.Float64)
    return seconds.fill_null(float("nan")).to_numpy()


def _usable(
    columns: dict[str, pl.Series], value: np.ndarray | None, time: np.ndarray | None,
    schema: Schema, explicit: bool,
) -> tuple[np.ndarray, list[Note]]:
    """Which rows can be learnt from, and notes on the others."""
    size = len(columns["user"])
    good, notes = np.ones(size, dtype=bool), []
    for role, column in columns.items():
        empty = _empty(column)
        notes += _left_out(good, empty, f"no {role}", schema.having(role)[0])
        good &= ~empty
    if value is not None:
        name = schema.having("rating" if explicit or not schema.having("amount") else "amount")[0]
        odd = ~np.isfinite(value)
        notes += _left_out(good, odd, "no finite rating" if explicit else "no finite amount", name)
        good &= ~odd
        if not explicit:
            low = good & (value <= 0)
            notes += _left_out(good, low, "an amount that is not above 0 (a return, perhaps)", name)
            good &= ~low
    if time is not None:
        late = ~np.isfinite(time)
        notes += _left_out(good, late, "no time", schema.having("time")[0])
        good &= ~late
    return good, notes


def _empty(column: pl.Series) -> np.ndarray:
    if column.dtype.is_integer():
        return np.asarray(column.is_null().to_numpy())
    labels = _cells.to_labels(column)
    return np.asarray((labels.is_null() | (labels.str.strip_chars() == "").fill_null(True))
                      .to_numpy())


def _left_out(good: np.ndarray, bad: np.ndarray, what: str, column: str) -> list[Note]:
    rows = np.flatnonzero(good & bad)
    if not len(rows):
        return []
    share = len(rows) / len(good)
    return [warning("rows_left_out", f"{counted(len(rows), 'row')} of {len(good):,} "
                    f"({share:.1%}) with {what} ({column!r}): left out "
                    f"(rows {some((rows[:20] + 1).tolist())}).",
                    column=column, rows=rows[:20] + 1, count=len(rows))]


def _settled(found: Events) -> Events:
    """With the amount of a usual pair, by which strengths are measured."""
    if found.explicit or found.value is None:
        return found
    amounts = found.pairs.values
    return replace(found, strength=float(np.median(amounts)) if amounts is not None else 1.0)


def _repeats(found: Events) -> list[Note]:
    extra = len(found) - len(found.pairs)
    if not extra:
        return []
    if not found.explicit:
        return [info("repeated_pairs", f"{counted(extra, 'row')} repeat a user and an item: "
                     "counted as a stronger use, not as another item.", count=extra)]
    how = "the latest counts" if found.time is not None else "their mean counts"
    return [warning("repeated_pairs", f"{counted(extra, 'row')} rate an item that the same user "
                    f"rated in another row: {how}.", count=extra)]


def _latest(found: Events) -> np.ndarray:
    """Rows of the last time of each pair; of equal times the last row."""
    assert found.time is not None
    key = found.user.astype(np.int64) * len(found.items) + found.item
    order = np.lexsort((np.arange(len(key)), found.time, key))
    last = np.flatnonzero(np.diff(key[order], append=-1))
    return np.sort(order[last])


def enough(found: Events, of_user: int, of_item: int) -> tuple[Events, list[Note]]:
    """Without users and items of fewer rows than asked; counted once, items first."""
    notes: list[Note] = []
    for role, codes, least in (("item", found.item, of_item), ("user", found.user, of_user)):
        current = found.item if role == "item" else found.user
        counts = np.bincount(current, minlength=int(codes.max(initial=0)) + 1)
        kept = counts[current] >= least
        if kept.all():
            continue
        if not kept.any():
            raise DataError(f"no {role} has {least} rows or more; say a smaller min_"
                            f"{'uses' if role == 'item' else 'ratings'}=.")
        rare = int(((counts > 0) & (counts < least)).sum())
        notes.append(info("rare_left_out", f"{counted(rare, role)} of fewer than {least} rows left "
                          f"out, and {counted(int((~kept).sum()), 'row')} with them, as asked.",
                          count=rare))
        found = found.take(np.flatnonzero(kept))
    return _recoded(found) if notes else found, notes


def _recoded(found: Events) -> Events:
    """Codes without gaps."""
    users, user = np.unique(found.user, return_inverse=True)
    items, item = np.unique(found.item, return_inverse=True)
    return replace(
        found, user=user.astype(np.int32), item=item.astype(np.int32),
        users=Ids([found.users.labels[code] for code in users], found.users.kind),
        items=Ids([found.items.labels[code] for code in items], found.items.kind))
