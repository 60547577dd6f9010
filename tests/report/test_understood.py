"""The report with held-out rows: every verb asked, every answer drawn or its absence said."""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import report
from wholefit.api import _understood
from wholefit.api._understood import understood
from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.report import as_json, card
from wholefit.report.understood import CHAPTERS, NOTHING, Part, Understanding, chapter, drawn

from ._reader import Reader, inert

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def test_nothing_is_left_out_in_silence(known: Understanding) -> None:
    asked = [part.topic for part in known.parts]
    assert {"failures", "importance", "effects", "shares", "stress", "fairness",
            "inside"} <= set(asked)
    assert asked.count("effects") == 4
    assert [part.said for part in known.parts if part.why_not] == []
    assert known.rows == 350 and known.protected == ("female",) and "log_loss" in known.scores


def test_the_page_has_its_chapters_in_the_promised_order(
    binary: wf.Result, known: Understanding
) -> None:
    page = report.page(binary, known)
    names = re.findall(r'<section id="([\w-]+)"', page)
    wanted = ["asked", "answer", "data", "notes", "findings", "split", "leaderboard", "metrics",
              "mistakes", "calibration", "fails", "why", "inside", "hold", "fairness", "limits",
              "reproduce", "next"]
    assert names == [name for name in wanted if name in names] and set(wanted) - set(names) <= {
        "findings"}
    assert "350 held-out rows" in Reader(page).text
    assert len(page.encode()) < 3_000_000


def test_the_page_is_well_formed_and_told_in_words(
    binary: wf.Result, known: Understanding, number: wf.Result, known_number: Understanding
) -> None:
    for page in (report.page(binary, known), report.page(number, known_number)):
        read = Reader(page)
        assert read.faults == []
        ids = read.values("id")
        assert len(set(ids)) == len(ids)
        assert read.tags.count("caption") == read.tags.count("table")
        assert re.findall(r"<th(?![^>]*scope=)[ >]", page) == []
        named = re.findall(r"<svg[^>]*aria-label=\"[^\"]+\"", page)
        assert len(named) == page.count("<svg")
        levels = [int(tag[1]) for tag in read.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
        assert not [name for _, name, _ in read.attributes if name.startswith("on")]
        assert "<script" not in inert(page) and not re.search(r"https?://|file:", inert(page))


def test_single_rows_are_shown_only_when_they_are_asked_for(
    binary: wf.Result, known: Understanding, known_number: Understanding
) -> None:
    assert not known.of("attributions") and len(known.of("shares")) == 1
    told = json.dumps([part.to_json() for part in known.of("failures")])
    assert '"examples": []' in told and "Single rows are left out" in report.page(binary, known)
    assert len(known_number.of("attributions")) == 3 and not known_number.of("shares")
    assert "the most too high" in known_number.of("attributions")[0].what


def test_rows_that_tell_most_are_the_extremes() -> None:
    truth = np.array([0, 1, 1, 0])
    answer = np.array([[0.9, 0.1], [0.97, 0.03], [0.02, 0.98], [0.49, 0.51]])
    told = dict(_understood._rows_told(truth, answer))
    assert told == {"the surest mistake": 1, "the surest right answer": 2, "the least sure": 3}
    numbers = dict(_understood._rows_told(np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.1, 0.0])))
    assert list(numbers.values()) == [0, 2, 1]
    right = dict(_understood._rows_told(truth[[0, 2]], answer[[0, 2]]))
    assert "the surest mistake" not in right, "there is none"
    decided = dict(_understood._rows_told(truth, answer, np.array([0, 1, 1, 1])))
    assert decided["the surest mistake"] == 3 and decided["the surest right answer"] == 2
    assert len(_understood._rows_told(np.array([1.0]), np.array([4.0]))) == 1


def test_what_cannot_be_computed_is_one_sentence(
    binary: wf.Result, held: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, *args: Any, **options: Any) -> Any:
        raise StateError("this model keeps no sketch.")

    def fault(self: Any, *args: Any, **options: Any) -> Any:
        raise ZeroDivisionError("by zero")

    for verb in ("importance", "effect", "explain", "inside"):
        monkeypatch.setattr(wf.Result, verb, refuse)
    monkeypatch.setattr(wf.Result, "stress", fault)
    found = understood(binary, held.head(200), [], False, {})
    page = Reader(report.page(binary, found)).text
    assert "What each column is worth could not be computed: this model keeps no sketch." in page
    assert page.count("The effect of") == 4  # of the columns that the answers lean on
    assert "Whether it would hold could not be computed: ZeroDivisionError: by zero" in page
    assert "What its answers lean on" in page
    assert "could not be computed" in card.card(binary, found)


def test_a_fault_of_one_verb_is_said_aloud(
    binary: wf.Result, held: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wholefit.base.events import listen

    monkeypatch.setattr(wf.Result, "inside", lambda self: 1 / 0)
    seen: list[str] = []
    with listen(lambda event, facts: seen.append(str(facts)) if event == "warning" else None):
        understood(binary, None, [], False, {})
    assert len(seen) == 1 and "division by zero" in seen[0]


def test_without_rows_the_page_tells_what_the_fit_kept_and_how_to_have_more(
    binary: wf.Result, number: wf.Result, tmp_path: Path
) -> None:
    for result in (binary, number):
        page = result.report(tmp_path / f"{result.task}.html").read_text()
        text = Reader(page).text
        assert "What its answers lean on" in text and "Where it fails" in text
        assert "wholefit report MODEL.wf --rows HELD.csv --protected COLUMN --force" in text
        assert 'id="inside"' in page and 'id="hold"' not in page


def test_a_loaded_model_tells_the_same(binary: wf.Result, held: pl.DataFrame, known: Understanding,
                                       tmp_path: Path) -> None:
    binary.save(tmp_path / "m.wf")
    loaded = wf.load(tmp_path / "m.wf")
    again = understood(loaded, held, ["female"], False, {})
    assert report.page(loaded, again) == report.page(binary, known)
    assert as_json.text(loaded, again) == as_json.text(binary, known)


def test_what_cannot_be_asked_is_refused_before_the_work(
    binary: wf.Result, held: pl.DataFrame, tmp_path: Path
) -> None:
    page = tmp_path / "r.html"
    for options, error, said in (
        ({"protected": "female"}, ParameterError, "needs held-out rows"),
        ({"values": True}, ParameterError, "shows single rows"),
        ({"na_values": ["?"]}, ParameterError, "na_values needs held-out rows"),
        ({"rows": held, "protected": "femail"}, UnknownNameError, "female"),
        ({"rows": held.drop("churn")}, wf.WholefitError, "churn"),
        ({"rows": held.with_columns(churn=pl.lit(None, pl.String))}, DataError, "churn"),
        ({"rows": held, "tyop": 1}, UnknownNameError, "tyop"),
    ):
        with pytest.raises(error, match=said):
            binary.report(page, **options)
    assert not page.exists()
    with pytest.raises(ParameterError, match="must end in"):
        binary.report(tmp_path / "r.pdf")
    page.write_text("mine")
    start = time.perf_counter()
    with pytest.raises(wf.WholefitError, match="exists"):
        binary.report(page, held, protected=["female"])
    assert time.perf_counter() - start < 0.2 and page.read_text() == "mine"


def test_one_row_of_rows_still_gives_a_page(binary: wf.Result, held: pl.DataFrame,
                                            tmp_path: Path) -> None:
    page = binary.report(tmp_path / "one.html", held.head(1), protected="female").read_text()
    read = Reader(page)
    assert read.faults == [] and "could not be computed" in read.text
    assert "a fault of wholefit" not in read.text


def test_many_rows_are_sampled_with_the_seed(binary: wf.Result) -> None:
    table = wf.read(pl.DataFrame({"a": range(_understood.MOST_ROWS * 2)}))
    some = _understood._few(table, 3)
    assert some.frame.height == _understood.MOST_ROWS
    assert some.frame.equals(_understood._few(table, 3).frame)
    assert some.frame.get_column("a").is_sorted()
    assert _understood._few(wf.read(some.frame), 3).frame.equals(some.frame)


def test_parts_without_a_folder_and_long_tables_are_still_told(binary: wf.Result) -> None:
    class Record:
        def to_text(self) -> str:
            return "First <b>.\n\nSecond."

        def to_json(self) -> dict[str, Any]:
            return {"a": 1}

    part = Part("no_such_topic", "Something", Record())
    assert drawn(part) == ("<ul><li><bdi>First &lt;b&gt;.</bdi></li><li><bdi>Second.</bdi></li>"
                           "</ul>")
    assert part.to_json() == {"topic": "no_such_topic", "what": "Something", "found": {"a": 1}}
    assert all(chapter(binary, NOTHING, name) is None for name in CHAPTERS
               if name not in ("why", "fails"))


def test_effects_are_all_there_without_the_script(binary: wf.Result, known: Understanding) -> None:
    page = report.page(binary, known)
    assert len(re.findall(r'<div data-choice="The effect of ', page)) == 4
    assert not re.search(r"<[^>]*\shidden[\s=>]", inert(page).split("<body>")[1])
