"""Label errors: the paper's steps by hand, planted errors found, hostile targets survived."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wholefit as wf
from wholefit import data
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.data import bundled
from wholefit.training import _confident
from wholefit.training.label_errors import judge, out_of_fold, residual_scale

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
DATA = os.environ.get("WHOLEFIT_DATA", "")
CHEAP = {"models": "logistic", "jobs": 1}


def by_hand(given_, proba):
    """The paper's definitions, row by row: counted joint, joint in rows, flags."""
    n, k = proba.shape
    thresholds = [np.mean([proba[i, j] for i in range(n) if given_[i] == j] or [1.0])
                  for j in range(k)]
    counted = np.zeros((k, k), dtype=int)
    for i in range(n):
        passing = [j for j in range(k) if proba[i, j] >= thresholds[j] - 1e-6]
        if passing:
            counted[given_[i], max(passing, key=lambda j: (proba[i, j], -j))] += 1
    for j in range(k):
        counted[j, j] = max(counted[j, j], 1)
    joint = np.array([counted[j] / counted[j].sum() * (given_ == j).sum() for j in range(k)])
    flagged = set()
    for i in range(k):
        rows = [r for r in range(n) if given_[r] == i]
        for j in range(k):
            if i != j:
                worst = sorted(rows, key=lambda r: -(proba[r, j] - proba[r, i]))
                flagged |= set(worst[:round(joint[i, j])])
    return counted, joint, {r for r in flagged if proba[r].argmax() != given_[r]}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(4, 40))
def test_confident_learning_is_the_paper_by_hand(seed, k, n):
    rng = np.random.default_rng(seed)
    given_ = rng.integers(0, k, n)
    proba = rng.dirichlet(np.ones(k), n) + 0.8 * np.eye(k)[given_] * rng.random((n, 1))
    proba /= proba.sum(axis=1, keepdims=True)
    found = _confident.confident(given_, proba)
    counted, joint, flagged = by_hand(given_, proba)
    assert found.counted.tolist() == counted.tolist()
    assert found.joint == pytest.approx(joint)
    assert set(np.flatnonzero(found.flagged)) == flagged


def test_scores_against_their_formulas():
    given_, proba = np.array([0, 1, 2]), np.array([[0.7, 0.2, 0.1], [0.6, 0.4, 0.0],
                                                   [0.3, 0.3, 0.4]])
    assert _confident.quality(given_, proba, "self_confidence") == pytest.approx([0.7, 0.4, 0.4])
    assert _confident.quality(given_, proba, "normalised_margin") == pytest.approx(
        [0.75, 0.4, 0.55])


def planted(seed=0, rate=0.1, rows=1500):
    """A table that three classes are easy to tell in, and a share of labels changed."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, rows)
    X = rng.normal(size=(rows, 4)) + 2.0 * np.eye(3, 4)[true]
    wrong = rng.random(rows) < rate
    given_ = np.where(wrong, (true + rng.integers(1, 3, rows)) % 3, true)
    frame = pl.DataFrame(X, schema=list("abcd")).with_columns(
        y=pl.Series([f"class {c}" for c in given_]))
    return frame, wrong, true


def test_planted_errors_are_found_and_their_share_is_estimated():
    frame, wrong, true = planted()
    found = wf.label_errors(frame, target="y", jobs=1)
    k = int(wrong.sum())
    top = found.ranked(k, flagged=False)["row"].to_numpy() - 1
    assert wrong[top].mean() > 0.6
    # The estimate counts rows that are hard as well: an upper guess.
    assert found.noise.low < found.noise.value < found.noise.high
    assert 0.08 < found.noise.value < 0.2
    mended = found.ranked()
    right = np.array([f"class {c}" for c in true])[mended["row"].to_numpy() - 1]
    assert (mended["suggested"].to_numpy() == right)[wrong[mended["row"].to_numpy() - 1]].mean() \
        > 0.85
    assert found.confusions().height == 6 and found.to_json(3)["rows"][0]["row"] == int(top[0]) + 1


def test_a_clean_table_gives_few():
    frame, _, _ = planted(rate=0.0)
    assert len(wf.label_errors(frame, target="y", **CHEAP)) < 0.1 * frame.height


def test_rows_are_those_of_the_source_where_some_have_no_target():
    frame, wrong, _ = planted(rows=600)
    gone = np.zeros(600, dtype=bool)
    gone[::7] = True
    holed = frame.with_columns(y=pl.Series([None if g else v for g, v in zip(
        gone, frame["y"], strict=True)]))
    found = wf.label_errors(holed, target="y", **CHEAP)
    assert found.rows.tolist() == (np.flatnonzero(~gone) + 1).tolist()
    top = found.ranked(int((wrong & ~gone).sum()))["row"].to_numpy() - 1
    assert wrong[top].mean() > 0.6
    assert all(frame["y"][int(row)] == value for row, value in zip(
        found.ranked()["row"] - 1, found.ranked()["given"], strict=True))


def test_a_result_answers_from_its_own_folds(tmp_path):
    frame, wrong, _ = planted(rows=600)
    result = wf.fit(frame, target="y", models="dummy, logistic", jobs=1, choose="best")
    found = result.label_errors()
    top = found.ranked(int(wrong.sum()), flagged=False)["row"].to_numpy() - 1
    assert wrong[top].mean() > 0.6 and "logistic" in found.how
    again = wf.load(result.save(tmp_path / "m.wf"))
    with pytest.raises(StateError, match=r"wf\.label_errors"):
        again.label_errors()
    with pytest.raises(ParameterError, match="score must be one of"):
        result.label_errors(score="margin")


def test_numbers_are_judged_on_the_scale_of_their_neighbours():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 10, 1500)
    y = x + rng.normal(size=1500) * 0.02 * x**2  # much wider where x is large
    wrong = rng.random(1500) < 0.04
    y[wrong] += rng.choice([-1.0, 1.0], wrong.sum()) * 1.2
    frame = pl.DataFrame({"x": x, "z": rng.normal(size=1500), "y": y})
    found = wf.label_errors(frame, target="y", models="ridge", jobs=1)
    k = int(wrong.sum())
    local = wrong[found.ranked(k, flagged=False)["row"].to_numpy() - 1].mean()
    residual = np.abs(found.given - found.suggested)
    assert local > wrong[np.argsort(-residual)[:k]].mean() + 0.1
    with pytest.raises(DataError, match="the target is a number"):
        found.confusions()


def test_gross_errors_are_not_learnt_in_a_second_round():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = X @ [3.0, -2.0, 1.0] + rng.normal(size=400)
    wrong = (rng.random(400) < 0.15) & (X[:, 0] > 0)  # on one side: they pull the line
    y[wrong] -= 12
    frame = pl.DataFrame(X, schema=list("abc")).with_columns(y=pl.Series(y))
    found = wf.label_errors(frame, target="y", models="ridge", jobs=1)
    assert "were not learnt" in found.how
    k = int(wrong.sum())
    assert wrong[found.ranked(k, flagged=False)["row"].to_numpy() - 1].mean() > 0.95
    task = tasks.get("regression")
    once = out_of_fold(data.dataset_of(frame, target="y"), task, models=["ridge"])
    good = ~wrong
    assert np.abs(found.given - found.suggested)[good].mean() < \
        np.abs(once.y - once.answer)[good].mean() - 0.2


def test_residual_scale_against_a_plain_loop():
    rng = np.random.default_rng(1)
    answer, residual = rng.normal(size=300), rng.normal(size=300)
    order = np.argsort(answer, kind="stable")
    size = np.abs(residual)[order]
    plain = np.empty(300)
    for at in range(300):
        plain[order[at]] = np.median(size[max(0, at - 25):at + 25])
    floor = 0.1 * np.median(size)
    assert residual_scale(residual, answer) == pytest.approx(1.4826 * np.maximum(plain, floor))
    assert (residual_scale(np.zeros(60), np.ones(60)) > 0).all()


@pytest.mark.parametrize("target, said", [
    (["a"] * 60, "at least 2 classes"), ([None] * 60, "must have rows"),
])
def test_targets_that_cannot_be_judged_are_refused(target, said):
    frame = pl.DataFrame({"x": range(60), "y": pl.Series(target, dtype=pl.String)})
    with pytest.raises(DataError, match=said):
        wf.label_errors(frame, target="y", **CHEAP)


def test_rare_classes_are_left_out_and_said():
    frame, _, _ = planted(rows=300)
    frame = frame.with_columns(y=pl.Series(["once", "twice", "twice", *frame["y"][3:]]))
    found = wf.label_errors(frame, target="y", **CHEAP)
    assert len(found.rows) == 297 and 1 not in found.rows
    assert "fewer than 3 rows ('once', 'twice')" in found.left[0]


def test_wrong_words_are_refused():
    frame, _, _ = planted(rows=60)
    with pytest.raises(ParameterError, match="score must be one of"):
        wf.label_errors(frame, target="y", score="entropy", **CHEAP)
    with pytest.raises(ParameterError, match="ridge does regression"):
        wf.label_errors(frame, target="y", models="ridge", jobs=1)
    with pytest.raises(DataError, match="say target="):
        wf.label_errors(frame)
    with pytest.raises(UnknownNameError):
        wf.label_errors(frame, target="why")
    with pytest.raises(UnknownNameError):
        wf.label_errors(frame, target="y", delimeter=",")


@pytest.mark.parametrize("values", [[True, False], [1, 2], [1.5, 2.5], ["*", "^a.*$"]])
def test_targets_of_every_type_keep_their_values(values):
    frame, _, _ = planted(rows=200)
    y = np.array([0 if name == "class 0" else 1 for name in frame["y"]])
    frame = frame.with_columns(y=pl.Series([values[at] for at in y]))
    found = wf.label_errors(frame, target="y", task="classification", **CHEAP)
    assert set(map(str, found.given)) <= {str(v) for v in values} | {"0", "1"}
    assert found.ranked().height == len(found)


def test_rows_without_an_answer_are_not_judged():
    task = tasks.get("classification")
    codec = task.codec("y", np.array(["a", "b"], dtype=object))
    y = np.array([0, 1] * 5)
    proba = np.tile([0.5, 0.5], (10, 1))
    proba[3] = np.nan
    found = judge("y", task, codec, y, proba)
    assert 4 not in found.rows and "1 rows have no out-of-fold answer" in found.left[0]


def test_real_labels_damaged_on_purpose():
    churn = wf.read(bundled.path("telco_churn")).frame.head(1500)
    rng = np.random.default_rng(0)
    wrong = rng.random(1500) < 0.1
    y = np.where(wrong, np.where(churn["churn"] == "Yes", "No", "Yes"), churn["churn"].to_numpy())
    found = wf.label_errors(churn.with_columns(churn=pl.Series(y)), target="churn", **CHEAP)
    k = int(wrong.sum())
    at_top = wrong[found.ranked(k, flagged=False)["row"].to_numpy() - 1].mean()
    assert at_top > 4 * wrong.mean()


@pytest.mark.skipif(not DATA, reason="WHOLEFIT_DATA is not set")
def test_a_text_set_damaged_on_purpose():
    sms = wf.read(Path(DATA) / "sms_spam/data.csv.gz").frame.head(1500)
    rng = np.random.default_rng(0)
    wrong = rng.random(1500) < 0.1
    y = np.where(wrong, 1 - sms["spam"].to_numpy(), sms["spam"].to_numpy())
    found = wf.label_errors(sms.with_columns(spam=pl.Series(y)), target="spam", jobs=1)
    k = int(wrong.sum())
    assert wrong[found.ranked(k, flagged=False)["row"].to_numpy() - 1].mean() > 0.8
