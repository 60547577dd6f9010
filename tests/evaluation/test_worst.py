"""Worst slices: planted ones are found, noise is not, figures are of rows that did not choose."""

from __future__ import annotations

import datetime as dt
import json
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation import _kept, two_sample
from wholefit.evaluation.worst import Worst, worst
from wholefit.evaluation.worst._conditions import RANGES, conditions
from wholefit.evaluation.worst._find import weighted_holm
from wholefit.evaluation.worst._search import search


def table(n: int, seed: int) -> dict[str, pl.Series]:
    random = np.random.default_rng(seed)
    numbers = {f"n{at}": pl.Series(random.normal(size=n)) for at in range(4)}
    levels = {f"c{at}": pl.Series(random.choice(list("abcd"), n)) for at in range(4)}
    return numbers | levels


def planted(n: int, seed: int, rate: float = 0.6) -> tuple[dict[str, pl.Series], np.ndarray]:
    columns = table(n, seed)
    random = np.random.default_rng(seed + 1_000)
    bad = (columns["c1"] == "b").to_numpy() & (columns["n2"].to_numpy() > 0.0)
    return columns, (random.random(n) < np.where(bad, rate, 0.15)).astype(float)


def test_a_planted_part_is_found_and_named() -> None:
    columns, wrong = planted(4_000, 0)
    found = worst(columns, wrong, wrong=wrong, expected=np.full(4_000, 0.2))
    first = found.slices[0]
    assert {each.column for each in first.where} == {"c1", "n2"}
    assert first.low < 0.45 < first.high, "the true difference is in the interval"
    assert first.wrong_low < 0.6 < first.wrong_high and first.foreseen is False
    assert first.n == pytest.approx(500, rel=0.3) and first.judged < 0.7 * first.n
    assert "c1 = b" in found.to_text() and "foresee only 20%" in found.to_text()
    assert found.table()["part"].to_list() == [first.name]
    assert len(found) == 1, "what overlaps with it is not bad by its own rows"


def test_planted_parts_are_found_nine_times_in_ten_and_noise_is_not() -> None:
    hits = alarms = covered = 0
    for seed in range(25):
        columns, wrong = planted(2_000, seed)
        found = worst(columns, wrong, seed=seed, depth=2)
        hit = [each for each in found.slices
               if {part.column for part in each.where} & {"c1", "n2"}]
        hits += bool(hit)
        covered += sum(each.low <= _true_gap(columns, each) <= each.high for each in hit[:1])
        noise = np.random.default_rng(seed).exponential(size=2_000)
        alarms += len(worst(columns, noise, seed=seed, depth=2)) > 0
    assert hits >= 22, f"found {hits} of 25"
    assert alarms <= 4, f"{alarms} false alarms of 25"
    assert covered >= 0.8 * hits, f"{covered} of {hits} intervals hold the truth"


def _true_gap(columns: dict[str, pl.Series], found: object) -> float:
    """The mean loss of the part less that elsewhere, had endlessly many rows been drawn."""
    bad = (columns["c1"] == "b").to_numpy() & (columns["n2"].to_numpy() > 0.0)
    rate = np.where(bad, 0.6, 0.15)
    known = conditions(columns, 40)
    names = [str(each) for each in known.all]
    inside = known.meets([names.index(str(each)) for each in found.where])  # type: ignore[attr-defined]
    return float(rate[inside].mean() - rate[~inside].mean())


def test_the_search_finds_what_brute_force_finds() -> None:
    columns, wrong = planted(600, 3)
    known = conditions(columns, 30)
    rows = np.arange(600)
    found, looked = search(known, rows, wrong, least=30, depth=2, most=1)
    spread, best = wrong.std(), (-np.inf, ())
    for size in (1, 2):
        for parts in combinations(range(len(known.all)), size):
            if size == 2 and known.column[parts[0]] == known.column[parts[1]]:
                continue
            inside = known.masks[list(parts)].all(axis=0)
            if 30 <= inside.sum() <= 570:
                gap = wrong[inside].mean() - wrong[~inside].mean()
                z = gap / (spread * np.sqrt(1 / inside.sum() + 1 / (~inside).sum()))
                best = max(best, (z - 0.5 * size, parts))
    assert found[0].parts == best[1] and found[0].z == pytest.approx(best[0] + 1.0, rel=1e-5)
    assert looked > len(known.all)


def test_conditions_are_levels_ranges_gaps_dates_and_words() -> None:
    n = 400
    random = np.random.default_rng(0)
    texts = [("late delivery broken box", "fine and quick service")[at % 5 > 1] + f" no {at}"
             for at in range(n)]
    columns = {
        "number": pl.Series(random.normal(size=n)),
        "few": pl.Series(np.arange(n) % 3),
        "gap": pl.Series([None if at % 4 == 0 else at * 1.5 for at in range(n)]),
        "day": pl.Series([dt.date(2024, 1, 1) + dt.timedelta(days=at) for at in range(n)]),
        "text": pl.Series(texts), "^a.*$": pl.Series(["x", "y"] * (n // 2)),
        "constant": pl.Series([1] * n), "empty": pl.Series([None] * n),
        "list": pl.Series([[1]] * n)}
    said = {str(each) for each in conditions(columns, 20).all}
    assert {"few = 0", "few = 1", "few = 2", "gap is missing", "^a.*$ = x", "^a.*$ = y",
            "day is at most 2024-04-09", 'text mentions "box"'} <= said
    assert sum(each.startswith("number ") for each in said) == len(RANGES)
    assert not any(each.split()[0] in ("constant", "empty", "list") for each in said)


def test_rows_of_a_unit_are_not_evidence_each() -> None:
    """A whole unit that goes wrong is one event, not fifty."""
    random = np.random.default_rng(1)
    alarms = {"units": 0, "rows": 0}
    for seed in range(20):
        unit = np.repeat(np.arange(40), 50)
        wrong = (random.random(40) < 0.3)[unit].astype(float)
        columns = {"kind": pl.Series(random.choice(list("abcd"), 40)[unit])}
        alarms["units"] += len(worst(columns, wrong, units=unit, seed=seed)) > 0
        alarms["rows"] += len(worst(columns, wrong, seed=seed)) > 0
    assert alarms["units"] <= 3 < alarms["rows"]


def test_weighted_holm_is_holm_with_equal_weights() -> None:
    p = [0.01, 0.04, 0.001, 0.5]
    assert np.allclose(weighted_holm(p, [1.0] * 4), two_sample.adjusted(p, "holm"))
    assert weighted_holm([0.02, 0.9], [3.0, 1.0])[0] == pytest.approx(0.02 * 4 / 3)
    assert len(weighted_holm([], [])) == 0


def test_hostile_rows() -> None:
    columns, wrong = planted(400, 0)
    assert worst({name: column[:50] for name, column in columns.items()}, wrong[:50]).skipped
    assert not worst(columns, np.zeros(400)).slices and not worst({}, wrong).slices
    assert not worst(columns, np.ones(400), wrong=np.ones(400)).slices
    with pytest.raises(DataError, match="finite"):
        worst(columns, np.full(400, np.nan))
    with pytest.raises(DataError, match="as many rows"):
        worst(columns, wrong[:10])
    with pytest.raises(ParameterError, match="depth"):
        worst(columns, wrong, depth=4)
    with pytest.raises(ParameterError, match="least"):
        worst(columns, wrong, least=1)


def test_the_same_seed_gives_the_same_and_json_comes_back() -> None:
    columns, wrong = planted(1_500, 7)
    one, two = (worst(columns, wrong, wrong=wrong, seed=3) for _ in range(2))
    assert one == two or one.to_text() == two.to_text()
    stored = json.loads(json.dumps(_kept.put(one), allow_nan=False))
    assert _kept.get(Worst, stored).to_text() == one.to_text()
    with pytest.raises(TypeError):
        _kept.get(Worst, {**stored, "rows": "many"})
    with pytest.raises(TypeError):
        _kept.get(Worst, {**stored, "other": 1})


@pytest.mark.parametrize("scale", [1e-80, 1e-3, 1e80])
def test_the_unit_of_the_loss_does_not_matter(scale: float) -> None:
    columns, wrong = planted(1_500, 2)
    loss = 0.5 + wrong
    one, other = worst(columns, loss), worst(columns, loss * scale, error=loss * scale)
    assert [each.where for each in one.slices] == [each.where for each in other.slices] != []
    assert other.slices[0].difference == pytest.approx(scale * one.slices[0].difference)
    assert other.detectable == pytest.approx(scale * one.detectable)
