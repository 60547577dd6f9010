"""Rows move, what they mean stays: is the score that is estimated without truths true?"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.monitoring import _tables
from wholefit.monitoring import Options
from wholefit.monitoring.case import Case, Reader
from wholefit.monitoring.whole import Reference, checks

CASES = int(os.environ.get("MONITOR_CASES", "12"))
KINDS = ("columns", "doubt", "beyond")
ROWS, REFERENCE = 2_000, 3_000
STRENGTHS = (0.5, 1.0, 2.0)


def main() -> None:
    """Windows drawn with odds that depend on the columns: the answers' worth changes, truly."""
    warnings.simplefilter("ignore")
    lines, every = [], defaultdict(list)
    for spec in (each for each in _tables.TABLES if each[2] == "classification"):
        found = _tables.table(*spec)
        own: list[tuple[float, ...]] = []
        for kind in KINDS:
            for trial in range(CASES):
                strength = STRENGTHS[trial % len(STRENGTHS)]
                made = one(found, kind, strength, np.random.default_rng([trial, 3]))
                own.append(made)
                every[f"all, {kind}" + (f", s = {strength:g}" if kind != "beyond" else "")].append(
                    made)
        lines.append([found.name, *told(own)])
        print(*lines[-1], sep=" | ", flush=True)
    lines += [[kind, *told(some)] for kind, some in every.items()]
    lines.append(["all, columns and doubt", *told(
        [each for kind, some in every.items() if "beyond" not in kind for each in some])])
    _tools.save("monitoring_estimates", "\n".join([
        "# Monitoring: accuracy estimated without truths under covariate shift", "",
        f"Real tables with a model each, {CASES} cases of each kind a table: windows of {ROWS:,} "
        "rows (of small tables half of those left) drawn with odds exp(s z). columns: z of one or "
        "two columns (numbers as ranks, levels by a number at random), with spread 1; doubt: z the "
        "rank of how unsure the model is, which moves the accuracy most; s of "
        f"{', '.join(map(str, STRENGTHS))}. beyond: the reference lacks a quarter of the range of "
        "a column, or levels, that the window consists of: only other columns tell. The reference "
        f"has {REFERENCE:,} labelled rows; neither was learnt from. within 3: share of known "
        "estimates within 3 points of the window's true accuracy; covered: whose interval, with "
        "the window's own chance, holds it; error: mean distance, beside that of saying the "
        "reference's accuracy, and the mean confidence as it is.", "",
        _tools.markdown(["table", "cases", "known", "within 3 points", "covered", "error, points",
                         "of the reference's accuracy", "of the mean confidence",
                         "true change, points", "unknown ones within 3"], lines), "",
        _tools.machine("scipy", "scikit-learn", "numpy", "polars")]))


def one(found: _tables.Table, kind: str, strength: float, random: np.random.Generator
        ) -> tuple[float, ...]:
    """Estimate, low, high, truth, accuracy of the reference, mean confidence, whether known."""
    order = random.permutation(found.rows.height)
    old = order[:min(REFERENCE, len(order) // 2)]
    pool = order[len(old):]
    if kind == "beyond":
        old = pool = order[:0]
        while min(len(old), len(pool)) < 300:
            old, pool = parted(order, tilt(found, order, random, columns=1))
        odds = np.ones(len(pool))
    elif kind == "doubt":
        assert found.sure is not None
        odds = np.exp(-strength * _ranked(pl.Series(found.sure[pool])))
    else:
        odds = np.exp(strength * tilt(found, pool, random))
    window = random.choice(pool, min(ROWS, max(len(pool) // 2, 200), len(pool)), replace=False,
                           p=odds / odds.sum())
    side, new = found.side(old), found.side(window)
    case = Case(found.subject, Options(anomalies=False), side.frame, side,
                Reader(found.subject), True)
    reader = case.reader
    assert reader is not None
    unlabelled = type(new)(new.rows, new.frame, None, new.said, new.sure, None,
                           pl.Series([None] * new.rows, dtype=pl.String))
    check = next(each for each in checks(case, Reference.of(case), unlabelled)
                 if each.kind == "estimate")
    truth, before = (1 - reader.losses(each).mean() for each in (new, side))
    assert new.sure is not None
    known = check.verdict != "not judged"
    return (value_of(check.said) if not known else check.value, check.low, check.high,
            float(truth), float(before), float(np.nanmean(new.sure)), float(known), float(new.rows))


def value_of(said: str) -> float:
    """The number that a check which is not known mentions."""
    return float(said.split("about ")[1].split()[0]) if "about " in said else float("nan")


def parted(order: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A reference without the upper quarter of z, and that quarter."""
    above = z > np.quantile(z, 0.75)
    if above.sum() < 400:  # few values: the highest one
        above = z >= z.max() - 1e-9
    below = order[~above]
    return below[:min(REFERENCE, len(below))], order[above]


def _ranked(values: pl.Series) -> np.ndarray:
    ranks = values.rank().fill_null(len(values) / 2).to_numpy()
    return (ranks - ranks.mean()) / (ranks.std() or 1)


def tilt(found: _tables.Table, rows: np.ndarray, random: np.random.Generator,
         columns: int | None = None) -> np.ndarray:
    """A number for each row, of one or two columns, with mean 0 and spread 1."""
    frame = found.rows[rows]
    names = [name for name in found.subject.schema.features
             if frame.get_column(name).n_unique() > 1]
    total = np.zeros(len(rows))
    for name in random.choice(names, size=min(len(names), columns or int(random.integers(1, 3))),
                              replace=False):
        column = frame.get_column(str(name))
        if column.dtype.is_numeric() and column.n_unique() > 12:
            part = _ranked(column) * random.choice([-1, 1])
        else:
            levels = column.cast(pl.String).fill_null("?")
            numbers = dict(zip(levels.unique().sort().to_list(),
                               random.normal(size=levels.n_unique()), strict=True))
            part = np.array([numbers[each] for each in levels.to_list()])
        total += part
    return (total - total.mean()) / (total.std() or 1)


def told(cases: list[tuple[float, ...]]) -> list[str]:
    """One line of the table."""
    values = np.array(cases)
    value, low, high, truth, before, sure, known, rows = values.T
    good = known == 1
    within = np.abs(value - truth) <= 0.03
    own = 1.96 * np.sqrt(truth * (1 - truth) / rows)
    half = (high - low) / 2
    covered = np.abs(value - truth) <= np.sqrt(half**2 + own**2)
    if not good.any():
        return [f"{len(cases)}", "0", *["–"] * 7, f"{np.nanmean(within):.0%}"]
    return [f"{len(cases)}", f"{int(good.sum())}", f"{within[good].mean():.0%}",
            f"{covered[good].mean():.0%}", f"{100 * np.abs(value - truth)[good].mean():.1f}",
            f"{100 * np.abs(before - truth)[good].mean():.1f}",
            f"{100 * np.abs(sure - truth)[good].mean():.1f}",
            f"{100 * np.abs(truth - before)[good].mean():.1f}",
            f"{within[~good].mean():.0%}" if (~good).any() else "–"]
