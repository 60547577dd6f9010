"""Are clusters found where there are none, and found where there are some?

    WHOLEFIT_DATA=... python -m benchmarks.clusters_noise [--sets 200] [--level 0.05] [--short]

Tables without clusters of eight kinds, of 100 to 5,000 rows and 2 to 20 columns, are clustered with
default options, and it is counted how often clusters are told where one heap was drawn; at most
the stated level of them should be. Then tables with clusters: heaps at several distances, moons,
rings, and real ones with known classes, of which it is told how often clusters are found and how
well they agree with what is known. The table goes to benchmarks/results/clusters_noise.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools

Draw = Callable[[np.random.Generator, int, int], pl.DataFrame]
ROWS, COLUMNS, DRAWS = (100, 300, 1000, 5000), (2, 5, 10, 20), 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    sets, draws = (16, 1) if asked.short else (asked.sets, DRAWS)
    lines = ["# Clusters where there are none, and where there are some", "",
             *false_alarms(sets, asked.level), "", *power(draws, asked.level), "",
             _tools.machine("wholefit", "numpy", "scipy", "scikit-learn"), "",
             "Made by `python -m benchmarks.clusters_noise`."]
    if asked.short:
        print("\n".join(lines))
    else:
        _tools.save("clusters_noise", "\n".join(lines))


def false_alarms(sets: int, level: float) -> list[str]:
    """How often clusters are told in tables without any, by kind."""
    each = max(1, sets // len(NOISE))
    rows, alarms, total = [], 0, 0
    for name, draw in NOISE.items():
        told, ps, where = 0, [], []
        for at in range(each):
            n, d = ROWS[at % len(ROWS)], COLUMNS[at // len(ROWS) % len(COLUMNS)]
            rng = np.random.default_rng([at, len(name), d])
            result = clustered(draw(rng, n, d), level, at)
            told += result.found
            ps.append(result.told["null"]["p"])
            where += [f"{n:,} x {d}"] * result.found
        alarms, total = alarms + told, total + each
        rows.append([name, str(each), str(told), f"{told / each:.0%}", f"{np.median(ps):.2f}",
                     ", ".join(where)])
        print(f"{name}: {told} of {each}", file=sys.stderr, flush=True)
    return [f"Tables without clusters ({total}; level {level:g}):", "",
            _tools.markdown(["kind", "tables", "clusters told", "share", "median p",
                             "where (rows x columns)"], rows), "",
            f"In all {alarms} of {total} ({alarms / total:.1%}; at most {level:.0%} is the bar)."]


def power(draws: int, level: float) -> list[str]:
    """How often clusters are told where there are some, and how well they agree."""
    rows = []
    for name, draw in {**PLANTED, **real()}.items():
        repeats = draws if name in PLANTED else 1
        found, agreed, counts, models = 0, [], [], []
        for at in range(repeats):
            frame = draw(np.random.default_rng([at, 7]), 600, 2)
            result = clustered(frame, level, at, models=None)
            found += result.found
            agreed += [score["value"] for score in result.told["known"]["scores"][:1]]
            counts.append(len(result.told["clusters"]))
            models.append(result.model)
        often = max(set(models), key=models.count)
        rows.append([name, f"{frame.height:,} x {frame.width - 1}", str(frame["known"].n_unique()),
                     f"{found} of {repeats}", f"{np.median(counts):g}",
                     f"{np.median(agreed):.2f}", often])
        print(f"{name}: {found} of {repeats}", file=sys.stderr, flush=True)
    return ["Tables with clusters:", "", _tools.markdown(
        ["table", "size", "known groups", "clusters told", "how many (median)",
         "adjusted Rand index (median)", "mostly by"], rows)]


def clustered(frame: pl.DataFrame, level: float, seed: int, models: object = "kmeans") -> Any:
    label = {"label": "known"} if "known" in frame.columns else {}
    return wf.fit(frame, task="clustering", level=level, seed=seed, models=models, **label)


def table(X: np.ndarray, known: np.ndarray | None = None) -> pl.DataFrame:
    frame = pl.DataFrame({f"x{at}": column for at, column in enumerate(X.T)})
    return frame if known is None else frame.with_columns(
        pl.Series("known", [f"k{one}" for one in known]))


# ---- one heap -----------------------------------------------------------------------------


def factors(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + 0.5 * rng.normal(size=(n, d))


def mixed(rng: np.random.Generator, n: int, d: int) -> pl.DataFrame:
    """Numbers, categories and truth values, all cut from one correlated normal."""
    latent = factors(rng, n, d)
    latent /= latent.std(axis=0)
    columns = {}
    for at, values in enumerate(latent.T):
        if at % 3 == 0:
            columns[f"x{at}"] = pl.Series(values)
        elif at % 3 == 1:
            words = np.array(["red", "green", "blue", "black"])
            columns[f"x{at}"] = pl.Series(words[np.digitize(values, (-0.7, 0.1, 1.0))].tolist())
        else:
            columns[f"x{at}"] = pl.Series(values > 0.4)
    return pl.DataFrame(columns)


NOISE: dict[str, Draw] = {
    "round normal": lambda rng, n, d: table(rng.normal(size=(n, d))),
    "correlated normal": lambda rng, n, d: table(factors(rng, n, d)),
    "uniform box": lambda rng, n, d: table(rng.random((n, d))),
    "heavy tails, column by column": lambda rng, n, d: table(rng.standard_t(3, size=(n, d))),
    "heavy tails, all columns together": lambda rng, n, d: table(
        rng.normal(size=(n, d)) / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)),
    "skewed and correlated": lambda rng, n, d: table(np.exp(factors(rng, n, d) / 2)),
    "numbers and categories": mixed,
    "counts": lambda rng, n, d: table(rng.poisson(rng.uniform(1, 6, d), size=(n, d)).astype(float)),
}

# ---- more than one ------------------------------------------------------------------------


def heaps(apart: float, k: int, d: int, shares: tuple[float, ...] = ()) -> Draw:
    """k round normals of unit spread, the nearest two of them `apart`."""
    def draw(rng: np.random.Generator, n: int, _: int) -> pl.DataFrame:
        centres = rng.normal(size=(k, d))
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)
        centres *= apart / gaps[np.triu_indices(k, 1)].min()
        known = rng.choice(k, n, p=shares or None)
        return table(centres[known] + rng.normal(size=(n, d)), known)

    return draw


def moons(rng: np.random.Generator, n: int, _: int) -> pl.DataFrame:
    from sklearn.datasets import make_moons

    return table(*make_moons(n, noise=0.06, random_state=int(rng.integers(1 << 30))))


def rings(rng: np.random.Generator, n: int, _: int) -> pl.DataFrame:
    from sklearn.datasets import make_circles

    return table(*make_circles(n, noise=0.05, factor=0.4, random_state=int(rng.integers(1 << 30))))


PLANTED: dict[str, Draw] = {
    **{f"{k} heaps, {apart:g} spreads apart, {d} columns": heaps(apart, k, d)
       for k, d in ((2, 2), (4, 5), (3, 15)) for apart in (3, 4, 5, 6)},
    "2 heaps of 90 % and 10 %, 6 spreads apart": heaps(6, 2, 4, (0.9, 0.1)),
    "two moons": moons, "two rings": rings,
}


def real() -> dict[str, Draw]:
    """Real tables with known classes; of the large ones 5,000 rows."""
    from sklearn import datasets

    found: dict[str, Draw] = {}
    for name in ("iris", "wine", "breast_cancer", "digits"):
        bunch = getattr(datasets, f"load_{name}")()
        frame = table(bunch.data.astype(float), bunch.target)
        found[name] = lambda rng, n, d, frame=frame: frame
    for name, label in (("shuttle", "Class"), ("letter_recognition", "lettr")):
        whole = pl.read_parquet(_tools.data_folder() / name / "data.parquet")
        some = whole.sample(5000, seed=0).rename({label: "known"})
        found[name] = lambda rng, n, d, some=some: some
    return found


if __name__ == "__main__":
    main()
