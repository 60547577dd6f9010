"""Columns with nothing to learn from: constant, nearly constant, identifiers, too many levels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share
from wholefit.data.schema import Column

_NEARLY = 0.995
_FEWEST = 100
_MANY = 100
_RARE = 5


def find(look: Look) -> Iterator[Finding]:
    """Constant, nearly constant, identifiers, high cardinality, rare levels."""
    nearly, rare = [], []
    for column in look.looked_at:
        if column.role == "constant":
            yield _constant(look, column)
        elif column.role == "identifier":
            yield _identifier(look, column)
        elif column.name != look.target and look.n >= _FEWEST:
            nearly += _nearly(look, column)
            if column.role == "categorical":
                codes, levels = look.levels(column.name)
                counts = np.bincount(codes[codes >= 0], minlength=len(levels))
                if len(levels) > _MANY:
                    yield _many(look, column, counts)
                elif (counts < _RARE).any() and (counts >= _RARE).any():
                    rare.append((column.name, levels, codes, counts < _RARE))
    yield from _nearly_constant(look, nearly)
    if rare:
        yield _rare(look, rare)


def _constant(look: Look, column: Column) -> Finding:
    held = "no value at all" if column.distinct == 0 else "one value only"
    return Finding(
        "constant", "info", (column.name,), f"column {column.name!r} holds {held}",
        "there is nothing to learn from it; it is left out",
        *_remedy.ignore(column.name), count=look.n, strength=1.0)


def _identifier(look: Look, column: Column) -> Finding:
    return Finding(
        "identifier", "info", (column.name,),
        f"column {column.name!r} is an identifier: {column.reason}",
        "it names rows, so what is learnt from it holds for no new row; it is left out",
        *_remedy.role(column.name, "identifier"), count=column.distinct,
        strength=column.distinct / max(look.n, 1))


def _nearly(look: Look, column: Column) -> list[tuple[str, str, np.ndarray]]:
    """The one value that nearly every row has, and the rows that have another."""
    present = look.n - column.missing
    if column.distinct < 2 or column.distinct > (1 - _NEARLY) * present + 1:
        return []
    cells = look.series(column.name)
    if look.quick and look.n > len(look.sample):
        some = cells.gather(look.sample).drop_nulls().rename("v").value_counts(name="n")["n"]
        if not len(some) or int(some.to_numpy().max()) < 0.99 * int(some.sum()):
            return []
    counts = cells.drop_nulls().rename("v").value_counts(name="n").sort("n", descending=True)
    if int(counts["n"][0]) < _NEARLY * present:
        return []
    look.cache[f"dull {column.name}"] = True
    value = counts["v"][0]
    return [(column.name, str(value), look.rows((cells != value).fill_null(False)))]


def _nearly_constant(
    look: Look, found: list[tuple[str, str, np.ndarray]]
) -> Iterator[Finding]:
    """One finding for all such columns: one line each would bury the rest."""
    if not found:
        return
    found = sorted(found, key=lambda one: len(one[2]))
    name, value, other = found[0]
    listed = ", ".join(f"{name!r} ({len(rows):,} other)" for name, _, rows in found[:5])
    one = f"column {name!r} is {value[:40]!r} in all but {counted(len(other), 'row')}"
    yield Finding(
        "nearly_constant", "info", tuple(name for name, _, _ in found),
        one if len(found) == 1 else f"{len(found)} columns have one value in nearly every row: "
        + listed + (", ..." if len(found) > 5 else ""),
        "a model learns from those few other rows only, and a fold may hold none of them",
        *_remedy.ignore(*(name for name, _, _ in found[:5])), count=len(other),
        rows=np.unique(np.concatenate([rows for _, _, rows in found])),
        strength=1 - len(other) / look.n)


def _many(look: Look, column: Column, counts: np.ndarray) -> Finding:
    return Finding(
        "many_levels", "info", (column.name,),
        f"column {column.name!r} has {len(counts):,} levels over {look.n:,} rows "
        f"({int((counts < _RARE).sum()):,} of them in fewer than {_RARE} rows)",
        "one-hot it makes very many columns; the rare levels say nothing reliable",
        *_remedy.feature(rare=0.01), count=len(counts), strength=len(counts) / look.n)


def _rare(
    look: Look, found: list[tuple[str, list[str], np.ndarray, np.ndarray]]
) -> Finding:
    """Levels too rare to learn from, of all columns at once."""
    inside = np.zeros(look.n, dtype=bool)
    for _, _, codes, few in found:
        inside |= np.concatenate([few, [False]])[codes]
    count = sum(int(few.sum()) for *_, few in found)
    listed = ", ".join(f"{name!r} ({levels[int(np.flatnonzero(few)[0])][:30]!r}"
                       f"{', ...' if few.sum() > 1 else ''})" for name, levels, _, few in found[:4])
    return Finding(
        "rare_levels", "info", tuple(name for name, *_ in found),
        f"{counted(count, 'level')} of {counted(len(found), 'column')} "
        f"{'is' if count == 1 else 'are'} in fewer than {_RARE} rows: {listed}"
        f"{', ...' if len(found) > 4 else ''} ({counted(int(inside.sum()), 'row')} in all, "
        f"{share(int(inside.sum()), look.n)})",
        "too few rows to learn a level from; folded together they may be enough",
        *_remedy.feature(rare=0.01), count=int(inside.sum()), rows=look.rows(inside),
        strength=float(inside.mean()))
