"""The target itself: rare classes, too few rows, heaps at round numbers, a ceiling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.base.wording import counted
from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look, share, short

_RARE, _VERY_RARE = 0.1, 0.02
_TINY = 10
_FEW_ROWS = 50
_HEAPED = 3.0
_CAPPED = 0.005
# Rows for each number that a model must learn; fewer, and it learns the noise.
_ROWS_A_COLUMN = 10
_MANY_LEVELS = 50


def find(look: Look) -> Iterator[Finding]:
    """What is said of the target and of how many rows there are to learn it from."""
    if look.y is None or look.target is None:
        return
    if look.classes:
        yield from _classes(look, look.y, look.target)
    else:
        values = look.y[np.isfinite(look.y)]
        if len(values) >= _FEW_ROWS:
            some = look.y[look.sample]
            yield from _heaps(some[np.isfinite(some)], look.target, len(values))
            yield from _ceiling(look, values, look.target)
    yield from _volume(look, look.y, look.target)


def _classes(look: Look, y: np.ndarray, target: str) -> Iterator[Finding]:
    counts = np.bincount(y[y >= 0], minlength=len(look.classes))
    least, total = int(counts.min()), int(counts.sum())
    tiny = [f"{look.classes[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < _TINY)]
    if tiny:
        rows = look.rows(np.isin(y, np.flatnonzero(counts < _TINY)))
        yield Finding(
            "tiny_class", "warning", (target,),
            f"{counted(len(tiny), 'class') if len(tiny) == 1 else f'{len(tiny)} classes'} of "
            f"{target!r} with fewer than {_TINY} rows: {', '.join(tiny[:5])}",
            "too few to learn from and to judge by: gather more, merge them, or leave them out",
            *_remedy.none(), count=len(rows), rows=rows, strength=1 - least / _TINY)
    even = 1 / len(counts)
    rare = least / total
    if rare < _RARE and rare < 0.5 * even and len(counts) == 2:
        label = look.classes[int(counts.argmin())]
        yield Finding(
            "imbalance", "warning" if rare < _VERY_RARE else "info", (target,),
            f"{share(least, total)} of the rows are {label!r} ({counted(least, 'row')})",
            "accuracy says little: a model that never says it is right nearly always",
            *_remedy.option("metric", "average_precision"), count=least,
            rows=look.rows(y == int(counts.argmin())), strength=1 - rare)


def _heaps(values: np.ndarray, target: str, rows: int) -> Iterator[Finding]:
    """More multiples of 10 (in units of the last digit) than one in ten."""
    unit = _unit(values)
    if unit is None or len(np.unique(values)) < _FEW_ROWS:
        return
    whole = np.round(values / unit)
    for step in (1000, 100, 10, 5):
        at = whole % step == 0
        expected = 1 / step
        observed = float(at.mean())
        spread = np.sqrt(expected * (1 - expected) / len(values))
        if observed > max(_HEAPED * expected, 0.15) and observed > expected + 6 * spread:
            yield Finding(
                "heaped_target", "info", (target,),
                f"{share(observed, 1)} of the values of {target!r} are multiples of "
                f"{short(step * unit)}, where {share(expected, 1)} would be by chance",
                "the target was rounded or guessed by those who wrote it down: no model can be "
                "nearer to the truth than that", *_remedy.none(),
                count=round(observed * rows), strength=observed)
            return


def _unit(values: np.ndarray) -> float | None:
    """The last decimal place that the numbers use: 1, 0.1, 0.01; None if they use them all."""
    for unit in (1.0, 0.1, 0.01, 0.001):
        if np.allclose(values / unit, np.round(values / unit), rtol=0, atol=1e-6):
            return unit
    return None


def _ceiling(look: Look, values: np.ndarray, target: str) -> Iterator[Finding]:
    """One extreme value that very many rows share: the truth was cut off there."""
    if look.column(target).distinct < _FEW_ROWS:
        return
    for edge, word in ((values.max(), "largest"), (values.min(), "smallest")):
        at = values == edge
        if at.sum() < max(10, _CAPPED * len(values)) or edge == 0:
            continue
        near = np.sort(np.abs(values[~at] - edge))
        width = float(near[min(len(near) - 1, int(0.02 * len(near)))])
        inside = (np.abs(values - edge) <= width) & ~at
        others = max(float(inside.sum()) / max(len(np.unique(values[inside])), 1), 1.0)
        if at.sum() > 10 * others:
            yield Finding(
                "capped_target", "warning", (target,),
                f"{counted(int(at.sum()), 'row')} ({share(at.sum(), len(values))}) have the "
                f"{word} value of {target!r}, {short(float(edge))}, where its neighbours have "
                f"about {others:.0f} each",
                "the truth was cut off there: a model learns the cut, and its errors beyond are "
                "not seen", *_remedy.none(), count=int(at.sum()),
                rows=look.rows(look.y == edge), strength=float(at.mean()))


def _volume(look: Look, y: np.ndarray, target: str) -> Iterator[Finding]:
    """Too few rows, or too few for so many columns."""
    if look.n < _FEW_ROWS:
        yield Finding(
            "few_rows", "warning", (target,), f"only {counted(look.n, 'row')}",
            "every score has a wide interval; read that first", *_remedy.none(), count=look.n,
            strength=1 - look.n / _FEW_ROWS)
    width = sum(min(c.distinct, _MANY_LEVELS) - 1 if c.role == "categorical" else 1
                for c in look.features if c.role != "text")
    rows = int(np.bincount(y[y >= 0]).min()) * 2 if look.classes and len(look.classes) == 2 \
        else look.n
    if width and rows < _ROWS_A_COLUMN * width:
        basis = f"twice the {rows // 2:,} rows of the rarer class" if rows != look.n \
            else f"{look.n:,} rows"
        yield Finding(
            "few_rows_for_columns", "info" if rows >= 2 * width else "warning", (target,),
            f"{basis} for about {width:,} numbers to learn ({len(look.features)} columns, their "
            f"levels counted): {rows / width:.1f} rows each, where ten are a common rule",
            "a model can learn the noise by heart: prefer simple and regularised ones, or fewer "
            "columns", *_remedy.option("models", "logistic" if look.classes else "ridge"),
            count=width, strength=1 - rows / (_ROWS_A_COLUMN * width))
