"""A clustering's page: every picture drawn, words for those who cannot see, hostile names told."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from tests.report._reader import Reader

from wholefit import data, report
from wholefit.base import tasks
from wholefit.base.errors import ArtifactError
from wholefit.evaluation import Score
from wholefit.report.clustering import _tree as tree
from wholefit.report.clustering._map import _NOISE, _SHAPES, COLOURS
from wholefit.training.clustering._describe import describe
from wholefit.training.found import Found
from wholefit.training.record import Entry


def found(names: tuple[str, str] = ("spend", "visits"), clusters: int = 3) -> Found:
    """What a clustering of three heaps tells; with one cluster, that there are none."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(clusters), 240 // clusters)
    X = random.normal(labels[:, None] * [6.0, 0.0] + [0.0, 0.0], 1.0, (240, 2))
    labels[:5] = -1 if clusters > 1 else 0
    frame = pl.DataFrame({names[0]: X[:, 0], names[1]: X[:, 1],
                          "town": random.choice(["<u>Ely</u>", "Wells"], 240)})
    dataset = data.load(frame, task="clustering", roles={"town": "label"})
    sizes = [int((labels == code).sum()) for code in range(clusters)]
    told: dict[str, Any] = {
        "clusters": [{"code": code, "size": size, "share": size / 240}
                     for code, size in enumerate(sizes)],
        "points": [[float(x), float(y), int(c)] for (x, y), c in zip(X, labels, strict=True)],
        "axes": [0.8, 0.2],
        "centroids": [X[labels == code].mean(axis=0).tolist() for code in range(clusters)],
        "choice": [[k, 0.5 - k / 20, 0.45 - k / 20, 0.55 - k / 20, k / 10, 0.02, None, 1000 / k,
                    0.8, 0.7, 0.9] for k in range(2, 9)],
        "k_distance": {"curve": np.sort(random.gamma(2, 1, 100)).tolist(), "eps": 3.25},
        "tree": linkage(X, "ward").tolist(),
        "null": {"statistic": 4.2, "p": 0.01, "level": 0.05, "null": "one heap",
                 "simulations": 99, "verdict": "One heap would rarely look like this (p 0.01)."},
        "described": describe(dataset, labels, X, 0)}
    score = Score("silhouette", 0.6, 0.55, 0.65, 0.95, "bootstrap", 240)
    return Found(
        task=tasks.get("clustering"), schema=dataset.schema, model={"name": "kmeans", "params": {}},
        metric="silhouette", states={}, told=told, said="clustering", split="draws of the rows",
        lineage={"rows": 240, "source": "shop.csv", "options": {}},
        leaderboard=(Entry("kmeans", {}, scores={"silhouette": score}, best=True,
                           recommended=True),))


@pytest.fixture(scope="module")
def page() -> str:
    return report.found_page(found())


def test_the_page_is_sound_and_self_contained(page: str) -> None:
    reader = Reader(page)
    assert not reader.faults
    assert reader.tags.count("script") == 1 and not re.search(r"https?://", page)
    for name in ("answer", "clusters", "map", "profile", "trust", "choice", "tree", "reach",
                 "next", "leaderboard"):
        assert f'id="{name}"' in page, name


def test_every_picture_says_in_words_what_it_shows(page: str) -> None:
    for picture in re.findall(r"<svg.*?</svg>", page, flags=re.S):
        if 'aria-hidden="true"' in picture:
            continue
        title = re.search(r"<title>(.*?)</title>", picture)
        assert title and len(title.group(1)) > 20 and 'role="img"' in picture
    assert "Silhouette for 2 to 8 clusters: 0.35 at the 3 chosen" in page


def test_clusters_are_told_by_colour_shape_and_number(page: str) -> None:
    picture = next(p for p in re.findall(r"<svg.*?</svg>", page, flags=re.S)
                   if "circles with numbers" in p)
    assert all(colour in picture for colour in COLOURS[:3])
    assert all(shape in picture for shape in _SHAPES[:3]) and _NOISE in picture
    assert [int(n) for n in re.findall(r'class="name">(\d)</text>', picture)] == [0, 1, 2]
    assert "in no cluster (5 rows)" in Reader(page).text


def test_the_words_tell_the_same(page: str) -> None:
    lines = report.found_lines(found())
    assert lines[0].startswith("3 clusters were found among 240 rows by kmeans; silhouette 0.60")
    assert any(line.startswith("Cluster 2, 'high spend'") for line in lines)
    assert any("belong to no cluster" in line for line in lines)
    assert any("One heap would rarely" in line for line in lines)


def test_no_clusters_is_an_answer_that_is_told_kindly() -> None:
    none = found(clusters=1)
    text = Reader(report.found_page(none)).text
    assert "No clusters were found among 240 rows: the rows look like one group." in text
    assert "This is an answer, not a failure." in text and "What may help" in text
    assert 'id="clusters"' not in report.found_page(none)
    assert report.found_lines(none)[0].startswith("No clusters were found")


@pytest.mark.parametrize("names", [("<script>alert(1)</script>", "*"), ("^a.*$", ""),
                                   ("a" * 300, "b\u202ec")])
def test_odd_names_are_told_as_they_are(names: tuple[str, str]) -> None:
    made = report.found_page(found(names))
    reader = Reader(made)
    assert not reader.faults and reader.tags.count("script") == 1 and "u" not in reader.tags


def test_a_bare_record_is_drawn_with_what_it_has() -> None:
    whole = found()
    bare = replace(whole, told={"clusters": whole.told["clusters"]})
    assert not Reader(report.found_page(bare)).faults
    assert report.found_lines(bare)[1] == "Cluster 1: 80 rows."


@pytest.mark.parametrize("name", ["clusters", "points", "axes", "centroids", "choice",
                                  "k_distance", "tree", "null", "described"])
@pytest.mark.parametrize("value", [7, "x", [[1]], [{}], {"clusters": [1]}, [["a", "b", "c"]],
                                   [[0, 1, float("nan")]]])
def test_an_altered_record_is_refused_or_left_out(name: str, value: Any) -> None:
    whole = found()
    altered = replace(whole, told={**copy.deepcopy(whole.told), name: value})
    try:
        assert not Reader(report.found_page(altered)).faults
        report.found_lines(altered)
    except ArtifactError as error:
        assert "altered" in str(error)


# ---- the dendrogram ---------------------------------------------------------------------


def rows(seed: int, n: int = 60) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.asarray(linkage(random.normal(size=(n, 2)) + 4 * random.integers(0, 3, (n, 1)),
                              "average"))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clusters", [2, 3, 7])
def test_the_cut_parts_the_tree_as_scipy_does(seed: int, clusters: int) -> None:
    made = rows(seed)
    whole = tree._Tree(made.tolist())
    sizes = sorted(whole.size(node) for node in whole.top(clusters))
    labels = fcluster(made, clusters, criterion="maxclust")
    assert sizes == sorted(np.bincount(labels)[1:].tolist())
    level = whole.level(clusters)
    assert (made[:, 2] > level).sum() == clusters - 1


def test_a_drawn_tree_has_at_most_thirty_branches_and_counts_every_row() -> None:
    made = rows(1, 200)
    whole = tree._Tree(made.tolist())
    leaves = whole.top(30)
    assert len(leaves) == 30 and sum(whole.size(leaf) for leaf in leaves) == 200
    drawn = tree.dendrogram(made.tolist(), 3, "a tree of two hundred rows", "distance")
    assert drawn.count("<path") == 29
