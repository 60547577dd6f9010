"""Clusters told: what sets each apart, a name for it, rows that stand for it, and cautions.

The columns that a clustering used differ between its clusters because the clustering made them
so: their effects describe, and are no evidence that the clusters are real. Columns it did not
use (labels, columns that the user left out) are evidence, and only they are tested.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.data.dataset import Dataset
from wholefit.training.clustering import _words as words
from wholefit.training.clustering._places import Place, places, reach, silhouettes
from wholefit.training.clustering._traits import Told, Trait, compared, comparisons, traits

# Rows that columns are compared on, above which a sample does; traits kept of each cluster.
_ROWS, _TRAITS, _PROOF, _SAID = 100_000, 12, 4, 3
_CELLS, _WIDE = 8, 40
_TINY, _MIXED, _ALIKE = 20, 0.75, 0.9


def describe(dataset: Dataset, labels: np.ndarray, X: Any, seed: int) -> dict[str, Any]:
    """What is told of the clusters of a dataset, as JSON values.

    `labels` (n,) are codes from 0 on, -1 where a row belongs to no cluster; `X` (n, p) the rows
    as the clustering took them. Keys: "clusters" (one each, by code: "name", "said", "traits",
    "exemplars", "borders", "cautions"), "noise" (the rows of no cluster, or None), "profile"
    (standardised means of the columns used), "silhouettes" (of
    a sample of each cluster's members, highest first), "reach" (how far clusters reach), "used"
    and "unused" columns, "comparisons", "level", "rows" compared, "identifier", "evidence" in
    words.
    """
    codes = np.asarray(labels).astype(np.int64)
    found = [int(code) for code in np.unique(codes) if code >= 0]
    rows = _sample(codes, seed)
    part = dataset if len(rows) == len(dataset) else dataset.take(rows)
    columns = _honest(compared(part))
    places_of = np.searchsorted(found, codes) if found else codes
    own = np.where(codes < 0, len(found), places_of)
    listed, count = _traits(columns, own[rows], len(found))
    stands = places(X, np.where(codes < 0, -1, places_of), len(found), seed) if found else []
    alike = _alike(columns)
    bars = silhouettes(X, np.where(codes < 0, -1, places_of), len(found), seed)
    names = words.names(listed[:len(found)], alike)
    clusters = [
        _cluster(dataset, code, names[at], codes == code, listed[at], stands[at], found)
        for at, code in enumerate(found)]
    used, unused = ([c.name for c in columns if c.used is wanted] for wanted in (True, False))
    return {
        "clusters": clusters, "noise": _noise(codes, listed[-1]),
        "reach": reach(X, np.where(codes < 0, -1, places_of), len(found)), "silhouettes": bars,
        "profile": _profile(columns, own[rows], len(found)), "used": used, "unused": unused,
        "comparisons": count, "level": 0.95, "rows": len(rows),
        "identifier": _identifier(dataset),
        "evidence": _evidence(listed[:len(found)], unused, count),
    }


def _sample(codes: np.ndarray, seed: int) -> np.ndarray:
    """Rows to compare: all, or a sample of many."""
    if len(codes) <= _ROWS:
        return np.arange(len(codes))
    random = seeds.generator(seed, "clustering", "describe")
    return np.sort(random.choice(len(codes), _ROWS, replace=False))


def _traits(columns: list[Told], own: np.ndarray, k: int) -> tuple[list[list[Trait]], int]:
    """Traits of each cluster and of the rows in none (last), strongest first, and how many
    comparisons their intervals allow for."""
    from scipy.special import ndtri

    groups = k + bool((own == k).any())
    count = max(1, comparisons(columns) * groups)
    found = traits(columns, own, k + 1, float(ndtri(1 - 0.025 / count)))
    adjusted = _adjusted([t for each in found for t in each if not t.used])
    return [sorted((adjusted.get(id(t), t) for t in each), key=lambda t: t.strength,
                   reverse=True) for each in found], count


def _adjusted(tested: list[Trait]) -> dict[int, Trait]:
    """Holm's (1979) adjusted p of the traits that are evidence, by their id."""
    found: dict[int, Trait] = {}
    worst = 0.0
    for at, trait in enumerate(sorted(tested, key=lambda t: t.raw_p)):
        worst = max(worst, min(1.0, trait.raw_p * (len(tested) - at)))
        found[id(trait)] = replace(trait, p=worst)
    return found


def _cluster(
    dataset: Dataset, code: int, name: str, members: np.ndarray, found: list[Trait],
    stands: Place, codes: list[int],
) -> dict[str, Any]:
    size = int(members.sum())
    clear = [t for t in found if t.clear]
    kept = _kept(clear)
    shown = [*(t.column for t in clear if t.used), *dataset.schema.features]
    borders = [{**_row(dataset, row, shown), "other": codes[other] if other >= 0 else -1,
                "share": share} for row, other, share in stands.borders]
    part = size / len(members)
    return {
        "code": code, "name": name, "size": size, "share": part,
        "said": _said(code, name, part, clear), "traits": [t.to_json() for t in kept],
        "clear": len(clear), "sentences": [words.sentence(t) for t in kept],
        "exemplars": [_row(dataset, row, shown) for row in stands.exemplars], "borders": borders,
        "purity": stands.purity, "between": stands.between,
        "cautions": _cautions(size, clear, stands, len(codes)),
    }


def _kept(clear: list[Trait]) -> list[Trait]:
    """The strongest traits, some of which are evidence, where there is any."""
    proof = [t for t in clear if not t.used][:_PROOF]
    first = [t for t in clear if t.used or t not in proof][:_TRAITS - len(proof)]
    return sorted([*first, *proof], key=lambda t: t.strength, reverse=True)


def _said(code: int, name: str, part: float, clear: list[Trait]) -> str:
    """A cluster in one sentence."""
    told = [words.sentence(t) for t in _different([t for t in clear if t.used])[:_SAID]]
    head = f"Cluster {code}, '{name}' ({words.share(part)} of rows)"
    return f"{head}: {'; '.join(told)}." if told else \
        f"{head}: no column sets it clearly apart from the other rows."


def _different(found: list[Trait]) -> list[Trait]:
    """The strongest trait of each column, and one of the gaps."""
    first: dict[str, Trait] = {}
    for trait in found:
        first.setdefault("gaps" if trait.kind == "missing" else f"column {trait.column}", trait)
    return list(first.values())


def _noise(codes: np.ndarray, found: list[Trait]) -> dict[str, Any] | None:
    outside = codes < 0
    if not outside.any():
        return None
    clear = [t for t in found if t.clear][:_TRAITS] if not outside.all() else []
    return {"size": int(outside.sum()), "share": float(outside.mean()),
            "traits": [t.to_json() for t in clear],
            "sentences": [words.sentence(t) for t in clear]}


def _cautions(size: int, clear: list[Trait], stands: Place, clusters: int) -> list[str]:
    found = []
    if size < _TINY:
        found.append(f"It has only {size} row{'' if size == 1 else 's'}: its figures may not "
                     "hold for others.")
    if clusters > 1 and stands.purity is not None and stands.purity < _MIXED:
        found.append(f"Its edge is not sharp: of the rows nearest to a member, "
                     f"{words.share(1 - stands.purity)} belong elsewhere.")
    if clusters > 1 and not any(t.used for t in clear):
        found.append("No single column sets it apart; only their combination can.")
    return found


def _row(dataset: Dataset, row: int, columns: list[str]) -> dict[str, Any]:
    """A row by its identifier, or its number from 1, with the cells that tell most."""
    key = _identifier(dataset)
    one = dataset.take(np.array([row]))
    cells = {name: _cell(one.frame.get_column(name)[0])
             for name in list(dict.fromkeys(columns))[:_CELLS]}
    return {"row": row + 1, "cells": cells,
            "identifier": None if key is None else _cell(one.frame.get_column(key)[0])}


def _identifier(dataset: Dataset) -> str | None:
    found = dataset.schema.having("identifier")
    return found[0] if found else None


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return words.number(value)
    return words.cut(str(value), _WIDE)


def _honest(columns: list[Told]) -> list[Told]:
    """A number column that was not used, but orders rows as one that was, is no evidence."""
    used = {c.name for c in columns if c.used}
    repeats = {name for pair in _alike(columns, 4 * _WIDE) if pair & used for name in pair - used}
    return [replace(c, used=True) if c.name in repeats else c for c in columns]


def _alike(columns: list[Told], most: int = _WIDE) -> list[frozenset[str]]:
    """Pairs of number columns that order rows nearly the same way, of the first `most`."""
    from scipy.stats import rankdata

    ranked: dict[str, np.ndarray] = {}
    for told in columns:
        if told.numbers is not None and len(ranked) < most:
            values = np.nan_to_num(told.numbers[:5000], posinf=0.0, neginf=0.0)
            if values.min(initial=0) < values.max(initial=0):
                ranked[told.name] = rankdata(values)
    if len(ranked) < 2:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        table = np.abs(np.corrcoef(np.stack(list(ranked.values()))))
    return [frozenset((a, b)) for (i, a), (j, b) in combinations(enumerate(ranked), 2)
            if table[i, j] >= _ALIKE]


def _profile(columns: list[Told], own: np.ndarray, k: int) -> dict[str, Any]:
    """Means of the columns used, in standard deviations from the mean of all rows: (k, p).

    Numbers are ranked first, so that a few huge ones do not set the scale; of a category each of
    its three most frequent values is a column.
    """
    names: list[str] = []
    rows: list[list[float]] = []
    for told in (c for c in columns if c.used):
        for name, values in _parts(told):
            known = ~np.isnan(values)
            spread = values[known].std() if known.any() else 0.0
            if spread <= 0:
                continue
            z = np.where(known, (values - values[known].mean()) / spread, 0.0)
            counts = np.bincount(own, known.astype(float), minlength=k + 1)[:k]
            sums = np.bincount(own, z, minlength=k + 1)[:k]
            names.append(name)
            rows.append([float(s / c) if c else 0.0 for s, c in zip(sums, counts, strict=True)])
    order = sorted(range(len(names)), key=lambda at: -max(map(abs, rows[at]), default=0.0))[:_WIDE]
    return {"columns": [names[at] for at in order], "rows": [rows[at] for at in order],
            "all": len(names)}


def _parts(told: Told) -> list[tuple[str, np.ndarray]]:
    if told.numbers is None:
        return [(told.name if level == "yes" else f"{told.name}: {level}", mask.astype(float))
                for level, mask in told.levels[:3]]
    from scipy.stats import rankdata

    values = told.numbers
    return [(told.name, np.asarray(rankdata(values, nan_policy="omit")))]


def _evidence(listed: list[list[Trait]], unused: list[str], count: int) -> str:
    """What of all this is evidence, in words."""
    made = ("The columns that the clustering used differ between clusters because it was made to "
            "find that: their figures describe the clusters and do not prove them. ")
    if not unused:
        return made + "No other column is there that could speak for them."
    apart = {t.column for each in listed for t in each
             if not t.used and t.p is not None and t.p < 0.05}
    shown = ", ".join(unused[:6]) + (f" and {len(unused) - 6} more" if len(unused) > 6 else "")
    one = len(unused) == 1
    which = f"The column that it did not use ({shown})" if one else \
        f"{len(apart) or 'None'} of the {len(unused)} columns that it did not use ({shown})"
    does = "differs" if one or len(apart) <= 1 else "differ"
    said = f"{which} {does} between clusters all the same" if apart else \
        f"{which} {'does not differ' if one else 'differs'} clearly between clusters"
    return f"{made}{said} (tested at 5%, with Holm's correction; {count:,} comparisons in all)."

