"""Pages of whatever a table may hold: names that are markup, endless names, a thousand columns."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import report
from wholefit.api._understood import understood
from wholefit.report import as_json, card

from ._reader import Reader, inert

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
NAMES = ("</script><script>alert(1)</script>", "a\"'b", "\u202eevil\u2066x", "x" * 10_000, "*",
         "^a.*$", "", " ", "a b", "ü\u0301☃", "<!--", "]]>", "\x00\x07", "&amp;", "--", "col\nline")


def hostile_rows(rows: int = 160) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {
        name: rng.normal(size=rows) if at % 2 else rng.choice(["<b>l</b>", "</style>", name[:30]],
                                                              rows)
        for at, name in enumerate(NAMES)}
    first = np.asarray(columns[NAMES[1]], dtype=float)
    columns["y</title>"] = np.where(first + rng.normal(size=rows) / 2 > 0, "yes</td>", "no\u202e")
    return pl.DataFrame(columns)


@pytest.fixture(scope="module")
def hostile() -> tuple[wf.Result, pl.DataFrame]:
    rows = hostile_rows(320)
    made = wf.fit(rows[:200], target="y</title>", models="logistic", jobs=1, checks=False)
    return made, rows[200:]


def sound(page: str) -> Reader:
    read = Reader(page)
    assert read.faults == []
    assert "<script" not in inert(page) and "\u202e" not in page and "\x00" not in page
    assert not {"img", "iframe", "b><"} & set(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    return read


def test_hostile_names_and_levels_stay_words(hostile: tuple[wf.Result, pl.DataFrame]) -> None:
    made, held = hostile
    known = understood(made, held, ["*"], True, {})
    faults = [part.said for part in known.parts if "a fault of wholefit" in part.why_not]
    assert faults == []
    page = report.page(made, known)
    read = sound(page)
    assert len(page.encode()) < 3_000_000
    assert "</script><script>alert(1)</script>" in read.text
    text = card.card(made, known)
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside and "\u202e" not in text and len(text) < 300_000
    assert json.loads(as_json.text(made, known))["target"] == "y</title>"


def test_a_loaded_hostile_model_gives_the_same_page(
    hostile: tuple[wf.Result, pl.DataFrame], tmp_path: Path
) -> None:
    made, _ = hostile
    made.save(tmp_path / "m.wf")
    assert report.page(wf.load(tmp_path / "m.wf")) == report.page(made)


def test_a_thousand_columns_still_give_a_page() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(130, 1000))
    frame = pl.DataFrame({f"column_{at}": X[:, at] for at in range(1000)}).with_columns(
        y=pl.Series(X[:, 0] * 3 + rng.normal(size=130)))
    made = wf.fit(frame[:130], target="y", models="lasso(alpha=0.3)", jobs=1, checks=False)
    start = time.perf_counter()
    kept = made.exhibits["reliance"]
    assert time.perf_counter() - start < 20  # a bound against hanging, not a measure
    assert kept["columns"][0][0] == "column_0" and kept["rows"] >= 30
    assert kept["others"] >= 900
    page = report.page(made)
    sound(page)
    assert len(page.encode()) < 500_000 and len(card.card(made)) < 100_000


def test_two_hundred_models_still_give_a_page(three: wf.Result) -> None:
    facts, chosen = three._facts, three._facts.chosen
    others = tuple(dataclasses.replace(chosen, model=f"model_{at}", best=False, recommended=False)
                   for at in range(199))
    failed = tuple(dataclasses.replace(chosen, model=f"failed_{at}", scores={}, best=False,
                                       recommended=False, status="failed", reason="no " * 300)
                   for at in range(200))
    many = wf.Result(three._fitted, dataclasses.replace(facts, entries=(chosen, *others, *failed)))
    page = report.page(many)
    read = sound(page)
    assert len(page.encode()) < 1_000_000
    assert "model_98" in read.text and "And 100 more models" in read.text
    assert "And 380 more models" in card.card(many)
    assert len(many._repr_html_()) < 40_000


def test_no_rows_and_odd_rows_are_refused_in_a_sentence(binary: wf.Result, held: pl.DataFrame,
                                                        tmp_path: Path) -> None:
    for rows in (held.head(0), held.select("churn"), pl.DataFrame({"a": [1]})):
        with pytest.raises(wf.WholefitError) as error:
            binary.report(tmp_path / "r.html", rows)
        assert len(str(error.value)) < 600
    assert list(tmp_path.iterdir()) == []


def test_rows_that_are_all_alike_or_empty_of_values_give_a_page(
    binary: wf.Result, held: pl.DataFrame, tmp_path: Path
) -> None:
    same = pl.concat([held.head(1)] * 60)
    gone = held.head(60).with_columns(pl.exclude("churn").map_batches(
        lambda column: pl.Series(column.name, [None] * len(column), column.dtype)))
    for at, rows in enumerate((same, gone)):
        page = binary.report(tmp_path / f"{at}.html", rows).read_text()
        read = sound(page)
        assert "a fault of wholefit" not in read.text, re.findall(
            r"[^.]*a fault of wholefit", read.text)


@pytest.mark.parametrize("value", [
    {"rows": -1, "columns": [], "others": 0}, {"rows": 3, "columns": [["a", 1, 2]], "others": 0},
    {"rows": 3, "columns": [["a", 1, 2, float("nan")]], "others": 0}, {"why_not": 3},
    {"rows": 3, "columns": [["a", -1, 2, 3]], "others": 0}, [], "x", {"why_not": "x" * 500},
    {"rows": 3, "columns": [["a", 1, 1, 1]] * 101, "others": 0},
])
def test_what_a_file_says_of_reliance_is_looked_at(value: object) -> None:
    from wholefit.report.exhibits import checked

    assert checked({"reliance": value}) == {}


def test_what_a_file_says_of_failures_is_looked_at() -> None:
    from wholefit.report.exhibits import checked

    for value in ({}, {"task": "x"}, [], "x", {"task": "classification", "rows": "many"}):
        assert checked({"failures": value}) == {}
