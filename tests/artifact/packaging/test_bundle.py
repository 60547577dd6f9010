"""Bundles: what goes in, what stays out, what is refused; and that they repeat."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.artifact.packaging.conftest import BOOSTED, MODEL, TRIAL, Bundle
from tests.spoiled import spoil

from wholefit.api import packaging as api
from wholefit.artifact.packaging import chosen, known, label, megabytes, wheel
from wholefit.artifact.packaging._fill import FOLDER, names
from wholefit.artifact.packaging.plan import Plan
from wholefit.base.errors import (
    AccessError,
    ArtifactError,
    ParameterError,
    UnknownNameError,
    WholefitError,
)


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started: what is tested here is what comes after."""
    monkeypatch.setattr(api, "trial", lambda path, modules, row: TRIAL)


def plan(**words: Any) -> Plan:
    return Plan(**{"name": "churn", "image": "churn", "tag": "wf-1", "base": "python:3.12.8-slim",
                   "python": "3.12.8", "identity": "ab" * 32, "task": "classification", **words})


def test_every_target_of_the_help_is_there() -> None:
    assert list(known()) == ["azure", "compose", "docker", "github", "jenkins", "kserve",
                             "kubernetes", "sagemaker", "vertex"]
    assert [one.NAME for one in chosen(["github"])] == ["docker", "kubernetes", "github"]
    with pytest.raises(UnknownNameError, match="did you mean 'kubernetes'"):
        chosen(["kubernets"])


def test_no_template_is_left_over_and_none_asks_for_an_unknown_word(bundle: Bundle) -> None:
    for name in bundle.done.files:
        if not name.endswith((".wf", ".whl", ".gz")):
            assert not [word for word in ("@name@", "@port@", "@tag@", "@image@")
                        if word in bundle.text(name)], name
    every = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert len(every) >= 30 and all(names(each) is not None for each in every)


@pytest.mark.parametrize(("words", "said"), [
    ({"name": "Churn 2024"}, "name"), ({"name": "x" * 41}, "name"), ({"name": "a-"}, "name"),
    ({"name": "a\nkind: Secret"}, "name"), ({"image": "a b"}, "image"),
    ({"image": "a:latest"}, "image"), ({"image": "$(rm -rf /)"}, "image"),
    ({"base": "python"}, "moves"), ({"base": "python:latest"}, "moves"),
    ({"base": "localhost:5000/python"}, "moves"), ({"base": "python:3\nRUN x"}, "base"),
    ({"cpu": "lots"}, "cpu"), ({"memory": "1; x"}, "memory"), ({"tag": "a b"}, "tag"),
    ({"low": 3, "high": 2}, "replicas"), ({"low": 0}, "replicas"), ({"port": 80}, "port"),
    ({"python": "3.12"}, "Python"), ({"port": "8080"}, "port"), ({"high": 2.5}, "replicas"),
])
def test_words_that_are_not_safe_where_they_are_put_are_refused(
    words: dict[str, Any], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        plan(**words)


def test_a_digest_is_as_good_as_a_tag() -> None:
    base = f"registry.example.com:5000/python:3.12@sha256:{'ab' * 32}"
    assert plan(base=base).base == base


@pytest.mark.parametrize(("words", "name"), [
    ("Churn 2024", "churn-2024"), ("2024", "model"), ("ärger", "rger"), ("", "model"),
    ("a" * 80, "a" * 40), ("-x-", "x")])
def test_names_are_made_fit(words: str, name: str) -> None:
    assert label(words) == name
    assert plan(name=name).name == name


def test_megabytes_are_rounded_up() -> None:
    assert (megabytes(1), megabytes(64 * 2**20), megabytes(65 * 2**20)) == ("64Mi", "64Mi", "128Mi")


@pytest.mark.usefixtures("untried")
def test_equal_contents_give_equal_bytes_and_the_tag_stands_for_them(tmp_path: Path) -> None:
    one, two = (api.package(MODEL, tmp_path / name, to=list(known()), name="churn")
                for name in ("one", "two"))
    assert one.image == two.image and list(one.files) == list(two.files)
    for name in one.files:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes(), name
    other = api.package(BOOSTED, tmp_path / "other", name="churn")
    base = api.package(MODEL, tmp_path / "base", name="churn", base="python:3.12.9-slim-bookworm")
    assert len({one.image, other.image, base.image}) == 3


@pytest.mark.usefixtures("untried")
def test_nothing_is_replaced_unless_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("mine")
    with pytest.raises(WholefitError, match="exists"):
        api.package(MODEL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["Dockerfile"]
    assert (tmp_path / "Dockerfile").read_text() == "mine"
    api.package(MODEL, tmp_path, force=True)
    assert "FROM" in (tmp_path / "Dockerfile").read_text()
    assert not list(tmp_path.rglob(".*.????????"))


def test_a_damaged_model_is_not_packaged(tmp_path: Path) -> None:
    path = tmp_path / "m.wf"
    path.write_bytes(MODEL.read_bytes())
    spoil(path)
    with pytest.raises(ArtifactError):
        api.package(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sealed_model_is_listed_and_not_packaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography")
    from wholefit.artifact import opening
    from wholefit.base.sealing import Sealer, new_key

    (tmp_path / "k").write_bytes(new_key())
    made = opening.seal(MODEL, tmp_path / "m.wf.sealed", Sealer([(tmp_path / "k").read_bytes()]))
    with pytest.raises(AccessError, match="unseal it first"):
        api.package(made, tmp_path / "out")
    monkeypatch.setenv("WHOLEFIT_KEY", f"file:{tmp_path / 'k'}")
    names = {each["name"] for each in api.bill_of_materials(made)["components"]}
    assert {"numpy", "cryptography"} <= names


def test_the_example_is_made_and_nobodys_row(bundle: Bundle) -> None:
    example = bundle.json("example.json")
    from wholefit.api.result import load

    assert set(example) == set(load(MODEL).schema.features)
    assert "answered here" in bundle.done.to_text()


def test_what_is_missing_in_the_image_is_found_by_taking_it_away(bundle: Bundle) -> None:
    """The trial runs without every package that is not listed: one that is needed shows itself."""
    found = api.trial(BOOSTED, {"numpy", "scipy", "polars", "_polars_runtime_32", "sklearn",
                                "joblib", "threadpoolctl", "uvicorn", "click", "h11"}, None)
    assert found.missing == "lightgbm", found


def test_the_wheel_installs_what_runs_here(tmp_path: Path) -> None:
    data = wheel.build()
    files, about = {"b.py": b"2", "a.py": b"1"}, {"WHEEL": "x", "METADATA": "y"}
    assert wheel.packed(files, about) == wheel.packed(dict(sorted(files.items())), about)
    path = tmp_path / wheel.name()
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        held = archive.namelist()
        assert archive.testzip() is None
    assert "wholefit/cli/_app.py" in held and not [each for each in held if "__pycache__" in each
                                                   or "/." in each]
    assert any(each.startswith("wholefit/artifact/packaging/templates/") for each in held)
    target = tmp_path / "site"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(target)
    done = subprocess.run(
        [sys.executable, "-c", "import wholefit, wholefit.cli as c; print(wholefit.__file__);"
         "c.main(['--version'])"], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": str(target), "PATH": ""})
    assert str(target) in done.stdout and "wholefit 0." in done.stdout, done.stderr


def test_models_of_other_tasks_are_packaged_too(tmp_path: Path) -> None:
    museum = MODEL.parent
    found = api.package(museum / "als-recommendation-0.1.wf", tmp_path / "out", name="films")
    assert json.loads((tmp_path / "out" / "example.json").read_text()) is None or found.said
    assert "film" in found.image
