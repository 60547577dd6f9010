"""The page: whole, well formed, escaped, self-contained, and the same for a loaded result."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import wholefit as wf
from wholefit import report
from wholefit.report import _command, _html, words
from wholefit.report.sections import SECTIONS
from wholefit.report.understood import CHAPTERS

from ._reader import Reader, inert

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
KINDS = ("binary", "three", "number")
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(params=KINDS)
def result(request: pytest.FixtureRequest) -> wf.Result:
    return request.getfixturevalue(request.param)


def with_facts(result: wf.Result, **changes: Any) -> wf.Result:
    return wf.Result(result._fitted, dataclasses.replace(result._facts, **changes))


def test_a_page_is_well_formed_and_has_every_section(result: wf.Result) -> None:
    read = Reader(report.page(result))
    assert read.faults == []
    ids = read.values("id")
    assert len(set(ids)) == len(ids)
    wanted = {section.name for section in SECTIONS}
    wanted -= set() if len(result.classes or ()) == 2 else {"calibration"}
    wanted -= set() if result.findings else {"findings"}
    wanted -= set() if result.lineage.get("learning") else {"taught"}  # of networks alone
    wanted -= set(CHAPTERS) - {"why"} - ({"fails"} & set(ids))
    assert wanted <= set(ids)
    links = [value for tag, name, value in read.attributes if tag == "a" and name == "href"]
    assert {link.removeprefix("#") for link in links} == {*wanted, "main"}
    assert set(read.values("aria-labelledby")) <= set(ids)


def test_nothing_is_fetched_and_nothing_runs(result: wf.Result) -> None:
    page = report.page(result)
    read = Reader(page)
    assert read.tags.count("script") == 1 and "<script" not in inert(page)
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert not {"src", "srcset", "xlink:href", "action"} & {name for _, name, _ in read.attributes}
    assert all(value.startswith("#") for value in read.values("href"))
    style = page[page.index("<style>"):page.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert not re.search(r"https?://|file:", page)
    assert any("default-src 'none'" in value for value in read.values("content"))


def test_pictures_and_tables_are_told_in_words_too(result: wf.Result) -> None:
    page = report.page(result)
    read = Reader(page)
    assert read.tags.count("svg") == page.count("<svg") >= 1
    assert len(re.findall(r"<svg[^>]*aria-label=\"[^\"]+\"[^>]*><title>[^<]+</title>", page)) == (
        read.tags.count("svg"))
    assert read.tags.count("caption") == read.tags.count("table")
    assert {value for tag, name, value in read.attributes if tag == "th" and name == "scope"} == {
        "row", "col"}
    unscoped = re.findall(r"<th(?![^>]*scope=)[ >]", page)
    assert unscoped == []
    levels = [int(tag[1]) for tag in read.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_a_loaded_result_gives_the_same_page(result: wf.Result, tmp_path: Path) -> None:
    result.save(tmp_path / "m.wf")
    assert report.page(wf.load(tmp_path / "m.wf")) == report.page(result)


def test_a_page_is_small(result: wf.Result) -> None:
    assert 10_000 < len(report.page(result).encode()) < 120_000


def test_a_wide_table_still_gives_a_page_of_bounded_size() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"column_{at}": rng.normal(size=60) for at in range(400)})
    frame = frame.with_columns(y=pl.col("column_0") * 3 + rng.normal(size=60))
    page = report.page(wf.fit(frame, target="y", models="ridge", jobs=1))
    assert Reader(page).faults == []
    assert "And 201 more columns" in page
    assert len(page.encode()) < 300_000


def test_the_binary_page_says_what_matters(binary: wf.Result) -> None:
    text = Reader(report.page(binary)).text
    for said in ("Predict churn", "churn.csv", "1,500 rows", "'churn' has 2 values",
                 "The model to use is logistic", "ignores every column", "too large to be chance",
                 str(binary.score).split(" ")[0], "3-fold cross-validation",
                 "The class called positive is 'Yes'", "decision_tree(max_depth=4)",
                 "total_charges"):
        assert said in text, said
    counts = np.array(binary.exhibits["confusion"])
    for count in counts.ravel():
        assert f"{count:,}" in text
    for score in binary.scores.values():
        assert str(score).split(" ")[0] in text


def test_the_number_page_shows_squares_misses_and_residuals(number: wf.Result) -> None:
    page = report.page(number)
    grid = number.exhibits["grid"]
    shades = re.findall(r'<path d="([^"]+)" class="heat"', page)
    filled = sum(count > 0 for row in grid["counts"] for count in row)
    assert 2 < len(shades) <= 6 and sum(shade.count("M") for shade in shades) == filled
    assert sum(map(sum, grid["counts"])) == 400
    assert page.count('class="narrow"') == 10
    assert "true price" in page and "e+0" not in Reader(page).text.split("Or in Python")[0]
    assert "times as wide" in page


def test_ties_are_marked(three: wf.Result) -> None:
    entry = three._facts.chosen
    twin = dataclasses.replace(entry, model="twin", tied=True, best=False, recommended=False)
    entries = (dataclasses.replace(entry, tied=True), twin)
    page = report.page(with_facts(three, entries=entries))
    assert "statistically tied with twin" in Reader(page).text
    board = page[page.index('<section id="leaderboard"'):page.index('<section id="metrics"')]
    assert board.count('class="mark tied"') == 1 and board.count('class="mark chosen"') == 1


def test_what_comes_from_the_data_is_escaped(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    frame = pl.DataFrame({
        f"col{EVIL}": x, "level": np.where(rng.random(200) > 0.5, f"l{EVIL}", "\x00b\u202ec"),
        f"t{EVIL}": np.where(x + rng.normal(size=200) > 0, f"up{EVIL}", "down & out"),
    })
    made = wf.fit(frame, target=f"t{EVIL}", models="logistic", jobs=1)
    facts = made._facts
    lineage = {**facts.lineage, "source": f"s{EVIL}.csv", EVIL: {EVIL: [EVIL]}}
    entry = dataclasses.replace(facts.chosen, model=f"m{EVIL}", reason=EVIL, status="stopped")
    failed = dataclasses.replace(entry, scores={}, recommended=False, best=False, status="failed")
    made = with_facts(made, lineage=lineage, entries=(entry, failed), warnings=(EVIL,),
                      split=EVIL, said=EVIL)
    for page in (inert(report.page(made)), f"<main>{made._repr_html_()}</main>"):
        read = Reader(page)
        assert read.faults == []
        assert not {"script", "img"} & set(read.tags)
        assert not [name for _, name, _ in read.attributes if name.startswith("on")]
        assert "<script" not in page and "\x00" not in page and "\u202e" not in page
        assert EVIL in read.text


def test_scores_without_a_value_do_not_break_the_page(result: wf.Result) -> None:
    def blank(score: Any) -> Any:
        return dataclasses.replace(score, value=math.nan, low=math.nan, high=math.nan,
                                   how="undefined: one class only")

    nothing = dict.fromkeys(("value", "low", "high", "p"))
    entries = tuple(
        dataclasses.replace(
            entry, scores={name: blank(score) for name, score in entry.scores.items()},
            difference=entry.difference and {**entry.difference, **nothing})
        for entry in result._facts.entries)
    page = report.page(with_facts(result, entries=entries))
    read = Reader(page)
    assert read.faults == []
    assert "could not be told (undefined: one class only)" in read.text
    assert ">nan<" not in page and "nan%" not in page


def test_endless_intervals_do_not_break_the_page(number: wf.Result) -> None:
    entries = tuple(dataclasses.replace(entry, scores={
        name: dataclasses.replace(score, low=-math.inf, high=math.inf)
        for name, score in entry.scores.items()}) for entry in number._facts.entries)
    read = Reader(report.page(with_facts(number, entries=entries)))
    assert read.faults == []


def test_a_result_without_exhibits_says_so(result: wf.Result) -> None:
    page = report.page(with_facts(result, exhibits=dict))
    assert "were not kept with this result" in page
    assert Reader(page).faults == []


def test_a_model_that_learnt_nothing_is_called_that() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=150), "y": rng.integers(0, 2, 150)})
    made = wf.fit(frame, target="y", models="logistic", jobs=1)
    text = Reader(report.page(made)).text
    assert "do not act on single predictions" in text
    assert "no model is significantly better than the baseline" in text
    assert "There were 150 rows" in text


def test_an_updated_and_an_adopted_result_have_pages(churn_file: Path) -> None:
    from sklearn.linear_model import LinearRegression

    rows = wf.read(churn_file).frame
    made = wf.fit(rows[:700], target="churn", models="sgd", choose="best", jobs=1)
    page = report.page(made.update(rows[700:]))
    assert Reader(page).faults == [] and "does not repeat" in page
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 2)), columns=["a", "b"])
    frame["y"] = frame["a"] + frame["b"]
    fitted = LinearRegression().fit(frame[["a", "b"]], frame["y"])
    adopted = wf.adopt(fitted, frame, "y")
    page = report.page(adopted)
    assert Reader(page).faults == [] and "fitted elsewhere" in page
    assert adopted.exhibits["rows"] == 100 and 'class="heat"' in page


def test_the_command_makes_the_result_again(binary: wf.Result, churn_file: Path) -> None:
    asked = _command.options(binary)
    assert asked is not None
    again = wf.fit(churn_file, **asked)
    assert str(again.leaderboard).split() and again.lineage["data_hash"] == (
        binary.lineage["data_hash"])
    assert {e.model: e.scores for e in again.leaderboard} == {
        e.model: e.scores for e in binary.leaderboard}


def test_the_shell_line_is_one_that_the_command_takes(binary: wf.Result) -> None:
    from wholefit.cli import fit as command

    shell = _command.shell(binary)
    assert shell is not None
    parts = shlex.split(shell.replace("\\\n", ""))
    assert parts[:3] == ["wholefit", "fit", "churn.csv"]
    names = [part.removeprefix("--") for part in parts[3::2]]
    assert set(names) <= set(inspect.signature(command.fit).parameters)
    said = dict(zip(names, parts[4::2], strict=True))
    assert said["models"] == "decision_tree, logistic(C=0.5), decision_tree(max_depth=4)"
    assert (said["target"], said["folds"], said["seed"]) == ("churn", "3", "3")


def test_a_command_keeps_roles_and_the_positive_class(churn_file: Path) -> None:
    made = wf.fit(churn_file, target="churn", models="logistic", positive="No", jobs=1,
                  roles={"tenure": "ignored"}, weights="monthly_charges")
    shell = _command.shell(made)
    assert shell is not None
    for part in ("--positive No", "--role tenure=ignored", "--weights monthly_charges"):
        assert part in shell


def worst_miss(truth: np.ndarray, answer: np.ndarray) -> float:
    return -float(np.max(np.abs(truth - answer)))


def test_rows_in_time_and_a_metric_of_ones_own() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"when": np.arange(300), "a": rng.normal(size=300)})
    frame = frame.with_columns(y=pl.col("a") * 2 + 5 + rng.normal(size=300))
    made = wf.fit(frame, target="y", time="when", models="ridge", metric=worst_miss, jobs=1)
    assert made.exhibits["rows"] == made.score.n < 300
    text = Reader(report.page(made)).text
    assert "rows that come later than those learnt from" in text
    assert "worst_miss: not of the catalog" in text
    assert "--time when" in text and "a metric of your own" in text


@pytest.mark.parametrize(("said", "plain"), [
    ("miss by 3.161e+04, large", "miss by 31,610, large"),
    ("miss by 0.0123 on 4.5 of 2024", "miss by 0.0123 on 4.5 of 2024"),
    ("2.803e+09", "2,803,000,000"), ("31610", "31,610"), ("-2.5e+05", "-250,000"),
    ("1e+30", "1e+30"), ("0.123456", "0.123456"),
])
def test_numbers_are_written_as_people_do(said: str, plain: str) -> None:
    assert words.plain(said) == plain


@pytest.mark.parametrize(("name", "parts"), [
    ("phone_service", ["phone_", "service"]), ("Bsmt_Full_Bath", ["Bsmt_", "Full_", "Bath"]),
    ("text with 2,930 rows", ["text with 2,930 rows"]), ("x" * 50, ["x" * 24, "x" * 24, "xx"]),
    ("a (b)", ["a (b)"]), ("f(x)", ["f(", "x)"]),
    ("TotalCharges", ["Total", "Charges"]), ("", [""]),
])
def test_lines_break_at_the_joints_of_names(name: str, parts: list[str]) -> None:
    made = _html.breakable(name)
    assert made.split("<wbr>") == parts
    assert "".join(parts) == name


def test_differences_are_written_as_finely_as_they_are_known() -> None:
    assert words.alike((0.0045119, -0.0034, 0.01242), 0.0079) == ["+0.0045", "-0.0034", "+0.0124"]
    assert words.alike((8218.0, -133.3, 16569.0), 8351.0) == ["+8,218", "-133", "+16,569"]
    assert words.alike((0.0, 0.0, 0.0), 0.0) == ["+0", "+0", "+0"]


def test_a_notebook_sees_the_leaderboard(result: wf.Result) -> None:
    shown = result._repr_html_()
    read = Reader(shown)
    assert read.faults == []
    assert all(entry.model in read.text for entry in result.leaderboard)
    assert "recommended" in read.text and len(shown) < 10_000
