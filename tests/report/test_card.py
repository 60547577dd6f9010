"""The model card and the JSON: the same facts as the page, in other letters."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wholefit as wf
from wholefit.report import _markdown as md
from wholefit.report import as_json, card, words
from wholefit.report.understood import Understanding

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
KINDS = ("binary", "three", "number")


@pytest.fixture(params=KINDS)
def result(request: pytest.FixtureRequest) -> wf.Result:
    return request.getfixturevalue(request.param)


def headings(text: str) -> list[str]:
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#+ .*$", outside, re.MULTILINE)


def test_a_card_says_what_it_is_for_and_what_it_is_not(result: wf.Result) -> None:
    text = card.card(result)
    assert headings(text)[0] == f"# Model card: predicting {result.target}"
    for heading in ("## Intended use", "## Data", "## Metrics", "## Models compared", "## Limits",
                    "## How to make it again", "## What to do next", "## Is it fair?"):
        assert heading in text.splitlines(), heading
    assert "**Not for:**" in text and text.count("**To fill in:**") >= 4
    for name, score in result.scores.items():
        assert name.replace("_", " ") in text and words.value(score) in text
    assert "No held-out rows were given for this card" in text


def test_tables_of_a_card_have_as_many_cells_in_every_line(result: wf.Result) -> None:
    lines = card.card(result).splitlines()
    for at, line in enumerate(lines):
        if line.startswith("| ---"):
            wide = len(re.findall(r"(?<!\\)\|", line))
            for each in (lines[at - 1], *lines[at + 1:]):
                if not each.startswith("|"):
                    break
                assert len(re.findall(r"(?<!\\)\|", each)) == wide, each


def test_a_card_with_rows_tells_what_the_page_tells(
    binary: wf.Result, known: Understanding
) -> None:
    text = card.card(binary, known)
    for said in ("On the 350 held-out rows", "## Where it fails", "## Why it answers as it does",
                 "## Would it hold?", "## Is it fair?", "By female"):
        assert said in text, said
    assert "No held-out rows" not in text and "Not looked at: no columns" not in text


def test_the_json_holds_the_same_facts(binary: wf.Result, known: Understanding) -> None:
    told = json.loads(as_json.text(binary, known))
    assert told["task"] == "classification" and told["model"] == binary.model
    assert told["metrics"]["log_loss"]["value"] == pytest.approx(binary.score.value)
    assert [part["topic"] for part in told["understanding"]["parts"]] == [
        part.topic for part in known.parts]
    assert all("found" in part for part in told["understanding"]["parts"])
    assert told["reproduce"]["shell"].startswith("wholefit fit churn.csv")
    assert told["columns"] and told["leaderboard"] and told["limits"] and told["next"]


def test_json_is_strict_whatever_the_numbers_are(number: wf.Result) -> None:
    entries = tuple(dataclasses.replace(entry, fit_seconds=math.inf, scores={
        name: dataclasses.replace(score, low=-math.inf, high=math.nan)
        for name, score in entry.scores.items()}) for entry in number._facts.entries)
    facts = dataclasses.replace(number._facts, entries=entries,
                                lineage={**number.lineage, "odd": math.nan, "half": "\ud800"})
    text = as_json.text(wf.Result(number._fitted, facts))

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    assert json.loads(text, parse_constant=refuse)["made_with"]["odd"] is None
    text.encode("utf-8")


@pytest.mark.parametrize("ending", ["html", "md", "json"])
def test_the_ending_says_the_kind(binary: wf.Result, tmp_path: Path, ending: str) -> None:
    text = binary.report(tmp_path / f"r.{ending}").read_text()
    assert text.startswith({"html": "<!doctype html>", "md": "# Model card", "json": "{"}[ending])
    assert binary.report(tmp_path / f"R.{ending.upper()}").exists()


def test_a_task_without_a_target_has_a_card_and_json_too(tmp_path: Path) -> None:
    from wholefit.data import bundled

    made = wf.fit(wf.read(bundled.path("credit_data")).frame.head(400), task="reduction",
                  models="pca", label="Status")
    text = made.report(tmp_path / "r.md").read_text()
    assert text.startswith("# Model card: reduction") and "**To fill in:**" in text
    assert "wholefit fit SOURCE --task reduction" in text
    told = json.loads(made.report(tmp_path / "r.json").read_text())
    assert told["task"] == "reduction" and told["answer"] and told["told"]


EVIL = "a|b`c*d_e_[x](http://evil)<script>@me #12 $x$ ~y~ \\ & \u202e\n# not a heading"


def test_hostile_names_show_themselves_and_do_nothing() -> None:
    rows = pl.DataFrame({EVIL: [float(x % 7) for x in range(120)],
                         "t": [f"y{EVIL}" if x % 3 else "n" for x in range(120)]})
    made = wf.fit(rows, target="t", models="logistic", jobs=1)
    text = card.card(made)
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside and "\u202e" not in text
    assert "http://" not in outside and "@me" not in outside
    assert "# not a heading" not in [line.strip() for line in text.splitlines()]
    assert not re.search(r"(?<!\\)\[x\]", outside) and not re.search(r"(?<!\\)`c", outside)


@given(st.text(max_size=60))
def test_escaped_words_are_one_line_that_opens_nothing(name: str) -> None:
    told = md.words(name)
    assert "\n" not in told and "<" not in told and "@" not in told
    for letter in "`*[]~$|":
        assert not re.search(rf"(?<!\\)(?:\\\\)*{re.escape(letter)}", told), told
    assert not re.match(r"\s*(#{1,6}(\s|$)|>|[-+](\s|$)|\d+[.)](\s|$)|=+\s*$|-+\s*$)", told), told


@pytest.mark.parametrize(("said", "told"), [
    ("1. first", "1&#8203;. first"), ("0.414", "0.414"), ("# head", "\\# head"), ("#12", "&#35;12"),
    ("- item", "\\- item"), ("-0.5", "-0.5"), ("monthly_charges", "monthly_charges"),
    ("_soft_", "\\_soft\\_"), ("a < b & c", "a &lt; b &amp; c"), ("> quoted", "\\> quoted"),
    ("http://a.b", "http&#58;//a.b"), ("www.a.b", "www&#46;a.b"), ("---", "\\---"),
])
def test_words_are_escaped_where_they_need_it(said: str, told: str) -> None:
    assert md.words(said) == told


@given(st.text(alphabet="`~ab\n", max_size=40))
def test_code_cannot_close_its_own_fence(text: str) -> None:
    made = md.code(text).splitlines()
    fence = made[0]
    assert made[-1] == fence and len(fence) >= 3
    assert all(not line.strip().startswith(fence) for line in made[1:-1])
