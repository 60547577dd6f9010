"""Replay: fits done again by count, from memory, from a model file, and from a run file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import wholefit as wf
from wholefit import artifact
from wholefit.api import _record
from wholefit.base.errors import ArtifactError, DataError, ParameterError, StateError
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
MODELS = "logistic, lightgbm(n_estimators=8), random_forest(n_estimators=4)"


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    churn = wf.read(bundled.path("telco_churn")).frame[:300]
    return churn.with_columns(day=pl.int_range(pl.len()), shop=pl.int_range(pl.len()) % 30,
                              heavy=pl.Series(np.linspace(0.5, 2, 300)))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, frame: pl.DataFrame) -> Path:
    """churn.csv, m.wf fitted on it, and run.toml."""
    folder = tmp_path_factory.mktemp("replay")
    frame.drop("day", "shop", "heavy").write_csv(folder / "churn.csv")
    result = wf.fit(folder / "churn.csv", target="churn", models=MODELS, jobs=1, checks=False)
    result.save(folder / "m.wf")
    result.run_file(folder / "run.toml")
    return folder


def fit(source: Any, **words: Any) -> Any:
    return wf.fit(source, **{"target": "churn", "models": MODELS, "jobs": 1, "checks": False,
                             **words})


def test_a_result_a_model_file_and_a_run_file_are_done_again(room: Path, tmp_path: Path) -> None:
    for source in (room / "m.wf", room / "run.toml"):
        found = wf.replay(source)  # the rows lie beside it
        assert found.equal and found.first is None and found.causes() == ()
        assert all(part.equal for part in found.parts), str(found)
        again = found.result
        assert again is not None
        again.run_file(tmp_path / f"{source.suffix}.toml")
        assert (tmp_path / f"{source.suffix}.toml").read_text() == (room / "run.toml").read_text()
    assert json.loads(json.dumps(found.to_json()))["equal"] is True
    assert "bit-equal: " in str(found)


def test_the_file_of_a_loaded_model_is_that_of_the_run(room: Path, tmp_path: Path) -> None:
    wf.load(room / "m.wf").run_file(tmp_path / "a.toml")
    assert (tmp_path / "a.toml").read_text() == (room / "run.toml").read_text()
    with pytest.raises(ArtifactError, match="exists"):
        wf.load(room / "m.wf").run_file(tmp_path / "a.toml")
    with pytest.raises(ArtifactError, match=r"\.toml"):
        wf.load(room / "m.wf").run_file(tmp_path / "a.json")


@pytest.mark.parametrize("words", [
    {"weights": "heavy", "groups": "shop", "repeats": 2, "folds": 2, "seed": 5},
    {"time": "day", "features": {"impute": "mean"}, "choose": "best"},
    {"balance": "smote", "threshold": "f1", "positive": "No", "metric": "f2"},
    {"costs": {"No": {"Yes": 1}, "Yes": {"No": 5}}, "metric": "cost", "models": "logistic"},
    {"clean": [{"do": "fill", "columns": ["total_charges"], "strategy": "median"}],
     "roles": {"tenure": "categorical", "gender": "ignored"}, "models": "logistic"},
    {"target": "total_charges", "models": "ridge, extra_trees(n_estimators=3)"},
    {"models": "catboost(n_estimators=5)", "choose": "best", "seed": 1},
], ids=lambda words: ", ".join(words))
def test_every_word_of_a_fit_is_repeated(
    frame: pl.DataFrame, tmp_path: Path, words: dict[str, Any]
) -> None:
    words = {**words, **({"roles": {"tenure": "categorical"}} if "roles" in words else {})}
    result = fit(frame, **words)
    result.save(tmp_path / "m.wf")
    result.run_file(tmp_path / "run.toml")
    assert result.replay(frame).equal
    for path in ("m.wf", "run.toml"):
        found = wf.replay(tmp_path / path, frame)
        assert found.equal, str(found)
    found.result.run_file(tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_text() == (tmp_path / "run.toml").read_text()


def test_engineered_features_are_repeated_and_code_must_be_given(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    def mine(truth: Any, predicted: Any) -> float:
        return float(np.mean(np.asarray(truth) == np.asarray(predicted)))

    own = LogisticRegression(C=0.1)
    result = fit(frame, models=["logistic", own], metric=mine,
                 transformers=[wf.feature("ratio", ["total_charges", "tenure"])])
    assert result.replay(frame).equal, "at hand, nothing need be given"
    result.run_file(tmp_path / "run.toml")
    with pytest.raises(StateError, match="LogisticRegression cannot be made from the file"):
        wf.replay(tmp_path / "run.toml", frame)
    with pytest.raises(StateError, match="was given metric of the user's own"):
        wf.replay(tmp_path / "run.toml", frame, models={"LogisticRegression": own})
    found = wf.replay(tmp_path / "run.toml", frame, models={"LogisticRegression": own}, metric=mine)
    assert found.equal, str(found)
    with pytest.raises(LookupError, match="LogisticRegression"):
        wf.replay(tmp_path / "run.toml", frame, models={"LogisticRegresion": own}, metric=mine)


def test_other_rows_are_told_and_run_only_if_asked(room: Path, frame: pl.DataFrame) -> None:
    other = pl.read_csv(room / "churn.csv").with_columns(tenure=pl.col("tenure") + 1.5)
    found = wf.replay(room / "m.wf", other)
    assert not found.equal and found.result is None
    assert found.first is not None and found.first.name == "rows"
    assert "not those that the run learnt from" in found.causes()[0]
    anyway = wf.replay(room / "m.wf", other, anyway=True)
    assert anyway.result is not None and not anyway.equal
    assert {part.name for part in anyway.parts if part.equal is False} >= {"rows", "encoder"}
    short = wf.replay(room / "m.wf", other[:100])
    assert short.first is not None and "300 rows then, 100 now" in short.first.said


def test_another_seed_is_found_and_its_first_difference_named(room: Path, tmp_path: Path) -> None:
    text = (room / "run.toml").read_text()
    (tmp_path / "run.toml").write_text(text.replace("options.seed = 0", "options.seed = 1"))
    found = wf.replay(tmp_path / "run.toml", room / "churn.csv")
    assert not found.equal and found.first is not None
    assert found.first.name == "dummy: answers to unseen rows"
    assert any("may not be repeatable" in each or " was " in each for each in found.causes())


def test_other_versions_and_threads_are_named(room: Path, tmp_path: Path) -> None:
    text = (room / "run.toml").read_text().replace(
        'libraries.numpy = "', 'libraries.numpy = "0.').replace("jobs = 1\nlib", "jobs = 7\nlib")
    text = text.replace("ridge", "ridge").replace('chosen = "logistic"', 'chosen = "dummy"')
    (tmp_path / "run.toml").write_text(text)
    found = wf.replay(tmp_path / "run.toml", room / "churn.csv")
    said = " ".join(found.reasons)
    assert "numpy was 0." in said and "7 threads and now on 1" in said
    assert not found.equal, "another model was fitted on all rows than the prints are of"


def test_a_schedule_that_a_clock_cut_is_done_by_count(
    room: Path, frame: pl.DataFrame, tmp_path: Path
) -> None:
    text = (room / "run.toml").read_text()
    turn = text.index('label = "lightgbm"')
    cut = text[:turn] + text[turn:].replace("folds = 5", "folds = 2", 1)
    turn = text.index('label = "random_forest"')
    cut = cut[:turn] + cut[turn:].replace("folds = 5", "folds = 0", 1)
    (tmp_path / "cut.toml").write_text(cut)
    found = wf.replay(tmp_path / "cut.toml", room / "churn.csv")
    assert found.result is not None
    assert {row.model: row.folds for row in found.result.leaderboard} == {
        "dummy": 5, "logistic": 5, "lightgbm": 2, "random_forest": 0}
    again = found.result.replay(room / "churn.csv")
    assert again.equal, str(again)


def test_a_budget_of_trials_is_a_count(frame: pl.DataFrame) -> None:
    words = {"budget": "2 trials", "preset": "fast"}
    first, second = fit(frame, **words), fit(frame, **words)
    status = {row.model: row.status for row in first.leaderboard}
    assert status == {"dummy": "ok", "logistic": "ok", "lightgbm": "ok",
                      "random_forest": "skipped"}
    for label in ("dummy", "logistic", "lightgbm"):
        assert np.array_equal(first._run.oof[label], second._run.oof[label])
    assert first.lineage["budget"] == "2 trials" and first.replay(frame).equal
    with pytest.raises(ParameterError, match="20 trials"):
        fit(frame, budget="100 steps")


def test_an_ensemble_of_a_race_is_done_again(frame: pl.DataFrame, tmp_path: Path) -> None:
    result = fit(frame, models=None, preset="balanced", budget="2 trials")
    assert result.lineage["decided"]["race"] is True
    result.run_file(tmp_path / "run.toml")
    found = wf.replay(tmp_path / "run.toml", frame)
    assert found.equal, str(found)
    assert found.result is not None
    found.result.run_file(tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_text() == (tmp_path / "run.toml").read_text()
    names = [part.name for part in found.parts]
    assert any(name.startswith("model/") for name in names), "member by member"


def test_a_model_of_an_earlier_version_is_replayed_by_what_it_tells(
    room: Path, tmp_path: Path
) -> None:
    """Saved before a fit said what was asked of it: the leaderboard and the schema tell enough."""
    package = artifact.read(room / "m.wf")
    record = json.loads(json.dumps(package.record))
    del record["marks"], record["lineage"]["asked"]
    record["lineage"]["schedule"] = [
        {"model": turn["model"], "folds": turn["folds"]} for turn in record["lineage"]["schedule"]]
    artifact.write(tmp_path / "old.wf", record, dict(package.states))
    found = wf.replay(tmp_path / "old.wf", room / "churn.csv")
    assert found.equal, str(found)
    assert {part.name for part in found.parts if part.equal is None} == {
        f"{label}: answers to unseen rows"
        for label in ("dummy", "logistic", "lightgbm", "random_forest")}


def test_what_cannot_be_replayed_says_why(room: Path, frame: pl.DataFrame, tmp_path: Path) -> None:
    result = fit(frame.drop("day", "shop", "heavy"), models="sgd")
    with pytest.raises(StateError, match="has learnt more rows"):
        result.update(frame[:50]).replay(frame)
    clusters = wf.fit(frame.select("tenure", "monthly_charges"), task="clustering", clusters=2)
    clusters.save(tmp_path / "c.wf")
    with pytest.raises(StateError, match="a model of clustering"):
        wf.replay(tmp_path / "c.wf", frame)
    with pytest.raises(DataError, match=r"memory \(polars\)"):
        result.replay()
    with pytest.raises(StateError, match="got int"):
        wf.replay(3)
    with pytest.raises(ArtifactError):
        wf.replay(room / "nothing.wf")
    with pytest.raises(LookupError, match="option"):
        wf.replay(room / "m.wf", delimitr=",")


def test_a_run_file_opens_no_other_file(room: Path, tmp_path: Path) -> None:
    for source in ("../churn.csv", "/etc/passwd", "http://x/y", "-", ".."):
        text = (room / "run.toml").read_text().replace(
            'source = "churn.csv"', f"source = {json.dumps(source)}")
        (tmp_path / "run.toml").write_text(text)
        with pytest.raises(DataError, match="say where they are"):
            wf.replay(tmp_path / "run.toml")


def test_damaged_marks_are_refused(room: Path, tmp_path: Path) -> None:
    package = artifact.read(room / "m.wf")
    for marks in ({"answers": {"ridge": 3}}, {"answers": []}, [1], "x"):
        record = {**package.record, "marks": marks}
        artifact.write(tmp_path / "bad.wf", record, dict(package.states), force=True)
        with pytest.raises(ArtifactError):
            wf.load(tmp_path / "bad.wf")
    assert zipfile.is_zipfile(room / "m.wf") and _record


def test_a_tuned_result_says_how_it_is_repeated() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    tuned = wf.tune({"x": x, "y": x + rng.normal(size=80)}, target="y", models="ridge",
                    budget="3 trials", folds=2)
    with pytest.raises(StateError, match=r"call wf\.tune again with the same words"):
        tuned.replay()
