"""Counterfactuals: the least change there is, verified, plausible, honest where there is none."""

from __future__ import annotations

import copy
import itertools
import json

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import bundled
from wholefit.explain.counterfactuals import Counterfactuals
from wholefit.training._group_thresholds import GroupThresholds
from wholefit.training.decision import Decision

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
COLUMNS = ("a", "b", "c")


@pytest.fixture(scope="module")
def small():
    """Three whole numbers of five values each, and a class that hangs on two of them at once."""
    random = np.random.default_rng(0)
    X = random.integers(0, 5, (1500, 3))
    wins = (X[:, 0] + X[:, 1] > 5) | (X[:, 2] == 4)
    frame = pl.DataFrame({name: X[:, at] for at, name in enumerate(COLUMNS)}).with_columns(
        win=pl.Series(np.where(wins, "yes", "no")))
    return frame, wf.fit(frame, target="win", models="decision_tree", jobs=1, folds=3)


@pytest.fixture(scope="module")
def credit():
    frame = pl.read_csv(bundled.path("credit_data"))
    return frame[:3000], frame[3000:], wf.fit(
        frame[:3000], target="Status", models="hist_gradient_boosting", jobs=1, folds=3)


def place(values: np.ndarray) -> dict[int, float]:
    """Where each value lies among the rows, 0 to 1, by hand."""
    return {int(v): float((values < v).mean() + (values == v).mean() / 2)
            for v in np.unique(values)}


def cheapest(frame: pl.DataFrame, result, row: tuple[int, ...], most: int) -> float:
    """Changes plus distance of the least change to 'yes', by asking every row there could be."""
    every = list(itertools.product(range(5), repeat=3))
    grid = pl.DataFrame({name: [r[at] for r in every] for at, name in enumerate(COLUMNS)})
    said = result.predict(grid)["prediction"].to_list()
    where = [place(frame[name].to_numpy()) for name in COLUMNS]
    prices = [sum(a != b for a, b in zip(row, other, strict=True))
              + sum(abs(w[a] - w[b]) for w, a, b in zip(where, row, other, strict=True))
              for other, word in zip(every, said, strict=True)
              if word == "yes" and sum(a != b for a, b in zip(row, other, strict=True)) <= most]
    return min(prices, default=np.inf)


def test_the_first_is_the_least_change_that_brute_force_finds(small) -> None:
    frame, result = small
    for row in [(0, 0, 0), (1, 2, 3), (4, 0, 0), (0, 4, 2), (2, 2, 2), (3, 1, 1)]:
        found = result.counterfactuals(dict(zip(COLUMNS, row, strict=True)), want="yes", most=2)
        assert found.complete >= 1
        best = found.alternatives[0]
        assert len(best.changes) + best.distance == pytest.approx(
            cheapest(frame, result, row, 2), abs=1e-9)


def test_every_alternative_is_as_wanted_and_needs_all_its_changes(small) -> None:
    _, result = small
    row = {"a": 0, "b": 0, "c": 0}
    found = result.counterfactuals(row, want="yes", alternatives=6, most=3)
    for each in found.alternatives:
        changed = {**row, **{c.column: c.after for c in each.changes}}
        assert result.predict(pl.DataFrame({k: [v] for k, v in changed.items()}))[
            "prediction"][0] == "yes"
        for change in each.changes:
            undone = pl.DataFrame({k: [v] for k, v in {**changed, change.column: 0}.items()})
            assert result.predict(undone)["prediction"][0] == "no"
    sets = [frozenset(c.column for c in each.changes) for each in found.alternatives]
    assert len(set(sets)) == len(sets) and len(sets) >= 2


def test_a_row_that_is_as_wanted_stays_as_it_is(small) -> None:
    _, result = small
    found = result.counterfactuals({"a": 0, "b": 0, "c": 4}, want="yes")
    assert found.already and not found.alternatives
    assert "already" in found.to_text()


def test_none_is_an_answer_and_says_how_thoroughly_was_looked(small) -> None:
    _, result = small
    found = result.counterfactuals({"a": 0, "b": 0, "c": 0}, want="yes", change=["a"])
    assert not found.alternatives and found.kept == ("b", "c") and found.complete == 1
    assert "No such change exists within the 1 column" in found.to_text()
    assert "all combinations of at most 1 change were asked)" in found.to_text()


def test_a_column_may_only_grow_or_stay_within_limits(small) -> None:
    _, result = small
    row = {"a": 4, "b": 0, "c": 0}
    down = result.counterfactuals(row, want="yes", only_down=["b", "c"])
    assert not down.alternatives
    up = result.counterfactuals(row, want="yes", only_up=["a", "b", "c"], within={"c": (0, 3)})
    assert [c.column for c in up.alternatives[0].changes] == ["b"]
    assert all(c.column != "c" or c.after <= 3 for e in up.alternatives for c in e.changes)


def test_values_are_whole_where_training_was_and_within_its_quantiles(credit) -> None:
    train, test, result = credit
    refused = test.filter(result.predict(test)["prediction"] == "bad")[:8]
    for at in range(len(refused)):
        found = result.counterfactuals(refused[at:at + 1], want="good")
        for each in found.alternatives:
            assert len(each.changes) <= 4
            for change in each.changes:
                column = train[change.column]
                if isinstance(change.after, str):
                    assert change.after in column.unique().to_list()
                else:
                    assert float(change.after).is_integer()
                    assert column.quantile(0.04) <= change.after <= column.quantile(0.96)


def test_among_rows_a_change_must_look_like_one_of_them() -> None:
    """Two numbers that go together: changing one alone would make a row that nobody has."""
    random = np.random.default_rng(0)
    x = random.normal(size=2000)
    frame = pl.DataFrame({"x": x, "twin": x + 0.02 * random.normal(size=2000),
                          "noise": random.normal(size=2000)})
    frame = frame.with_columns(y=pl.Series(np.where(x > 0.5, "up", "down")))
    result = wf.fit(frame, target="y", models="random_forest(n_estimators=20)", jobs=1, folds=3)
    row = {"x": -0.5, "twin": -0.5, "noise": 0.0}
    apart = result.counterfactuals(row, want="up", least=0.6)
    near = result.counterfactuals(row, want="up", least=0.6, among=frame)
    assert all(each.nearest is not None for each in near.alternatives)
    kept = [each for each in near.alternatives if each.nearest <= near.usual]
    ends = [{**row, **{c.column: c.after for c in each.changes}} for each in kept]
    assert all(abs(end["x"] - end["twin"]) < 1.5 for end in ends)
    assert apart.usual is None and "not known" in apart.to_text()


def test_a_number_may_be_wanted_in_a_range() -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(1000, 3))
    frame = pl.DataFrame({f"x{at}": X[:, at] for at in range(3)}).with_columns(
        y=pl.Series(X @ [2.0, 1.0, 0.0]))
    result = wf.fit(frame, target="y", models="ridge", jobs=1, folds=3)
    found = result.counterfactuals({"x0": 0.0, "x1": 0.0, "x2": 0.0}, want=(1.0, 1.2))
    assert all(1.0 <= each.prediction <= 1.2 for each in found.alternatives)
    assert found.alternatives[0].changes[0].column == "x0", "the shortest way is the steepest"
    assert found.alternatives[0].probability is None
    more = result.counterfactuals({"x0": 0.0, "x1": 0.0, "x2": 0.0}, want=1.5)
    assert more.wanted == "at least 1.5"
    with pytest.raises(ParameterError, match="which number is wanted"):
        result.counterfactuals({"x0": 0.0, "x1": 0.0, "x2": 0.0})
    with pytest.raises(ParameterError, match="low <= high"):
        result.counterfactuals({"x0": 0.0, "x1": 0.0, "x2": 0.0}, want=(2, 1))


def test_a_threshold_is_what_must_be_passed(credit) -> None:
    _, test, result = credit
    strict = result.with_threshold(0.2)
    before, after = (each.predict(test)["prediction"] for each in (result, strict))
    row = test.filter(before != after)[:1]
    assert result.counterfactuals(row, want=result.predict(row)["prediction"][0]).already
    found = strict.counterfactuals(row, want=result.predict(row)["prediction"][0])
    assert not found.already
    for each in found.alternatives:
        changed = row.with_columns(*(pl.lit(c.after).alias(c.column) for c in each.changes))
        assert strict.predict(changed)["prediction"][0] == each.prediction


def test_it_survives_saving_and_json(credit, tmp_path) -> None:
    _, test, result = credit
    row = test.filter(result.predict(test)["prediction"] == "bad")[:1]
    found = result.counterfactuals(row, want="good", keep=["Age"])
    again = wf.load(result.save(tmp_path / "m.wf")).counterfactuals(row, want="good", keep=["Age"])
    assert again.to_json() == found.to_json()
    back = Counterfactuals.from_json(json.loads(json.dumps(found.to_json())))
    assert back.to_json() == found.to_json() and back.to_text() == found.to_text()
    assert found.table().columns[:3] == ["alternative", "column", "before"]
    assert "<table" in found._repr_html_() and "Age" in found.kept


def test_wrong_questions_get_one_sentence(credit) -> None:
    _, test, result = credit
    with pytest.raises(DataError, match="one row is changed at a time; got 3"):
        result.counterfactuals(test[:3], want="good")
    with pytest.raises(UnknownNameError, match="did you mean 'Age'"):
        result.counterfactuals(test[:1], want="good", keep=["age_"])
    with pytest.raises(UnknownNameError, match="class"):
        result.counterfactuals(test[:1], want="splendid")
    with pytest.raises(ParameterError, match="only_up and only_down are for numbers"):
        result.counterfactuals(test[:1], want="bad", only_up=["Home"])
    with pytest.raises(ParameterError, match=r"within must give \(low, high\)"):
        result.counterfactuals(test[:1], want="bad", within={"Age": 3})
    with pytest.raises(ParameterError, match="most must be"):
        result.counterfactuals(test[:1], want="bad", most=0)


def test_odd_names_missing_cells_and_columns_that_tell_nothing() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=300)
    frame = pl.DataFrame({"*": x, "^a.*$": [None if u < 0.3 else u for u in random.random(300)],
                          "": random.choice(["é", "ß", "x"], 300), "same": [1] * 300,
                          "y": np.where(x > 0, "a", "b")})
    result = wf.fit(frame, target="y", models="decision_tree", jobs=1, folds=3)
    row = frame.drop("y")[:1]
    now = result.predict(row)["prediction"][0]
    found = result.counterfactuals(row)
    assert found.alternatives and found.alternatives[0].prediction != now
    lacking = row.with_columns(pl.lit(None, dtype=pl.Float64).alias("*"))
    assert result.counterfactuals(lacking).to_text()


def test_thresholds_of_groups_hold_for_the_rows_own_group(credit) -> None:
    _, test, result = credit
    groups = GroupThresholds(("Marital",), {}, {"single": 0.9, "married": 0.3}, 0.5)
    fitted = copy.copy(result._fitted)
    fitted.decision = Decision("groups", "set in a test", result.classes.index("good"),
                               groups=groups)
    fair = wf.Result(fitted, result._facts)
    single = test.filter(pl.col("Marital") == "single")
    refused = single.filter(fair.predict(single)["prediction"] == "bad")
    granted = refused.filter(result.predict(refused)["prediction"] == "good")[:1]
    found = fair.counterfactuals(granted, want="good", alternatives=2)
    assert "Marital" in found.kept and not found.already and found.alternatives
    for each in found.alternatives:
        changed = granted.with_columns(*(pl.lit(c.after).alias(c.column) for c in each.changes))
        assert fair.predict(changed)["prediction"][0] == "good"
        assert fair.predict_proba(changed)["p_good"][0] >= 0.9


def test_what_is_only_just_enough_is_told_of_the_threshold_in_use() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=600)
    rows = pl.DataFrame({"x": x, "y": np.where(
        random.random(600) < 1 / (1 + np.exp(-2 * x)), "Yes", "yes")})
    result = wf.fit(rows, target="y", models="logistic", positive="Yes", jobs=1, folds=3)
    low = {"x": -2.0}
    plain = result.counterfactuals(low, want="Yes")
    assert plain.cut == 0.5 and plain.prediction == "yes" and plain.wanted == "'Yes'"
    strict = result.with_threshold(0.8).counterfactuals(low, want="Yes")
    nearest = min(each.probability for each in strict.alternatives)
    assert strict.cut == 0.8 and nearest >= 0.8
    assert ("0.8, from which on it is said" in strict.to_text()) == (nearest < 0.85)
    lax = result.with_threshold(0.2).counterfactuals(low, want="Yes")
    assert lax.cut == 0.2 and "one half" not in lax.to_text()
    back = Counterfactuals.from_json(json.loads(json.dumps(lax.to_json())))
    assert back.cut == 0.2
