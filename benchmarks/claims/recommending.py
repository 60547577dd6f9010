"""Claims about recommenders."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim

LECTURES = "lecture_ratings/data.parquet"


def _board(rows: Any, models: str, **words: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(rows, task="recommendation", user="user", item="item", jobs=1,
                        models=models, **words)
    return {entry.model: entry for entry in result.leaderboard}


@claim("BEN-48", "Factorising the matrix of ratings copes with its gaps: 5-fold RMSE and MAE",
       "73,421 ratings of lectures, 2 % of all pairs: svd and svdpp beside nearest users, nearest "
       "items and the averages of users and items; paired by student", data=LECTURES)
def factors() -> Finding:
    rows = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / LECTURES).frame.select(
        user="s", item="d", stars="y")
    board = _board(rows, "svd, svdpp, user_knn, item_knn", rating="stars")
    scores = {name: board[name].scores for name in ("bias", "svd", "svdpp", "user_knn", "item_knn")}
    said = ", ".join(f"{name} {each['rmse']} (MAE {each['mae'].value:.3f})"
                     for name, each in scores.items())
    plain, best = (board[name].scores["rmse"].value for name in ("bias", "svdpp"))
    ahead = board["bias"].difference is not None and board["bias"].difference["better"] == "b"
    if not ahead:
        return said, f"{FALSE}: no better than averages"
    gain, svd = 1 - best / plain, 1 - board["svd"].scores["rmse"].value / plain
    if svd < gain / 2:
        return said, (f"{PARTLY}: taking in what was rated at all (svdpp) gains {gain:.1%} on the "
                      f"averages, without that {max(svd, 0):.1%}")
    return said, f"{TRUE}: {gain:.1%} below the averages"


@claim("REC-06", "Collaborative filtering needs no attributes of items, content-based does",
       "300 made-up users of four tastes, 160 items with words, at 30 and at 3 uses a user: "
       "NDCG@10 of lists by neighbours and by words")
def attributes() -> Finding:
    found = {uses: _by_words(uses) for uses in (30, 3)}
    said = "; ".join(f"{uses} uses a user: neighbours {near:.3f}, words {words:.3f}"
                     for uses, (near, words) in found.items())
    many, few = found[30], found[3]
    if few[1] > few[0] and many[0] > many[1] * 0.5:
        return said, f"{PARTLY}: without attributes it works, but starves where little is known"
    return said, TRUE if many[0] > 0 else FALSE


def _by_words(uses: int) -> tuple[float, float]:
    random = np.random.default_rng(0)
    words = ("space robots aliens", "wedding kiss summer", "murder clue detective",
             "ghost house scream")
    taste = random.integers(0, 4, 300)
    user = np.repeat(np.arange(300), uses)
    own = random.random(len(user)) < 0.8
    item = random.integers(0, 40, len(user)) * 4 + np.where(
        own, taste[user], random.integers(0, 4, len(user)))
    items = pl.DataFrame({"item": range(160), "about": [words[at % 4] for at in range(160)]})
    board = _board({"user": user, "item": item}, "item_knn, content", items=items,
                   split="leave_one_out")
    near, content = (board[name].scores["ndcg@10"].value for name in ("item_knn", "content"))
    return near, content
