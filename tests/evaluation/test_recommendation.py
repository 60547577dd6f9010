"""Metrics of lists against a plain second writing, and their intervals against draws of users."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from wholefit.base.errors import DataError
from wholefit.evaluation import recommendation as ranking


def held(*items: list[int]) -> ranking.Held:
    starts = np.cumsum([0, *map(len, items)])
    return ranking.Held(starts, np.array([item for row in items for item in row], dtype=np.int64))


def plainly(top: list[int], wanted: set[int], k: int) -> dict[str, float]:
    """One user's metrics, item by item."""
    hits = [item in wanted for item in top]
    gain = sum(hit / math.log2(rank + 2) for rank, hit in enumerate(hits))
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(k, len(wanted))))
    precise = [sum(hits[:rank + 1]) / (rank + 1) for rank in range(len(hits)) if hits[rank]]
    return {f"ndcg@{k}": gain / ideal, f"recall@{k}": sum(hits) / len(wanted),
            f"map@{k}": sum(precise) / min(k, len(wanted)), f"hit@{k}": float(any(hits))}


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_metrics_are_those_of_a_plain_second_writing(users: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    items = 12
    top = np.array([random.permutation(items)[:k] for _ in range(users)])
    wanted = [random.permutation(items)[:random.integers(1, 6)].tolist() for _ in range(users)]
    found = ranking.ranked(top, held(*wanted), np.ones(items), 10)
    for at in range(users):
        for name, value in plainly(top[at].tolist(), set(wanted[at]), k).items():
            assert found[name][at] == pytest.approx(value, abs=1e-12)


def test_ndcg_is_that_of_scikit_learn_where_a_list_is_a_whole_ranking() -> None:
    random = np.random.default_rng(0)
    scores = random.random((20, 9))
    relevant = random.random((20, 9)) < 0.4
    relevant[:, 0] = True
    top = np.argsort(-scores, axis=1)[:, :5]
    found = ranking.ranked(top, held(*(np.flatnonzero(row).tolist() for row in relevant)),
                           np.ones(9), 20)
    each = [ndcg_score(relevant[[at]], scores[[at]], k=5) for at in range(20)]
    assert found["ndcg@5"] == pytest.approx(each, abs=1e-12)


def test_short_lists_and_users_without_held_items() -> None:
    top = np.array([[2, -1, -1], [-1, -1, -1], [0, 1, 2]])
    found = ranking.ranked(top, held([2], [1], []), np.array([5, 1, 0]), 10)
    assert found["hit@3"].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(found["ndcg@3"][2]) and np.isnan(found["novelty@3"][1])
    assert found["novelty@3"][2] == pytest.approx(np.mean([1, math.log2(10), math.log2(10)]))
    assert found["popularity@3"][2] == pytest.approx((0.5 + 0.1 + 0.1) / 3)


def test_a_list_must_be_there_for_each_user() -> None:
    with pytest.raises(DataError, match="one list a user"):
        ranking.ranked(np.zeros((2, 3), dtype=int), held([1]), np.ones(4), 4)


def test_coverage_counts_items_and_its_spread_the_users_who_alone_bring_some() -> None:
    tops = np.array([[0, 1], [0, 2], [0, -1], [0, 1]])
    score = ranking.coverage("coverage@2", tops, 10)
    assert score.value == pytest.approx(0.3) and score.low < 0.3 < score.high
    same = ranking.coverage("coverage@2", np.array([[0, 1]] * 5), 10)
    assert (same.low, same.value, same.high) == pytest.approx((0.2, 0.2, 0.2))


def test_intervals_hold_the_mean_of_all_users_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    everyone = np.where(random.random(100_000) < 0.7, 0.0, random.random(100_000))
    truth, inside = everyone.mean(), 0
    for _ in range(400):
        score = ranking.mean("ndcg@10", random.choice(everyone, 120))
        inside += score.low <= truth <= score.high
    assert 0.92 <= inside / 400 <= 0.98


def test_nothing_found_by_anybody_still_has_an_upper_end() -> None:
    score = ranking.mean("recall@10", np.zeros(50))
    assert score.value == score.low == 0 and 0.01 < score.high < 0.15
    nobody = ranking.mean("recall@10", np.array([np.nan]))
    assert math.isnan(nobody.value) and "no user" in nobody.how


def test_paired_differences_see_what_two_intervals_hide() -> None:
    random = np.random.default_rng(2)
    hard = random.random(300)
    first, second = hard, np.clip(hard + 0.02 + 0.02 * random.standard_normal(300), 0, 2)
    ties = ranking.ties("ndcg@10", {"a": first, "b": second})
    assert ties["b"].better == "tied" and ties["b"].value == 0
    assert ties["a"].better == "b" and ties["a"].high < 0
    again = ranking.ties("ndcg@10", {"a": first, "b": second, **{
        str(at): second / (at + 2) for at in range(3)}})
    alone = ranking.difference("ndcg@10", first, second, level=0.975)
    assert (again["a"].low, again["a"].high) == (alone.low, alone.high)
    assert again["a"].p == min(1.0, 2 * alone.p) and "4 comparisons" in again["a"].how
    wide = [ranking.mean("novelty@10", each) for each in (first, second)]
    assert wide[0].high > wide[1].low


def test_differences_of_equal_and_of_constant_gaps() -> None:
    values = np.linspace(0, 1, 9)
    assert ranking.difference("ndcg@5", values, values).better == "tied"
    assert ranking.difference("ndcg@5", values + 1, values).better == "a"
    assert ranking.difference("popularity@5", values + 1, values).better == "b"
    assert ranking.difference("ndcg@5", values[:1] + 1, values[:1]).better == "tied"
    assert ranking.difference("ndcg@5", values[:0], values[:0]).better == "tied"


def test_false_alarms_of_the_paired_test_are_as_rare_as_stated() -> None:
    random = np.random.default_rng(3)
    wrong = sum(ranking.difference("ndcg@10", *random.exponential(1, (2, 80))).better != "tied"
                for _ in range(600))
    assert wrong / 600 <= 0.08
