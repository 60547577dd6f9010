"""Local surrogates: the truth where the model is linear, fidelity that is measured, and refusal."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api import _answers
from wholefit.data import bundled
from wholefit.explain import _plausible
from wholefit.explain._neighbourhood import Around, _without
from wholefit.explain.local_surrogate import Options, r2, surrogate, weighted_ridge
from wholefit.explain.pool import Pool

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
TRUE = np.array([3.0, -2.0, 0.5, 0.0])


def numbers(rows: int = 1000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 4))


def table(X: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({f"x{at}": X[:, at] for at in range(4)}).with_columns(y=pl.Series(y))


def fit(model: str, frame: pl.DataFrame):
    return wf.fit(frame, target="y", models=[model], choose="best", jobs=1, folds=2)


def lime(result, rows, background, **options):
    return result.explain(rows, method="lime", background=background, compared=1000, **options)


@pytest.fixture(scope="module")
def linear():
    X = numbers()
    frame = table(X, X @ TRUE + 1)
    return frame, fit("ridge(alpha=1e-9)", frame)


def test_a_linear_model_gives_back_its_coefficients(linear) -> None:
    frame, result = linear
    found = lime(result, frame[:3], frame)
    for row, one in enumerate(found.surrogates):
        assert one.form == "values" and one.refused is None and one.stable
        slopes = one.weights[:, 0] / [term.unit for term in one.terms]
        assert slopes == pytest.approx(TRUE, abs=1e-6)
        assert one.fidelity.value == pytest.approx(1, abs=1e-9)
        assert one.local == pytest.approx(one.answer, abs=1e-6)
        own = frame.drop("y").row(row)
        expected = TRUE * (np.array(own) - frame.drop("y").to_numpy().mean(axis=0))
        assert found.values[row, :, 0] == pytest.approx(expected, abs=1e-6)


def test_weighted_ridge_is_weighted_least_squares_in_the_limit() -> None:
    random = np.random.default_rng(3)
    z, w = random.normal(size=(300, 5)), random.random(300)
    y = np.column_stack([np.sin(z[:, 0]) + z[:, 1], z[:, 2] ** 2])
    line = weighted_ridge(z, y, w, 0.0)
    X = np.column_stack([np.ones(300), z])
    by_hand = np.linalg.solve(X.T @ (w[:, None] * X), X.T @ (w[:, None] * y))
    assert np.abs(line.start - by_hand[0]).max() < 1e-9
    assert np.abs(line.weights - by_hand[1:]).max() < 1e-9
    shrunk = weighted_ridge(z, y, w, 10.0)
    assert (shrunk.weights**2).sum() < (line.weights**2).sum() / 4


def test_r2_is_the_weighted_one() -> None:
    random = np.random.default_rng(4)
    y, g, w = random.normal(size=50), random.normal(size=50), random.random(50)
    mean = np.average(y, weights=w)
    by_hand = 1 - np.average((y - g) ** 2, weights=w) / np.average((y - mean) ** 2, weights=w)
    assert r2(y, g, w[None])[0] == pytest.approx(by_hand)
    assert np.isnan(r2(np.ones(50), g, w[None])[0])


def test_a_model_that_is_not_near_linear_is_not_explained() -> None:
    """An exclusive or of four signs: no weighted sum answers like it, near or far."""
    X = np.sign(numbers(2000)) + 0.01 * numbers(2000, 1)
    frame = table(X, np.where(X.prod(axis=1) > 0, "even", "odd"))
    found = lime(fit("random_forest(n_estimators=30)", frame), frame[:2], frame, width=10.0)
    assert all("is not near-linear around this row" in why for why in found.refused)
    assert "see SHAP values or counterfactuals" in found.to_text()
    assert not found.values.any()
    forced = lime(fit("random_forest(n_estimators=30)", frame), frame[:1], frame, width=10.0,
                  least=0.0)
    assert forced.fidelity[0].value < 0.5


def test_fidelity_is_of_fresh_points_and_its_interval_holds_it() -> None:
    frame = pl.read_csv(bundled.path("credit_data"))[:1500]
    result = wf.fit(frame, target="Status", models=["hist_gradient_boosting"], choose="best",
                    jobs=1, folds=2)
    fitted = result._fitted
    asked, others = (_answers.dataset(fitted, part, {}) for part in (frame[:1], frame[:600]))
    every = _plausible.grounds(fitted.schema, None, others)
    around = Around(Pool(fitted, asked), 0, others, every, 0)
    one = surrogate(around, Options())
    points = around.draw(20_000, "another")
    w = np.exp(-((points.distance / one.width) ** 2))
    z = points.z[one.form]
    own = around.of(np.zeros((1, len(around.columns)), dtype=np.intp)).z[one.form][0]
    start = one.local - own @ one.weights
    again = r2(points.answer[:, one.main], (z @ one.weights + start)[:, one.main], w[None])[0]
    wide = one.fidelity.high - one.fidelity.low
    assert one.fidelity.low - wide <= again <= one.fidelity.high + wide
    assert one.fidelity.n >= 1000 and "fresh points" in one.fidelity.how


def test_same_seed_same_weights_and_other_seeds_agree_where_it_says_stable() -> None:
    frame = pl.read_csv(bundled.path("credit_data"))[:1500]
    result = wf.fit(frame, target="Status", models=["logistic"], choose="best", jobs=1,
                    folds=2)
    runs = [lime(result, frame[:1], frame, seed=seed) for seed in (0, 0, 1, 2)]
    assert (runs[0].values == runs[1].values).all()
    assert all(run.surrogates[0].stable for run in runs)
    first = [part.column for part in runs[0].parts(0)[:2]]
    for run in runs[2:]:
        assert [part.column for part in run.parts(0)[:2]] == first


def test_as_many_columns_as_asked_for_and_the_right_ones(linear) -> None:
    frame, result = linear
    found = lime(result, frame[:2], frame, features=2)
    for row in range(2):
        told = {name for name, value in zip(found.columns, found.values[row, :, 0], strict=True)
                if value}
        assert told <= {"x0", "x1"} and told


def test_an_answer_that_never_changes_is_said_to_be_so() -> None:
    X = numbers(300)
    frame = table(X, np.where(X[:, 0] > 0, "a", "b"))
    found = lime(fit("dummy", frame), frame[:1], frame)
    assert not found.values.any() and "does not change around this row" in found.to_text()


def test_words_of_a_text_are_told_by_name() -> None:
    random = np.random.default_rng(0)
    words = ["good", "bad", *(f"word{at}" for at in range(30))]
    texts = [" ".join(random.choice(words, 8)) for _ in range(600)]
    label = ["up" if text.split().count("good") > text.split().count("bad") else "down"
             for text in texts]
    frame = pl.DataFrame({"note": texts, "y": label})
    result = wf.fit(frame, target="y", models=["logistic"], choose="best", jobs=1, folds=2,
                    roles={"note": "text"})
    asked = pl.DataFrame({"note": ["a good word3 word4, GOOD and word7"]})
    found = lime(result, asked, frame)
    assert found.surrogates[0].named()[0][0] == "note has 'good'"
    assert found.refused == (None,)


def test_words_are_left_out_wherever_they_stand() -> None:
    masks = np.array([[True, False], [False, True], [False, False]])
    assert _without("Red, red wine!", ["red", "wine"], masks) == ["Red, red !", ",  wine!", ",  !"]


def test_hostile_rows_do_not_break_it() -> None:
    X = numbers(200)
    frame = table(X, np.where(X[:, 0] > 0, "a", "b")).with_columns(
        *(pl.Series("empty", [None] * 200, dtype=pl.Float64), pl.Series("one", ["k"] * 200)))
    result = fit("decision_tree", frame)
    lacking = frame[:1].with_columns(pl.lit(None, dtype=pl.Float64).alias("x0"))
    assert lime(result, lacking, frame).to_text()
    assert lime(result, frame[:1], frame[:1]).to_text(), "one row to compare with: nothing moves"
    assert lime(result, frame[:2], frame).frame().height >= 8
