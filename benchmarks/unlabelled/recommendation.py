"""Recommenders beside scikit-surprise and implicit, on the same splits, taking turns.

    WHOLEFIT_DATA=... python -m benchmarks.unlabelled recommendation --peer-python PATH

PATH is an interpreter with scikit-surprise and implicit. MovieLens 100k may not be shipped: it is
read from WHOLEFIT_MOVIELENS, a file ml-100k.inter (tab separated: user, item, rating, time; one
header line), or from where `fetch.py movielens100k` of the data folder puts it; without it, the
ratings of lectures alone are used. Seconds are those of `fit` alone; each side runs in a process of
its own with two threads.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import _tools

FOLDS = 5
PEER = Path(__file__).with_name("_recommend_peer.py")
SURPRISE = (("svd", "SVD"), ("svdpp", "SVD++"))
GRID = [{"factors": f, "regularization": r, "alpha": a}
        for f, r, a in itertools.product((32, 64, 100), (1.0, 5.0, 20.0), (1.0, 3.0))]
OWN_GRID = [f"als(rank={f}, ridge={r}, unobserved={u})"
            for f, r, u in itertools.product((32, 64, 100), (0.01, 0.02, 0.03), (5, 10))]
EASE_GRID = [f"ease(ridge={ridge})" for ridge in (100, 200, 400, 800)]
LARGE = {"rows": 1_000_000, "users": 100_000, "items": 20_000}


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    sets = {"lectures": lectures()}
    films = movielens()
    if films is not None:
        sets = {"MovieLens 100k": films, **sets}
    lines = [] if films is not None else ["MovieLens 100k is not here, so only lectures are told.",
                                          ""]
    for name, (users, items, stars) in sets.items():
        lines += [f"### Ratings: {name}", "", *ratings(users, items, stars, peer, short), ""]
    for name, (users, items, _) in sets.items():
        lines += [f"### Uses: {name}", "", *uses(users, items, peer, short), ""]
    return [*lines, "### A million uses", "", *large(peer, short)]


def movielens() -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    place = Path.home() / ".cache/wholefit-data/movielens100k"
    named = os.environ.get("WHOLEFIT_MOVIELENS")
    found = [Path(named)] if named else sorted(place.rglob("ml-100k.inter"))
    if not found or not found[0].exists():
        return None
    rows = np.loadtxt(found[0], skiprows=1)
    return coded(rows[:, 0]), coded(rows[:, 1]), rows[:, 2]


def lectures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = pl.read_parquet(_tools.data_folder() / "lecture_ratings" / "data.parquet")
    frame = frame.group_by("s", "d", maintain_order=True).agg(pl.col("y").cast(float).mean())
    return coded(frame["s"].to_numpy()), coded(frame["d"].to_numpy()), frame["y"].to_numpy()


def coded(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1]


def run(own: str | None, peer: str | None, what: str, data: dict, options: dict | None = None
        ) -> dict[str, np.ndarray]:
    """Fit our model `own`, or the peer's `what`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = str(Path(folder) / "in.npz"), str(Path(folder) / "out.npz")
        np.savez(source, **data)
        command = ([sys.executable, "-m", "benchmarks.unlabelled._recommend_own", own, source, out]
                   if own else [str(peer), str(PEER), what, source, out, json.dumps(options or {})])
        # implicit asks for one thread of BLAS, as it runs two of its own.
        threads = "2" if own or what.startswith("svd") else "1"
        made = subprocess.run(command, capture_output=True, text=True, check=False, env={
            **os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads})
        if made.returncode:
            raise RuntimeError(f"{what} failed:\n{made.stderr[-2000:]}")
        return dict(np.load(out))


def ratings(users: np.ndarray, items: np.ndarray, stars: np.ndarray, peer: str | None,
            short: bool) -> list[str]:
    """RMSE and seconds of svd and svdpp over folds, beside Surprise with its defaults."""
    fold = np.random.default_rng(0).permutation(len(users)) % FOLDS
    rows = []
    for name, theirs in SURPRISE:
        told = [folded(name, users, items, stars, fold == k, peer)
                for k in range(1 if short else FOLDS)]
        own, ours, others, other = (np.array(each) for each in zip(*told, strict=True))
        ratio = others / ours
        rows.append([name, f"{own.mean():.4f}", f"{ours.mean():.3f}", theirs,
                     f"{other.mean():.4f}", f"{others.mean():.3f}",
                     f"{np.median(ratio):.1f} ({ratio.min():.1f} to {ratio.max():.1f})"])
    base = [rmse(run("bias", None, "bias", split(users, items, stars, fold == k))["found"],
                 stars[fold == k]) for k in range(1 if short else FOLDS)]
    rows.append(["bias", f"{np.mean(base):.4f}", "", "", "", "", ""])
    return [_tools.markdown(["ours", "RMSE", "seconds", "scikit-surprise", "RMSE", "seconds",
                             "times faster, median (range)"], rows), "",
            f"{'1 of ' if short else ''}{FOLDS} folds of {len(users):,} ratings; defaults of both."]


def split(users: np.ndarray, items: np.ndarray, stars: np.ndarray, held: np.ndarray) -> dict:
    return {"users": users[~held], "items": items[~held], "values": stars[~held],
            "test_users": users[held], "test_items": items[held],
            "shape": np.array([users.max() + 1, items.max() + 1])}


def folded(name: str, users: np.ndarray, items: np.ndarray, stars: np.ndarray, held: np.ndarray,
           peer: str | None) -> tuple[float, float, float, float]:
    """Our RMSE and seconds, the peer's seconds and RMSE (NaN without one)."""
    data = split(users, items, stars, held)
    mine = run(name, None, name, data)
    theirs = run(None, peer, name, data) if peer else {"found": stars[held] * np.nan,
                                                       "seconds": np.nan}
    return (rmse(mine["found"], stars[held]), float(mine["seconds"]), float(theirs["seconds"]),
            rmse(theirs["found"], stars[held]))


def rmse(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def uses(users: np.ndarray, items: np.ndarray, peer: str | None, short: bool) -> list[str]:
    """NDCG@10, recall@10 and seconds, by defaults and by settings chosen on an inner split."""
    held = np.random.default_rng(0).random(len(users)) < 0.2
    data, inner = parted(users, items, held), parted(users[~held], items[~held], None)
    mine: list[tuple[str, str | None, str, dict]] = [
        (name, name, name, {}) for name in ("popularity", "item_knn", "user_knn", "bpr", "als",
                                            "ease")]
    theirs: list[tuple[str, str | None, str, dict]] = []
    if peer:
        theirs = [("implicit BPR", None, "bpr", {}), ("implicit ALS", None, "als", {})]
    if not short:
        mine += [(f"{name}, chosen", picked(grid, inner), name, {})
                 for name, grid in (("als", OWN_GRID), ("ease", EASE_GRID))]
        if peer:
            theirs.append(("implicit ALS, chosen", None, "als", picked_peer(peer, inner)))
    rows, repeats = [], 1 if short else 5
    took: dict[str, list[float]] = {}
    lists = {}
    for _, (name, own, what, options) in itertools.product(range(repeats), mine + theirs):
        found = run(own, peer, what, data, options)
        took.setdefault(name, []).append(float(found["seconds"]))
        lists[name] = found["found"]
    for name, own, _, options in mine + theirs:
        gain, recall = judged(lists[name], data)
        words = own if own and own != name else ", ".join(f"{k} {v:g}" for k, v in options.items())
        rows.append([name, words or "defaults", f"{gain:.4f}", f"{recall:.4f}",
                     f"{_tools.median(took[name]):.3f}"])
    return [_tools.markdown(["recommender", "settings", "NDCG@10", "recall@10",
                             "seconds (median)"], rows), "",
            f"A fifth of {len(users):,} uses held out by chance; `chosen` by NDCG@10 on a fifth "
            "of the rest, both over grids of 18 (ease: 4)."]


def parted(users: np.ndarray, items: np.ndarray, held: np.ndarray | None) -> dict:
    if held is None:
        held = np.random.default_rng(1).random(len(users)) < 0.2
    return {"users": users[~held], "items": items[~held], "test_users": users[held],
            "test_items": items[held], "shape": np.array([users.max() + 1, items.max() + 1])}


def picked(grid: list[str], inner: dict) -> str:
    return max(grid, key=lambda text: judged(run(text, None, text, inner)["found"], inner)[0])


def picked_peer(peer: str, inner: dict) -> dict:
    return max(GRID, key=lambda options: judged(
        run(None, peer, "als", inner, options)["found"], inner)[0])


def judged(lists: np.ndarray, data: dict) -> tuple[float, float]:
    """Mean NDCG@10 and recall@10 over users who have something held out."""
    n_items = int(data["shape"][1])
    keys = np.sort(data["test_users"].astype(np.int64) * n_items + data["test_items"])
    asked = np.arange(len(lists))[:, None] * n_items + lists
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    hits = (keys[place] == asked) & (lists >= 0)
    counts = np.bincount(data["test_users"], minlength=len(lists))
    worth = 1 / np.log2(np.arange(2, 2 + lists.shape[1]))
    most = np.cumsum(worth)[np.clip(counts, 1, lists.shape[1]) - 1]
    some = counts > 0
    return (float(((hits * worth).sum(1) / most)[some].mean()),
            float((hits.sum(1)[some] / counts[some]).mean()))


def large(peer: str | None, short: bool) -> list[str]:
    """Seconds and memory on made-up uses with popular items and busy users."""
    rng = np.random.default_rng(0)
    n = LARGE["rows"] // (10 if short else 1)
    users = (LARGE["users"] * rng.random(n) ** 1.7).astype(np.int64)
    items = (LARGE["items"] * rng.random(n) ** 2.5).astype(np.int64)
    users, items = np.divmod(np.unique(users * LARGE["items"] + items), LARGE["items"])
    data = {"users": users, "items": items, "test_users": users[:1], "test_items": items[:1],
            "shape": np.array([LARGE["users"], LARGE["items"]])}
    rows = []
    for name in ("popularity", "item_knn", "als", "bpr"):
        mine = run(name, None, name, data)
        other = ""
        if peer and name in ("als", "bpr"):
            other = f"{float(run(None, peer, name, data)['seconds']):.1f}"
        rows.append([name, f"{float(mine['seconds']):.1f}", f"{float(mine['peak']):.0f}", other])
    return [_tools.markdown(["recommender", "seconds", "peak MB", "implicit, seconds"], rows), "",
            f"{len(users):,} uses of {LARGE['users']:,} users and {LARGE['items']:,} items, made "
            "up; defaults of both (implicit: 100 factors and 15 rounds; ours: see the catalog), so "
            "that only the order of size is to be compared."]
