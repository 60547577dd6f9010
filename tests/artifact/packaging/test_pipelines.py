"""Pipelines: their rules, and their steps run for real where they can be."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.artifact.packaging.conftest import MODEL, MUSEUM, Bundle
from tests.artifact.packaging.rules import commands, script, workflow

WORKFLOW = ".github/workflows/churn.yml"


def found(bundle: Bundle) -> dict[str, Any]:
    loaded: dict[str, Any] = bundle.yaml(WORKFLOW)
    return loaded


def steps(bundle: Bundle) -> list[str]:
    """Every shell script of the two pipelines."""
    github = [step["run"] for job in found(bundle)["jobs"].values() for step in job["steps"]
              if "run" in step]
    return github + re.findall(r"sh '''(.*?)'''", bundle.text("Jenkinsfile"), re.DOTALL)


def test_the_workflow_keeps_the_rules(bundle: Bundle) -> None:
    assert workflow(found(bundle), bundle.done.folder) == []


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda w: w.pop("permissions"), "anything"),
    (lambda w: w["jobs"]["gate"]["steps"][0].update(uses="actions/checkout@v4"), "commit"),
    (lambda w: w["jobs"]["gate"].update({"runs-on": "ubuntu-latest"}), "moves"),
    (lambda w: w["jobs"]["gate"].pop("timeout-minutes"), "hours"),
    (lambda w: w["jobs"]["deploy"].update(needs="nothing"), "not there"),
    (lambda w: w["jobs"]["gate"]["steps"][-1].update(run="echo ${{ github.head_ref }}"), "env"),
    (lambda w: w["jobs"]["gate"]["steps"][-1].update(run="sh nowhere.sh"), "nowhere.sh"),
])
def test_the_rules_catch(bundle: Bundle, spoil: Any, said: str) -> None:
    spoilt = found(bundle)
    spoil(spoilt)
    assert any(said in sentence for sentence in workflow(spoilt, bundle.done.folder))


@pytest.mark.parametrize(("name", "schema"), [
    (WORKFLOW, "vendor.github-workflows"), (".github/dependabot.yml", "vendor.dependabot")])
def test_it_fits_the_schema_of_github(bundle: Bundle, name: str, schema: str) -> None:
    pytest.importorskip("check_jsonschema")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema,
         str(bundle.done.folder / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rollout_waits_for_the_gate_and_for_the_image(bundle: Bundle) -> None:
    jobs = found(bundle)["jobs"]
    assert jobs["image"]["needs"] == "gate" and jobs["deploy"]["needs"] == "image"
    assert "pull_request" in jobs["deploy"]["if"]
    stages = re.findall(r"stage\('(\w+)'\)", bundle.text("Jenkinsfile"))
    assert stages == ["Install", "Check", "Gate", "Image", "Push", "Deploy"]


def test_the_image_that_is_built_is_the_one_that_is_rolled_out(bundle: Bundle) -> None:
    assert found(bundle)["env"]["IMAGE"] == bundle.done.image
    assert f"IMAGE = '{bundle.done.image}'" in bundle.text("Jenkinsfile")
    assert f"image: {bundle.done.image}" in bundle.text("kubernetes/deployment.yaml")


def test_the_jenkinsfile_is_whole(bundle: Bundle) -> None:
    text = bundle.text("Jenkinsfile")
    bare = re.sub(r"'''.*?'''|'[^'\n]*'|//[^\n]*", "", text, flags=re.DOTALL)
    for opening, closing in ("{}", "()", "[]"):
        assert bare.count(opening) == bare.count(closing)
    for word in ("pipeline {", "agent {", "stages {", "post {", "timeout(", "cleanWs()"):
        assert word in text
    # Groovy fills in what stands in double quotes: a secret would be seen in the list of processes.
    assert '"""' not in text
    assert all(not list(script(each, bundle.done.folder)) for each in steps(bundle))


def test_secrets_are_never_words_of_a_command(bundle: Bundle) -> None:
    for each in steps(bundle):
        assert not re.search(r"--password[ =](?!-)", each)
        assert not re.search(r"(echo|curl)[^|\n]*(TOKEN|SECRET|KUBE_CONFIG)", each)


def test_every_command_of_wholefit_exists_with_its_options(bundle: Bundle) -> None:
    from typer.testing import CliRunner

    from wholefit.cli._app import _app_for

    asked = [words for each in [*steps(bundle), bundle.text("Dockerfile"), bundle.text(
        "sagemaker/Dockerfile")] for words in commands(each)]
    assert {words[0] for words in asked} >= {"show", "audit-packages", "gate"}
    for words in asked:
        told = CliRunner().invoke(_app_for([words[0]]), [words[0], "--help"],
                                  env={"COLUMNS": "200"}).output
        options = [word for word in words[1:] if re.fullmatch(r"--[a-z-]+", word)]
        assert "Usage" in told and all(option in told for option in options), words


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("git"),
                    reason="the step is run by bash, in a repository of git")
def test_the_gate_passes_the_same_and_refuses_a_worse_model(bundle: Bundle, tmp_path: Path) -> None:
    """The step of the pipeline itself, on commits of two models and rows that neither knows."""
    pl = pytest.importorskip("polars")
    from wholefit.data import bundled

    rows = pl.read_csv(bundled.path("credit_data")).tail(600)
    rows.write_csv(tmp_path / "held_out.csv")
    step = next(each for each in steps(bundle) if "wholefit gate" in each)
    first = MODEL.read_bytes()
    worse = (MUSEUM / "dummy-classification-0.1.wf").read_bytes()
    assert _step(tmp_path, step, [first, first]) == 0
    assert _step(tmp_path, step, [first, worse]) == 1


def _step(folder: Path, step: str, models: list[bytes]) -> int:
    """The exit code of the step after commits of the models."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    shutil.rmtree(folder / ".git", ignore_errors=True)
    subprocess.run([*git, "init", "--quiet"], cwd=folder, check=True)
    for model in models:
        (folder / "model.wf").write_bytes(model)
        subprocess.run([*git, "add", "model.wf"], cwd=folder, check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "m"], cwd=folder,
                       check=True)
    command = folder / "bin" / "wholefit"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wholefit "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step], cwd=folder, capture_output=True, text=True,
        env={**_environment(), "PATH": f"{command.parent}:{_environment()['PATH']}",
             "HELD_OUT": "held_out.csv"}, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
