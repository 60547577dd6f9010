"""Model files whose numbers and words were altered, with checksums that are right all the same.

Loading, answering, scoring and reporting may refuse such a file with one of wholefit's errors or
go on with what it says; they must not fail in any other way, nor take time or memory for it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

import wholefit as wf
from wholefit.api import _record
from wholefit.api.result import Result
from wholefit.base.errors import ArtifactError, WholefitError
from wholefit.base.state import State
from wholefit.data.schema import Column
from wholefit.data.validate.sketch import Sketch
from wholefit.features.custom import restore

ALTERED = [None, True, -1, 0, 10**9, 10**30, 1e308, "", "x", "__class__", [], {}, [1], {"a": 1}]
CLEAN = [{"do": "derive", "column": "d", "formula": "a * 2 + b"}, {"do": "fill"},
         {"do": "outliers", "columns": ["b"]}]


def table(rows: int = 90) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.normal(size=rows)
    return pl.DataFrame({
        "a": [None if at % 11 == 0 else v for at, v in enumerate(a)],
        "b": rng.integers(0, 50, rows).astype(float), "c": rng.choice(["x", "y", "z"], rows),
        "y": np.where(a + rng.normal(size=rows) / 2 > 0, "yes", "no")})


def kept(result: Result) -> tuple[dict[str, Any], dict[str, State]]:
    fitted = result._fitted
    return result._facts.to_json(fitted), fitted.states()


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[dict[str, Any], dict[str, State]]]:
    frame = table()
    options: dict[str, Any] = {"target": "y", "models": "logistic", "folds": 2, "budget": "20s"}
    made = [wf.feature("frequency", "c", keep=True), wf.feature("hashing", "c", keep=True),
            wf.feature("bins", "b", keep=True), wf.feature("target", "c", keep=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_pipeline(make_column_transformer(
            (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(),
                           PolynomialFeatures(2)), ["a", "b"]),
            (OneHotEncoder(handle_unknown="ignore"), ["c"])), LogisticRegression())
        guest = frame.to_pandas()
        pipeline.fit(guest.drop(columns="y"), guest["y"])
        return {
            "cleaned": kept(wf.fit(frame, clean=CLEAN, threshold="f1", **options)),
            "engineered": kept(wf.fit(frame, transformers=made, **options)),
            "selected": kept(wf.fit(frame, features={"select": "f", "keep": 3, "pca": 2},
                                    costs={"no": {"yes": 1}, "yes": {"no": 5}}, **options)),
            "adopted": kept(wf.adopt(pipeline, guest, "y")),
        }


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value[:2]):
            yield from places(inner, (*path, at))


def put(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    whole = copy.deepcopy(whole)
    at = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return whole


def altered(state: State, draw: np.random.Generator) -> State:
    """The state with one number or word, one array or one part of it changed."""
    if state.parts and draw.random() < 0.8:
        name = str(draw.choice(sorted(state.parts)))
        parts = {**state.parts, name: altered(state.parts[name], draw)}
        return State(state.kind, state.config, state.arrays, state.blobs, parts)
    paths = list(places(state.config))
    if state.arrays and (not paths or draw.random() < 0.4):
        name = str(draw.choice(sorted(state.arrays)))
        array = state.arrays[name]
        other = [array.ravel()[:1], array[None], np.full(array.shape, 2**31 - 1),
                 np.full(array.shape, -1), np.array(["x"] * max(1, array.size))]
        arrays = {**state.arrays, name: other[draw.integers(len(other))]}
        return State(state.kind, state.config, arrays, state.blobs, state.parts)
    if not paths:
        return State("nothing", state.config, state.arrays, state.blobs, state.parts)
    config = put(state.config, paths[draw.integers(len(paths))],
                 ALTERED[draw.integers(len(ALTERED))])
    return State(state.kind, config, state.arrays, state.blobs, state.parts)


def used(record: dict[str, Any], states: dict[str, State]) -> bool:
    """Load and use; True if it was refused by an error of wholefit's own."""
    rows = table(12)
    try:
        facts, fitted = _record.from_json(record, states)
        result = Result(fitted, facts)
        result.predict(rows.drop("y"))
        repr(result), str(result.leaderboard), result.evaluate(rows)
    except WholefitError:
        return True
    return False


@pytest.mark.parametrize("name", ["cleaned", "engineered", "selected", "adopted"])
@pytest.mark.filterwarnings("ignore")
def test_altered_models_end_in_an_error_of_our_own_or_in_an_answer(models, name):
    record, states = models[name]
    assert not used(record, states)
    draw = np.random.default_rng(1)
    # What is free text or a picture may hold anything; what an answer hangs on is tried.
    paths = [path for path in places(record) if path[0] not in ("lineage", "exhibits", "notes")]
    refused = 0
    for _ in range(120):
        if draw.random() < 0.4:
            path = paths[draw.integers(len(paths))]
            refused += used(put(record, path, ALTERED[draw.integers(len(ALTERED))]), states)
        else:
            part = str(draw.choice(sorted(states)))
            refused += used(record, {**states, part: altered(states[part], draw)})
    assert refused > 40


def test_a_pipeline_is_not_made_to_make_columns_without_end(models):
    record, states = models["adopted"]
    doubling = State("step.columns", {"picks": [[0], [0]]}, parts={
        "0": State("step.pick", {"picked": [0] * 90_000}),
        "1": State("step.pick", {"picked": [0] * 90_000})})
    state = states["model"]
    hostile = State(state.kind, state.config, parts={**state.parts, "prepare": doubling})
    facts, fitted = _record.from_json(record, {"model": hostile})
    with pytest.raises(ArtifactError, match="makes 180,000 columns"):
        Result(fitted, facts).predict(table(3).drop("y"))


def test_a_stored_feature_is_held_to_its_bounds_and_keeps_its_methods():
    plain = {"n_features_in_": 1, "columns_": ["c"]}
    with pytest.raises(WholefitError, match="width must be >= 1 and <= 4096"):
        restore(State("engineer.hashing", {"options": {"width": 10**9}, "learnt": plain}))
    with pytest.raises(ArtifactError, match="not something that it learns"):
        restore(State("engineer.hashing", {"options": {}, "learnt": {**plain, "transform": "x"}}))


@pytest.mark.parametrize("stored", [
    b"[" * 100_000, b'{"rows": 1e999, "columns": []}', b'{"rows": 1}', b"\xff", b"[]", b"null"])
def test_a_reference_sketch_of_another_kind_is_refused(stored):
    with pytest.raises(ArtifactError, match="reference sketch"):
        Sketch.from_bytes(stored)


def test_more_classes_than_there_are_is_refused_before_room_is_made(models):
    record, states = models["cleaned"]
    state = states["model"]
    hostile = State(state.kind, {**state.config, "n_classes": 10**12}, state.arrays, state.blobs,
                    state.parts)
    with pytest.raises(ArtifactError, match="more classes than the 2"):
        _record.from_json(record, {**states, "model": hostile})


def test_types_that_a_record_declares_are_held_to():
    column = {"name": "a", "role": "numeric", "dtype": "Float64", "reason": "", "levels": None,
              "low": 0, "high": 1.5, "missing": 0, "distinct": 2, "format": None}
    assert Column.from_json(column).high == 1.5
    for name, value in [("name", 3), ("levels", [1]), ("low", "0"), ("low", True),
                        ("missing", 1.5), ("distinct", 10**30), ("format", {})]:
        with pytest.raises(TypeError, match=f"Column.{name} cannot be"):
            Column.from_json({**column, name: value})


@pytest.mark.parametrize("text", [
    "a=" + "[" * 5000 + "]" * 5000, "a=" + "{a=" * 3000 + "1" + "}" * 3000, "a=" + "9" * 6000])
def test_files_of_settings_that_nest_or_count_without_end_are_refused(tmp_path, text):
    from wholefit.data.schema import load_roles
    from wholefit.training.decision import read_costs

    path = tmp_path / "settings.toml"
    path.write_text(text)
    frame = table(8)
    for reader in (load_roles, wf.load_features, lambda p: wf.validate(frame, str(p)),
                   lambda p: wf.clean(frame, recipe=str(p)), read_costs):
        with pytest.raises(WholefitError):
            reader(path)


def test_a_feature_whose_columns_are_no_list_is_refused():
    with pytest.raises(WholefitError, match="must name its columns in a list; got 3"):
        wf.load_features([{"kind": "ratio", "columns": 3}])
