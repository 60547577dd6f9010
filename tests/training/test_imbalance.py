"""Balancing within a fit: training rows only, probabilities honest, decisions kept and shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import wholefit as wf
from wholefit import evaluation
from wholefit.base.errors import ParameterError, StateError, UnknownNameError
from wholefit.models._kernels.shifted import shifted
from wholefit.training import balance
from wholefit.training.balance import calibrating, weighting

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def rare(n: int = 1500, seed: int = 0, words: bool = True) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    logit = 1.5 * x[:, 0] + x[:, 1] - 3.2
    y = rng.random(n) < 1 / (1 + np.exp(-logit))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
                         "d": rng.choice(["u", "v", "w"], n),
                         "y": np.where(y, "yes", "no") if words else y.astype(int)})


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return rare()


class Witness(ClassifierMixin, BaseEstimator):
    """Remembers every row that it learns from and every row that it is asked about."""

    learnt: ClassVar[list[np.ndarray]] = []
    asked: ClassVar[list[np.ndarray]] = []

    def fit(self, X: Any, y: Any) -> Witness:
        Witness.learnt.append(np.column_stack([X, y]))
        self.classes_, counts = np.unique(y, return_counts=True)
        self.share_ = counts / counts.sum()
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        Witness.asked.append(np.array(X))
        return np.tile(self.share_, (len(X), 1))

    def predict(self, X: Any) -> np.ndarray:
        return np.repeat(self.classes_[self.share_.argmax()], len(X))


# A class of a script cannot be sent to another process, so it stays where its lists are.
Witness.__module__ = "__main__"


# ---- training rows only -----------------------------------------------------------------


@pytest.mark.parametrize("way", ["over", "smote", "under", "near_miss", "smote_tomek"])
def test_rows_that_are_scored_are_never_resampled(way: str) -> None:
    frame = rare(n=300).select("a", "b", "y")
    Witness.learnt, Witness.asked = [], []
    result = wf.fit(frame, target="y", models=Witness(), balance=f"{way}(inner=0)", jobs=1)
    assert result._run is not None
    # Every row is asked about once, as it is: none is made, repeated, or left out.
    scored = np.concatenate(Witness.asked[:5])
    assert len(scored) == 300
    plain = Witness.asked
    Witness.learnt, Witness.asked = [], []
    wf.fit(frame, target="y", models=Witness(), jobs=1)
    assert np.array_equal(scored, np.concatenate(Witness.asked[:5])), "and encoded the same"
    assert len(plain) == 5
    assert np.array_equal(result._run.truth, wf.fit(
        frame, target="y", models="dummy", jobs=1)._run.truth)  # type: ignore[union-attr]


def test_training_rows_are_balanced_in_folds_and_in_the_last_fit() -> None:
    Witness.learnt, Witness.asked = [], []
    wf.fit(rare(n=300), target="y", models=Witness(), balance="smote(inner=0)", jobs=1,
           choose="best")
    assert len(Witness.learnt) >= 5
    for rows in Witness.learnt:
        counts = np.bincount(rows[:, -1].astype(int))
        assert counts[0] == counts[1]


def test_no_made_row_knows_a_row_of_its_test_fold() -> None:
    """A made row lies between two training rows of its own fold."""
    frame = rare(n=200).select("a", "b", "y")
    Witness.learnt, Witness.asked = [], []
    wf.fit(frame, target="y", models=Witness(), balance="smote(inner=0)", jobs=1)
    for learnt, test in zip(Witness.learnt[:5], Witness.asked[:5], strict=True):
        held = {row.tobytes() for row in test.astype(np.float64)}
        assert not held & {np.ascontiguousarray(row).tobytes() for row in learnt[:, :-1]}
        low = learnt[learnt[:, -1] == 1][:, :-1].min(axis=0)
        own = learnt[:160 - 0][learnt[:160, -1] == 1][:, :-1]
        assert (low >= own.min(axis=0) - 1e-9).all()


# ---- honest probabilities ---------------------------------------------------------------


def test_bayes_rule_brings_probabilities_back() -> None:
    """A world with known densities, learnt from as if the classes were even."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    f0, f1 = np.exp(-x**2 / 2), np.exp(-((x - 1) ** 2) / 2)
    true = 0.05 * f1 / (0.05 * f1 + 0.95 * f0)
    even = f1 / (f0 + f1)
    factor = weighting.factor(np.array([0.95, 0.05]), np.array([0.5, 0.5]))
    found = shifted(np.stack([1 - even, even], axis=1), factor)
    assert np.allclose(found[:, 1], true)


@pytest.mark.parametrize("way", ["weights", "over", "under", "smote", "near_miss", "tomek"])
def test_log_loss_and_brier_stay_honest(table: pl.DataFrame, way: str) -> None:
    plain = wf.fit(table, target="y", models="logistic", jobs=1, choose="best")
    treated = wf.fit(table, target="y", models="logistic", balance=way, jobs=1, choose="best")
    assert treated.model == "logistic"
    for metric, room in (("log_loss", 1.12), ("brier", 1.12)):
        assert treated.scores[metric].value < room * plain.scores[metric].value, metric
    told = float(np.mean(treated.predict_proba(table)["p_yes"].to_numpy()))
    assert told == pytest.approx((table["y"] == "yes").mean(), rel=0.25)


def test_inner_folds_repair_what_proportions_cannot() -> None:
    table = rare(n=1200, seed=4)
    loss = {}
    for inner in (0, 3):
        result = wf.fit(table, target="y", models="hist_gradient_boosting(n_estimators=60)",
                        balance=f"near_miss(inner={inner})", jobs=1, choose="best")
        entry = next(e for e in result.leaderboard if e.model != "dummy")
        loss[inner] = entry.scores["log_loss"].value
    assert loss[3] < 0.97 * loss[0]


def test_the_map_is_found_again() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 40_000)
    power, bias = 0.5, np.array([0.0, 1.0, -1.0])
    raw = p**power * np.exp(bias)
    chance = raw / raw.sum(axis=1, keepdims=True)
    y = (chance.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    found, shift = calibrating.fit(p, y, None)
    assert found == pytest.approx(power, abs=0.03)
    assert np.allclose(shift - shift.mean(), bias - bias.mean(), atol=0.06)


def test_inner_parts_keep_classes_and_units() -> None:
    y = np.repeat([0, 1], [90, 9])
    random = np.random.default_rng(0)
    for learn, asked in calibrating.parts(y, None, 3, random):
        assert (y[asked] == 1).sum() == 3 and len(np.intersect1d(learn, asked)) == 0
    units = np.arange(99) // 4
    seen = []
    for learn, asked in calibrating.parts(y, units, 3, random):
        assert not set(units[learn]) & set(units[asked])
        seen.append(asked)
    assert sorted(np.concatenate(seen)) == list(range(99))


# ---- decisions --------------------------------------------------------------------------


def test_balancing_raises_recall_as_the_balanced_model_would(table: pl.DataFrame) -> None:
    plain = wf.fit(table, target="y", models="logistic", jobs=1, choose="best")
    own = wf.fit(table, target="y", models="logistic(balanced=True)", jobs=1, choose="best",
                 metric="average_precision")
    treated = wf.fit(table, target="y", models="logistic", balance="weights", jobs=1, choose="best")
    assert treated.scores["recall"].value > plain.scores["recall"].value + 0.2
    assert treated.scores["recall"].value == pytest.approx(own.scores["recall"].value, abs=0.06)
    same = (treated.predict(table)["prediction"] == own.predict(table)["prediction"]).mean()
    assert same > 0.98


def test_costs_decide_and_are_scored(table: pl.DataFrame, tmp_path: Path) -> None:
    costs = {"yes": {"no": 20}, "no": {"yes": 1}}
    plain = wf.fit(table, target="y", models="logistic", jobs=1, choose="best")
    result = wf.fit(table, target="y", models="logistic", costs=costs, metric="cost", jobs=1)
    assert result.decision is not None and result.decision.threshold == pytest.approx(1 / 21)
    p = result.predict_proba(table)["p_yes"].to_numpy()
    said = result.predict(table)["prediction"].to_numpy()
    assert np.array_equal(said == "yes", p >= 1 / 21)
    assert np.allclose(p, plain.predict_proba(table)["p_yes"].to_numpy()), "they do not change"
    matrix = np.array([[0, 1], [20, 0.0]])
    truth = (table["y"] == "yes").to_numpy().astype(int)
    found = result.evaluate(table)["expected_cost"].value
    assert found == pytest.approx(matrix[truth, (said == "yes").astype(int)].mean())
    assert result.leaderboard.metric == "expected_cost"
    path = result.save(tmp_path / "a.wf")
    again = wf.load(path)
    assert again.decision == result.decision
    assert again.predict(table).equals(result.predict(table))
    assert "0.04762" in repr(again) and "0.04762" in repr(result)
    assert again.evaluate(table)["expected_cost"] == result.evaluate(table)["expected_cost"]


def test_three_classes_decide_by_costs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(["a", "b", "c"], 400, p=[0.8, 0.15, 0.05])
    x = rng.normal(size=400) + 1.5 * (y == "b") + 3 * (y == "c")
    frame = pl.DataFrame({"x": x, "z": rng.normal(size=400), "y": y})
    plain = wf.fit(frame, target="y", models="logistic", jobs=1, choose="best")
    result = wf.fit(frame, target="y", models="logistic", costs={"c": 30, "b": 5},
                    balance="smote", jobs=1, choose="best")
    found = result.predict(frame)["prediction"]
    assert (found == "c").sum() > (plain.predict(frame)["prediction"] == "c").sum()
    assert wf.load(result.save(tmp_path / "a.wf")).predict(frame)["prediction"].equals(found)
    with pytest.raises(ParameterError, match="has 3"):
        wf.fit(frame, target="y", models="logistic", threshold="f1", jobs=1)


@pytest.mark.parametrize("rule", ["f1", "recall>=0.8", "cost", 0.2])
def test_a_threshold_is_told_and_scored_honestly(table: pl.DataFrame, rule: Any) -> None:
    result = wf.fit(table, target="y", models="logistic", threshold=rule, jobs=1, choose="best",
                    costs={"yes": 9} if rule == "cost" else None)
    run = result._run
    assert result.decision is not None and run is not None
    at = result.decision.threshold
    p = result.predict_proba(table)["p_yes"].to_numpy()
    assert np.array_equal(result.predict(table)["prediction"].to_numpy() == "yes", p >= at)
    oof = run.oof[result.model]
    flattered = evaluation.score("classification", run.truth, oof, metrics=["f1"],
                                 predicted=result.decision.codes(oof))["f1"].value
    codes = run.predicted(oof)
    honest = evaluation.score("classification", run.truth, oof, metrics=["f1"],
                              predicted=codes)["f1"].value
    assert result.scores["f1"].value == pytest.approx(honest)
    if rule == "f1":
        assert honest <= flattered + 1e-12
    assert result.exhibits["confusion"] == evaluation.confusion(run.truth, codes, 2).tolist()


def test_with_threshold_decides_anew(table: pl.DataFrame, tmp_path: Path) -> None:
    result = wf.fit(table, target="y", models="logistic", jobs=1, choose="best")
    fitted = wf.fit(table, target="y", models="logistic", threshold="f1", jobs=1, choose="best")
    moved = result.with_threshold("f1")
    assert moved.decision == fitted.decision
    for name, score in fitted.scores.items():
        assert moved.scores[name] == score, name
    assert result.decision is None, "the first is left as it was"
    assert moved.with_threshold().scores["recall"] == result.scores["recall"]
    costly = result.with_threshold(costs="yes=20")
    assert "expected_cost" in costly.scores
    loaded = wf.load(moved.save(tmp_path / "m.wf"))
    assert loaded.decision == moved.decision
    assert loaded.with_threshold(0.5).decision.threshold == 0.5  # type: ignore[union-attr]
    assert "recall" not in loaded.with_threshold(0.5).scores, "nobody knows it"
    with pytest.raises(StateError, match="rows="):
        loaded.with_threshold("f1")
    held = rare(n=500, seed=9)
    assert loaded.with_threshold("f1", rows=held).decision is not None
    page = moved.report(tmp_path / "r.html").read_text()
    assert "As decided, " in page and "--threshold f1" in page


def test_precision_out_of_reach_is_a_warning() -> None:
    rng = np.random.default_rng(0)
    noise = pl.DataFrame({"x": rng.normal(size=400), "y": rng.choice(["no", "yes"], 400)})
    result = wf.fit(noise, target="y", models="logistic", threshold="precision>=0.99", jobs=1,
                    choose="best")
    assert any("no threshold has a precision of 0.99" in said for said in result.warnings)


# ---- words ------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "error", "said"), [
    ({"balance": "smoote"}, UnknownNameError, "did you mean 'smote'"),
    ({"threshold": "f1x"}, UnknownNameError, "threshold"),
    ({"threshold": 7}, ParameterError, "below 1"),
    ({"costs": {"maybe": 5}}, UnknownNameError, "class in costs"),
    ({"costs": {"yes": -5}}, ParameterError, "less than the right"),
    ({"balance": "costs"}, ParameterError, "--costs"),
    ({"metric": "cost"}, Exception, "cost"), ({"threshold": "cost"}, ParameterError, "costs="),
    ({"balance": "weights", "models": "knn"}, ParameterError, "knn takes no weights"),
])
def test_words_that_are_refused(
    table: pl.DataFrame, words: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        wf.fit(table, target="y", jobs=1, **{"models": "logistic", **words})


def test_numbers_have_no_imbalance(table: pl.DataFrame) -> None:
    with pytest.raises(ParameterError, match="regression"):
        wf.fit(table, target="a", models="ridge", balance="smote", jobs=1)


def test_a_balanced_model_does_not_learn_on(table: pl.DataFrame) -> None:
    result = wf.fit(table, target="y", models="sgd", balance="weights", jobs=1, choose="best")
    if result.model == "sgd":
        with pytest.raises(StateError, match="balanced rows"):
            result.update(table)


def test_the_command_is_told_again(table: pl.DataFrame, tmp_path: Path) -> None:
    result = wf.fit(table, target="y", models="logistic", balance="smote(ratio=0.5)",
                    costs={"yes": {"no": 9}}, jobs=1)
    assert result.lineage["balance"] == "smote(ratio=0.5)"
    page = result.report(tmp_path / "r.html").read_text()
    assert "--balance" in page and "--costs" in page


def test_a_rare_class_is_warned_of_with_one_flag() -> None:
    frame = rare(n=1200)
    told = wf.fit(frame, target="y", models="dummy", jobs=1).warnings
    assert any("--threshold f1" in said for said in told)
    minded = wf.fit(frame, target="y", models="dummy", jobs=1, threshold="f1").warnings
    assert not any("--threshold" in said for said in minded)
    other = frame.with_columns(pl.col("y").replace_strict({"yes": "a bad one", "no": "good"}))
    told = wf.fit(other, target="y", models="dummy", jobs=1).warnings
    assert any("--positive 'a bad one' --threshold f1" in said for said in told)
    common = wf.fit(other, target="y", models="dummy", jobs=1, threshold="f1").warnings
    assert any("is for the positive class 'good'" in said for said in common)


def test_weights_of_rows_and_of_classes_multiply() -> None:
    y, w = np.array([0, 0, 0, 1]), np.array([1.0, 2.0, 1.0, 1.0])
    found = weighting.even(y, w)
    assert np.allclose(np.bincount(y, found), 2.5)
    assert found[1] == pytest.approx(2 * found[0])
    costs = np.array([[0.0, 1], [9, 0]])
    assert np.allclose(np.bincount(y, weighting.by_cost(y, None, costs)), [1, 3])


def test_missing_categories_dates_and_weights_on_real_rows() -> None:
    folder = os.environ.get("WHOLEFIT_DATA")
    if not folder or not (Path(folder) / "attrition/data.csv.gz").exists():
        pytest.skip("WHOLEFIT_DATA is not set, or has no attrition")
    for way in ("smote", "under"):
        result = wf.fit(f"{folder}/attrition/data.csv.gz", target="Attrition", balance=way,
                        models="logistic, hist_gradient_boosting(n_estimators=9)", jobs=1, folds=2)
        assert result.scores["recall"].value > 0.5
        assert result.scores["log_loss"].value < 0.45
    assert set(balance.names()) >= {"weights", "smote", "near_miss"}


@pytest.mark.parametrize("features", [
    {"select": "tree", "keep": 3}, {"select": "f"}, {"categories": "ordinal"},
])
def test_categories_are_known_after_features_were_selected(
    table: pl.DataFrame, features: dict[str, Any]
) -> None:
    result = wf.fit(table, target="y", models="logistic", balance="smote(inner=0)", jobs=1,
                    folds=2, features=features)
    assert all(entry.status == "ok" for entry in result.leaderboard), result.leaderboard


def test_runs_follow_the_selected_features(table: pl.DataFrame) -> None:
    from wholefit.data import dataset_of
    from wholefit.features.encoder import Encoder
    from wholefit.features.encoding import Encoding
    from wholefit.training.balance import _layout

    dataset = dataset_of(table, target="y")
    encoder = Encoder(Encoding()).fit(dataset)
    (start, end), = _layout.of(encoder).runs
    assert [name.split("=")[0] for name in encoder.names[start:end]] == ["d", "d", "d"]

    class Reduced:
        _blocks, categorical, projection = encoder._blocks, (), None

        class selection:
            kept = np.array([0, start, start + 2])

    assert _layout.of(Reduced()).runs == ((1, 3),)
    Reduced.projection = object()  # type: ignore[assignment]
    assert _layout.of(Reduced()).runs == ()
