"""The scripts that deploy, run against tools that only note what they are asked, and may fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.artifact.packaging.conftest import Bundle

pytestmark = pytest.mark.skipif(not shutil.which("sh"), reason="the scripts are for sh")

SCRIPTS = ["kubernetes/rollout.sh", "kubernetes/undo.sh", "kserve/rollout.sh",
           "sagemaker/deploy.sh", "vertex/deploy.sh", "azure/deploy.sh"]
TOOL = """#!{python}
import os, sys, pathlib
words = sys.argv[1:]
said = " ".join([pathlib.Path(sys.argv[0]).name, *words])
with open(os.environ["NOTED"], "a") as noted:
    noted.write(said + "\\n")
if words and words[-1].endswith("answer.json"):
    pathlib.Path(words[-1]).write_text("{{}}")
for rule in os.environ.get("RULES", "").split("|"):
    part, _, answer = rule.partition("=>")
    if part and part in said:
        if answer == "fail":
            sys.exit(1)
        print(answer)
        break
"""


def run(bundle: Bundle, script: str, folder: Path, *words: str, rules: str = "",
        **more: str) -> tuple[int, list[str], str]:
    """Exit code, what the tools were asked in order, and what was said."""
    noted = folder / "noted"
    noted.write_text("")
    for name in ("kubectl", "aws", "gcloud", "az"):
        tool = folder / name
        tool.write_text(TOOL.format(python=sys.executable))
        tool.chmod(0o755)
    done = subprocess.run(
        ["sh", str(bundle.done.folder / script), *words], capture_output=True, text=True,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "NOTED": str(noted),
             "RULES": rules, **more}, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, noted.read_text().splitlines(), done.stdout + done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_whole_and_stop_at_the_first_fault(bundle: Bundle, name: str) -> None:
    subprocess.run(["sh", "-n", str(bundle.done.folder / name)], check=True)
    assert "\nset -eu\n" in bundle.text(name) and bundle.text(name).startswith("#!/bin/sh\n")
    if os.name == "posix":
        assert os.access(bundle.done.folder / name, os.X_OK)


def test_a_rollout_that_answers_is_left_alone(bundle: Bundle, tmp_path: Path) -> None:
    code, asked, said = run(bundle, "kubernetes/rollout.sh", tmp_path, "shop",
                            rules="get deployment=>3|get pods=>churn-abc")
    assert code == 0 and "answers" in said
    assert not any("undo" in line for line in asked)
    assert all("--namespace shop" in line for line in asked)
    order = [next(word for word in ("get deployment", "apply", "rollout status", "get pods", "exec")
                  if word in line) for line in asked]
    assert order == ["get deployment", "apply", "rollout status", "get pods", "exec"]


@pytest.mark.parametrize("fault", ["rollout status deployment/churn --timeout=180s", "exec"])
def test_a_rollout_that_fails_goes_back_to_the_revision_before(
    bundle: Bundle, tmp_path: Path, fault: str
) -> None:
    """The textbook's health check always says yes, and its way back is a comment."""
    code, asked, said = run(bundle, "kubernetes/rollout.sh", tmp_path,
                            rules=f"get deployment=>7|get pods=>churn-abc|{fault}=>fail")
    assert code == 1
    assert any("rollout undo deployment/churn --to-revision=7" in line for line in asked), said


def test_a_first_rollout_that_fails_says_that_there_is_no_way_back(
    bundle: Bundle, tmp_path: Path
) -> None:
    code, asked, said = run(bundle, "kubernetes/rollout.sh", tmp_path, rules="rollout status=>fail")
    assert code == 1 and "no revision before it" in said
    assert not any("undo" in line for line in asked)


def test_a_key_to_ask_with_is_no_word_of_a_command(bundle: Bundle, tmp_path: Path) -> None:
    code, asked, _ = run(bundle, "kubernetes/rollout.sh", tmp_path, rules="get pods=>churn-abc",
                         WHOLEFIT_TOKEN="very-secret")
    assert code == 0 and not any("very-secret" in line for line in asked)


def test_a_canary_that_is_not_ready_gets_no_requests(bundle: Bundle, tmp_path: Path) -> None:
    code, asked, _ = run(bundle, "kserve/rollout.sh", tmp_path, "shop", "20",
                         rules="wait --for=>fail")
    assert code == 1 and any('"canaryTrafficPercent":20' in line for line in asked)
    assert '"canaryTrafficPercent":0' in asked[-1]


def test_sagemaker_updates_with_an_alarm_and_says_when_it_was_turned_back(
    bundle: Bundle, tmp_path: Path
) -> None:
    tag = bundle.done.image.rpartition(":")[2]
    needs = {"ROLE_ARN": "arn:aws:iam::1:role/r", "BUCKET": "b", "IMAGE_URI": "i"}
    code, asked, said = run(bundle, "sagemaker/deploy.sh", tmp_path,
                            rules=f"--query EndpointConfigName=>churn-{tag}", **needs)
    assert code == 0, said
    said_all = "\n".join(asked)
    assert said_all.index("put-metric-alarm") < said_all.index("update-endpoint")
    assert "invoke-endpoint" in said_all
    code, asked, said = run(bundle, "sagemaker/deploy.sh", tmp_path,
                            rules="--query EndpointConfigName=>churn-before", **needs)
    assert code == 1 and "turned back: churn-before" in said
    code, asked, _ = run(bundle, "sagemaker/deploy.sh", tmp_path,
                         rules=f"--query EndpointConfigName=>churn-{tag}|describe-endpoint=>fail",
                         **needs)
    assert any("create-endpoint --endpoint-name" in line for line in asked)


@pytest.mark.parametrize(("script", "word"), [
    ("sagemaker/deploy.sh", "ROLE_ARN"), ("vertex/deploy.sh", "PROJECT"),
    ("azure/deploy.sh", "RESOURCE_GROUP")])
def test_what_is_missing_is_said_before_anything_is_done(
    bundle: Bundle, tmp_path: Path, script: str, word: str
) -> None:
    code, asked, said = run(bundle, script, tmp_path)
    assert code != 0 and asked == [] and word in said


def test_azure_asks_the_new_version_before_it_gets_requests(bundle: Bundle, tmp_path: Path) -> None:
    needs = {"RESOURCE_GROUP": "g", "WORKSPACE": "w"}
    code, asked, said = run(bundle, "azure/deploy.sh", tmp_path, "10",
                            rules="online-deployment list=>old", **needs)
    assert code == 0, said
    assert asked.index(next(a for a in asked if "invoke" in a)) < asked.index(
        next(a for a in asked if "--traffic" in a))
    assert any("=10 old=90" in line for line in asked)
    code, asked, _ = run(bundle, "azure/deploy.sh", tmp_path,
                         rules="online-deployment list=>old|invoke=>fail", **needs)
    assert code == 1 and any("online-deployment delete" in line for line in asked)
    assert not any("--traffic" in line for line in asked)


def test_vertex_leaves_the_rest_of_the_requests_where_they_were(
    bundle: Bundle, tmp_path: Path
) -> None:
    code, asked, said = run(
        bundle, "vertex/deploy.sh", tmp_path, "10", PROJECT="p", REGION="r",
        rules="endpoints describe=>11;22|endpoints list=>e/1|models list=>m/1")
    assert code == 0, said
    deploy = next(line for line in asked if "deploy-model" in line)
    assert "--traffic-split=0=10,22=90" in deploy and "--model=m/1@wf-" in deploy
    upload = next(line for line in asked if "models upload" in line)
    assert "--container-predict-route=/predict" in upload and "--parent-model=m/1" in upload
