"""Decisions: thresholds by brute force, costs as Elkan derives them, words, honest choosing."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from wholefit.base.errors import ArtifactError, ParameterError, UnknownNameError, WholefitError
from wholefit.training import decision
from wholefit.training._thresholds import choose, parse
from wholefit.training.decision import Decision, by_costs, cost_matrix, read_costs

RULES = ("cost", "f1", "f2", "f0.5", "balanced_accuracy", "precision>=0.6", "recall>=0.8")


def scored(seed: int, n: int = 80, ties: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    yes = rng.random(n) < 0.3
    yes[:2] = True, False
    score = 1 / (1 + np.exp(-rng.normal(size=n) - yes))
    return (score.round(1) if ties else score), yes, rng.uniform(0.2, 3, n)


def worth(rule: str, score: np.ndarray, yes: np.ndarray, w: np.ndarray, at: float) -> float:
    """What a threshold is worth, by scikit-learn."""
    said = score >= at
    if rule == "cost":
        return -float(w @ (2 * (said & ~yes) + 7 * (~said & yes)))
    if rule == "balanced_accuracy":
        return sk.balanced_accuracy_score(yes, said, sample_weight=w)
    if rule.startswith("f"):
        return sk.fbeta_score(yes, said, beta=float(rule[1:]), sample_weight=w, zero_division=0)
    precision = sk.precision_score(yes, said, sample_weight=w, zero_division=0)
    recall = sk.recall_score(yes, said, sample_weight=w)
    if rule.startswith("precision"):
        return recall if precision >= 0.6 - 1e-12 and said.any() else -1
    return precision if recall >= 0.8 - 1e-12 else -1


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(RULES), st.integers(0, 10_000), st.booleans(), st.booleans())
def test_no_threshold_is_better_than_the_one_chosen(
    rule: str, seed: int, ties: bool, weighted: bool
) -> None:
    score, yes, w = scored(seed, ties=ties)
    heavy = w if weighted else None
    w = w if weighted else np.ones(len(w))
    found = choose(parse(rule), score, yes, heavy, (2.0, 7.0))
    every = np.unique(np.concatenate([score, [2.0]]))
    best = max(worth(rule, score, yes, w, at) for at in every)
    if found.missed is not None:
        assert best == -1
    elif rule.startswith("recall"):  # the highest threshold that keeps it, not the best precision
        reached = [at for at in every if worth(rule, score, yes, w, at) >= 0]
        assert ((score >= found.threshold) == (score >= max(reached))).all()
    else:
        assert worth(rule, score, yes, w, found.threshold) == pytest.approx(best, abs=1e-12)


def test_a_threshold_lies_between_scores() -> None:
    score, yes = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    assert choose(parse("f1"), score, yes, None, (1, 1)).threshold == pytest.approx(0.5)


def test_a_precision_that_cannot_be_had_is_said() -> None:
    score, yes, _ = scored(0, n=400)
    found = choose(parse("precision>=1"), score[::1], np.roll(yes, 7), None, (1, 1))
    assert found.missed is not None and "precision of 1" in found.missed


def test_words_of_thresholds() -> None:
    assert parse(0.3).number == parse("0.3").number == 0.3
    assert parse("precision >= 90%").number == pytest.approx(0.9)
    assert parse("F2").kind == "f"
    for bad in (0, 1, -1, "1.5", float("nan"), "precision>=0", "recall>=200%", "precision<=0.5",
                True, None, [0.3], "f0", "a b"):
        with pytest.raises(WholefitError):
            parse(bad)
    with pytest.raises(UnknownNameError, match="did you mean 'cost'"):
        parse("coost")


# ---- costs ------------------------------------------------------------------------------


def test_forms_of_costs(tmp_path: Path) -> None:
    toml = tmp_path / "costs.toml"
    toml.write_text("[no]\nyes = 1\n[yes]\nno = 50\n")
    expected = [[0, 1], [50, 0]]
    for given_ in ({"no": {"yes": 1}, "yes": {"no": 50}}, {"yes": 50}, "yes=50", "yes=50, no=1",
                   str(toml), toml, '{"yes": {"no": 50}}', "{'YES': 50}"):
        assert cost_matrix(read_costs(given_), ("no", "yes")).tolist() == expected, given_
    assert cost_matrix(read_costs({True: 5}), (False, True)).tolist() == [[0, 1], [5, 0]]
    assert cost_matrix(read_costs({1: {0: 5}}), (0, 1)).tolist() == [[0, 1], [5, 0]]
    assert cost_matrix(read_costs({"a": {"a": -10}}), ("a", "b")).tolist() == [[-10, 1], [1, 0]]


@pytest.mark.parametrize("bad", [
    {"yes": "many"}, {"yes": float("nan")}, {"yes": {"no": None}}, 5, None, "yes", "yes=", "=5",
    "nowhere.toml", {"yes": True}, "{'yes': os}",
])
def test_costs_that_cannot_be_read(bad: object) -> None:
    with pytest.raises(ParameterError, match="costs"):
        read_costs(bad)


def test_costs_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'yes'"):
        cost_matrix(read_costs({"yess": 5}), ("no", "yes"))
    with pytest.raises(ParameterError, match="less than the right answer"):
        cost_matrix(read_costs({"yes": -1}), ("no", "yes"))
    with pytest.raises(ParameterError, match="every answer costs the same"):
        cost_matrix(read_costs({"yes": 0}), ("no", "yes"))
    broken = tmp_path / "costs.toml"
    broken.write_text("yes = = 5")
    with pytest.raises(ParameterError, match="is no TOML file"):
        read_costs(broken)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.integers(0, 10_000))
def test_the_answer_of_least_expected_cost_by_brute_force(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.uniform(0, 3, (k, k))
    costs -= np.diag(costs.diagonal())
    answer = rng.dirichlet(np.ones(k), 50)
    positive = int(rng.integers(k))
    found = by_costs(costs, positive, "costs", "").codes(answer)
    for row, code in zip(answer, found, strict=True):
        expected = [sum(row[i] * costs[i, j] for i in range(k)) for j in range(k)]
        assert expected[code] == pytest.approx(min(expected))


def test_a_decision_keeps(tmp_path: Path) -> None:
    costs = np.array([[0, 1, 2], [3, 0, 1], [1, 1, 0.0]])
    for made, k in ((by_costs(costs, 1, "costs", "x"), 3),
                    (decision.by_threshold(0.25, 0, "f1", "y"), 2),
                    (by_costs(costs[:2, :2], 1, "costs", "z"), 2)):
        assert Decision.from_json(made.to_json(), k) == made
    assert Decision.from_json(None, 2) is None
    good = decision.by_threshold(0.25, 1, "f1", "y").to_json()
    for change in ({"threshold": "a lot"}, {"positive": 7}, {"costs": [[1]]},
                   {"threshold": None, "costs": None}, {"costs": "no"}):
        with pytest.raises(ArtifactError):
            Decision.from_json({**good, **change}, 2)
    with pytest.raises(ArtifactError):
        Decision.from_json(good, 3)


# ---- choosing on other folds ------------------------------------------------------------


def test_no_row_has_a_part_in_its_own_threshold() -> None:
    rng = np.random.default_rng(0)
    n, rule = 300, parse("f1")
    truth = (rng.random(n) < 0.2).astype(int)
    p = np.clip(rng.normal(0.3 + 0.3 * truth, 0.2), 0, 1)
    answer, fold = np.stack([1 - p, p], axis=1), np.arange(n) % 5
    found = decision.nested(rule, truth, answer, fold, 1)
    for row in range(0, n, 17):
        other = truth.copy()
        other[fold == fold[row]] = 1 - other[fold == fold[row]]
        assert decision.nested(rule, other, answer, fold, 1)[row] == found[row]


def test_choosing_and_scoring_on_the_same_rows_flatters_and_nesting_does_not() -> None:
    """On noise, the F1 of a threshold chosen on the scored rows is above that of new rows."""
    rng = np.random.default_rng(0)
    rule, same, other, new = parse("cost"), [], [], []
    for _ in range(60):
        truth = (rng.random(120) < 0.3).astype(int)
        p = rng.random(120)
        answer = np.stack([1 - p, p], axis=1)
        made, _ = decision.chosen(rule, truth, answer, 1, costs=np.array([[0, 1], [2.3, 0]]))
        nested = decision.nested(rule, truth, answer, np.arange(120) % 5, 1,
                                 costs=np.array([[0, 1], [2.3, 0]]))
        costs = np.array([[0, 1], [2.3, 0]])
        same.append(costs[truth, made.codes(answer)].mean())
        other.append(costs[truth, nested].mean())
        q = rng.random(20_000)
        fresh = (rng.random(20_000) < 0.3).astype(int)
        new.append(costs[fresh, made.codes(np.stack([1 - q, q], axis=1))].mean())
    assert np.mean(same) < np.mean(new) - 0.02, "flattered"
    assert np.mean(other) > np.mean(new) - 0.01, "honest, or a little harsh"


def test_every_rule_is_a_rule_of_two_classes() -> None:
    for k, rule in itertools.product((3, 5), RULES):
        with pytest.raises(ParameterError, match="costs="):
            decision.needs_two(k, rule)
