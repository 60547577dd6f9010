"""Confusion, the report of classes, and the points of curves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from wholefit import evaluation
from wholefit.base.errors import DataError

from ._worlds import many_classes, two_classes


def test_confusion_is_scikit_learns():
    y, P = many_classes(500, 5, np.random.default_rng(1))
    w = np.random.default_rng(2).random(500)
    label = P.argmax(axis=1)
    got = evaluation.confusion(y, P)
    assert got.dtype.kind == "i" and (got == sk.confusion_matrix(y, label)).all()
    assert np.allclose(evaluation.confusion(y, label, 5, weights=w),
                       sk.confusion_matrix(y, label, sample_weight=w))
    assert evaluation.confusion(np.append(y, -1), np.append(label, 0), 7).shape == (7, 7)
    with pytest.raises(DataError, match=r"codes must be 0\.\.2"):
        evaluation.confusion(y, label, 3)
    with pytest.raises(DataError, match="as many rows"):
        evaluation.confusion(y, label[:-1])


def test_report_is_scikit_learns_with_intervals():
    y, P = many_classes(400, 4, np.random.default_rng(3))
    w = np.random.default_rng(4).random(400)
    for weights in (None, w):
        peer = sk.precision_recall_fscore_support(y, P.argmax(axis=1), sample_weight=weights)
        rows = evaluation.report(y, P, ["a", "b", "c", "d"], weights=weights)
        assert [row.label for row in rows] == ["a", "b", "c", "d"]
        for code, row in enumerate(rows):
            ours = (row.precision.value, row.recall.value, row.f1.value)
            assert ours == pytest.approx([side[code] for side in peer[:3]], abs=1e-12)
            assert row.support == (y == code).sum()
            assert row.recall.low < row.recall.value < row.recall.high
    with pytest.raises(DataError, match="classes must name the 4"):
        evaluation.report(y, P, ["a"])


def test_report_of_a_class_never_seen():
    rows = evaluation.report([0, 0, 1], np.eye(3)[[0, 1, 1]], ["a", "b", "never"])
    assert rows[2].support == 0 and np.isnan(rows[2].recall.value)
    assert "no row" in rows[2].recall.how


def test_roc_points_enclose_the_area():
    y, P = two_classes(5000, np.random.default_rng(5))
    fpr, tpr, threshold = evaluation.roc_points(y, P).T
    assert len(fpr) <= 200 and (fpr[0], tpr[0]) == (0, 0) and (fpr[-1], tpr[-1]) == (1, 1)
    area = np.trapezoid(tpr, fpr)
    assert area == pytest.approx(sk.roc_auc_score(y, P[:, 1]), abs=2e-3)
    at = threshold[50]
    assert tpr[50] == (P[y == 1, 1] >= at).mean() and fpr[50] == (P[y == 0, 1] >= at).mean()


def test_few_points_are_all_kept():
    y, P = two_classes(300, np.random.default_rng(6))
    P = np.round(P, 1)
    fpr, tpr, _ = sk.roc_curve(y, P[:, 1], drop_intermediate=False)
    ours = evaluation.roc_points(y, P)
    assert np.allclose(ours[:, 0], fpr) and np.allclose(ours[:, 1], tpr)
    precision, recall, _ = sk.precision_recall_curve(y, P[:, 1])
    ours = evaluation.pr_points(y, P)
    assert np.allclose(ours[:, 0], recall[:-1][::-1])
    assert np.allclose(ours[:, 1], precision[:-1][::-1])


def test_thinned_precision_keeps_its_ends_and_average():
    y, P = two_classes(20_000, np.random.default_rng(7))
    recall, precision, _ = evaluation.pr_points(y, P).T
    assert len(recall) <= 200 and recall[-1] == 1 and precision[-1] == y.mean()
    assert np.trapezoid(precision, recall) == pytest.approx(
        sk.average_precision_score(y, P[:, 1]), abs=0.01)


def test_curves_of_one_class_are_empty():
    P = np.full((5, 2), 0.5)
    assert evaluation.roc_points([0] * 5, P).shape == (0, 3)
    assert evaluation.pr_points([0] * 5, P).shape == (0, 3)
    assert evaluation.roc_points([], np.empty((0, 2))).shape == (0, 3)
    assert evaluation.calibration_points([], np.empty((0, 2))).shape == (0, 5)


def test_calibration_points_follow_the_truth():
    y, P = two_classes(20_000, np.random.default_rng(8), sure=1.0)
    points = evaluation.calibration_points(y, P)
    given, share, low, high, rows = points.T
    assert len(points) == 10 and rows.sum() == 20_000 and (low < share).all()
    assert ((low <= given) & (given <= high)).sum() >= 8
    tied = evaluation.calibration_points(y, np.full((20_000, 2), 0.5))
    assert len(tied) == 1 and tied[0, 1] == pytest.approx(y.mean())
