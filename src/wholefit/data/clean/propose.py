"""A proposed recipe: what the table itself shows to be damage, and the evidence for each step.

Conservative: only what is certain enough to be done unseen is proposed, with everything stated
(formats, spellings, values), so that the recipe learns nothing and can be read and edited.
Outliers and missing values are judgements about the question asked, and are left to the person.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.wording import counted
from wholefit.data import _cells, _dates, _types
from wholefit.data import _words as words
from wholefit.data.clean import _spelling, _written
from wholefit.data.clean._step import STEPS, Step, View, cells, is_number, is_text
from wholefit.data.clean.recipe import Recipe
from wholefit.data.notes import some

SENTINELS = (-1e30, -99999.0, -9999.0, -999.0, -998.0, -99.0, -9.0, 999.0, 9999.0, 99999.0,
             999999.0, 9999999.0)
_BROKEN = ("#n/a", "#value!", "#ref!", "#div/0!", "#num!", "#name?")
_WORDS = ("?", "n/a", "na", "null", "nan", "-", "--", "n.a.")
_LEAST = 0.95
_ABOUT = 0.9            # the share that a sample must have for the whole column to be read
_SHOWN = 3
_MOST_LEVELS = 1000
# A value alone is a sentinel if it lies this many times the range of the others away from them.
_AWAY = 5.0
_LOOKED_AT = 2000
_PROSE = 5.0            # words a cell
_LONG = 40              # letters of a cell that does not repeat by chance
Proposed = tuple[Step, str]


def propose(frame: pl.DataFrame, target: str | None = None) -> Recipe:
    """The recipe that the rows of `frame` ask for; empty where nothing is certain."""
    found: list[Proposed] = []
    protected = [target] if target is not None else []
    for rule in (_spaces, _letters, _stand_ins, _types_of, _spellings, _sentinels, _twins):
        for step, why in rule(frame, protected):
            state = step.learn(View(frame, protected))
            frame = step.apply(frame, state).of(frame)
            found.append((step, why))
    return Recipe(tuple(step for step, _ in found), tuple(why for _, why in found))


def _step(do: str, why: str, **values: Any) -> Proposed:
    return STEPS[do].from_dict(values), why


def _texts(frame: pl.DataFrame, protected: list[str] | None = None) -> list[str]:
    return [name for name, kind in frame.schema.items()
            if is_text(kind) and name not in (protected or ())]


def _spaces(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    """Spaces around cells, and doubled ones inside; inside prose they are left alone."""
    names = _texts(frame)
    prose = [name for name in names if _words_a_cell(cells(frame, name)) >= _PROSE]
    rest = [name for name in names if name not in prose]
    yield from _tidying(frame, "whitespace", "with spaces around or doubled", rest)
    yield from _tidying(frame, "whitespace", "with spaces around", prose, inner=False)


def _letters(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    yield from _tidying(frame, "unicode", "with unseen letters or another form of letters",
                        _texts(frame))


def _tidying(
    frame: pl.DataFrame, do: str, said: str, names: list[str], **values: Any
) -> Iterator[Proposed]:
    """A step that tidies text, for the columns in which it changes a cell."""
    if not names:
        return
    step = STEPS[do].from_dict({"columns": tuple(names), **values})
    edit = step.apply(frame, step.learn(View(frame)))
    if edit.columns:
        counts = [int(cells(frame, column.name).ne_missing(column.alias("column")).sum())
                  for column in edit.columns]
        shown = some([f"{column.name!r} {count:,}"
                      for column, count in zip(edit.columns, counts, strict=True)], _SHOWN)
        yield _step(do, f"{counted(sum(counts), 'cell')} {said}: {shown}",
                    columns=tuple(column.name for column in edit.columns), **values)


def _words_a_cell(column: pl.Series) -> float:
    return _cells.mean(_sample(column).str.count_matches(r"\S+"))


def _sample(column: pl.Series) -> pl.Series:
    """Up to 2,000 present cells, spread evenly over the rows."""
    known = column.drop_nulls()
    if len(known) <= _LOOKED_AT:
        return known
    return known.gather(np.linspace(0, len(known) - 1, _LOOKED_AT).astype(np.int64))


def _stand_ins(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    """Words that spell "no value" in text columns, where they repeat; broken formulas anyway."""
    per: dict[tuple[str, ...], list[str]] = {}
    counts: dict[tuple[str, ...], int] = {}
    for name in _texts(frame, protected):
        column = cells(frame, name)
        short = column.filter((column.str.len_bytes() <= 8).fill_null(False))
        lower = short.str.to_lowercase()
        hit = short.filter(lower.is_in([*_BROKEN, *_WORDS]))
        found = hit.alias("word").value_counts(name="rows")
        found = found.filter((found["rows"] >= 3) | found["word"].str.starts_with("#"))
        if found.height:
            key = tuple(found["word"].sort().to_list())
            per.setdefault(key, []).append(name)
            counts[key] = counts.get(key, 0) + int(found["rows"].sum())
    for values, names in per.items():
        yield _step("replace", f"{counted(counts[values], 'cell')} that spell a missing value",
                    columns=tuple(names), values=values)


def _types_of(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    """Text that is numbers, dates, or true and false."""
    plain: dict[str, list[str]] = {}
    for name in _texts(frame):
        column = cells(frame, name)
        few = _sample(column)
        few = few.filter(~_cells.is_missing(few) & (few.str.len_bytes() <= 80))
        if len(few) < 3 or bool(few.str.strip_chars().str.contains(words.ZEROS).any()):
            continue
        known = column.filter(~_cells.is_missing(column))
        found = _numbers_of(name, few, known) or _dates_of(name, few, known)
        if found is not None:
            yield found
        elif known.str.to_lowercase().is_in(["true", "false"]).mean() >= _LEAST:  # type: ignore[operator]
            plain.setdefault("boolean", []).append(name)
    for kind, names in plain.items():
        yield _step("types", f"their cells are {kind}s", columns=tuple(names), to=kind)


def _numbers_of(name: str, few: pl.Series, known: pl.Series) -> Proposed | None:
    cut = _written.parts(few)
    decimal, unit = _written.decimal_sign(cut["number"]), _written.usual_unit(cut["tail"])
    if _written.share_read(few, _written.numbers(few, decimal, unit, "fraction")) < _ABOUT:
        return None
    read = _written.numbers(known, decimal, unit, "fraction")
    share = _written.share_read(known, read)
    sure = _types._style(few, _types.Rules())[1]
    bad = known.filter(read.is_null())
    codes = len(bad) and float(bad.str.contains("[0-9].*[0-9]").mean() or 0) > 0.5  # type: ignore[arg-type]
    if share < _LEAST or not sure or codes:
        return None
    shown = some([repr(v) for v in bad.unique(maintain_order=True).head(_SHOWN + 1).to_list()],
                 _SHOWN)
    rest = "" if share == 1 else f"; {1 - share:.1%} are not, such as {shown}"
    why = f"{share:.1%} of its text is numbers, such as {known[0]!r}{rest}"
    return _step("numbers", why, columns=(name,), decimal=decimal, unit=unit)


def _dates_of(name: str, few: pl.Series, known: pl.Series) -> Proposed | None:
    if _dates.looks_like(few.to_list()) < _ABOUT:
        return None
    formats, guessed = _written.date_formats(known, None)
    share = _written.share_read(known, _written.dates(known, formats))
    if share < _LEAST or guessed:
        return None
    why = f"{share:.1%} of its text is dates, such as {known[0]!r}"
    return _step("dates", why, columns=(name,), formats=tuple(formats))


def _spellings(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    """Categories written in several ways: few levels, each many times."""
    for name in _texts(frame):
        column = cells(frame, name)
        if _sample(column).n_unique() > _MOST_LEVELS or (
                column.n_unique() > min(_MOST_LEVELS, max(column.len() // 4, 3))):
            continue
        merges = _spelling.merges(column, near=name not in protected, times=10.0,
                                  most=_MOST_LEVELS)
        if merges:
            why = f"{len(merges)} writings of other words: {some(merges, _SHOWN)}"
            yield _step("spellings", why, columns=(name,),
                        mapping={merge.wrong: merge.right for merge in merges})


def _sentinels(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    """Numbers such as -999 that stand far off and for a missing value."""
    per: dict[float, list[str]] = {}
    said: dict[float, list[str]] = {}
    for name, kind in frame.schema.items():
        if not is_number(kind) or name in protected:
            continue
        for value, count in _sentinels_in(cells(frame, name)):
            per.setdefault(value, []).append(name)
            said.setdefault(value, []).append(f"{name!r} {count:,}")
    for value, names in per.items():
        number = int(value) if value.is_integer() and abs(value) < 2**53 else value
        yield _step("replace", f"{number} stands far from every other value, and repeats: "
                    + some(said[value], _SHOWN), columns=tuple(names), values=(number,))


def _sentinels_in(column: pl.Series) -> list[tuple[float, int]]:
    numbers = _cells.to_numbers(column).drop_nulls()
    numbers = numbers.filter(numbers.is_finite())
    low, high = numbers.min(), numbers.max()
    ends = [value for value in {low, high} if value in SENTINELS]
    found = []
    for value in ends:
        others = numbers.filter(numbers != value)
        count = len(numbers) - len(others)
        if count < 3 or others.n_unique() < 5:
            continue
        bottom, top = float(others.min()), float(others.max())  # type: ignore[arg-type]
        gap = bottom - float(value) if value == low else float(value) - top  # type: ignore[arg-type]
        # One negative number, of nines, among numbers that are not, has no meaning of its own.
        if (value == low and bottom >= 0) or gap > _AWAY * max(top - bottom, 1e-9):
            found.append((float(value), count))  # type: ignore[arg-type]
    return found


def _twins(frame: pl.DataFrame, protected: list[str]) -> Iterator[Proposed]:
    """Rows that repeat another in every column, where chance does not explain it."""
    if frame.height < 2:
        return
    plain = [cells(frame, name).alias(str(at)) for at, name in enumerate(frame.columns)
             if not frame.schema[name].is_nested() and frame.schema[name] != pl.Object]
    repeats = frame.height - pl.DataFrame(plain).hash_rows(seed=0).n_unique() if plain else 0
    if not repeats:
        return
    if _copied(plain, repeats):
        yield _step("deduplicate", f"{repeats:,} rows repeat another in every column")


def _copied(columns: list[pl.Series], repeats: int) -> bool:
    """True if the repeats look like copies and not like chance.

    Where a column tells nearly all rows apart, no two rows agree by chance. Where it does so
    for many, rows that agree by chance are far more once the two columns that tell rows apart
    best are left out; copies are as many. And long text does not repeat by chance.
    """
    ranked = sorted(columns, key=lambda column: column.n_unique(), reverse=True)
    widest, rest = ranked[0], ranked[2:]
    different = len(widest) - repeats
    if widest.n_unique() >= 0.98 * different:
        return True
    hashes = pl.DataFrame(columns).hash_rows(seed=0)
    if rest and widest.n_unique() >= 0.3 * different:
        frame = pl.DataFrame(rest)
        if repeats >= 0.5 * (frame.height - frame.hash_rows(seed=0).n_unique()):
            return True
    texts = [column for column in columns if column.dtype == pl.String]
    again = [column.filter(hashes.is_duplicated()).str.len_chars() for column in texts]
    return any(_cells.mean(lengths) >= _LONG for lengths in again)
