"""The gate refuses what is worse, too slow, too large, or asks for more; and lets the rest pass."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.monitoring.loop import toy

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.evaluation import two_sample
from wholefit.evaluation.metrics import get
from wholefit.evaluation.score import score
from wholefit.monitoring.loop import Gate, Verdict, _latency, _parts, gate, judge
from wholefit.monitoring.loop.gate import checked, floors

ROWS = toy.batch(0, rows=600, weight=2.0)


def verdict(new: float, old: float | None = 2.0, rows: pl.DataFrame = ROWS, **options: Any
            ) -> Verdict:
    options = {"latency": None, **options}
    champion = None if old is None else toy.side(old, "old", rows)
    return judge(champion, toy.side(new, "new", rows), "rmse", Gate(**options))


def failed(found: Verdict) -> list[str]:
    return [check.name for check in found.failed]


def test_the_same_model_passes_as_no_worse_and_not_as_better() -> None:
    assert verdict(2.0).passed
    assert failed(verdict(2.0, rule="better")) == ["score"]
    assert verdict(2.0, rule="not_shown_worse").passed


def test_a_better_model_passes_every_rule() -> None:
    for rule in ("no_worse", "better", "not_shown_worse"):
        assert verdict(2.0, old=1.5, rule=rule).passed


def test_a_worse_model_is_refused_by_every_rule() -> None:
    for rule in ("no_worse", "better", "not_shown_worse"):
        found = verdict(1.5, rule=rule)
        assert "score" in failed(found) and "new is refused against old" in found.said


def test_a_margin_lets_a_little_loss_pass() -> None:
    assert failed(verdict(1.9, margin=0.001)) == ["score", "parts"]
    assert verdict(1.9, margin=0.2, parts="none").passed
    assert not verdict(1.9, margin=0.2, parts="none", rule="not_shown_worse").passed


def test_the_margin_is_a_share_of_the_gain_where_none_is_said() -> None:
    check = next(each for each in verdict(2.0, margin_share=0.1).checks if each.name == "score")
    constant = float(ROWS["y"].std(ddof=0))
    error = float(np.sqrt(((ROWS["y"] - 2 * ROWS["x"]).to_numpy() ** 2).mean()))
    assert check.numbers["margin"] == pytest.approx(0.1 * (constant - error))


def test_worse_than_a_constant_is_refused_even_if_the_champion_is_worse_still() -> None:
    assert failed(verdict(-1.0, old=-3.0)) == ["worth"]


def test_a_part_that_is_worse_is_found() -> None:
    up = (ROWS["x"] > 0).to_numpy()
    rows = ROWS.with_columns(pl.when(pl.col("x") > 0).then(pl.col("y")).otherwise(
        2.3 * pl.col("x")))
    assert up.sum() > 100
    found = verdict(2.3, old=2.0, rows=rows, margin=5.0)
    assert failed(found) == ["parts"] and "part = up" in found.said
    assert verdict(2.3, old=2.0, rows=rows, margin=5.0, parts="none").passed
    assert failed(verdict(2.3, old=2.0, rows=rows, margin=5.0, parts="part")) == ["parts"]


def test_a_model_worse_by_the_margin_passes_as_seldom_as_the_level_says() -> None:
    """Both answer y = x plus noise; the challenger's mean squared error is larger by the margin."""
    passed = 0
    for turn in range(200):
        made = np.random.default_rng(turn)
        x = made.normal(size=400)
        rows = pl.DataFrame({"x": x, "y": x + made.normal(size=400)})
        # The error of 1.5 x is x / 2 more: in all draws together the mse is larger by 1/4.
        found = judge(toy.side(1.0, "old", rows), toy.side(1.5, "new", rows), "mse",
                      Gate(margin=0.25, latency=None, parts="none"))
        passed += found.passed
    # 200 draws at 5 %: more than 19 have a chance below 0.2 %.
    assert passed <= 19


def test_false_alarms_of_parts_stay_at_the_level() -> None:
    """Two models that are equally good, on 12 parts: at most 1 - level of the gates cry wolf."""
    alarms = 0
    for turn in range(200):
        made = np.random.default_rng(turn)
        truth = made.normal(size=800)
        answers = truth + made.normal(size=800), truth + made.normal(size=800)
        rows = pl.DataFrame({"a": made.integers(0, 8, 800).astype(str),
                             "b": made.integers(0, 4, 800).astype(str)})
        found = _parts.worse("regression", get("regression", "rmse"), truth, answers,
                             (None, None), rows, 0.95, {"weights": None})
        assert found.judged == 12
        alarms += bool(found.said)
    # 200 draws at 5 %: more than 19 have a chance below 0.2 %.
    assert alarms <= 19


def test_parts_are_the_paired_tests_corrected_by_holm() -> None:
    from wholefit.evaluation.compare import compare

    made = np.random.default_rng(3)
    truth = made.normal(size=500)
    answers = truth + made.normal(size=500), truth + 0.8 * made.normal(size=500)
    rows = pl.DataFrame({"a": made.integers(0, 3, 500).astype(str)})
    found = _parts.worse("regression", get("regression", "rmse"), truth, answers, (None, None),
                         rows, 0.5, {"weights": None})
    p = []
    for label in "012":
        here = (rows["a"] == label).to_numpy()
        apart = compare("regression", "rmse", truth[here], answers[0][here], answers[1][here])
        p.append(apart.p / 2 if apart.value > 0 else 1 - apart.p / 2)
    corrected = dict(zip("012", two_sample.adjusted(p, "holm"), strict=True))
    assert {name.removeprefix("a = "): value for name, value in found.p.items()} == pytest.approx(
        {label: value for label, value in corrected.items() if value < 0.5})


def test_each_answer_is_scored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The challenger's, the champion's and the constant one, however many checks need them."""
    scored: list[np.ndarray] = []

    def noted(task: str, truth: np.ndarray, answer: np.ndarray, **words: Any) -> Any:
        scored.append(answer)
        return score(task, truth, answer, **words)

    monkeypatch.setattr(gate, "score", noted)
    assert verdict(2.0, old=1.9).passed
    assert len(scored) == 3


def test_limits_that_are_stated_hold_whatever_the_champion_does() -> None:
    assert verdict(2.0, floor="rmse <= 0.2, r2 > 0.9").passed
    assert failed(verdict(2.0, floor="rmse <= 0.05")) == ["rmse <= 0.05"]
    assert verdict(2.0, old=None, floor="r2 >= 0.9").passed
    assert failed(verdict(1.0, old=None, floor="r2 >= 0.9")) == ["r2 >= 0.9"]


@pytest.mark.parametrize("words", ["rmse", "rmse ~ 3", "rmse >= x", ">= 3", "rmse >= 0.2e"])
def test_limits_that_are_none_are_refused(words: str) -> None:
    with pytest.raises(ParameterError, match="floor must be"):
        floors(words)


def test_a_gate_that_cannot_be_judged_is_refused_early() -> None:
    checked(Gate(floor="rmse <= 1"), "regression", ROWS)
    with pytest.raises(UnknownNameError):
        checked(Gate(floor="rmsee <= 1"), "regression")
    with pytest.raises(UnknownNameError):
        checked(Gate(metric="auc_roc_x"), "regression")
    with pytest.raises(UnknownNameError, match="did you mean 'part'"):
        checked(Gate(parts="pard"), "regression", ROWS)


def test_few_rows_pass_nothing() -> None:
    assert failed(verdict(2.0, rows=ROWS.head(100))) == ["rows"]


def test_an_answer_that_is_not_finite_is_refused() -> None:
    with np.errstate(invalid="ignore"):
        try:
            assert "answers" in failed(verdict(float("nan")))
        except DataError as error:  # or what scores it refuses it first, in a sentence
            assert "finite" in str(error) or "NaN" in str(error)


def test_a_slow_or_large_model_is_refused() -> None:
    slow = toy.side(2.0, "new", ROWS, delay=0.004)
    found = judge(toy.side(2.0, "old", ROWS), slow, "rmse", Gate())
    assert failed(found) == ["latency"]
    large = toy.side(2.0, "new", ROWS, size=6_000_000)
    found = judge(toy.side(2.0, "old", ROWS), large, "rmse", Gate(size="5MB", latency=None))
    assert failed(found) == ["size"]
    with pytest.raises(ParameterError, match="size must be"):
        judge(None, large, "rmse", Gate(size="5s", latency=None))


def test_a_trifle_of_time_is_borne() -> None:
    assert _latency.kept([(0.0009, 0.0009), (0.0001, 0.0001)], 2.0)[0]
    assert not _latency.kept([(0.0029, 0.001), (0.0001, 0.001)], 2.0)[0]
    assert not _latency.kept([(0.001, 0.9), (0.001, 0.1)], 2.0)[0]


def test_a_model_that_asks_for_more_columns_is_refused() -> None:
    more = ROWS.with_columns(z=pl.col("x"))
    found = judge(toy.side(2.0, "old", ROWS), toy.side(2.0, "new", more), "rmse",
                  Gate(latency=None))
    assert failed(found) == ["schema"] and "'z'" in found.said
    fewer = judge(toy.side(2.0, "old", more), toy.side(2.0, "new", ROWS), "rmse",
                  Gate(latency=None))
    assert fewer.passed


def test_a_model_that_reads_a_column_otherwise_is_refused() -> None:
    other = ROWS.with_columns(pl.col("x").cast(pl.String))
    found = judge(toy.side(2.0, "old", ROWS), toy.side(2.0, "new", other), "rmse",
                  Gate(latency=None))
    assert failed(found) == ["schema"] or found.passed  # text of numbers may be read as numbers


def test_rows_that_are_not_the_same_are_refused() -> None:
    old = toy.side(2.0, "old", ROWS.reverse())
    with pytest.raises(DataError, match="otherwise"):
        judge(old, toy.side(2.0, "new", ROWS), "rmse", Gate(latency=None))


def test_a_verdict_is_told_in_words_and_json() -> None:
    found = verdict(1.5)
    told = json.loads(json.dumps(found.to_json()))
    assert told["passed"] is False and {check["name"] for check in told["checks"]} >= {
        "rows", "schema", "worth", "score"}
    assert "REFUSED" in str(found)
