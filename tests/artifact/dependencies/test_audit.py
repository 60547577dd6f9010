"""The audit: what is out of date, what is vulnerable, and what nobody knows; and the SBOM."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from wholefit.artifact.dependencies import Distribution, audit, closure, fetching, outdated, sbom
from wholefit.artifact.dependencies.sbom import ModelFacts
from wholefit.base.errors import DataError

PACKAGES = {"demo": Distribution("Demo", "1.0", ("other",)), "other": Distribution("other", "2.1")}


def answers(newest: dict[str, str], error: str = "") -> Any:
    """A registry that knows these versions and no others, in place of pip."""

    def run(words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        name = words[words.index("versions") + 1]
        if name in newest:
            return subprocess.CompletedProcess(words, 0, f"{name} ({newest[name]})\nAvailable "
                                               f"versions: {newest[name]}\n", "")
        return subprocess.CompletedProcess(words, 1, "", error or
                                           f"ERROR: No matching distribution found for {name}")

    return run


def write(folder: Path, *names: str) -> Path:
    path = folder / "osv.json"
    path.write_text(json.dumps([
        {"id": f"PYSEC-{at}", "modified": "2026-01-01", "summary": "Bad.", "affected": [
            {"package": {"ecosystem": "PyPI", "name": name}, "versions": [],
             "ranges": [{"type": "ECOSYSTEM",
                         "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}
        for at, name in enumerate(names)]))
    return path


def test_vulnerable_and_outdated_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", answers({"demo": "3.0", "other": "2.1"}))
    found = audit(PACKAGES, database=write(tmp_path, "demo", "other"))
    assert [one.name for one in found.vulnerable] == ["Demo"]
    assert [one.name for one in found.outdated] == ["Demo"]
    assert not found.unknown and found.newest_advisory == "2026-01-01"
    assert found.table()[1] == [["Demo", "1.0", "PYSEC-0", "mended in 2.0"]]
    assert found.to_json()["everything_known"] is True


def test_without_a_database_nothing_is_said_to_be_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", answers({"demo": "1.0", "other": "2.1"}))
    found = audit(PACKAGES)
    assert found.unknown and not found.vulnerable
    assert all(one["vulnerabilities"] is None for one in found.to_json()["packages"])
    assert "vulnerabilities: not known" in found.to_text()


def test_a_registry_that_does_not_answer_is_not_up_to_date(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "WARNING: Retrying https://user:secret@registry.example.com/simple/demo"
    monkeypatch.setattr(subprocess, "run", answers({}, secret))
    found = audit(PACKAGES)
    assert found.unknown and not found.outdated
    assert {one.newest for one in found.packages} == {None}
    assert "not known" in found.said[0]
    assert "secret" not in json.dumps(found.to_json())


def test_one_package_that_the_registry_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", answers({"demo": "1.0"}))
    found = audit(PACKAGES)
    assert found.said[0] == (
        "newer versions: 0 packages of 2 out of date. Not known of other (the registry has no such "
        "package, or could not be reached).")


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any, **options: Any) -> None:
        raise AssertionError("the registry was asked")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert audit(PACKAGES, ask=False).unknown


def test_pip_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(words: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(words, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert "no answer within 3 s" in outdated.newest(["demo"], seconds=3)["demo"].why_not


@pytest.mark.parametrize(("newest", "have", "newer"), [
    ("2.13.0", "2.13.0+cpu", False), ("2.14", "2.13.0+cpu", True), ("1.0", "1.0.0", False),
    ("1.0", "1.1", False), ("odd!", "1.0", False)])
def test_newer(newest: str, have: str, newer: bool) -> None:
    assert outdated.is_newer(newest, have) is newer


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server on this machine that gives a small database, and counts how often."""
    asked: dict[str, Any] = {"times": 0, "data": _zipped()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked["times"] += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(asked["data"])

        def log_message(self, *words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/all.zip", asked
    server.shutdown()
    server.server_close()


def _zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("GHSA-1.json", "{}" * 50)
    return held.getvalue()


def test_a_database_is_downloaded_once_a_day(
    tmp_path: Path, site: tuple[str, dict[str, Any]]
) -> None:
    address, asked = site
    first = fetching.database(tmp_path / "cache", address=address)
    assert first.read_bytes() == asked["data"]
    assert fetching.database(tmp_path / "cache", address=address) == first
    assert asked["times"] == 1


@pytest.mark.parametrize("data", [b"", b"<html>log in first</html>", _zipped()[:-30]])
def test_a_download_that_was_cut_short_is_not_kept(
    tmp_path: Path, site: tuple[str, dict[str, Any]], data: bytes
) -> None:
    address, asked = site
    asked["data"] = data
    with pytest.raises(DataError, match="no whole zip"):
        fetching.database(tmp_path, address=address)
    assert not list(tmp_path.iterdir())


def test_no_network_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"could not be downloaded.*--database"):
        fetching.database(tmp_path, address="http://127.0.0.1:9/all.zip", seconds=2)


FACTS = ModelFacts("churn", "1234", "churn.wf", "ab" * 32, "classification", "lightgbm",
                   {"roc_auc": {"value": 0.87, "low": 0.85, "high": 0.89},
                    "f1": {"value": None, "low": None, "high": None}})


def test_the_bill_of_materials_names_everything_once() -> None:
    packages = closure(["wholefit"])
    found = sbom.document(FACTS, packages, {"numpy": ("cd" * 32,)})
    refs = [part["bom-ref"] for part in found["components"]]
    main = found["metadata"]["component"]
    assert len(refs) == len(set(refs)) == len(packages)
    assert {entry["ref"] for entry in found["dependencies"]} == {*refs, main["bom-ref"]}
    assert all(set(entry["dependsOn"]) <= set(refs) for entry in found["dependencies"])
    assert main["type"] == "machine-learning-model"
    metrics = main["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics == [{"type": "roc_auc", "value": "0.87", "confidenceInterval": {
        "lowerBound": "0.85", "upperBound": "0.89"}}]
    assert found == sbom.document(FACTS, packages, {"numpy": ("cd" * 32,)}), "it repeats"
    other = sbom.document(FACTS, packages)
    assert other["serialNumber"] != found["serialNumber"]


def test_the_bill_of_materials_fits_the_schema_of_cyclonedx() -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    told = json.dumps(sbom.document(FACTS, closure(["wholefit"]), {"numpy": ("cd" * 32,)}))
    assert validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(told) is None
