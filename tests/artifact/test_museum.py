"""Every artifact that an earlier version wrote still loads, and answers as it did."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from wholefit import artifact, models
from wholefit.artifact import _format
from wholefit.base import tasks
from wholefit.base.errors import ArtifactError
from wholefit.base.state import State

MUSEUM = Path(__file__).parent / "museum"
EXHIBITS = sorted(MUSEUM.glob("*.wf"))


def _load_add():
    spec = importlib.util.spec_from_file_location("museum_add", MUSEUM / "add.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


museum = _load_add()


def label(path: Path) -> dict:
    """What an exhibit's label says."""
    return json.loads(path.with_suffix(".json").read_text())


def holds_true(path: Path) -> None:
    """The artifact holds what its label says, and answers as it did."""
    assert all(fact.ok for fact in artifact.verify(path)), artifact.verify(path)
    package, said = artifact.read(path), label(path)
    kept = {name: said[name] for name in ("answers", "asked", "said") if name in said}
    assert {**museum.label(package), **kept} == said
    if "asked" in said:
        assert same_rows(museum.said(path, said["asked"]), said["said"], **_tolerance(package))
    assert path.with_suffix(".npz").exists() == said["answers"]
    if said["answers"]:
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as kept:
            now = museum.answer(package, kept["X"])
            np.testing.assert_allclose(now, kept["answer"], **_tolerance(package))


def _tolerance(package) -> dict:
    """How near answers must be: of networks that see and read, which work in float32, less near."""
    model = package.states.get("model")
    spans = model.config["inputs"]["spans"] if model and model.kind == "network" else []
    single = any(span["kind"] in ("image", "tokens") for span in spans)
    return {"rtol": 1e-5, "atol": 1e-6} if single else {"rtol": 1e-9, "atol": 1e-12}


def same_rows(now: list[dict], then: list[dict], rtol: float, atol: float) -> bool:
    """The same words, and numbers that agree as nearly."""
    if len(now) != len(then) or any(a.keys() != b.keys() for a, b in zip(now, then, strict=True)):
        return False
    return all(b[name] == pytest.approx(a[name], rel=rtol, abs=atol) if isinstance(a[name], float)
               else a[name] == b[name] for a, b in zip(now, then, strict=True) for name in a)


def test_the_museum_is_open_and_every_exhibit_has_its_label():
    assert EXHIBITS, "the museum must hold at least one artifact of every format"
    assert {path.stem for path in EXHIBITS} == {path.stem for path in MUSEUM.glob("*.json")}
    assert {path.stem for path in MUSEUM.glob("*.npz")} <= {path.stem for path in EXHIBITS}


def test_every_format_there_ever_was_is_shown():
    assert {label(path)["format"] for path in EXHIBITS} == set(range(1, artifact.FORMAT + 1))


# What has no file of its own here, and why.
NOT_SHOWN = {"pretrained": "it is another network's weights, which are megabytes"}


def shows(stem: str, name: str, kind: str) -> bool:
    """Whether an exhibit is of this model, for one of the tasks of this kind."""
    named = any(stem.startswith(f"{each}-") for each in (name, name.replace("_", "-")))
    tasks_of = ("classification", "regression") if kind == "supervised" else (kind,)
    return named and any(task in stem for task in tasks_of)


@pytest.mark.parametrize("kind", ["supervised", *tasks.names(supervised=False)])
def test_every_model_of_every_task_is_shown(kind):
    """A model that answers with classes and with numbers is shown with one of them at least."""
    names = {*models.names("classification"), *models.names("regression")} \
        if kind == "supervised" else set(models.names(kind))
    missing = sorted(name for name in names - NOT_SHOWN.keys()
                     if not any(shows(path.stem, name, kind) for path in EXHIBITS))
    assert not missing, f"fit each, save it, and add it with {MUSEUM / 'add.py'}: {missing}"


@pytest.mark.parametrize("path", EXHIBITS, ids=lambda path: path.stem)
def test_an_exhibit_holds_what_its_label_says_and_answers_as_it_did(path):
    holds_true(path)


def linear(weight: float) -> State:
    """The state of the line 1 + weight * x."""
    return State("linear", {"link": "identity", "n_classes": 0},
                 {"coef": np.array([[weight]]), "intercept": np.array([1.0])})


def test_an_exhibit_that_changed_is_noticed(tmp_path):
    artifact.write(tmp_path / "m.wf", {"a": 1}, {"model": linear(2.0)})
    museum.add(tmp_path / "m.wf", "one", np.array([[0.0], [3.0]]), folder=tmp_path)
    holds_true(tmp_path / "one.wf")
    with np.load(tmp_path / "one.npz") as kept:
        assert kept["answer"].tolist() == [1.0, 7.0]
    with pytest.raises(SystemExit, match="never replaced"):
        museum.add(tmp_path / "m.wf", "one", folder=tmp_path)

    np.savez(tmp_path / "one.npz", X=np.array([[0.0]]), answer=np.array([1.1]))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        holds_true(tmp_path / "one.wf")
    artifact.write(tmp_path / "one.wf", {"a": 1}, {"model": linear(2.0 + 2**-51)}, force=True)
    with pytest.raises(AssertionError):
        holds_true(tmp_path / "one.wf")


# -- migrations -------------------------------------------------------------------------------

def test_every_old_format_has_a_migration():
    assert sorted(_format.MIGRATIONS) == list(range(1, _format.FORMAT))


def test_migrations_run_in_turn_from_the_files_own_format(tmp_path, monkeypatch):
    artifact.write(tmp_path / "m.wf", {"steps": [1]}, {"m": State("k", arrays={"w": np.ones(2)})})

    def step(to):
        def migrate(manifest):
            record = {"steps": [*manifest["record"]["steps"], to]}
            return {**manifest, "format": to, "record": record}
        return migrate

    monkeypatch.setattr(_format, "FORMAT", 3)
    monkeypatch.setattr(_format, "MIGRATIONS", {1: step(2), 2: step(3)})
    package = artifact.read(tmp_path / "m.wf")
    assert package.record == {"steps": [1, 2, 3]}
    assert package.format == 1
    assert package.states["m"].arrays["w"].tolist() == [1.0, 1.0]


def test_a_migration_that_misses_something_is_an_artifact_error(tmp_path, monkeypatch):
    artifact.write(tmp_path / "m.wf", {}, {})
    monkeypatch.setattr(_format, "FORMAT", 2)
    monkeypatch.setattr(_format, "MIGRATIONS", {1: lambda manifest: manifest["record"]["task"]})
    with pytest.raises(ArtifactError, match="something of format 1 is missing"):
        artifact.read(tmp_path / "m.wf")
