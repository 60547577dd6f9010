"""Categories written in several ways, and stray white space around them."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Iterator

import numpy as np
import polars as pl

from wholefit.base.wording import counted
from wholefit.data._spelling import plainly, stripped
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, quoted
from wholefit.data.schema import Column

# A misspelling is rare, and what it misspells is common.
_TIMES = 30
_LONG = 5
_MOST_TYPOS = 2_000
_MOST_TYPOS_QUICK = 300


def find(look: Look) -> Iterator[Finding]:
    """White space, several spellings of one category, likely misspellings."""
    for column in look.worded:
        if column.role in ("text", "constant") or not look.few_levels(column):
            continue
        codes, levels = look.levels(column.name)
        if not levels:
            continue
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        if not _plain_already(levels):
            texts = pl.Series("column", levels, dtype=pl.String)
            merged = yield from _spellings(look, column, texts, counts, codes)
            yield from _spaces(look, column, texts, codes, merged)
        if column.role in ("categorical", "target", "group") and len(levels) <= (
                _MOST_TYPOS_QUICK if look.quick else _MOST_TYPOS):
            yield from _typos(look, column, levels, counts, codes)


def _plain_already(levels: list[str]) -> bool:
    """True if no two levels have the same letters and digits, and none has a stray space."""
    if any(level != level.strip() or "  " in level for level in levels):
        return False
    letters = {"".join(c for c in unicodedata.normalize("NFKC", level).lower() if c.isalnum())
               for level in levels}
    return len(letters) == len(levels)


def _spellings(
    look: Look, column: Column, texts: pl.Series, counts: np.ndarray, codes: np.ndarray
) -> Generator[Finding, None, bool]:
    """Levels that are one once case, spaces and punctuation are set aside."""
    plain = plainly(texts)
    twice = plain.is_duplicated() & (plain != "")
    if column.role == "identifier" or len(texts) > 0.5 * look.n or not twice.any():
        return False
    frame = pl.DataFrame({"level": texts, "plain": plain, "n": counts}).filter(twice)
    best = frame.sort("n", descending=True).unique("plain", keep="first", maintain_order=True)
    rarer = frame.filter(~pl.col("level").is_in(best["level"].to_list()))
    sets = best.height
    first = frame.filter(pl.col("plain") == best["plain"][0]).sort("n", descending=True)
    rows = look.rows(texts.is_in(rarer["level"].to_list()).to_numpy()[codes] & (codes >= 0))
    more = f" and {sets - 1:,} more such" if sets > 1 else ""
    yield Finding(
        "inconsistent_categories", "warning", (column.name,),
        f"column {column.name!r} writes one category in several ways: "
        f"{quoted(first['level'].to_list(), 4)}{more} ({counted(len(rows), 'row')} in the rarer "
        "spelling)",
        "each spelling becomes a category of its own, and what is known of one is not known of "
        "the other", *_remedy.tidy(column.name), count=len(rows), rows=rows,
        strength=len(rows) / look.n)
    return True


def _spaces(
    look: Look, column: Column, texts: pl.Series, codes: np.ndarray, merged: bool
) -> Iterator[Finding]:
    """Cells with spaces around them, or double ones inside."""
    untidy = (stripped(texts) != texts).fill_null(False).to_numpy()
    if not untidy.any():
        return
    rows = look.rows(untidy[codes] & (codes >= 0))
    shown = texts.filter(pl.Series(untidy)).to_list()
    clash = merged or len(set(stripped(texts).to_list())) < len(texts)
    yield Finding(
        "stray_spaces", "warning" if clash else "info", (column.name,),
        f"column {column.name!r} has {counted(len(rows), 'cell')} with spaces around or double "
        f"inside, such as {quoted(shown)}",
        "'Yes' and 'Yes ' are two categories to a model" if clash else
        "harmless until new data comes without the spaces",
        *_remedy.spaces(column.name), count=len(rows), rows=rows, strength=len(rows) / look.n)


def _typos(
    look: Look, column: Column, levels: list[str], counts: np.ndarray, codes: np.ndarray
) -> Iterator[Finding]:
    """Rare levels that are one letter away from a common one."""
    common = {level.lower(): at for at, level in enumerate(levels) if counts[at] >= _TIMES}
    deleted: dict[str, int] = {}
    for word, at in common.items():
        if len(word) >= _LONG:
            for form in (word, *_shorter(word)):
                if counts[at] > counts[deleted.get(form, at)] or form not in deleted:
                    deleted[form] = at
    pairs = []
    for at, level in enumerate(levels):
        word = level.lower()
        if len(word) < _LONG or counts[at] >= _TIMES:
            continue
        near = {deleted[f] for f in (word, *_shorter(word)) if f in deleted} - {at}
        meant = [m for m in near if counts[m] >= _TIMES * counts[at]
                 and _one_letter(word, levels[m].lower())]
        if meant:
            pairs.append((at, max(meant, key=lambda m: counts[m])))
    if not pairs:
        return
    wrong = np.zeros(len(levels), dtype=bool)
    wrong[[at for at, _ in pairs]] = True
    rows = look.rows(wrong[codes] & (codes >= 0))
    shown = ", ".join(f"{levels[a]!r} for {levels[m]!r}" for a, m in pairs[:3])
    yield Finding(
        "likely_misspelt", "info", (column.name,),
        f"column {column.name!r} has {counted(len(pairs), 'rare level')} one letter away from a "
        f"common one: {shown} ({counted(len(rows), 'row')})",
        "if they are slips, what is known of the common level is not used for them",
        *_remedy.tidy(column.name), count=len(rows), rows=rows, strength=len(rows) / look.n)


def _shorter(word: str) -> list[str]:
    """The word without each of its letters in turn."""
    return [word[:i] + word[i + 1:] for i in range(len(word))]


def _one_letter(a: str, b: str) -> bool:
    """One letter (no digit, no space) added, left out, changed, or two neighbours swapped."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y),
                 min(len(a), len(b)))
    long, brief = (a, b) if len(a) >= len(b) else (b, a)
    if len(a) != len(b):
        return long[start + 1:] == brief[start:] and long[start].isalpha() and not (
            start == len(long) - 1 and long[start] == "s")
    if a[start + 1:] == b[start + 1:]:
        return a[start].isalpha() and b[start].isalpha()
    return a[start:start + 2] == b[start:start + 2][::-1] and a[start + 2:] == b[start + 2:] \
        and a[start:start + 2].isalpha()
