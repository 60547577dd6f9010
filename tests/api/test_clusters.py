"""What a clustering answers: new rows, members, profiles, exemplars, scores; saved and loaded."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api.clustering import Clusters
from wholefit.base.errors import (
    ArtifactError,
    ParameterError,
    UnknownNameError,
    WholefitError,
)

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def table(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """Three heaps of animals, their names, and a column that knows the heap."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, rows)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    X = centres[kind] + random.normal(0, 0.7, (rows, 2))
    return pl.DataFrame({"name": [f"animal {i}" for i in range(rows)], "weight kg": X[:, 0],
                         "height": X[:, 1],
                         "kind": np.array(["ant", "bee", "cat"])[kind]})


@pytest.fixture(scope="module")
def result() -> Clusters:
    found = wf.fit(table(), task="clustering", label="kind", models="kmeans", jobs=1, seed=1)
    assert isinstance(found, Clusters)
    return found


def test_three_heaps_are_three_clusters(result: Clusters) -> None:
    assert result.found and len(result.clusters) == 3
    assert result.clusters["rows"].sum() == 300
    assert result.clusters["share"].sum() == pytest.approx(1.0)
    assert all(said.startswith(f"Cluster {code}, ") for code, said in
               zip(result.clusters["cluster"], result.clusters["said"], strict=True))


def test_new_rows_get_their_cluster_its_name_and_how_firmly(result: Clusters) -> None:
    new = table(50, seed=5)
    said = result.predict(new)
    assert said.columns == ["name", "cluster", "cluster_name", "membership", "far"]
    for kind in ("ant", "bee", "cat"):
        codes = said.filter(new["kind"] == kind)["cluster"]
        assert codes.n_unique() == 1
    assert said["membership"].is_between(0, 1).all()
    assert said["far"].mean() < 0.1


def test_far_rows_are_said_to_be_far(result: Clusters) -> None:
    said = result.predict(pl.DataFrame({"name": ["x"], "weight kg": [500.0], "height": [-500.0]}))
    assert said["far"].to_list() == [True]


def test_answers_are_the_same_once_loaded(result: Clusters, tmp_path: Path) -> None:
    path = result.save(tmp_path / "c.wf")
    loaded = wf.load(path)
    new = table(40, seed=9)
    assert isinstance(loaded, Clusters)
    assert loaded.predict(new).equals(result.predict(new))
    assert loaded.memberships(new).equals(result.memberships(new))
    assert loaded.to_text() == result.to_text()
    assert loaded.profile().equals(result.profile())


def test_frame_types_and_identifiers_come_back(result: Clusters) -> None:
    pandas = pytest.importorskip("pandas")
    new = pandas.DataFrame(table(10, seed=3).to_dict(as_series=False), index=range(100, 110))
    said = result.predict(new)
    assert isinstance(said, pandas.DataFrame) and list(said.index) == list(range(100, 110))
    assert list(said["name"]) == [f"animal {i}" for i in range(10)]


def test_numpy_questions_get_codes() -> None:
    random = np.random.default_rng(0)
    X = np.r_[random.normal(0, 1, (80, 3)), random.normal(9, 1, (80, 3))]
    found = wf.fit(X, task="clustering", models="kmeans", jobs=1)
    codes = found.predict(X)
    assert codes.shape == (160,) and len(set(codes[:80])) == 1 and codes[0] != codes[-1]


def test_members_and_profile_by_code_or_name(result: Clusters) -> None:
    code = int(result.clusters["cluster"][0])
    members = result.members(table(), code)
    assert members.columns == table().columns
    assert len(members) == result.clusters["rows"][0]
    assert members.equals(result.members(table(), result.names[code]))
    profile = result.profile(code)
    assert set(profile["cluster"]) == {code} and "kind" in set(profile["column"])
    assert profile.filter(pl.col("column") == "kind")["p"].max() < 1e-6  # type: ignore[operator]
    assert profile.filter(pl.col("used"))["p"].null_count() == profile["used"].sum()
    with pytest.raises(ParameterError, match="a cluster must be one of"):
        result.members(table(), 99)
    with pytest.raises(ParameterError, match="or one of their names"):
        result.profile("no such cluster")


def test_exemplars_are_named_rows_of_the_table(result: Clusters) -> None:
    found = result.exemplars()
    typical = found.filter(pl.col("kind") == "typical")
    assert set(typical["cluster"]) == set(result.clusters["cluster"])
    codes = dict(result.predict(table()).select("name", "cluster").iter_rows())
    assert all(codes[name] == code for name, code in
               typical.select("identifier", "cluster").iter_rows())


def test_held_out_rows_are_scored(result: Clusters) -> None:
    scores = result.evaluate(table(200, seed=11))
    assert scores["adjusted_rand"].value > 0.95 and scores["silhouette"].value > 0.6
    assert scores["far"].low <= 0.02 and scores["noise"].value == 0
    assert scores["shares"].value < 0.15
    assert all(score.low <= score.value <= score.high for score in scores.values())
    assert next(iter(result.evaluate(table(50, seed=2), metric="far"))) == "far"
    with pytest.raises(UnknownNameError, match="did you mean"):
        result.evaluate(table(50, seed=2), metric="fra")
    moved = result.evaluate(table(200, seed=11).filter(pl.col("kind") == "ant"))
    assert moved["shares"].value > 0.5 and np.isnan(moved["silhouette"].value)


@pytest.mark.parametrize("name", ["clusters", "described", "null", "known"])
@pytest.mark.parametrize("value", [7, "x", [[1]], [{}], {"clusters": [1]}, {"reach": {"a": 1}},
                                   {"clusters": [{"code": 0}]}])
def test_an_altered_record_is_one_kind_of_error(result: Clusters, name: str, value: Any) -> None:
    altered = Clusters(replace(result._found, told={**result.told, name: value}))
    for asked in (lambda: altered.clusters, lambda: altered.names, altered.profile,
                  altered.exemplars, altered.to_text, lambda: altered.predict(table(5)),
                  lambda: altered.evaluate(table(50))):
        with contextlib.suppress(ArtifactError):
            asked()


def test_noise_is_one_heap() -> None:
    random = np.random.default_rng(2)
    found = wf.fit(pl.DataFrame(random.normal(size=(300, 3)), schema=["a", "b", "c"]),
                   task="clustering", jobs=1)
    assert not found.found
    assert "No clusters were found" in found.to_text()
    assert set(found.predict(pl.DataFrame({"a": [1.0], "b": [0.0], "c": [0.0]}))["cluster"]) == {0}


@pytest.mark.parametrize("frame", [
    pl.DataFrame({"x": [1.0]}), pl.DataFrame({"x": [1.0, 2.0]}),
    pl.DataFrame({"x": [3.0] * 50, "y": [1.0] * 50}),
    pl.DataFrame({"x": [None] * 30}, schema={"x": pl.Float64}),
    pl.DataFrame({"x": [float("nan"), float("inf"), 1.0] * 20}),
    pl.DataFrame({"^a.*$": list(range(60)), "*": ["p", "q"] * 30, "": [0.5, 1.5] * 30}),
    pl.DataFrame({"x": [2**62, 1, 5] * 20, "y": ["a"] * 60}),
])
def test_hostile_tables_end_in_an_answer_or_one_sentence(frame: pl.DataFrame, tmp_path: Path
                                                         ) -> None:
    try:
        found = wf.fit(frame, task="clustering", jobs=1)
    except WholefitError as error:
        assert len(str(error)) < 400
        return
    assert found.to_text() and len(found.predict(frame)) == len(frame)
    found.report(tmp_path / "page.html")


def test_labels_are_the_same_when_memberships_come_in_pieces(
    result: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = result.predict(table())
    monkeypatch.setattr("wholefit.training.clustering._judge._CELLS", 50)
    assert result.predict(table()).equals(whole)
