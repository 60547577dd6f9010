"""Baskets: read from any table, mined, weighed against chance, told."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import association as measured
from wholefit.models._itemsets import eclat
from wholefit.models._itemsets.base import baskets_of
from wholefit.training.association import _facts as facts
from wholefit.training.association import _rules as ruled
from wholefit.training.association._mine import provable
from wholefit.training.association._strata import shelf

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
NAMES = ["bread", "butter", "jam", "*", "^a.*$", "a b"]


def held(n: int = 500, seed: int = 0) -> np.ndarray:
    """Baskets of six items; butter goes with bread."""
    random = np.random.default_rng(seed)
    X = random.random((n, 6)) < 0.4
    X[:, 1] = X[:, 0] ^ (random.random(n) < 0.1)
    return X


def tables(X: np.ndarray) -> dict[str, tuple[Any, dict[str, Any]]]:
    """The same baskets in every layout that is known, and what must be said of it."""
    lists = [[name for name, there in zip(NAMES, row, strict=True) if there] for row in X]
    basket, item = np.nonzero(X)
    long = pl.DataFrame({"order": basket, "product": [NAMES[at] for at in item],
                         "till": basket % 3})
    return {
        "0 and 1": (pl.DataFrame(X.astype(int), schema=NAMES), {}),
        "true and false": (pl.DataFrame(X, schema=NAMES), {}),
        "t and ?": (pl.DataFrame({name: np.where(X[:, at], "t", "?").tolist()
                                  for at, name in enumerate(NAMES)}), {}),
        "names as cells": (pl.DataFrame({name: [name if there else None for there in X[:, at]]
                                         for at, name in enumerate(NAMES)}), {}),
        "commas": (pl.DataFrame({"what": [", ".join(items) for items in lists]}), {}),
        "semicolons": (pl.DataFrame({"n": range(len(X)), "what": [";".join(items)
                                                                 for items in lists]}),
                       {"item": "what"}),
        "lists": (pl.DataFrame({"what": lists}), {}),
        "lines": (long, {"basket": "order", "item": "product"}),
        "lines by name": (long.drop("till"), {}),
    }


@pytest.mark.parametrize("layout", tables(held(4)))
def test_every_layout_gives_the_same_rules(layout: str) -> None:
    X = held()
    X = X[X.any(axis=1)]  # lines cannot tell of an empty basket
    source, words = tables(X)[layout]
    result = wf.fit(source, task="association", alpha=None, confidence=0, lift=0, min_count=20,
                    **words)
    baskets = eclat.mine(baskets_of(X), 20, 4)
    assert len(result.itemsets) == len(baskets), result.said
    for row in result.rules.iter_rows(named=True):
        x, y = (NAMES.index(name) for name in (row["antecedent"].split(" + ")[0],
                                               row["consequent"]))
        if " + " not in row["antecedent"]:
            assert row["both"] == (X[:, x] & X[:, y]).sum() and row["x"] == X[:, x].sum()


def test_rules_and_measures_equal_brute_force() -> None:
    X = held(300, seed=3)
    found = eclat.mine(baskets_of(X), 10, None)
    rules = ruled.every(found, 5)
    wanted = {}
    for size in range(2, 7):
        for items in combinations(range(6), size):
            both = int(X[:, items].all(axis=1).sum())
            for right in range(1, size):
                for y in combinations(items, right):
                    if both >= 10:
                        x = tuple(item for item in items if item not in y)
                        wanted[x, y] = (both, int(X[:, x].all(axis=1).sum()),
                                        int(X[:, y].all(axis=1).sum()))
    got = {(tuple(a[a >= 0].tolist()), tuple(c[c >= 0].tolist())): (int(b), int(x), int(y))
           for a, c, b, x, y in zip(rules.antecedent, rules.consequent, rules.both, rules.x,
                                    rules.y, strict=True)}
    assert got == wanted and len(rules) == len(wanted)


def noise(kind: str, seed: int) -> np.ndarray:
    """Independent items of skewed popularity in baskets of very unlike size."""
    random = np.random.default_rng(seed)
    n, m = 1500, 60
    popularity = (np.arange(m) + 2.0) ** -0.9
    if kind == "odds":
        odds = np.outer(random.lognormal(0, 0.9, n), 12 * popularity / popularity.sum())
        X = random.random((n, m)) < odds / (1 + odds)
    elif kind == "drawn":
        size = np.clip(random.lognormal(1.8, 0.8, n), 1, 40)
        rank = np.argsort(np.argsort(-(np.log(popularity) + random.gumbel(size=(n, m))), axis=1))
        X = rank < size[:, None]
    else:
        scale = np.minimum(random.lognormal(0, 0.9, n), 4)
        shares = 0.25 * (popularity / popularity[0]) ** 0.6
        X = random.random((n, m)) < np.minimum(np.outer(scale, shares), 1)
    return X[X.any(axis=1)]


@pytest.mark.parametrize("kind", ["odds", "drawn", "shares"])
def test_noise_gives_no_rules_and_a_test_without_sizes_does(kind: str) -> None:
    false, plain = 0, 0
    for seed in range(4):
        X = noise(kind, seed)
        found = eclat.mine(baskets_of(X), 25, 3)
        shelved = shelf(baskets_of(X), found.levels[0].items[:, 0])
        rules, searched = ruled.tested(ruled.every(found, 1), found, shelved, 1, 3, "holm")
        false += bool((rules.adjusted <= 0.05).any())
        p = measured.fisher(len(X), rules.x, rules.y, rules.both)
        plain += bool((p * searched.total <= 0.05).any())
    assert false <= 1, f"{false} of 4 with false rules, at a rate of 0.05"
    assert plain >= 3, "sizes alone fool Fisher's test, whatever it is corrected for"


def test_planted_ties_are_found_and_their_echoes_are_not() -> None:
    X = noise("odds", 99)
    random = np.random.default_rng(0)
    X[:, 21] |= X[:, 20] & (random.random(len(X)) < 0.5)
    frame = pl.DataFrame(X.astype(int), schema=[f"i{at}" for at in range(X.shape[1])])
    result = wf.fit(frame, task="association", confidence=0.05, min_count=40, max_items=3)
    sides = {frozenset((*row[0].split(" + "), row[1]))
             for row in result.rules.select("antecedent", "consequent").iter_rows()}
    assert sides == {frozenset(("i20", "i21"))}
    assert 0.5 <= result.filter(antecedent="i20")["confidence"][0] <= 0.8


def test_a_longer_rule_is_kept_where_it_says_more() -> None:
    random = np.random.default_rng(2)
    X = random.random((4000, 12)) < 0.3
    X[:, 2] = random.random(4000) < np.where(X[:, 0] & X[:, 1], 0.9, 0.1)  # only both together
    X[:, 4] = random.random(4000) < np.where(X[:, 3], 0.7, 0.1)  # one alone
    result = wf.fit(pl.DataFrame(X.astype(int), schema=list("abcdefghijkl")), task="association",
                    confidence=0, min_count=60)
    kept = set(result.rules.select("antecedent", "consequent").iter_rows())
    assert ("a + b", "c") in kept and ("d", "e") in kept
    assert not [row for row in kept if row[1] == "e" and " + " in row[0]]


def test_the_order_of_rows_does_not_matter() -> None:
    frame, words = tables(held())["lines"]
    a = wf.fit(frame, task="association", **words)
    b = wf.fit(frame.sample(fraction=1, shuffle=True, seed=1), task="association", **words)
    assert a.rules.equals(b.rules) and a.itemsets.equals(b.itemsets)
    assert {n: s.value for n, s in a.scores.items()} == {n: s.value for n, s in b.scores.items()}


def test_returns_charges_and_gaps_are_left_out_aloud() -> None:
    lines = pl.DataFrame({
        "order": ["1", "1", "1", "2", "2", "C3", "C3", "4", "5", None, "6", "6"] + [
            str(n) for n in range(10, 40)],
        "product": ["a", "b", "POSTAGE", "a", "b", "a", "b", "a ", None, "a", "a", "a"] + [
            "a"] * 30,
        "pieces": [1, 1, 1, 2, 1, -1, -1, 0, 1, 1, 1, 2] + [1] * 30,
        "price": [2.0] * 42})
    result = wf.fit(lines, task="association", basket="order", item="product", amount="price",
                    quantity="pieces", alpha=None, min_count=2, confidence=0)
    kinds = {note.kind: note for note in result.notes}
    assert kinds["item_missing"].count == 1 and kinds["basket_missing"].count == 1
    assert kinds["returns"].count == 3 and "'C3'" in kinds["returns"].message
    assert kinds["charges"].count == 1 and "POSTAGE" in kinds["charges"].message
    assert kinds["repeated_items"].count == 1
    assert result.told["baskets"] == 33 and result.told["items"] == 2
    assert result.rules["both"].to_list() == [2, 2]
    assert result.told["rules"][0]["value"] == pytest.approx((4 + 6) / 2)
    kept = wf.fit(lines, task="association", basket="order", item="product", charges="keep",
                  returns="keep", alpha=None, min_count=1)
    assert kept.told["items"] == 3 and kept.told["baskets"] == 35


def test_money_of_rules_by_hand() -> None:
    X = held()
    shelved = shelf(baskets_of(X), np.arange(6))
    found = eclat.mine(baskets_of(X), 20, 3)
    rules = ruled.every(found, 1)
    value = np.random.default_rng(0).gamma(2, 10, len(X))
    told = facts.money(rules, shelved, value)
    for at in range(0, len(rules), 7):
        items = rules.whole[at][rules.whole[at] >= 0]
        rows = X[:, items].all(axis=1)
        assert told.value[at] == pytest.approx(value[rows].mean())
        assert told.total[at] == pytest.approx(value[rows].sum())
        x = X[:, rules.antecedent[at][rules.antecedent[at] >= 0]].all(axis=1)
        assert told.without[at] == pytest.approx(value[x & ~rows].mean())
        reach = 1.96 * value[rows].std(ddof=1) / np.sqrt(rows.sum())
        assert told.high[at] - told.value[at] == pytest.approx(reach, rel=1e-3)


def test_a_segment_that_differs_is_named_and_no_other() -> None:
    random = np.random.default_rng(4)
    n = 6000
    X = random.random((n, 8)) < 0.3
    land = random.integers(0, 3, n)
    X[:, 1] = random.random(n) < np.where(X[:, 0], np.where(land == 2, 0.2, 0.6), 0.2)
    X[:, 3] = random.random(n) < np.where(X[:, 2], 0.6, 0.2)
    basket, item = np.nonzero(X)
    lines = pl.DataFrame({"order": basket, "product": [f"i{at}" for at in item],
                          "land": [("A", "B", "C")[at] for at in land[basket]]})
    result = wf.fit(lines, task="association", basket="order", item="product", by="land")
    rows = result.told["apart"][0]["rows"]
    assert rows and {(row["antecedent"][0], row["consequent"][0]) for row in rows} <= {
        ("i0", "i1"), ("i1", "i0")}
    assert rows[0]["segment"] == "C" and rows[0]["confidence"] < rows[0]["elsewhere"]


def test_seasons_and_the_calendar() -> None:
    days = np.datetime64("2020-01-06") + np.arange(0, 700).astype("timedelta64[D]")
    period, codes, names = facts.seasons(days.astype("datetime64[us]"), "auto") or ("", days, [])
    assert period == "month" and names[codes[0]] == "January" and names[codes[31]] == "February"
    _, codes, names = facts.seasons(days.astype("datetime64[us]"), "weekday") or ("", days, [])
    assert names[codes[0]] == "Monday" and names[codes[6]] == "Sunday"
    stretches = facts.calendar(np.repeat(days.astype("datetime64[us]"), 5))
    assert stretches is not None and stretches[1][0] == "2020-01" and len(stretches[1]) == 24
    assert facts.seasons(np.array(["NaT"], dtype="datetime64[us]"), "month") is None


def test_the_chosen_support_can_be_proved() -> None:
    counts = np.full(100, 10_000)
    least = provable(counts, 0.05)
    tests = 100 * 99 / 2 * 3
    for count, fine in ((least, True), (least - 1, False)):
        p = measured.tail(count, count / 2, count / 2, 1e12)
        assert bool(p * tests <= 0.05) is fine


@pytest.mark.parametrize(("words", "error", "said"), [
    ({"support": 0.1, "min_count": 3}, ParameterError, "say the same thing"),
    ({"support": 2.0}, ParameterError, "support"),
    ({"by": "countri"}, UnknownNameError, "no column is named 'countri'"),
    ({"antecedent": "bred"}, UnknownNameError, "did you mean 'bread'"),
    ({"correction": "bonferoni"}, ParameterError, "correction"),
    ({"suport": 0.1}, UnknownNameError, "did you mean 'support'"),
])
def test_wrong_words_are_told_in_a_sentence(
    words: dict[str, Any], error: type[Exception], said: str
) -> None:
    frame, roles = tables(held())["lines"]
    with pytest.raises(error, match=said):
        wf.fit(frame, task="association", **roles, **words)


@pytest.mark.parametrize(("frame", "words", "said"), [
    (pl.DataFrame({"b": [1], "i": ["x"]}), {"basket": "b", "item": "i"}, "two baskets at least"),
    (pl.DataFrame({"b": range(9), "i": ["x"] * 9}), {"basket": "b", "item": "i"},
     "nothing is together"),
    (pl.DataFrame({"b": [1, 2], "i": [None, ""]}), {"basket": "b", "item": "i"},
     "an item in some basket"),
    (pl.DataFrame({"b": [1.5, 2], "i": [3, 4]}), {}, "cannot tell how the table holds baskets"),
    (pl.DataFrame({"b": [1, 2], "i": ["x", "y"]}), {"item": "i"}, "say which column"),
])
def test_tables_without_baskets_are_refused(
    frame: pl.DataFrame, words: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        wf.fit(frame, task="association", **words)


def test_constraints_and_bounds_are_kept() -> None:
    frame, _ = tables(held())["0 and 1"]
    every = wf.fit(frame, task="association", alpha=None, min_count=10, confidence=0, lift=0)
    some = wf.fit(frame, task="association", alpha=None, min_count=10, confidence=0.5, lift=1.1,
                  antecedent=["bread", "jam"], consequent="butter", max_items=3)
    left = every.rules.filter(
        (pl.col("confidence") >= 0.5) & (pl.col("lift") >= 1.1) & (pl.col("consequent") == "butter")
        & pl.col("antecedent").map_elements(
            lambda sides: bool({"bread", "jam"} & set(sides.split(" + "))),
            return_dtype=pl.Boolean)
        & (pl.col("antecedent").str.count_matches(r" \+ ") <= 1))
    assert 0 < len(some.rules) == len(left)


def test_groups_stay_together_where_rules_are_judged() -> None:
    frame, words = tables(held())["lines"]
    frame = frame.with_columns(who=pl.col("order") // 7)
    result = wf.fit(frame, task="association", groups="who", **words)
    assert "a quarter of the groups" in result.split and len(result.rules)
    assert "groups=" not in " ".join(result.to_text().splitlines()[-2:])


def test_the_tastes_of_few_customers_make_no_rules_where_customers_are_known() -> None:
    random = np.random.default_rng(0)
    customers, each, m = 30, 60, 25
    taste = np.clip(random.gamma(0.5, 0.4, (customers, m)), 0, 0.9)
    X = random.random((customers * each, m)) < np.repeat(taste, each, axis=0)
    basket, item = np.nonzero(X)
    lines = pl.DataFrame({"order": basket, "good": [f"i{at}" for at in item],
                          "who": basket // each})
    words = {"task": "association", "basket": "order", "item": "good", "max_items": 2,
             "min_count": 20, "confidence": 0}
    assert len(wf.fit(lines, **words).rules) > 20, "30 tastes look like ties between goods"
    assert len(wf.fit(lines, groups="who", **words).rules) <= 2
    tied = lines.filter(pl.col("good") == "i0").with_columns(good=pl.lit("new"))
    kept = wf.fit(pl.concat([lines, tied]), groups="who", **words).rules
    assert ("i0", "new") in set(kept.select("antecedent", "consequent").iter_rows())


def test_no_time_left_means_no_scores_but_rules() -> None:
    frame, words = tables(held())["lines"]
    result = wf.fit(frame, task="association", budget="0.001s", **words)
    assert len(result.rules) and result.score is None and "the budget left no time" in result.split


def test_customers_stay_in_one_block_where_scores_are_given_their_intervals() -> None:
    random = np.random.default_rng(0)
    customers, each = 24, 40
    fond = np.repeat(random.random(customers) < 0.5, each)
    X = random.random((customers * each, 4)) < 0.4
    X[:, 1], X[:, 3] = np.where(fond, X[:, 0], X[:, 1]), np.where(fond, X[:, 2], X[:, 3])
    basket, item = np.nonzero(X)
    lines = pl.DataFrame({"order": basket, "good": [NAMES[at] for at in item],
                          "who": basket // each})
    words = {"task": "association", "basket": "order", "item": "good", "alpha": None}
    loose, kept = (wf.fit(lines, **words, **more).evaluate(lines)["confidence"]
                   for more in ({}, {"groups": "who"}))
    assert kept.value == pytest.approx(loose.value)
    assert kept.high - kept.low > 1.5 * (loose.high - loose.low)
    assert "groups of baskets" in kept.how and "groups" not in loose.how


@pytest.mark.parametrize(("many", "said"), [(1, "all baskets are of one group"),
                                            (2, "those of one of 2 groups")])
def test_few_groups_are_parted_or_said_to_be_too_few(many: int, said: str) -> None:
    frame, words = tables(held())["lines"]
    result = wf.fit(frame.with_columns(who=pl.col("order") % many), task="association",
                    groups="who", **words)
    assert said in result.split and "the other 0" not in result.split
    assert bool(result.scores) == (many > 1)
