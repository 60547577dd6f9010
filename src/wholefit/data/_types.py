"""A text column becomes what it holds: numbers, dates, booleans, or text after all.

`settle` decides over the whole column, never over its head. A column that is numbers but for a
few bad cells is read as numbers, the bad cells missing, and a warning names them; above
`MOST_BAD` of the cells it stays text, and a warning says how to overrule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from wholefit.data import _dates
from wholefit.data import _words as words
from wholefit.data.notes import Note, info, some, warning

MOST_BAD = 0.01
MOST_ROWS = 100_000    # of one note: a list of more is nothing that a person works through
_DOUBTFUL = ("?", "None", "none", "-", ".")
SPOTS = ("", *words.STANDARD, *_DOUBTFUL)      # cells that text columns are searched for
_PROBE = 1000


@dataclass(frozen=True)
class Rules:
    """What the user or the rest of the file says about cells."""

    na_values: tuple[str, ...] = ()
    decimal: str | None = None
    day_first: bool | None = None
    semicolon: bool = False


@dataclass
class Settled:
    """A column after `settle`: its values, notes, and the date format that was found."""

    values: pl.Series
    notes: list[Note] = field(default_factory=list)
    format: str | None = None
    ambiguous: bool = False


def settle(column: pl.Series, rules: Rules, *, spotless: bool = False) -> Settled:
    """`column` (String) as numbers, dates, booleans or text, with notes on every change.

    `spotless` says that no cell is one of `SPOTS`, which saves looking for them in text.
    """
    column = own_missing(column, rules.na_values)
    probe = _probe(column)
    if not probe:
        return _as_text(column, spotless)
    numbers, booleans = _share(probe, words.NUMBERISH), _share(probe, words.BOOLEAN)
    for share, reading in ((numbers, _numbers), (_dates.looks_like(probe), _times),
                           (booleans, _booleans)):
        if share >= 0.5:
            found = reading(column, rules)
            if found is not None:
                return found
    return _as_text(column, spotless)


def _probe(column: pl.Series) -> list[str]:
    """Up to a thousand cells, spread over the column, stripped, missing tokens left out."""
    full = column.drop_nulls()
    if full.len() > _PROBE:
        spread = np.linspace(0, full.len() - 1, _PROBE).astype(np.int64)
        full = full.gather(pl.Series(spread))
    cells = (cell.strip() for cell in full.to_list())
    return [cell for cell in cells if cell and cell not in words.TOKENS]


def _share(values: Sequence[str], shape: re.Pattern[str]) -> float:
    # No number or date is long; patterns need not run over whole documents.
    return sum(len(v) <= 80 and bool(shape.fullmatch(v)) for v in values) / len(values)


def own_missing(column: pl.Series, tokens: tuple[str, ...]) -> pl.Series:
    """`column` with the user's own tokens missing."""
    if not tokens:
        return column
    return blank(column, column.is_in(list(tokens)))


def blank(column: pl.Series, mask: pl.Series) -> pl.Series:
    """`column` with the masked cells missing."""
    frame = pl.DataFrame({"c": column, "m": mask.fill_null(False)})
    return frame.select(
        pl.when(pl.col("m")).then(None).otherwise(pl.col("c")).alias(column.name)
    ).to_series()


# Numbers ------------------------------------------------------------------------------------

def _numbers(column: pl.Series, rules: Rules) -> Settled | None:
    text = column.str.strip_chars()
    notes: list[Note] = []
    if rules.decimal is None and not text.str.contains("[,'’ \u00a0\u202f]").any():
        values = _plain(text)
    else:
        values, notes = styled(text, rules)
    found = _checked(column, text, values, "number", notes)
    if found is None or found.values.dtype == pl.String:
        return found
    if bool(text.str.contains(words.ZEROS).any()):
        return _codes(column, text)
    whole = _whole(text, found.values)
    if whole is None:
        return _too_long(column)
    found.values = whole
    return found


def _plain(text: pl.Series) -> pl.Series:
    return text.cast(pl.Float64, strict=False).fill_nan(None)


def _whole(text: pl.Series, values: pl.Series) -> pl.Series | None:
    """Integers where every number is written as one; None where one is too long for 64 bits."""
    if bool(values.is_infinite().any()) or bool((values != values.floor()).any()):
        return values
    digits = text.str.contains(words.WHOLE).fill_null(False)
    if not bool((digits | values.is_null()).all()):
        exact = values.abs().max()
        points = bool(text.str.contains(r"[.eE]").any())
        if points or exact is None or float(exact) > 2**53:  # type: ignore[arg-type]
            return values
        return values.cast(pl.Int64)
    whole = text.str.strip_prefix("+").cast(pl.Int64, strict=False)
    return whole if whole.null_count() == values.null_count() else None


def styled(text: pl.Series, rules: Rules) -> tuple[pl.Series, list[Note]]:
    """Numbers with commas, points or spaces between thousands, or a decimal comma."""
    full = text.drop_nulls()
    full = full.filter(~full.is_in(list(words.TOKENS)) & (full != ""))
    style, sure = _style(full, rules)
    drop, comma = {"comma": (",", False), "point": (".", True),
                   "decimal": ("", True), "plain": ("", False)}[style]
    spaced = text.str.contains(words.SPACE_THOUSANDS).fill_null(False)
    shaped = text.str.contains({
        "comma": words.COMMA_THOUSANDS, "point": words.POINT_THOUSANDS,
        "decimal": words.DECIMAL_COMMA, "plain": words.PLAIN}[style])
    known = shaped | spaced | text.str.contains(
        words.DECIMAL_COMMA if comma else words.PLAIN) | text.str.contains(words.WHOLE)
    clean = text.str.replace_all("[ \u00a0\u202f'’]", "")
    if drop:
        clean = clean.str.replace_all(drop, "", literal=True)
    if comma:
        clean = clean.str.replace_all(",", ".", literal=True)
    values = blank(_plain(clean), ~known.fill_null(False))
    notes = _style_notes(text.name, style, sure, bool(spaced.any()), full)
    return values, notes


def _style(full: pl.Series, rules: Rules) -> tuple[str, bool]:
    """How numbers are written here, and whether that is certain."""
    def count(shape: str) -> int:
        return int(full.str.contains(shape).sum())

    comma, point = count(words.COMMA_THOUSANDS), count(words.POINT_THOUSANDS)
    decimal, plain = count(words.DECIMAL_COMMA), count(words.PLAIN)
    both_comma = count(r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.|,[0-9]{3},")
    both_point = count(r"^[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,|\.[0-9]{3}\.")
    loose = decimal - count(r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$")
    if rules.decimal == ",":
        return ("point" if point and (both_point or not loose or point > loose) else
                "decimal"), True
    if rules.decimal == ".":
        return ("comma" if comma else "plain"), True
    if both_point or (point and loose):
        return "point", True
    if both_comma:
        return "comma", True
    if loose:
        return "decimal", True
    if comma:
        certain = plain > count(words.WHOLE)
        return ("decimal", False) if rules.semicolon and not certain else ("comma", certain)
    return "plain", True


def _style_notes(
    name: str, style: str, sure: bool, spaced: bool, full: pl.Series
) -> list[Note]:
    said = {"comma": "',' between thousands", "point": "'.' between thousands and a decimal ','",
            "decimal": "a decimal ','", "plain": "a space or apostrophe between thousands"}
    if style == "plain" and not spaced:
        return []
    example = full.filter(full.str.contains("[,' ’\u00a0\u202f]")).head(1).to_list()
    shown = f" (e.g. {example[0]!r})" if example else ""
    if sure:
        return [info("number_style", f"column {name!r}: numbers are written with "
                     f"{said[style]}{shown}.", column=name)]
    other = "a decimal comma" if style == "comma" else "',' between thousands"
    pick = "," if style == "comma" else "."
    return [warning("number_style_guessed", f"column {name!r}: numbers were read with "
                    f"{said[style]}{shown}, but {other} would fit too: say decimal={pick!r} "
                    "if so.", column=name)]


def _codes(column: pl.Series, text: pl.Series) -> Settled:
    first = text.filter(text.str.contains(words.ZEROS)).head(1).to_list()
    found = _as_text(column)
    found.notes.insert(0, info(
        "leading_zeros", f"column {column.name!r}: kept as text, because codes such as "
        f"{first[0]!r} would lose their leading zeros; dtypes={{{column.name!r}: 'number'}} reads "
        "numbers.", column=column.name))
    return found


def _too_long(column: pl.Series) -> Settled:
    found = _as_text(column)
    found.notes.insert(0, warning(
        "long_integers", f"column {column.name!r}: kept as text, because it holds integers that "
        f"do not fit 64 bits; dtypes={{{column.name!r}: 'number'}} reads them as floats.",
        column=column.name))
    return found


# Dates and booleans --------------------------------------------------------------------------

def _times(column: pl.Series, rules: Rules) -> Settled | None:
    text = column.str.strip_chars()
    dates = _dates.parse(text, day_first=rules.day_first)
    if dates is None:
        return None
    notes = []
    if dates.ambiguous:
        order = "day" if dates.format.startswith("%d") else "month"
        other = {"%d": "%m", "%m": "%d"}
        swapped = other[dates.format[:2]] + dates.format[2] + other[dates.format[3:5]]
        notes.append(warning(
            "ambiguous_dates", f"column {column.name!r}: dates could be day first or month first; "
            f"read with the {order} first ({dates.format!r}): dtypes={{{column.name!r}: "
            f"{swapped + dates.format[5:]!r}}} reads them the other way.", column=column.name))
    elif not dates.format.startswith("%Y-"):
        notes.append(info("date_format", f"column {column.name!r}: dates were read as "
                          f"{dates.format!r}.", column=column.name))
    found = _checked(column, text, dates.values, "date", notes)
    if found is not None:
        found.format, found.ambiguous = dates.format, dates.ambiguous
    return found


def _booleans(column: pl.Series, rules: Rules) -> Settled | None:
    text = column.str.strip_chars()
    lower = text.str.to_lowercase()
    shaped = text.str.contains(words.BOOLEANS)
    values = blank(lower == "true", ~shaped.fill_null(False))
    return _checked(column, text, values, "boolean", [])


# What does not fit ---------------------------------------------------------------------------

def _checked(
    column: pl.Series, text: pl.Series, values: pl.Series, kind: str, notes: list[Note]
) -> Settled | None:
    """The typed column if few enough cells do not fit, else text with a warning, or None."""
    values = values.alias(column.name)
    lost = values.is_null() & text.is_not_null() & (text != "")
    tokens = lost & text.is_in(list(words.TOKENS))
    bad = (lost & ~tokens).fill_null(False)
    wrong, good = int(bad.sum()), int(values.len() - values.null_count())
    if good == 0:
        return None
    if wrong > MOST_BAD * (good + wrong):
        return _mostly(column, bad, kind) if good >= 4 * wrong else None
    if bool(tokens.any()):
        notes.append(_missing_note(column.name, text.filter(tokens), kind))
    if wrong:
        notes.append(_bad_note(column, bad, kind))
    return Settled(values, notes)


def _missing_note(name: str, cells: pl.Series, kind: str) -> Note:
    shown = some([repr(v) for v in cells.unique().sort().to_list()])
    return info("missing_tokens", f"column {name!r}: {_cells(cells.len())} ({shown}) "
                f"among {kind}s read as missing.", column=name, count=cells.len())


def _bad_note(column: pl.Series, bad: pl.Series, kind: str) -> Note:
    rows, examples = where(column, bad)
    count = int(bad.sum())
    return warning(
        "bad_cells", f"column {column.name!r}: {count} of {column.len()} cells are not "
        f"{kind}s and were read as missing (row {some(rows)}: {some(examples)}); "
        f"na_values=[...] accepts them as missing, dtypes={{{column.name!r}: 'text'}} keeps them.",
        column=column.name, rows=rows, count=count)


def _mostly(column: pl.Series, bad: pl.Series, kind: str) -> Settled:
    rows, examples = where(column, bad)
    found = _as_text(column)
    found.notes.insert(0, warning(
        "mostly_" + kind, f"column {column.name!r}: kept as text, because {int(bad.sum())} of "
        f"{column.len()} cells are not {kind}s (row {some(rows)}: {some(examples)}); "
        f"na_values=[...] or dtypes={{{column.name!r}: '{kind}'}} reads the rest as {kind}s.",
        column=column.name, rows=rows, count=int(bad.sum())))
    return found


def where(column: pl.Series, bad: pl.Series) -> tuple[list[int], list[str]]:
    """Row numbers and example values of the masked cells."""
    rows = (bad.arg_true().head(MOST_ROWS) + 1).to_list()
    examples = column.filter(bad).unique(maintain_order=True).head(5).to_list()
    return rows, [repr(_short(e)) for e in examples]


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


# Text ----------------------------------------------------------------------------------------

def _as_text(column: pl.Series, spotless: bool = False) -> Settled:
    """Text, with the standard tokens missing and a word on the doubtful ones."""
    name, notes = column.name, []
    if _padded(column):
        column = column.str.strip_chars_start(" ")
        notes.append(info("leading_spaces", f"column {name!r}: the space before every value was "
                          "removed.", column=name))
    if spotless:
        return Settled(column, notes)
    standard = column.is_in([*words.STANDARD, ""]).fill_null(False)
    if bool(standard.any()):
        cells = column.filter(standard)
        column = blank(column, standard)
        named = cells.filter(cells != "")
        if named.len():
            shown = some([repr(v) for v in named.unique().sort().to_list()])
            notes.append(info("missing_tokens", f"column {name!r}: {_cells(named.len())} ({shown}) "
                              "read as missing.", column=name, count=named.len()))
    notes += _doubtful(column)
    return Settled(column, notes)


def no_empty(column: pl.Series) -> pl.Series:
    """Empty text is missing."""
    return blank(column, column == "")


def _padded(column: pl.Series) -> bool:
    head = column.head(200).drop_nulls()
    if head.len() == 0 or not bool(head.str.starts_with(" ").all()):
        return False
    return bool(column.str.starts_with(" ").all())


def _doubtful(column: pl.Series) -> list[Note]:
    cells = column.filter(column.is_in(_DOUBTFUL).fill_null(False))
    if cells.len() == 0:
        return []
    shown = some([repr(v) for v in cells.unique().sort().to_list()])
    return [info("doubtful_tokens", f"column {column.name!r}: {_cells(cells.len())} ({shown}) "
                 "kept as a category of their own; na_values=[...] reads them as missing.",
                 column=column.name, count=cells.len())]
