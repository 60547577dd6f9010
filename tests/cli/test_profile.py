"""`wholefit profile`: text for people, JSON for machines, a page, two data sets, no tracebacks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from .conftest import process, table
from .test_terminal import in_terminal


def test_text_json_and_page_say_the_same(room: Path, run, tmp_path: Path) -> None:
    done = run("profile", room / "churn.csv", "--target", "churn", "--out", "p.html")
    assert done.code == 0 and done.out.rstrip().endswith("saved p.html")
    found = json.loads(run("profile", room / "churn.csv", "--target", "churn", "--json").out)
    page = (tmp_path / "p.html").read_text()
    assert found["task"] == "classification" and found["informs"][0]["column"] in done.out
    for each in found["findings"]:
        assert each["evidence"] in done.out
    assert f"next: wholefit fit {room / 'churn.csv'} --target churn" in done.out
    assert all(column["name"] in page.replace("<wbr>", "") for column in found["columns"])


def test_two_files_side_by_side(room: Path, run) -> None:
    done = run("profile", room / "churn.csv", "--against", room / "new.csv")
    assert done.code == 0 and "beside new.csv (100 rows), what moved most:" in done.out
    found = json.loads(
        run("profile", room / "churn.csv", "--against", room / "new.csv", "--json").out)
    assert found["against"]["rows"] == 100 and len(found["against"]["shifts"]) == 21


def test_a_sample_is_said(room: Path, run) -> None:
    done = run("profile", room / "churn.csv", "--sample", "50")
    assert "400 rows" in done.out and "figures from 50 sampled rows" in done.out
    assert run("profile", room / "churn.csv", "--sample", "0").code == 2


def test_no_values(room: Path, run, tmp_path: Path) -> None:
    done = run("profile", room / "churn.csv", "--no-values", "--out", "p.html")
    assert done.code == 0 and "internet_service" in done.out
    assert "Fiber optic" in run("profile", room / "churn.csv").out
    assert "Fiber optic" not in done.out + (tmp_path / "p.html").read_text()
    assert "Fiber optic" not in run("profile", room / "churn.csv", "--no-values", "--json").out


def test_files_are_not_overwritten(room: Path, run, tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text("mine")
    done = run("profile", room / "churn.csv", "--out", "p.html")
    assert done.code == 1 and "p.html exists" in done.last
    assert (tmp_path / "p.html").read_text() == "mine"
    assert run("profile", room / "churn.csv", "--out", "p.html", "--force").code == 0
    assert "source itself" in run("profile", room / "churn.csv", "--out", room / "churn.csv",
                                  "--force").last
    assert run("profile", room / "churn.csv", "--out", "no/p.html").code == 1


@pytest.mark.parametrize(("argv", "said"), [
    (["--target", "chrun"], "did you mean 'churn'?"),
    (["--against", "nowhere.csv"], "no file 'nowhere.csv'"), (["--out", "."], "is a folder")])
def test_wrong_words_end_in_a_sentence(room: Path, run, argv: list[str], said: str) -> None:
    done = run("profile", room / "churn.csv", *argv)
    assert done.code == 1 and said in done.last


def test_a_pipe_gets_whole_lines_and_a_terminal_what_fits(room: Path, tmp_path: Path) -> None:
    source = (room / "churn.csv").read_bytes()
    piped = process("profile", "-", "--target", "churn", cwd=tmp_path, stdin=source)
    assert piped.code == 0 and max(map(len, piped.out.splitlines())) > 80
    code, shown = in_terminal(["profile", str(room / "churn.csv"), "--target", "churn"], tmp_path,
                              width=80)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    lines = [line for line in plain.splitlines() if not line.startswith("next:")]
    assert code == 0 and max(len(line.rstrip()) for line in lines) <= 80


def test_a_terminal_is_spared_a_thousand_lines(tmp_path: Path) -> None:
    wide = {f"c{at}": [1.5, 2.5, 4.5] for at in range(300)}
    pl.DataFrame(wide).write_csv(tmp_path / "wide.csv")
    _, shown = in_terminal(["profile", "wide.csv"], tmp_path, width=80)
    assert "and 200 more columns" in shown
    assert "c299" in process("profile", "wide.csv", cwd=tmp_path).out


def test_hostile_tables(run, tmp_path: Path) -> None:
    table(tmp_path / "one.csv", x=[1], y=["a"])
    assert run("profile", "one.csv", "--target", "y", "--out", "p.html").code == 0
    (tmp_path / "head.csv").write_text("x,y\n")
    done = run("profile", "head.csv")
    assert done.code == 1 and "no rows" in done.last
    table(tmp_path / "odd.csv", **{"^a.*$": ["\u202e<b>", "b"] * 9, "*": [1, None] * 9})
    done = run("profile", "odd.csv", "--target", "*", "--out", "q.html")
    assert done.code == 0 and "^a.*$" in done.out
    assert "\u202e" not in (tmp_path / "q.html").read_text()
