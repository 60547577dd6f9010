"""Worst slices: planted ones found, false alarms, power by size and strength, and the time.

A trial draws a table (numbers and levels, none of which matters), plants one part in which answers
are wrong more often, and searches. It is found if one of the slices told shares at least half of
its rows with the planted part (Jaccard 0.5), or, of a planted part that no condition names exactly,
lies in it for four fifths.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import data_folder, markdown
from wholefit.evaluation.worst import worst
from wholefit.evaluation.worst._conditions import conditions
from wholefit.evaluation.worst._search import search

_BASE = 0.15
_TRIALS = 100


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    trials = 15 if short else _TRIALS
    return [*_found(trials), "", *_alarms(trials), "", *_limits(trials), "",
            *_permuted(8 if short else 50), "", *_real(8 if short else _TRIALS), "", *_times()]


def _columns(n: int, rng: np.random.Generator, each: int = 6) -> dict[str, pl.Series]:
    numbers = {f"n{at}": pl.Series(rng.normal(size=n)) for at in range(each)}
    levels = {f"c{at}": pl.Series(rng.choice(list("abcde"), n)) for at in range(each)}
    return numbers | levels


def _part(columns: dict[str, pl.Series], share: float, rng: np.random.Generator) -> np.ndarray:
    """A level and a range that together hold about this share of the rows."""
    level = (columns[f"c{rng.integers(6)}"] == "b").to_numpy()
    number = columns[f"n{rng.integers(6)}"].to_numpy()
    return np.asarray(level & (number > np.quantile(number, 1 - min(5 * share, 1.0))))


def _is_found(columns: dict[str, pl.Series], told: Any, part: np.ndarray, least: int) -> bool:
    known = conditions(columns, least)
    names = [str(each) for each in known.all]
    for each in told.slices:
        rows = known.meets([names.index(str(one)) for one in each.where])
        both, either = (rows & part).sum(), (rows | part).sum()
        if both / either >= 0.5 or both >= 0.8 * rows.sum():
            return True
    return False


def _trial(n: int, share: float, rate: float, seed: int) -> tuple[bool, bool]:
    """Whether the part was found, and whether the first slice's interval holds the truth."""
    rng = np.random.default_rng([n, int(1000 * share), int(100 * rate), seed])
    columns = _columns(n, rng)
    part = _part(columns, share, rng)
    chance = np.where(part, rate, _BASE)
    told = worst(columns, (rng.random(n) < chance).astype(float), seed=seed)
    held = True
    if told.slices:
        known = conditions(columns, told.least)
        names = [str(each) for each in known.all]
        first = told.slices[0]
        rows = known.meets([names.index(str(one)) for one in first.where])
        held = bool(first.low <= chance[rows].mean() - chance[~rows].mean() <= first.high)
    return _is_found(columns, told, part, told.least), held


def _found(trials: int) -> list[str]:
    lines = []
    for n in (1_000, 5_000, 20_000):
        for share in (0.05, 0.1):
            for rate in (0.3, 0.45, 0.6):
                outcome = [_trial(n, share, rate, seed) for seed in range(trials)]
                z = (rate - _BASE) / np.sqrt(_BASE * (1 - _BASE) / (n * share))
                lines.append([f"{n:,}", f"{share:.0%}", f"{rate:.0%}", f"{z:.1f}",
                              f"{np.mean([hit for hit, _ in outcome]):.0%}",
                              f"{np.mean([held for _, held in outcome]):.0%}"])
    return [f"Planted parts, {trials} trials each: a level and a range together; 12 columns, "
            f"answers wrong in {_BASE:.0%} of the other rows, up to three conditions searched. "
            "Standard errors: how far the part stands out of its own noise, in all rows.", "",
            markdown(["rows", "share of the part", "wrong in it", "standard errors", "found",
                      "interval holds the truth"], lines)]


def _alarms(trials: int) -> list[str]:
    lines = []
    kinds = {"wrong or right, 15 %": lambda rng, n: (rng.random(n) < _BASE).astype(float),
             "errors, exponential": lambda rng, n: rng.exponential(size=n),
             "errors, very heavy tails": lambda rng, n: np.abs(rng.standard_t(2.2, size=n))}
    for n in (500, 2_000, 10_000):
        for name, draw in kinds.items():
            found = 0
            for seed in range(2 * trials):
                rng = np.random.default_rng([n, seed, len(name)])
                found += len(worst(_columns(n, rng), draw(rng, n), seed=seed)) > 0
            lines.append([f"{n:,}", name, f"{found / (2 * trials):.1%}"])
    return [f"False alarms, {2 * trials} tables each, in which no part is worse; at most 5 % are "
            "allowed.", "", markdown(["rows", "losses", "any slice told"], lines)]


def _limits(trials: int) -> list[str]:
    """Does the limit that is told hold: a tenth of the rows, worse by `detectable`?"""
    lines = []
    for n in (2_000, 10_000):
        hits, limits = 0, []
        for seed in range(trials):
            rng = np.random.default_rng([n, seed])
            columns = _columns(n, rng)
            wrong = (rng.random(n) < _BASE).astype(float)
            limit = worst(columns, wrong, wrong=wrong, seed=seed).detectable
            part = _part(columns, 0.1, rng)
            moved = np.where(part & (rng.random(n) < limit / (1 - _BASE)), 1.0, wrong)
            told = worst(columns, moved, seed=seed)
            hits += _is_found(columns, told, part, told.least)
            limits.append(limit)
        lines.append([f"{n:,}", f"{np.mean(limits):.3f}", f"{hits / trials:.0%}"])
    return ["The limit that is told (a tenth of the rows is found four times in five if it is "
            "worse by so much):", "", markdown(["rows", "worse by", "found"], lines)]


def _permuted(trials: int) -> list[str]:
    """Beside one search of all rows whose largest statistic is held against permutations."""
    n, share, rows = 2_000, 0.08, []
    for rate in (0.3, 0.35, 0.4, 0.5):
        ours = theirs = 0
        for seed in range(trials):
            rng = np.random.default_rng([seed, int(100 * rate)])
            columns = _columns(n, rng)
            part = _part(columns, share, rng)
            wrong = (rng.random(n) < np.where(part, rate, _BASE)).astype(float)
            ours += _is_found(columns, worst(columns, wrong, seed=seed, depth=2), part, 40)
            theirs += _by_permutation(columns, wrong, part, rng)
        rows.append([f"{rate:.0%}", f"{ours / trials:.0%}", f"{theirs / trials:.0%}"])
    return [f"Beside a search of all {n:,} rows whose largest statistic is held against that of "
            f"39 permutations; {trials} trials, {share:.0%} of the rows, pairs of conditions. It "
            "finds somewhat weaker parts, and has no rows left to say how bad they are.", "",
            markdown(["wrong in it", "both ways (ours)", "permutations"], rows)]


def _by_permutation(
    columns: dict[str, pl.Series], wrong: np.ndarray, part: np.ndarray, rng: np.random.Generator
) -> bool:
    known, rows = conditions(columns, 40), np.arange(len(wrong))

    def best(loss: np.ndarray) -> Any:
        return search(known, rows, loss, least=40, depth=2, most=1)[0][0]

    found = best(wrong)
    if any(best(rng.permutation(wrong)).z >= found.z for _ in range(39)):
        return False
    inside = known.meets(found.parts)
    both = (inside & part).sum()
    return bool(both / (inside | part).sum() >= 0.5 or both >= 0.8 * inside.sum())


def _real(trials: int) -> list[str]:
    """A real table and model; in one part of the held-out rows, four labels in ten are turned."""
    frame = wf.read(str(next((data_folder() / "adult").glob("data.*")))).frame
    frame = frame.sample(16_000, seed=0, shuffle=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = wf.fit(frame[:8_000], target="income", models="hist_gradient_boosting", seed=0,
                       checks=False)
        held = frame[8_000:]
        answer = model.predict_proba(held).select(pl.selectors.starts_with("p_")).to_numpy()
    truth = (held["income"].cast(pl.String) == str(model.classes[1])).to_numpy()
    columns = {name: held[name] for name in held.columns if name != "income"}
    known = conditions(columns, 200)
    hits = 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        while True:
            a, b = rng.choice(len(known.all), 2, replace=False)
            part = known.meets([int(a), int(b)])
            if known.column[a] != known.column[b] and 240 <= part.sum() <= 800:
                break
        turned = np.where(part & (rng.random(len(truth)) < 0.4), ~truth, truth)
        wrong = (answer.argmax(axis=1) == 1) != turned
        loss = 2 * (answer[:, 1] - turned) ** 2
        told = worst(columns, loss, wrong=wrong, seed=seed)
        hits += _is_found(columns, told, part, told.least)
    return [f"adult, 8,000 held-out rows of a boosting model, {trials} trials: two conditions "
            "drawn at random that 3 to 10 % of the rows meet, where four labels in ten were "
            "turned.", "",
            markdown(["found"], [[f"{hits / trials:.0%}"]])]


def _times() -> list[str]:
    rows = []
    for n, each in ((5_000, 15), (50_000, 15), (50_000, 50), (200_000, 15)):
        rng = np.random.default_rng(0)
        columns = _columns(n, rng, each)
        loss = rng.exponential(size=n)
        start = time.perf_counter()
        told = worst(columns, loss)
        rows.append([f"{n:,}", str(2 * each), f"{told.searched:,}",
                     f"{time.perf_counter() - start:.1f}"])
    return ["Seconds of one search, up to three conditions.", "",
            markdown(["rows", "columns", "parts looked at", "seconds"], rows)]
