"""Stress: what changes cost, against changes made by hand and against the closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import data
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.evaluation import compare, metrics
from wholefit.explain import stress as stressing
from wholefit.explain.pool import Pool
from wholefit.explain.stress import _versions
from wholefit.explain.stress._trials import Asked, Judge
from wholefit.models import make
from wholefit.training import Fitted, fit_plain


def made(n: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1.0, 10.0, 0.1]
    word = rng.choice(["north", "south", "east"], n)
    logit = 2 * X[:, 0] + 0.1 * X[:, 1] + 1.5 * (word == "north")
    return pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "word": word,
                         "y": np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")})


def fitted(model: str, table: pl.DataFrame, task: str = "classification") -> tuple[Fitted, Any]:
    rows = data.load(table, target="y")
    return fit_plain(rows, tasks.get(task), make(model)), rows


def stressed(model: str = "logistic", metric: str = "roc_auc", table: pl.DataFrame | None = None,
             task: str = "classification", **how: Any) -> stressing.Stress:
    one, rows = fitted(model, made() if table is None else table, task)
    return stressing.stress(one, rows, rows.target(one.codec), metrics.get(task, metric), **how)


def trial(found: stressing.Stress, words: str) -> stressing.Trial:
    return next(each for each in found.trials if each.words == words)


@pytest.mark.parametrize("model", ["logistic", "hist_gradient_boosting(n_estimators=20)"])
def test_costs_are_those_of_changes_made_by_hand(model: str) -> None:
    """Each changed table written out, answered whole, and compared: the same numbers."""
    table = made()
    one, rows = fitted(model, table)
    truth = rows.target(one.codec)
    found = stressing.stress(one, rows, truth, metrics.get("classification", "roc_auc"))
    own = one.answer(rows)
    size = _versions._spread(table["a"].to_numpy())
    changed = {
        "losing `a`": table.with_columns(a=pl.lit(None, dtype=pl.Float64)),
        "losing `word`": table.with_columns(word=pl.lit(None, dtype=pl.String)),
        "+1 sd on `a`": table.with_columns(a=pl.col("a") + size),
        "-0.25 sd on `a`": table.with_columns(a=pl.col("a") - 0.25 * size),
        "1000 times `b`": table.with_columns(b=pl.col("b") * 1000),
        "`a` and `b` swapped": table.with_columns(a=pl.col("b"), b=pl.col("a")),
    }
    for words, frame in changed.items():
        other = one.answer(data.Dataset(frame, rows.schema))
        gap = compare("classification", "roc_auc", truth, own, other)
        each = trial(found, words)
        assert each.cost == pytest.approx(gap.value, abs=1e-9), words
        assert each.low == pytest.approx(gap.low, abs=1e-9)
        flipped = float((own.argmax(axis=1) != other.argmax(axis=1)).mean())
        assert each.flipped == pytest.approx(flipped)


def test_the_column_that_carries_the_model_is_named_first() -> None:
    found = stressed()
    lost = found.group("lost")
    assert lost[0].column == "a" and lost[0].sure and lost[0].low > 0
    assert not next(each for each in lost if each.column == "c").sure
    assert found.to_text().startswith("Losing `a` costs ")
    assert "the others cost at most" in found.to_text()


def test_more_noise_costs_more_and_none_in_a_column_that_is_not_used() -> None:
    found = stressed()
    noise = sorted(found.group("noise"), key=lambda each: each.amount)
    together = [each.cost for each in noise if not each.column]
    assert together[-1] > together[0] and together[-1] > 0.03
    assert abs(trial(found, "noise of 0.5 sd in `c`").cost) < 0.01


def test_a_typo_is_a_level_never_seen() -> None:
    rng = np.random.default_rng(0)
    known = {"north", "south", "east", "aa", "b", ""}
    for word in known:
        wrong = _versions._typo(word, rng)
        assert wrong != word and wrong not in known
    found = stressed()
    costs = {each.amount: each.cost for each in found.group("typos")}
    assert costs[0.2] > costs[0.05] - 0.005


def test_spreads_are_not_ruled_by_tails() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    assert _versions._spread(values) == pytest.approx(1, rel=0.05)
    assert _versions._spread(np.append(values, [1e6, -1e6, math.inf, math.nan])) < 1.1
    assert _versions._spread(np.array([0.0] * 99 + [1.0])) > 0
    assert _versions._spread(np.array([math.nan])) == 0


# ---- made to fool it ---------------------------------------------------------------------


def test_of_a_linear_model_the_search_finds_every_row_that_can_be_fooled() -> None:
    """Within eps a row can be fooled if, and only if, its margin is below eps sum |w_j| sd_j."""
    table = made().drop("word")
    one, rows = fitted("logistic", table)
    truth = rows.target(one.codec)
    judge = Judge.of(one, rows, truth, metrics.get("classification", "accuracy"), 0.95, 0)
    sizes = (0.05, 0.2, 0.8)
    found = stressing.attack(one, rows, judge, ("a", "b", "c"), sizes)
    assert found is not None
    picked = np.sort(_rng(judge).permutation(len(rows))[:found.rows])
    logit = _logit(one.answer(rows))
    slope = sum(abs(_slope(one, table, rows, name)) for name in "abc")
    exact = np.abs(logit[picked]) / slope
    for reach in found.reaches:
        assert reach.flipped.value == pytest.approx((exact < reach.eps).mean(), abs=1e-12)
        assert reach.chance <= reach.flipped.value + 1e-12
        assert reach.one <= reach.flipped.value + 1e-12
    least = np.array(found.least)
    for low, high in zip((0.0, *sizes), sizes, strict=False):
        assert ((least == high) == ((exact >= low) & (exact < high))).all()


def _rng(judge: Judge) -> np.random.Generator:
    from wholefit.base.seeds import generator

    return generator(judge.seed, "attack")


def _logit(answer: np.ndarray) -> np.ndarray:
    return np.log(answer[:, 1]) - np.log(answer[:, 0])


def _slope(one: Fitted, table: pl.DataFrame, rows: Any, name: str) -> float:
    """Log-odds a standard deviation of a column; the search's rows set the deviation."""
    from wholefit.base.seeds import generator

    picked = np.sort(generator(0, "attack").permutation(len(rows))[:300])
    sd = _versions._spread(table[name].to_numpy()[picked])
    moved = data.Dataset(table.with_columns(pl.col(name) + sd), rows.schema)
    return float((_logit(one.answer(moved)) - _logit(one.answer(rows))).mean())


@pytest.mark.parametrize(("model", "task", "metric"), [
    ("hist_gradient_boosting(n_estimators=20)", "classification", "accuracy"),
    ("ridge", "regression", "rmse"),
])
def test_larger_changes_fool_more_rows_and_leave_a_worse_score(
    model: str, task: str, metric: str
) -> None:
    rng = np.random.default_rng(1)
    table = made(500) if task == "classification" else made(500).with_columns(
        y=pl.col("a") * 3 + pl.Series(rng.normal(size=500)))
    found = stressed(model, metric, table, task)
    assert found.attack is not None
    reaches = found.attack.reaches
    shares = [each.flipped.value for each in reaches]
    assert shares == sorted(shares) and shares[-1] > 0.2
    sign = 1 if found.better == "lower" else -1
    scores = [sign * each.score.value for each in reaches]
    assert scores[-1] > scores[0]
    assert all(each.flipped.low <= each.flipped.value <= each.flipped.high for each in reaches)
    assert shares[-1] > reaches[-1].chance


def test_another_word_fools_the_rows_that_hang_on_it() -> None:
    """Each row with each other word written out, and answered whole."""
    table = made()
    one, rows = fitted("logistic", table)
    judge = Judge.of(one, rows, rows.target(one.codec),
                     metrics.get("classification", "accuracy"), 0.95, 0)
    found = stressing.attack(one, rows, judge, ("a",), (0.1,))
    assert found is not None and found.word is not None and found.words == ("word",)
    picked = np.sort(_rng(judge).permutation(len(rows))[:found.rows])
    own = one.answer(rows).argmax(axis=1)
    fooled = np.zeros(len(rows), dtype=bool)
    for word in ("north", "south", "east"):
        frame = table.with_columns(word=pl.lit(word))
        fooled |= one.answer(data.Dataset(frame, rows.schema)).argmax(axis=1) != own
    assert found.word.value == pytest.approx(fooled[picked].mean())


def test_without_numbers_there_is_no_search() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"p": rng.choice(list("uvw"), 200), "q": rng.choice(list("kl"), 200)})
    found = stressed(table=table.with_columns(y=pl.Series(rng.choice(["m", "n"], 200))))
    assert found.attack is not None and not found.attack.reaches
    assert "Another value of one of 2 categories alone flips" in found.to_text()
    assert not found.group("noise") and found.group("lost")


# ---- through a Result ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def result() -> Any:
    return wf.fit(made(500), target="y", models="logistic", folds=2, metric="roc_auc")


def test_a_result_and_its_file_tell_the_same(result: Any, tmp_path: Any) -> None:
    held = made(300, seed=9)
    found = result.stress(held)
    again = wf.load(result.save(tmp_path / "m.wf")).stress(held)
    assert found.to_json() == again.to_json()
    assert found.metric == "roc_auc" and found.rows == 300


def test_its_words_are_checked(result: Any) -> None:
    held = made(300, seed=9)
    with pytest.raises(UnknownNameError, match="mst"):
        result.stress(held, mst=3)
    with pytest.raises(ParameterError, match="sizes must be above 0"):
        result.stress(held, sizes=[0.0])
    with pytest.raises(ParameterError, match="most must be"):
        result.stress(held, most=1)
    assert result.stress(held, most=100, metric="log_loss").metric == "log_loss"
    assert "100 of 300 rows" in result.stress(held, most=100).to_text()


def test_names_that_are_patterns_are_names() -> None:
    """A column without a name is given one when it is read."""
    table = made(200).rename({"a": "^a.*$", "b": "*", "word": ""})
    found = stressed(table=table)
    assert {each.column for each in found.group("lost")} == {"^a.*$", "*", "c", "column_4"}


def test_decisions_count_as_they_are_taken() -> None:
    held = made(300, seed=9)
    fit = wf.fit(made(500), target="y", models="logistic", folds=2, threshold=0.9)
    codes = fit.stress(held, metric="accuracy")
    plain = wf.fit(made(500), target="y", models="logistic", folds=2).stress(
        held, metric="accuracy")
    assert codes.score.value != plain.score.value


def test_a_model_that_looks_back_is_refused() -> None:
    class Looking:
        ordered = True

    class Step:
        transformer = Looking()

    one, rows = fitted("logistic", made(100))
    one.encoder._applied = [Step()]  # type: ignore[attr-defined]
    with pytest.raises(StateError, match="look back"):
        Asked(_versions.versions(one, rows, _versions.usual(), 0))
    assert Pool is not None


def test_a_handful_of_rows_tells_nothing() -> None:
    with pytest.raises(DataError, match="at least 10 rows"):
        stressed(table=made(9))


def test_a_pipeline_that_refuses_changed_rows_is_told_and_the_rest_measured() -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = made()
    strict = make_pipeline(make_column_transformer(
        (OneHotEncoder(), ["word"]), remainder="passthrough"), LogisticRegression())
    strict.fit(table.drop("y").to_pandas(), table["y"].to_list())
    found = wf.adopt(strict, table, "y").stress(table, sizes=[0.5])
    assert "no answer at all to some rows where" in found.to_text()
    assert "`word` is missing" in found.to_text() and "words are misspelt" in found.to_text()
    assert found.group("noise") and not found.group("cells") and found.attack is not None
