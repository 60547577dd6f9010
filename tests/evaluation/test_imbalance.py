"""Metrics for rare classes: by brute force, against scikit-learn, and their intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from wholefit import evaluation
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import metrics
from wholefit.evaluation.intervals import pull

NAMES = ("recall@precision=0.5", "precision@recall=0.8", "precision@top=10%", "recall@top=20%",
         "precision@top=25", "f2", "f0.5")


def world(seed: int, n: int = 300, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(int)
    y[:2] = 0, 1
    p = 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * y - 2)))
    p = p.round(1) if ties else p
    return y, np.stack([1 - p, p], axis=1)


def value(name: object, y: np.ndarray, P: np.ndarray, **more: object) -> float:
    return next(iter(evaluation.score("classification", y, P, metrics=[name], level=None,
                                      **more).values())).value  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_points_of_the_curve_are_those_of_scikit_learn(
    seed: int, ties: bool, weighted: bool
) -> None:
    y, P = world(seed, ties=ties)
    w = np.random.default_rng(seed).uniform(0.1, 2, len(y)) if weighted else None
    precision, recall, _ = sk.precision_recall_curve(y, P[:, 1], sample_weight=w)
    precision, recall = precision[:-1], recall[:-1]
    good = recall[precision >= 0.5 - 1e-12]
    found = value("recall@precision=0.5", y, P, weights=w)
    assert found == pytest.approx(good.max() if len(good) else 0.0)
    assert value("precision@recall=0.8", y, P, weights=w) == pytest.approx(
        precision[recall >= 0.8 - 1e-12].max())
    for beta in (2, 0.5):
        assert value(f"f{beta}", y, P, weights=w) == pytest.approx(sk.fbeta_score(
            y, P[:, 1] > 0.5, beta=beta, sample_weight=w, zero_division=0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300))
def test_the_top_of_the_list_by_sorting(seed: int, k: int) -> None:
    y, P = world(seed)
    top = np.argsort(-P[:, 1])[:k]
    assert value(f"precision@top={k}", y, P) == pytest.approx(y[top].mean())
    assert value(f"recall@top={k}", y, P) == pytest.approx(y[top].sum() / y.sum())


def test_equal_scores_at_the_end_of_the_list_count_by_share() -> None:
    y, P = world(1, ties=True)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        order = np.lexsort((rng.random(len(y)), -P[:, 1]))
        drawn.append(y[order[:50]].mean())
    assert value("precision@top=50", y, P) == pytest.approx(np.mean(drawn), abs=0.005)


def test_weights_are_copies() -> None:
    y, P = world(5, n=120)
    times = np.random.default_rng(1).integers(1, 4, len(y))
    again = np.repeat(np.arange(len(y)), times)
    for name in NAMES:
        if "25" not in name:
            assert value(name, y, P, weights=times) == pytest.approx(value(name, y[again],
                                                                           P[again])), name


@pytest.mark.parametrize("name", [n for n in NAMES if n != "precision@top=25"])
def test_intervals_cover(name: str) -> None:
    """The value of very many rows lies within the interval of 800, in about 95 % of draws."""
    y, P = world(0, n=300_000)
    true = value(name, y, P)
    hits = 0
    for seed in range(1, 121):
        found = evaluation.score("classification", *world(seed, n=800), metrics=[name])[name]
        hits += found.low <= true <= found.high
    assert 0.87 <= hits / 120 <= 1.0, hits


@pytest.mark.parametrize("name", NAMES)
def test_units_widen_and_pulls_are_centred(name: str) -> None:
    y, P = world(2, n=400)
    again = np.repeat(np.arange(400), 3)
    own = evaluation.score("classification", y, P, metrics=[name])
    if "25" not in name:
        units = evaluation.score("classification", y[again], P[again], metrics=[name], units=again)
        first, second = next(iter(own.values())), next(iter(units.values()))
        assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.1)
    sheet = metrics.sheet("classification", y, P)
    found = pull(metrics.get("classification", name), sheet)
    assert abs(found.sum()) < 0.25 * np.abs(found).sum()


def test_expected_cost() -> None:
    y, P = world(3)
    costs = np.array([[0, 1], [9, -2.0]])
    metric = metrics.expected_cost(costs)
    said = P.argmax(axis=1)
    assert value(metric, y, P) == pytest.approx(costs[y, said].mean())
    codes = (P[:, 1] > 0.1).astype(int)
    assert value(metric, y, P, predicted=codes) == pytest.approx(costs[y, codes].mean())
    found = evaluation.score("classification", y, P, metrics=[metric])["expected_cost"]
    each = costs[y, said]
    assert (found.high - found.low) / 2 == pytest.approx(
        1.97 * each.std(ddof=1) / np.sqrt(len(y)), rel=0.02)
    gap = evaluation.compare("classification", metric, y, P, P, predicted=(None, codes))
    assert gap.value == pytest.approx((costs[y, said] - costs[y, codes]).mean())
    for bad in ([[0, 1]], [[0, np.nan], [1, 0]], 3):
        with pytest.raises(DataError):
            metrics.expected_cost(bad)
    with pytest.raises(DataError, match="3 classes"):
        value(metrics.expected_cost(np.ones((3, 3))), y, P)


def test_what_was_decided_is_what_is_counted() -> None:
    y, P = world(4)
    codes = (P[:, 1] > 0.15).astype(int)
    found = evaluation.score("classification", y, P, predicted=codes)
    assert found["recall"].value == pytest.approx(sk.recall_score(y, codes))
    assert found["precision"].value == pytest.approx(sk.precision_score(y, codes))
    assert found["accuracy"].value == pytest.approx(sk.accuracy_score(y, codes))
    plain = evaluation.score("classification", y, P)
    for name in ("log_loss", "roc_auc", "average_precision", "brier"):
        assert found[name] == plain[name], "probabilities are scored as they are"
    ece = [value("ece", y, P), value("ece", y, P, predicted=codes)]
    assert ece[0] == ece[1]
    holed = np.where(np.arange(len(y)) < 20, -1, y)
    part = evaluation.score("classification", holed, P, predicted=codes)
    assert part["recall"].value == pytest.approx(sk.recall_score(y[20:], codes[20:]))
    for bad in (codes[:-1], codes + 5, codes - 3, codes.astype(float)):
        with pytest.raises(DataError):
            evaluation.score("classification", y, P, predicted=bad)


def test_names_with_numbers() -> None:
    assert metrics.get("classification", "Recall@Precision>=50%").name == "recall@precision=0.5"
    assert metrics.get("classification", "f1").name == "f1"
    assert metrics.get("classification", "recall@top=5%").name == "recall@top=5%"
    for bad in ("recall@precision=0", "recall@precision=2", "f0", "precision@top=0",
                "precision@top=2.5", "recall@top=200%"):
        with pytest.raises(ParameterError):
            metrics.get("classification", bad)
    for bad in ("recall@recall=0.5", "recall@precision", "f", "rmse@top=5"):
        with pytest.raises(UnknownNameError):
            metrics.get("classification", bad)
    with pytest.raises(UnknownNameError):
        metrics.get("regression", "f2")


def test_many_classes_are_averaged() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    P = rng.dirichlet(np.ones(3), 200) + np.eye(3)[y]
    P /= P.sum(axis=1, keepdims=True)
    each = [value("recall@precision=0.5", (y == c).astype(int),
                  np.stack([1 - P[:, c], P[:, c]], axis=1)) for c in range(3)]
    assert value("recall@precision=0.5", y, P) == pytest.approx(np.mean(each))
