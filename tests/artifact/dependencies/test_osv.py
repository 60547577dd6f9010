"""Advisories in the OSV format: which versions they are about; files that are none."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholefit.artifact.dependencies import osv
from wholefit.base.errors import DataError

versions = pytest.importorskip("packaging.version")


def advisory(name: str = "demo", events: list[dict[str, str]] | None = None,
             **more: Any) -> dict[str, Any]:
    ranges = [] if events is None else [{"type": "ECOSYSTEM", "events": events}]
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": ranges,
                "versions": more.pop("versions", [])}
    return {"id": "PYSEC-2024-1", "modified": "2024-05-06T00:00:00Z", "summary": "It is bad.",
            "affected": [affected], **more}


def database(folder: Path, *advisories: dict[str, Any]) -> osv.Database:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for at, each in enumerate(advisories):
            archive.writestr(f"{at}.json", json.dumps(each))
    return osv.read(path)


@pytest.mark.parametrize(("version", "hit"), [
    ("0.9", True), ("1.4.2", True), ("1.5rc1", True), ("1.5", False), ("2.0", False),
    ("2.1", True), ("2.1.post1", False), ("2.2", False), ("1.0+local", True)])
def test_events_turn_it_on_and_off(version: str, hit: bool) -> None:
    events = [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0.1"},
              {"last_affected": "2.1"}]
    assert osv.affected(advisory(events=events)["affected"][0], version) is hit


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8, unique=True), st.integers(0, 40),
       st.randoms())
def test_events_agree_with_intervals_counted_out(
    cuts: list[int], at: int, shuffled: random.Random
) -> None:
    cuts = sorted(cuts)
    events = [{("introduced", "fixed")[place % 2]: f"1.{cut}"} for place, cut in enumerate(cuts)]
    shuffled.shuffle(events)
    inside = sum(cut <= at for cut in cuts) % 2 == 1
    assert osv.affected({"ranges": [{"type": "ECOSYSTEM", "events": events}]}, f"1.{at}") is inside


def test_listed_versions_count_however_they_are_spelt() -> None:
    affects = advisory(versions=["1.0", "1.1"])["affected"][0]
    assert osv.affected(affects, "1.0.0") is True
    assert osv.affected(affects, "1.2") is False


def test_what_cannot_be_put_in_order_is_not_called_safe() -> None:
    affects = advisory(events=[{"introduced": "0"}, {"fixed": "what?"}])["affected"][0]
    assert osv.affected(affects, "1.0") is None
    assert osv.affected(advisory(events=[{"introduced": "0"}])["affected"][0], "odd!") is None


def test_one_vulnerability_of_two_databases_is_told_once(tmp_path: Path) -> None:
    found = database(
        tmp_path,
        advisory(events=[{"introduced": "0"}, {"fixed": "2"}], aliases=["CVE-2024-1"]),
        {**advisory(events=[{"introduced": "0"}, {"fixed": "2.0"}], aliases=["CVE-2024-1"],
                    database_specific={"severity": "HIGH"}), "id": "GHSA-aaaa"},
        {**advisory(events=[{"introduced": "0"}]), "id": "PYSEC-2024-9", "withdrawn": "2024-06-01"},
        advisory("another", [{"introduced": "0"}]))
    hit, unsure = found.about("Demo", "1.0")
    assert [each.ids for each in hit] == [("PYSEC-2024-1", "CVE-2024-1", "GHSA-aaaa")]
    assert hit[0].severity == "high" and set(hit[0].fixed) == {"2", "2.0"} and not unsure
    assert found.about("demo", "3.0") == ([], [])
    assert (found.read, found.newest) == (4, "2024-05-06")


def test_files_folders_and_lines_hold_the_same(tmp_path: Path) -> None:
    one, two = advisory(events=[{"introduced": "0"}]), advisory("other", [{"introduced": "0"}])
    (tmp_path / "list.json").write_text(json.dumps([one, two]))
    (tmp_path / "lines.jsonl").write_text(f"{json.dumps(one)}\n{json.dumps(two)}\n")
    folder = tmp_path / "folder" / "deep"
    folder.mkdir(parents=True)
    for name, each in (("a", one), ("b", two)):
        (folder / f"{name}.json").write_text(json.dumps(each))
    found = [osv.read(tmp_path / name) for name in ("list.json", "lines.jsonl", "folder")]
    assert {tuple(sorted(each.advisories)) for each in found} == {("demo", "other")}


@pytest.mark.parametrize("document", [
    [], 3, {"id": 7}, {"id": "x"}, {"id": "ok-1", "affected": 3}, {"id": "ok-1", "affected": [3]},
    {"id": "ok-1", "affected": [{"package": "demo"}]}, {"id": "a\x1b[31m", "affected": []},
    advisory(aliases=[3, None], events=[{"introduced": 5}]),
    {"id": "ok-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "demo"},
                                 "ranges": [{"type": "ECOSYSTEM", "events": [3, {}]}],
                                 "versions": [1.0, None]}]}])
def test_hostile_documents_are_no_traceback(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps([document, advisory(events=[{"introduced": "0"}])]))
    found = osv.read(path)
    hit, _ = found.about("demo", "1.0")
    assert len(hit) >= 1


@pytest.mark.parametrize("content", [
    b"", b"{", b"\x00" * 100, b"[" * 100_000, b"PK\x03\x04 but no zip", b'"text"'])
def test_what_is_no_database_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match="advisory"):
        osv.read(path)


def test_a_damaged_zip_is_refused_in_a_sentence(tmp_path: Path) -> None:
    database(tmp_path, *[advisory(events=[{"introduced": "0"}])] * 30)
    data = bytearray((tmp_path / "all.zip").read_bytes())
    data[40:60] = b"\xff" * 20
    (tmp_path / "bad.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match="cannot be read"):
        osv.read(tmp_path / "bad.zip")


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        osv.read(tmp_path / "none.zip")
