"""Architecture search and engineered features in a search, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import data
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.base.events import listen
from wholefit.cli._app import run
from wholefit.nn import networks
from wholefit.nn.rebuilding import rebuilt
from wholefit.training import Options
from wholefit.training.nas.prices import Prices
from wholefit.training.tuning._ground import ground


def _rings(rows: int = 160) -> pl.DataFrame:
    """Two classes that only a bent border parts."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3))
    near = (x[:, :2] ** 2).sum(axis=1) < 1.2
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
                         "kind": np.where(near, "nah ☂", "fern"),
                         "home": rng.choice(["x", "y"], rows)})


WORDS: dict[str, Any] = {"target": "kind", "folds": 3, "jobs": 1, "budget": "7 trials",
                         "space": {"width": (8, 24), "repeat": 1, "epochs": [2, 4, 6]}}


@pytest.fixture(scope="module")
def found() -> Any:
    return wf.architecture_search(_rings(), parameters=1500, **WORDS)


def test_the_network_found_is_an_ordinary_model(found: Any, tmp_path: Path) -> None:
    frame = _rings()
    assert found._run.model.to_dict()["cell"]
    assert found.leaderboard[0].scores
    path = found.save(tmp_path / "m.wf")
    again = wf.load(path)
    assert again.predict_proba(frame).equals(found.predict_proba(frame))
    state = found._fitted.states()["model"] if "model" in found._fitted.states() else next(
        state for state in found._fitted.states().values() if state.kind == "network")
    module = rebuilt(state.config["made_of"], state.blobs["weights.safetensors"])
    assert networks.parameters(module, trainable=True) <= 1500


def test_some_were_trained_to_the_end_and_all_are_small(found: Any) -> None:
    steps = [trial.values["cell_mlp.epochs"] for trial in found.study.trials if trial.number >= 0]
    assert len(steps) == 7 and steps.count(6) >= 1 and steps.count(2) >= 2
    for trial in found.study.trials:
        assert found.study.space.allows(trial.values)
        assert trial.number < 0 or (trial.folds is None) == (trial.values["cell_mlp.epochs"] == 6)


def test_the_same_seed_finds_the_same(found: Any) -> None:
    again = wf.architecture_search(_rings(), parameters=1500, **WORDS)
    assert [trial.loss for trial in again.study.trials] == [
        trial.loss for trial in found.study.trials]
    assert again.predict_proba(_rings()).equals(found.predict_proba(_rings()))


def test_pictures_get_convolutions() -> None:
    result = wf.architecture_search(
        _stripes(), target="kind", kind="pictures", folds=2, jobs=1, budget="3 trials",
        checks=False, space={"filters": (4, 6), "repeat": 1, "stages": 2, "epochs": [1, 2]},
        parameters=4000)
    assert result._run.model.name == "cell_cnn"
    assert set(result.study.space.dims) >= {"cell_cnn.cell", "cell_cnn.filters"}


@pytest.mark.parametrize(("words", "error", "said"), [
    ({"kind": "row"}, UnknownNameError, "did you mean 'rows'"),
    ({"parameters": 0}, ParameterError, "parameters must be a whole number >= 1; got 0"),
    ({"parameters": 2.5}, ParameterError, "parameters must be a whole number"),
    ({"latency": 0}, ParameterError, "latency must be a number of seconds above 0"),
    ({"nodes": 9}, ParameterError, "nodes of a cell must be 1 to 3"),
    ({"models": "ridge"}, ParameterError, "chooses the model itself: leave models out"),
    ({"parameters": 3}, ParameterError, "at most 3 parameters: allow more"),
    ({"space": {"depth": [1]}}, UnknownNameError, "no dimension is named 'depth'"),
    ({"strategy": "grid(resolution=2)", "parameters": 900}, ParameterError, "also those beyond"),
    ({"strategy": "architecture(eta=1)"}, ParameterError, "eta"),
    ({"target": "nothing"}, Exception, "nothing"),
])
def test_wrong_words_are_refused(words: dict[str, Any], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        wf.architecture_search(_rings(60), **{**WORDS, **words})


def test_rows_that_cannot_be_learnt() -> None:
    for rows in (0, 1):
        with pytest.raises(DataError):
            wf.architecture_search(_rings(60)[:rows], **WORDS)
    one = _rings(60).with_columns(kind=pl.lit("only"))
    with pytest.raises(DataError):
        wf.architecture_search(one, **WORDS)


def test_a_study_goes_on_under_its_own_limit_only(tmp_path: Path) -> None:
    words = {**WORDS, "study": tmp_path / "s.db", "folds": 2}
    wf.architecture_search(_rings(80), parameters=1500, **{**words, "budget": "2 trials"})
    more = wf.architecture_search(_rings(80), parameters=1500, **{**words, "budget": "4 trials"})
    assert [trial.number for trial in more.study.trials if trial.number >= 0] == [0, 1, 2, 3]
    with pytest.raises(DataError, match="space differs"):
        wf.architecture_search(_rings(80), parameters=1400, **words)


def test_latency_is_a_limit_too() -> None:
    result = wf.architecture_search(_rings(80), latency=5.0, **{**WORDS, "budget": "2 trials"})
    assert "answers to 1,000 rows in 5 s" in str(result.study.space.limit)


def _stripes() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 90, size=(40, 64))
    dark[20:, ::2] += 120
    return pl.DataFrame({f"pixel_{at}": dark[:, at] for at in range(64)}
                        | {"kind": ["plain"] * 20 + ["striped"] * 20})


@pytest.mark.parametrize(("kind", "parameters"), [("rows", 250), ("pictures", 700)])
def test_a_small_limit_has_small_networks_without_a_space(kind: str, parameters: int) -> None:
    frame = _rings(90) if kind == "rows" else _stripes()
    result = wf.architecture_search(
        frame, target="kind", kind=kind, parameters=parameters, budget="6 trials", folds=2, jobs=1,
        checks=False)
    model = result.study.space.models[next(iter(result.study.space.models))]
    sizes = [Prices(ground(data.load(frame, target="kind"), tasks.get("classification"), Options(
        folds=2, checks=False)).problem).parameters(each) for each in (model, result._run.model)]
    assert max(sizes) <= parameters
    assert all(result.study.space.allows(trial.values) for trial in result.study.trials)


@pytest.mark.parametrize("kind", ["rows", "pictures"])
@pytest.mark.parametrize(("limit", "said"), [
    ({"parameters": 20}, "smallest found has [1-9]"),
    ({"latency": 1e-6}, r"answers to 1,000 rows in 1e-06 s: .* found takes 0\.[0-9]+ s: ")])
def test_what_no_network_can_keep_is_refused_at_once(
    kind: str, limit: dict[str, Any], said: str
) -> None:
    frame = _rings(90) if kind == "rows" else _stripes()
    seen: list[str] = []
    with listen(lambda event, facts: seen.append(event)), pytest.raises(
            ParameterError, match=said):
        wf.architecture_search(frame, target="kind", kind=kind, budget="30s", jobs=1,
                               checks=False, **limit)
    assert "plan" not in seen, "refused before anything was trained"


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "rings.csv"
    _rings().write_csv(data)
    out = tmp_path / "r.wf"
    assert run(["architecture-search", str(data), "--target", "kind", "--parameters", "1500",
                "--budget", "3 trials", "--folds", "2", "--jobs", "1", "--space", "width=8..16",
                "--space", "epochs=1,2,3", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["study"]["strategy"] == "architecture" and told["saved"] == str(out)
    assert run(["predict", str(out), str(data)]) == 0


def test_engineered_features_are_searched_and_stored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 4, 240), rng.uniform(1, 4, 240)
    frame = pl.DataFrame({"a": a, "b": b, "y": a / b + 0.01 * rng.normal(size=240)})
    words: dict[str, Any] = {
        "target": "y", "models": "ridge", "folds": 3, "jobs": 1, "budget": "12 trials",
        "strategy": "genetic(population=4)"}
    steps = [wf.feature("ratio", ["a", "b"]), wf.feature("product", ["a", "b"])]
    result = wf.tune(frame, space={"alpha": (1e-3, 1.0), "features": steps}, **words)
    assert result.study.values["features.a/b"] is True
    without = wf.tune(frame, space={"alpha": (1e-3, 1.0)}, **words)
    assert result.score.value < 0.2 * without.score.value
    again = wf.load(result.save(tmp_path / "m.wf"))
    assert again.predict(frame).equals(result.predict(frame))
    with pytest.raises(UnknownNameError, match="no column is named 'zz'"):
        wf.tune(frame, space={"features": [wf.feature("ratio", ["a", "zz"])]}, **words)


def test_engineered_features_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 4, 90), rng.uniform(1, 4, 90)
    pl.DataFrame({"a": a, "b": b, "y": a / b}).write_csv(tmp_path / "r.csv")
    (tmp_path / "f.toml").write_text('[[feature]]\nkind = "ratio"\ncolumns = ["a", "b"]\n')
    assert run(["tune", str(tmp_path / "r.csv"), "--target", "y", "--models", "ridge", "--folds",
                "2", "--jobs", "1", "--budget", "12 trials", "--strategy", "genetic", "--space",
                "alpha=0.001..1", "--space", f"features={tmp_path / 'f.toml'}", "--out",
                str(tmp_path / "m.wf"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["study"]["values"]["features.a/b"] is True
