"""`wholefit package`, `audit-packages`, `sbom` on the command line: words, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wholefit.api import packaging
from wholefit.artifact.packaging import Trial
from wholefit.cli import main

MODEL = str(Path(__file__).parents[1] / "artifact/museum/logistic-classification-0.1.wf")
TRIAL = Trial(True, peak=150 * 2**20, seconds=1.0)


@pytest.fixture(autouse=True)
def untried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No process is started, and files are written into a folder of the test's own."""
    monkeypatch.setattr(packaging, "trial", lambda path, modules, row: TRIAL)
    monkeypatch.chdir(tmp_path)


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(argv))
    return int(ended.value.code or 0)


def advisories(name: str) -> str:
    path = Path("osv.json")
    path.write_text(json.dumps({
        "id": "PYSEC-1", "summary": "Bad.", "modified": "2026-01-02", "affected": [
            {"package": {"ecosystem": "PyPI", "name": name}, "versions": [],
             "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}))
    return str(path)


def test_a_bundle_is_written_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("package", MODEL, "out", "--to", "kubernetes", "--to", "compose", "--name", "churn",
               "--keys") == 0
    told = capsys.readouterr().out
    assert "sh kubernetes/rollout.sh" in told and "kubernetes/hpa.yaml" in told
    assert "--keys" in Path("out/kubernetes/deployment.yaml").read_text()
    assert run("package", MODEL, "again", "--to", "docker", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["files"]) >= {"Dockerfile", "requirements.txt", "sbom.cdx.json", "model.wf"}
    assert found["files"]["Dockerfile"] == Path("again/Dockerfile").stat().st_size


@pytest.mark.parametrize(("words", "said"), [
    (["--to", "kubernets"], "did you mean 'kubernetes'"),
    (["--to", "docker", "--image", "a:latest"], "without a tag"),
    (["--to", "docker", "--base", "python:latest"], "a tag that moves"),
    (["--to", "docker", "--name", "no good"], "lower-case"),
    (["--to", "docker", "--replicas", "5", "--most", "2"], "replicas <= most"),
])
def test_a_bad_word_is_one_sentence_and_nothing_is_written(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("package", MODEL, "out", *words) == 1
    told = capsys.readouterr().err
    assert said in told and len(told.splitlines()) == 1
    assert not Path("out").exists()


def test_vulnerable_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("audit-packages", MODEL, "--offline", "--database", advisories("numpy")) == 1
    told = capsys.readouterr().out
    assert "PYSEC-1" in told and "no version is known to be" in told
    assert run("audit-packages", MODEL, "--offline", "--database", advisories("torch")) == 0
    assert "0 in 0 packages" in capsys.readouterr().out


def test_what_is_not_known_is_told_and_strict_minds_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("audit-packages", MODEL, "--offline") == 0
    told = capsys.readouterr().out
    assert told.count("not known") == 2
    assert run("audit-packages", MODEL, "--offline", "--strict") == 1
    capsys.readouterr()
    assert run("audit-packages", MODEL, "--offline", "--json") == 0
    assert json.loads(capsys.readouterr().out)["everything_known"] is False


def test_a_bill_of_materials_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sbom", MODEL, "--out", "sbom.json") == 0
    assert json.loads(Path("sbom.json").read_text())["bomFormat"] == "CycloneDX"
    assert run("sbom", MODEL, "--out", "sbom.json") == 1
    capsys.readouterr()
    assert run("sbom", MODEL) == 0
    assert json.loads(capsys.readouterr().out)["specVersion"] == "1.6"
