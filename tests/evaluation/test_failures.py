"""The whole diagnosis: told in words, kept without a row, refused where it was altered."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation.failures import Failures, checked, failures, kept

SECRET = "Rumpelstiltskin"


def classes(n: int = 3_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, pl.Series]]:
    """Answers of true probability, but in one region half of the truths are drawn anew."""
    random = np.random.default_rng(seed)
    columns = {"region": pl.Series(random.choice(["north", "south", "east"], n)),
               "age": pl.Series(random.integers(18, 90, n)),
               "name": pl.Series([f"{SECRET} {at}" for at in range(n)]),
               "day": pl.Series(np.arange(n)).cast(pl.Int64)}
    chance = random.beta(0.6, 0.6, n)
    truth = (random.random(n) < chance).astype(int)
    bad = (columns["region"] == "north").to_numpy() & (columns["age"].to_numpy() > 55)
    truth = np.where(bad & (random.random(n) < 0.8), random.integers(0, 2, n), truth)
    return truth, np.column_stack([1 - chance, chance]), columns


def numbers(n: int = 1_200) -> tuple[np.ndarray, np.ndarray, dict[str, pl.Series]]:
    random = np.random.default_rng(1)
    columns = {"x": pl.Series(random.normal(size=n)), "kind": pl.Series(
        random.choice(list("abc"), n))}
    answer = random.uniform(0, 10, n)
    wide = np.where((columns["kind"] == "b").to_numpy(), 4.0, 1.0)
    return answer + wide * random.normal(size=n), answer, columns


def test_two_classes_are_told_whole() -> None:
    truth, answer, columns = classes()
    found = failures("classification", truth, answer, columns, classes=("no", "yes"),
                     time=("day", columns["day"]), by={"region": columns["region"]})
    first = found.worst.slices[0]
    assert {each.column for each in first.where} == {"region", "age"} and first.foreseen is False
    assert found.confidence and found.gains and found.costs and found.reliability and found.groups
    assert sum(cell.rows for cell in found.cells) == 3_000
    cell = next(cell for cell in found.cells if (cell.truth, cell.answer) == ("yes", "no"))
    rows = (truth == 1) & (answer[:, 1] < 0.5)
    surest = np.flatnonzero(rows)[np.argmin(answer[rows, 1])]
    assert cell.rows == rows.sum() and cell.examples[0].row == surest + 1
    text = found.to_text()
    assert "What to do next:" in text and "region = north" in text and SECRET not in text
    assert found.abstain(0.15).bound <= 0.15
    with pytest.raises(DataError, match="no confidence is so high"):
        found.abstain(0.0005)


def test_errors_that_rise_with_time_are_told() -> None:
    rises = 0
    for seed in range(12):
        truth, answer, columns = classes(600, seed)
        still = failures("classification", truth, answer, {}, time=("day", columns["day"]))
        assert still.over_time is not None
        rises += still.over_time.p < 0.05
    assert rises <= 3
    late = np.random.default_rng(0).random(600) < np.linspace(0, 0.5, 600)
    found = failures("classification", np.where(late, 1 - truth, truth), answer, {},
                     time=("day", columns["day"]))
    assert found.over_time is not None and found.over_time.low > 0
    assert "Errors grow with time" in found.to_text()


def test_numbers_are_told_whole() -> None:
    truth, answer, columns = numbers()
    found = failures("regression", truth, answer, columns, examples=2)
    assert "kind = b" in found.worst.slices[0].name and found.residuals is not None
    worst = np.argsort(-np.abs(truth - answer))[:6] + 1
    assert [each.row for each in found.misses] == worst.tolist()
    with pytest.raises(DataError, match="interval"):
        found.abstain(0.1)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_what_a_file_keeps_holds_no_row_and_comes_back(task: str) -> None:
    truth, answer, columns = classes() if task == "classification" else numbers()
    stored = json.loads(json.dumps(kept(task, truth, answer, columns), allow_nan=False))
    written = json.dumps(stored)
    assert SECRET not in written and len(written) < 60_000
    back = checked(stored)
    assert back is not None and back.to_json() == stored and not back.misses
    assert not any(cell.examples for cell in back.cells)
    assert "held out" in back.to_text() and back.next_steps()


def _spoiled(stored: Any, random: np.random.Generator) -> Any:
    """The same with one value, anywhere, of another kind."""
    junk = [None, "x" * 50, -1, 1e308, [], {}, True, [[[]]], float("nan")]
    if isinstance(stored, dict) and stored and random.random() < 0.85:
        name = list(stored)[random.integers(len(stored))]
        return {**stored, name: _spoiled(stored[name], random)}
    if isinstance(stored, list) and stored and random.random() < 0.85:
        at = int(random.integers(len(stored)))
        return [*stored[:at], _spoiled(stored[at], random), *stored[at + 1:]]
    return junk[random.integers(len(junk))]


def test_an_altered_file_gives_nothing_or_something_that_can_be_told() -> None:
    from wholefit.report import failures as pages

    truth, answer, columns = classes(800)
    stored = kept("classification", truth, answer, columns, time=("day", columns["day"]))
    random = np.random.default_rng(0)
    read = 0
    for _ in range(150):
        found = checked(_spoiled(stored, random))
        if found is not None:
            read += 1
            found.to_text()
            pages.section(found)
    assert read < 150
    for other in (None, [], {}, {"task": 1}, {**stored, "task": "clustering"}, {"task": "x"}):
        assert checked(other) is None


def test_hostile_rows() -> None:
    with pytest.raises(ParameterError, match="diagnosis is of"):
        failures("clustering", [0], [0.0], {})
    with pytest.raises(DataError, match="none"):
        failures("regression", [np.nan], [1.0], {})
    with pytest.raises(DataError, match="as many rows"):
        failures("regression", [1.0, 2.0], [1.0], {})
    one = failures("classification", [1], [[0.2, 0.8]], {"a": pl.Series([1])})
    assert one.to_text() and one.worst.skipped and one.gains is None
    assert Failures.from_json(json.loads(json.dumps(one.to_json()))).to_text() == one.to_text()
    two = failures("regression", [1.0, 2.0], [1.0, 1.0], {"": pl.Series([None, None])})
    assert Failures.from_json(json.loads(json.dumps(two.to_json()))).to_text() == two.to_text()
    same = failures("classification", np.zeros(300, int), np.tile([[1.0, 0.0]], (300, 1)),
                    {"*": pl.Series(["x"] * 300)})
    assert "No row is answered wrongly" in same.to_text()
    some = failures("regression", [1.0, np.nan, 2.0], [1.0, 1.0, np.nan],
                    {"a": pl.Series([1, 2, 3])}, numbers=np.array([5, 6, 7]))
    assert some.rows == 1 and some.misses[0].row == 5
    many = np.random.default_rng(0).dirichlet(np.ones(50), 400)
    assert len(failures("classification", many.argmax(1)[::-1], many, {}).cells) <= 30
