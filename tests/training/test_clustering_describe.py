"""Clusters told in words: figures against scipy, names, exemplars, and honesty about evidence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse, stats

from wholefit import data
from wholefit.training.clustering import _traits as traits
from wholefit.training.clustering._describe import describe
from wholefit.training.clustering._places import distances, places, reach, silhouettes


def shop(rows: int = 600, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """Customers in three groups by spend and visits; a town and a code that know nothing."""
    random = np.random.default_rng(seed)
    group = np.repeat([0, 1, 2], [rows // 2, rows // 3, rows - rows // 2 - rows // 3])
    spend = np.exp(random.normal([3.0, 4.5, 6.0], 0.25, (rows, 3))[np.arange(rows), group])
    frame = pl.DataFrame({
        "customer": [f"C{i:05d}" for i in range(rows)],
        "spend": spend.round(2),
        "visits": random.poisson(np.array([2.0, 2.0, 15.0])[group]),
        "channel": np.where(random.random(rows) < np.where(group == 0, 0.9, 0.2), "web", "shop"),
        "town": random.choice(["Ely", "Wells", "Ripon"], rows),
        "since": np.datetime64("2020-01-01") + (
            group * 200 + random.integers(0, 100, rows)).astype("timedelta64[D]"),
    })
    return frame, group


def told(frame: pl.DataFrame, labels: np.ndarray, **roles: Any) -> dict[str, Any]:
    dataset = data.load(frame, roles=roles or None, task="clustering")
    numbers = [np.nan_to_num(dataset.numeric(name), posinf=0, neginf=0)
               for name in dataset.schema.features if dataset.schema.role(name) == "numeric"]
    X = np.stack([(v - v.mean()) / (v.std() or 1) for v in numbers], axis=1)
    found = describe(dataset, labels, X, 0)
    json.dumps(found)
    return found


def test_clusters_are_named_and_told_by_what_sets_them_apart() -> None:
    frame, group = shop()
    found = told(frame, group)
    assert [c["size"] for c in found["clusters"]] == [300, 200, 100]
    rich = found["clusters"][2]
    assert "high spend" in rich["name"] and "high visits" in rich["name"]
    median = frame["spend"].to_numpy()[group == 2]
    assert f"spend is {np.median(median):.0f} (median)" in rich["said"]
    assert rich["said"].startswith("Cluster 2, 'high ")
    assert "(17% of rows)" in rich["said"]
    assert not any(t["column"] == "town" for c in found["clusters"] for t in c["traits"])
    assert found["identifier"] == "customer"


def test_of_two_high_clusters_one_is_the_highest() -> None:
    random = np.random.default_rng(0)
    group = np.repeat([0, 1, 2, 3], 100)
    frame = pl.DataFrame({"spend": random.normal(group * 10.0), "age": random.normal(size=400)})
    names = [c["name"] for c in told(frame, group)["clusters"]]
    assert names == ["lowest spend", "low spend", "high spend", "highest spend"]


def test_figures_of_numbers_are_scipys() -> None:
    frame, group = shop(seed=1)
    spend, visits = frame["spend"].to_numpy(), frame["visits"].to_numpy().astype(float)
    visits[::7] = np.nan
    columns = [traits.Told("visits", "number", False, visits), traits.Told(
        "spend", "number", True, spend)]
    found = traits.traits(columns, group, 3, 1.96)
    for at in range(3):
        got = {t.column: t for t in found[at]}
        known = ~np.isnan(visits)
        inside, outside = visits[known & (group == at)], visits[known & (group != at)]
        u = stats.mannwhitneyu(inside, outside, use_continuity=False, method="asymptotic")
        trait = got["visits"]
        assert trait.superiority == pytest.approx(u.statistic / len(inside) / len(outside))
        assert trait.raw_p == pytest.approx(u.pvalue, rel=1e-6, abs=1e-300)
        assert trait.inside == np.median(inside) and trait.outside == np.median(outside)
        assert trait.quartiles == pytest.approx(tuple(np.quantile(inside, [0.25, 0.75])))
        pooled = np.sqrt(((len(inside) - 1) * inside.var(ddof=1)
                          + (len(outside) - 1) * outside.var(ddof=1))
                         / (len(inside) + len(outside) - 2))
        assert trait.smd is not None
        assert trait.smd[0] == pytest.approx((inside.mean() - outside.mean()) / pooled, rel=0.01)


def test_shares_and_cramers_v_are_scipys() -> None:
    frame, group = shop(seed=2)
    web = (frame["channel"] == "web").to_numpy()
    found = traits.traits([traits.Told("channel", "share", False, levels=(("web", web),))],
                          group, 3, 1.96)
    for at in range(3):
        (trait,) = found[at]
        table = [[(web & (group == at)).sum(), (~web & (group == at)).sum()],
                 [(web & (group != at)).sum(), (~web & (group != at)).sum()]]
        assert abs(trait.association or 0) == pytest.approx(
            stats.contingency.association(np.array(table), method="cramer"))
        assert trait.raw_p == pytest.approx(
            stats.chi2_contingency(table, correction=False).pvalue, rel=1e-6)
        assert trait.lift == pytest.approx(web[group == at].mean() / web[group != at].mean())


def test_the_effect_is_cohens_d_where_curves_are_bells() -> None:
    random = np.random.default_rng(0)
    group = np.repeat([0, 1], 20_000)
    values = random.normal(0.8 * group)
    (trait,) = traits.traits([traits.Told("x", "number", True, values)], group, 2, 1.96)[1]
    assert trait.effect == pytest.approx(0.8, abs=0.03) and trait.low < 0.8 < trait.high
    assert trait.smd is not None and trait.smd[0] == pytest.approx(0.8, abs=0.03)


def test_intervals_hold_for_all_comparisons_together() -> None:
    """No difference anywhere: a clear trait of any column or cluster at most about 1 in 20."""
    wrong = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        frame = pl.DataFrame({**{f"x{i}": random.normal(size=300) for i in range(8)},
                              "kind": random.choice(["a", "b", "c", "d"], 300)})
        found = told(frame, random.integers(0, 3, 300))
        wrong += any(c["clear"] for c in found["clusters"])
    assert wrong <= 11


def test_only_columns_that_were_not_used_are_evidence() -> None:
    frame, group = shop()
    found = told(frame, group, channel="label", town="ignored")
    assert found["unused"] == ["channel", "town"]
    by = {(c["code"], t["column"]): t for c in found["clusters"] for t in c["traits"]}
    assert by[0, "channel"]["p"] < 1e-6 and not by[0, "channel"]["used"]
    assert all(t["p"] is None for t in by.values() if t["used"])
    assert "1 of the 2 columns that it did not use" in found["evidence"]
    assert not any("channel" in c["name"] for c in found["clusters"])


def test_a_copy_of_a_used_column_is_no_evidence() -> None:
    frame, group = shop()
    frame = frame.with_columns(pounds=pl.col("spend") ** 0.5 + 7)
    found = told(frame, group, pounds="ignored")
    assert "pounds" in found["used"] and found["unused"] == []
    assert "No other column is there" in found["evidence"]


def test_holm_keeps_chance_from_looking_like_evidence() -> None:
    wrong = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        frame = pl.DataFrame({"x": random.normal(size=200), **{
            f"label{i}": random.choice(["a", "b", "c"], 200) for i in range(5)}})
        found = told(frame, random.integers(0, 4, 200),
                     **{f"label{i}": "ignored" for i in range(5)})
        wrong += any(t["p"] is not None and t["p"] < 0.05
                     for c in found["clusters"] for t in c["traits"])
    assert wrong <= 11


def test_exemplars_are_members_and_borders_lie_between() -> None:
    random = np.random.default_rng(0)
    X = np.r_[random.normal(0, 1, (200, 2)), random.normal(6, 1, (200, 2)), [[3.0, 3.0]]]
    labels = np.r_[np.zeros(200), np.ones(201)].astype(int)
    found = places(X, labels, 2, 0)
    for at, place in enumerate(found):
        assert all(labels[row] == at for row in place.exemplars)
        centre = X[labels == at].mean(axis=0)
        assert np.linalg.norm(X[place.exemplars[0]] - centre) < 0.5
        assert place.purity is not None and place.purity > 0.95
    assert 400 in [row for row, _, _ in found[1].borders]
    kept = reach(X, labels, 2)
    assert kept is not None and np.allclose(kept["centres"][0], X[:200].mean(axis=0))


def test_silhouettes_are_scikit_learns() -> None:
    from sklearn.metrics import silhouette_samples

    random = np.random.default_rng(0)
    X, labels = random.normal(size=(120, 3)), random.integers(0, 3, 120)
    labels[0] = 3  # a cluster of one row
    truth = silhouette_samples(X, labels)
    for code, bars in enumerate(silhouettes(X, labels, 4, 0)):
        np.testing.assert_allclose(bars, sorted(truth[labels == code], reverse=True), atol=1e-4)
    wide = random.normal(size=(80, 50))
    from scipy.spatial.distance import cdist

    np.testing.assert_allclose(distances(wide), cdist(wide, wide), atol=1e-6)


def test_noise_is_told_apart_and_tiny_clusters_are_warned_of() -> None:
    frame, group = shop()
    labels = group.copy()
    labels[:40] = -1
    labels[40:45] = 3
    found = told(frame, labels)
    assert found["noise"]["size"] == 40
    assert [c["code"] for c in found["clusters"]] == [0, 1, 2, 3]
    assert any("only 5 rows" in said for said in found["clusters"][3]["cautions"])


def test_mixed_clusters_are_warned_of() -> None:
    frame, _ = shop()
    found = told(frame, np.random.default_rng(0).integers(0, 3, frame.height))
    assert all(any("edge is not sharp" in said for said in c["cautions"])
               for c in found["clusters"])
    assert all("No single column sets it apart" in c["cautions"][-1] for c in found["clusters"])
    assert len({c["name"] for c in found["clusters"]}) == 3


@pytest.mark.parametrize("labels", [np.zeros(60, int), np.full(60, -1), np.arange(60),
                                    np.repeat([2, 7], 30)])
def test_any_labels_can_be_told(labels: np.ndarray) -> None:
    frame, _ = shop(60)
    found = told(frame, labels)
    assert [c["code"] for c in found["clusters"]] == sorted({x for x in labels.tolist() if x >= 0})


def test_odd_columns_are_told() -> None:
    random = np.random.default_rng(0)
    frame = pl.DataFrame({
        "^a.*$": random.normal(size=80), "*": random.choice(["x", "y"], 80), "": random.random(80),
        "a b": [None] * 40 + [1.0] * 40, "same": [1] * 80, "huge": [2**62, 1] * 40,
        "inf": [np.inf, -np.inf, np.nan, 1.0] * 20, "flag": [True, False] * 40,
        "text": [f"the quick brown fox jumps over the lazy dog number {i}" for i in range(80)]})
    labels = np.repeat([0, 1], 40)
    found = told(frame, labels)
    assert any(t["column"] == "a b" and t["kind"] == "missing"
               for t in found["clusters"][0]["traits"])


def test_sparse_rows_and_many_rows_are_told() -> None:
    random = np.random.default_rng(0)
    group = random.integers(0, 3, 120_000)
    frame = pl.DataFrame({"x": random.normal(group * 3.0), "y": random.normal(size=len(group))})
    dataset = data.load(frame, task="clustering")
    X = sparse.csr_matrix(frame.to_numpy())
    found = describe(dataset, group, X, 5)
    assert found["rows"] == 100_000 and sum(c["size"] for c in found["clusters"]) == 120_000
    assert json.dumps(found) == json.dumps(describe(dataset, group, X, 5)), "same seed, same words"


def test_text_is_told_by_its_words() -> None:
    random = np.random.default_rng(0)
    group = np.repeat([0, 1], 150)
    topics = [["dress", "colour", "fabric"], ["phone", "battery", "screen"]]
    texts = [" ".join(random.choice([*topics[g], "nice", "really", "bought", "the"], 12)) + f" {i}"
             for i, g in enumerate(group)]
    frame = pl.DataFrame({"x": random.normal(size=300), "review": texts})
    found = told(frame, group, review="text")
    said = [s for s in found["clusters"][1]["sentences"] if "mentions" in s]
    assert any("'battery'" in s and "against 0% elsewhere" in s for s in said)
    assert "in review" in found["clusters"][1]["name"]
