"""Hashes as pip reports them; what it does not report is told as missing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from wholefit.artifact.dependencies import Distribution, _lock
from wholefit.base.errors import DataError

PACKAGES = {"demo": Distribution("Demo", "1.0+cpu"), "other": Distribution("other", "2.1"),
            "wholefit": Distribution("wholefit", "0.1.0")}


def registry(monkeypatch: pytest.MonkeyPatch, known: dict[str, str]) -> list[list[str]]:
    """A pip that knows these packages, and fails as a whole for any other; what it was asked."""
    asked: list[list[str]] = []

    def run(words: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        lines = [word for word in words if "==" in word]
        asked.append(lines)
        names = [line.partition("==")[0] for line in lines]
        if set(names) <= set(known):
            report = [{"metadata": {"name": name}, "download_info": {
                "archive_info": {"hashes": {"sha256": known[name]}}}} for name in names]
            Path(words[words.index("--report") + 1]).write_text(json.dumps({"install": report}))
        return subprocess.CompletedProcess(words, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_hashes_are_those_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = registry(monkeypatch, {"demo": "ab" * 32, "other": "cd" * 32})
    found = _lock.hashes(PACKAGES, "3.12.8")
    assert found == {"demo": ("ab" * 32,), "other": ("cd" * 32,)}
    assert asked == [["demo==1.0", "other==2.1"]], "local versions and wholefit are not asked for"
    assert _lock.missing(PACKAGES, found) == []


def test_one_that_is_not_there_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    registry(monkeypatch, {"other": "cd" * 32})
    found = _lock.hashes(PACKAGES, "3.12.8")
    assert found == {"other": ("cd" * 32,)}
    assert _lock.missing(PACKAGES, found) == ["demo"]


def test_no_registry_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    registry(monkeypatch, {})
    with pytest.raises(DataError, match="could not be reached"):
        _lock.hashes(PACKAGES, "3.12.8")


@pytest.mark.parametrize("report", [
    {}, {"install": 3}, {"install": [{}]}, {"install": [{"metadata": {"name": "x"}}]},
    {"install": [None]}, {"install": [{"metadata": {"name": "x"}, "download_info": {
        "dir_info": {}}}]}])
def test_an_odd_report_holds_no_hash(report: dict[str, Any]) -> None:
    assert _lock._read(report) == {}
