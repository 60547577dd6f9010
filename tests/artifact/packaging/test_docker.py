"""Dockerfile and Compose file: the rules, and that the rules catch what they stand against."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.artifact.packaging.conftest import IMAGE, Bundle
from tests.artifact.packaging.rules import dockerfile, instructions

from wholefit.artifact.packaging.plan import ROUTES, USER


@pytest.mark.parametrize("name", ["Dockerfile", "sagemaker/Dockerfile"])
def test_the_dockerfile_keeps_the_rules(bundle: Bundle, name: str) -> None:
    folder = (bundle.done.folder / name).parent
    assert dockerfile(bundle.text(name), folder, root=name.startswith("sagemaker")) == []


# The textbook's Dockerfile for its Flask service, fault by fault.
@pytest.mark.parametrize(("old", "new", "said"), [
    ("EXPOSE 8080", "EXPOSE 80", "EXPOSE says 80"),
    ("FROM python:3", "FROM python:latest\n# ", "moves"),
    (f"USER {USER}:{USER}", "", "USER must be"),
    (f"USER {USER}:{USER}", "USER 0", "root"),
    ('ENTRYPOINT ["wholefit"]', "ENTRYPOINT wholefit", "shell"),
    ('"0.0.0.0"', '"127.0.0.1"', "nobody outside"),
    ("HEALTHCHECK", "LABEL", "nothing looks"),
    ("--no-cache-dir ", "", "cache"),
    ("COPY requirements.txt", "COPY rows.csv", "no such file"),
    ("COPY smoke.py", "COPY PACKAGE.md", ".dockerignore"),
    ("HOME=/tmp", "API_TOKEN=abc", "secret"),
    ("COPY wheels/ wheels/", "ADD wheels/ wheels/", "ADD"),
])
def test_the_rules_catch(bundle: Bundle, old: str, new: str, said: str) -> None:
    text = bundle.text("Dockerfile")
    assert old in text
    found = dockerfile(text.replace(old, new), bundle.done.folder)
    assert any(said in sentence for sentence in found), found


def test_the_image_has_two_stages_and_one_base(bundle: Bundle) -> None:
    bases = [rest.split()[0] for word, rest in instructions(bundle.text("Dockerfile"))
             if word == "FROM"]
    assert len(bases) == 2 and len(set(bases)) == 1


def test_only_what_is_copied_is_sent_to_the_builder(bundle: Bundle) -> None:
    lines = bundle.text(".dockerignore").splitlines()
    assert "*" in lines
    kept = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    assert kept == {"requirements.txt", "wheels", "model.wf", "smoke.py", "example.json"}


def test_every_requirement_has_a_version(bundle: Bundle) -> None:
    lines = [line for line in bundle.text("requirements.txt").splitlines()
             if line and line[0] not in "# "]
    assert len(lines) > 10
    pinned = re.compile(r"[a-z0-9-]+==[0-9][0-9a-zA-Z.!]*( \\)?")
    assert all(pinned.fullmatch(line) for line in lines), lines
    names = {line.partition("==")[0] for line in lines}
    assert {"numpy", "polars", "uvicorn", "typer"} <= names
    assert not names & {"lightgbm", "torch", "pytest", "wholefit", "xgboost-cpu"}


def test_a_library_of_the_model_comes_with_what_it_asks_of_the_system(keyed: Bundle) -> None:
    assert "lightgbm==" in keyed.text("requirements.txt")
    assert "libgomp1" in keyed.text("Dockerfile")
    assert dockerfile(keyed.text("Dockerfile"), keyed.done.folder) == []


def test_the_bill_of_materials_names_what_is_installed(bundle: Bundle) -> None:
    found = {part["name"].lower().replace("_", "-"): part["version"]
             for part in bundle.json("sbom.cdx.json")["components"]}
    for line in bundle.text("requirements.txt").splitlines():
        if "==" in line:
            name, _, version = line.rstrip(" \\").partition("==")
            assert found[name].partition("+")[0] == version
    assert "wholefit" in found


def test_compose_runs_it_closed(bundle: Bundle) -> None:
    model = bundle.yaml("compose.yaml")["services"]["model"]
    assert model["image"] == bundle.done.image and model["image"].startswith(f"{IMAGE}:wf-")
    assert model["read_only"] is True and model["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in model["ports"])
    assert re.fullmatch(r"[1-9]\d+m", model["deploy"]["resources"]["limits"]["memory"])
    images = [service["image"] for service in bundle.yaml("compose.yaml")["services"].values()]
    assert not any(image.endswith(":latest") or ":" not in image for image in images)


def test_compose_fits_its_schema(bundle: Bundle) -> None:
    _fits(bundle, "compose.yaml", "vendor.compose-spec")


def test_prometheus_scrapes_what_there_is(bundle: Bundle) -> None:
    job, = bundle.yaml("prometheus/prometheus.yml")["scrape_configs"]
    assert job["metrics_path"] == ROUTES["metrics"]
    assert job["static_configs"][0]["targets"] == ["model:8080"]
    services = bundle.yaml("compose.yaml")["services"]
    assert "--config.file=/etc/prometheus/prometheus.yml" in services["prometheus"]["command"]
    assert (bundle.done.folder / bundle.yaml("prometheus/prometheus.yml")["rule_files"][0]
            ).parent == bundle.done.folder
    assert "prometheus/alerts.yml" in bundle.done.files


def test_keys_are_asked_for_where_they_were_wanted(bundle: Bundle, keyed: Bundle) -> None:
    assert "--keys" not in bundle.text("compose.yaml") + bundle.text("kubernetes/deployment.yaml")
    model = keyed.yaml("compose.yaml")["services"]["model"]
    assert "--keys" in model["command"] and "./keys.json:/etc/wholefit/keys.json:ro" in model[
        "volumes"]
    pod = keyed.yaml("kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    assert pod["volumes"][1]["secret"]["secretName"] == "risk-keys"
    assert pod["containers"][0]["volumeMounts"][1]["mountPath"] == "/etc/wholefit"
    assert "--keys" not in json.dumps(instructions(keyed.text("Dockerfile")))


def _fits(bundle: Bundle, name: str, schema: str) -> None:
    """Hold a file against a schema that check-jsonschema brings."""
    pytest.importorskip("check_jsonschema")
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema,
         str(Path(bundle.done.folder) / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
