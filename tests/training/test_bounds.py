"""What an answer may cost decides which model answers, by an ensemble or alone, raced or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wholefit as wf
from wholefit.api._file_parts import file_parts, too_large
from wholefit.base.errors import StateError
from wholefit.training._bounds import Bounds, able, answering
from wholefit.training.record import Entry


@pytest.fixture(scope="module")
def curved() -> dict[str, np.ndarray]:
    """Rows of which a forest knows more than a line does."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(600, 4))
    return {**{f"x{at}": x[:, at] for at in range(4)},
            "y": x[:, 0] * np.sign(x[:, 1]) + x[:, 2] + 0.1 * draw.normal(size=600)}


def fit(rows: Any, **options: Any) -> wf.Result:
    return wf.fit(rows, target="y", seed=0, jobs=1, **options)


def told(result: wf.Result) -> str:
    return " ".join(result.warnings)


def test_one_model_alone_keeps_the_size_that_is_said(curved: dict[str, np.ndarray]) -> None:
    asked: dict[str, Any] = {"models": ["ridge", "random_forest"], "choose": "best"}
    assert fit(curved, **asked).model == "random_forest"
    small = fit(curved, **asked, model_size="20KB")
    assert small.model == "ridge"
    assert "random_forest would have been chosen and does not keep model_size=20000" in told(small)
    assert [row.model for row in small.leaderboard if row.recommended] == ["ridge"]


def test_one_model_alone_keeps_the_time_that_is_said(curved: dict[str, np.ndarray]) -> None:
    asked: dict[str, Any] = {"models": ["ridge", "random_forest(n_estimators=2000)"],
                             "choose": "best"}
    quick = fit(curved, **asked, predict_time=0.2)
    assert quick.model in ("ridge", "dummy")
    assert "does not keep predict_time=0.2" in told(quick)


def test_what_nothing_keeps_is_said(curved: dict[str, np.ndarray]) -> None:
    none = fit(curved, models=["random_forest"], predict_time=1e-12)
    assert "no model that there was time for keeps predict_time=1e-12" in told(none)


def test_a_race_keeps_the_size_that_is_said(curved: dict[str, np.ndarray], tmp_path: Path) -> None:
    free, small = (fit(curved, budget="4 trials", **more) for more in ({}, {"model_size": "12KB"}))
    states = small._fitted.states()["model"].nbytes
    assert states < free._fitted.states()["model"].nbytes
    assert states <= 12_000 or "no model keeps model_size" in told(small)
    file = small.save(tmp_path / "small.wf").stat().st_size
    assert (file > 12_000) == ("the saved file takes" in told(small))


def test_where_the_record_makes_the_file_larger_each_part_is_named(
    curved: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """The model keeps the limit, its file does not: the sentence says what the rest is."""
    small = fit(curved, models=["ridge"], model_size="2KB")
    path = small.save(tmp_path / "m.wf")
    part, size = file_parts(path), path.stat().st_size
    assert sum(part.values()) == size > 2000 and min(part.values()) > 0
    assert small._fitted.states()["model"].nbytes < 2000 and "no model" not in told(small)
    said = told(small)
    assert "more than model_size=2,000, which bounds what answers" in said
    said = said.replace(",", "")
    # The sentence was made before it was itself part of the record.
    assert f"{part['intervals']} to tell intervals" in said and "pictures" in said
    assert f"{part['drift']} to tell drift" in said and "export the model" in said
    assert not too_large(path, size) and too_large(path, size - 1)


def entry(name: str, seconds: float) -> Entry:
    return Entry(model=name, params={}, predict_seconds=seconds)


def test_the_tightest_limit_counts() -> None:
    both = Bounds(predict_time=0.5, model_size=100)
    assert both.excess(0.25, 100) == 1.0
    assert both.excess(1.0, 50) == 2.0
    assert both.excess(math.nan, 50) == math.inf
    assert Bounds(None, 100).excess(seconds=99.0, size=10) == 0.1
    assert str(both) == "predict_time=0.5 and model_size=100"


def test_an_ensemble_of_one_was_chosen_within_the_limits() -> None:
    cost, size = {"slow": 2.0, "quick": 0.1}, {"slow": 1.0, "quick": 1.0}
    limit = Bounds(predict_time=0.5, model_size=None)
    assert able(limit, cost, size, ("slow", "quick")) == {"quick"}
    assert able(limit, cost, size, ("slow",)) == {"slow", "quick"}  # what comes nearest


class Sized:
    """A fitted model of so many bytes."""

    def __init__(self, size: int) -> None:
        self.nbytes = size

    def states(self) -> dict[str, Sized]:
        return {"model": self}


def asked(until: float, sizes: dict[str, int]) -> tuple[str, tuple[str, ...], list[str]]:
    """Who answers where 100 bytes are allowed, what is said, and who was fitted for it."""
    fitted: list[str] = []

    def refit(label: str, others: Sequence[str]) -> Any:
        fitted.append(label)
        return label, Sized(sizes[label]), ()

    label, _, said = answering(
        Bounds(None, 100), "b", [entry("a", 0.1), entry("b", 0.1), entry("c", 0.1)], refit,
        lambda label: 1.0, until)
    return label, said, fitted


def test_models_are_fitted_until_one_is_small_enough() -> None:
    assert asked(math.inf, {"a": 300, "b": 200, "c": 90}) == (
        "c", ("b would have been chosen and does not keep model_size=100: c answers instead.",),
        ["b", "a", "c"])
    assert asked(math.inf, {"a": 90, "b": 80, "c": 90}) == ("b", (), ["b"])


def test_where_time_is_up_or_nothing_is_small_the_nearest_answers() -> None:
    label, said, fitted = asked(-math.inf, {"a": 90, "b": 200, "c": 90})
    assert (label, fitted) == ("b", ["b"])
    assert "2 times as much" in said[0]
    assert asked(math.inf, {"a": 300, "b": 200, "c": 250})[0] == "b"


def test_who_answers_for_one_that_was_stopped_keeps_the_limits() -> None:
    """The stopped one is not said to break a limit, and the next is one that keeps them."""
    given: list[Sequence[str]] = []

    def refit(label: str, others: Sequence[str]) -> Any:
        given.append(others)
        return "c", Sized(1), ("b was stopped.",)

    rows = [entry("a", 9.0), entry("b", 0.1), entry("c", 0.2)]
    label, _, said = answering(Bounds(1.0, None), "b", rows, refit, lambda label: 1.0, math.inf)
    assert (label, said, given) == ("c", ("b was stopped.",), [["b", "c"]])


class Formless:
    """A fitted model that cannot be stored."""

    def states(self) -> dict[str, Any]:
        raise StateError("no stored form")


def test_a_model_without_a_stored_form_comes_nearest_at_best() -> None:
    label, _, said = answering(Bounds(None, 100), "b", [entry("b", 0.1)],
                               lambda label, others: (label, Formless(), ()),
                               lambda label: 1.0, math.inf)
    assert label == "b"
    assert "nobody knows how much" in said[0]


def test_what_fails_after_one_that_can_answer_loses_nothing() -> None:
    def refit(label: str, others: Sequence[str]) -> Any:
        if label == "a":
            raise MemoryError
        return label, Sized(200), ()

    label, _, said = answering(Bounds(None, 100), "b", [entry("b", 0.1), entry("a", 0.1)], refit,
                               lambda label: 1.0, math.inf)
    assert label == "b"
    assert "2 times as much" in said[0]
