"""The file: whole or not at all, and never over another one unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

import wholefit as wf
from wholefit import report
from wholefit.api._understood import understood
from wholefit.report import writing


def test_a_report_is_written_and_never_over_another(three: wf.Result, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    assert three.report(path) == path
    known = understood(three, None, [], False, {})
    assert path.read_text(encoding="utf-8") == report.page(three, known)
    path.write_text("mine")
    with pytest.raises(wf.WholefitError, match=r"r\.html exists; pass force=True / --force"):
        three.report(path)
    assert path.read_text() == "mine"
    three.report(path, force=True)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]


def test_places_that_cannot_be_written_are_named(three: wf.Result, tmp_path: Path) -> None:
    with pytest.raises(wf.WholefitError, match="is a folder"):
        three.report(tmp_path)
    with pytest.raises(wf.WholefitError, match="does not exist; make it first"):
        three.report(tmp_path / "no" / "r.html")


def test_a_page_that_fails_leaves_nothing_behind(
    three: wf.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "r.html"
    old.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "replace", full)
    with pytest.raises(wf.WholefitError, match="cannot be written: No space left"):
        three.report(old, force=True)
    assert old.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]
