"""`Reduction`: its verbs, the way back, files, the CLI, and names that are out to break things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_iris

import wholefit as wf
from wholefit import cli
from wholefit.base.errors import DataError, ParameterError, SchemaError, UnknownNameError
from wholefit.report._script import SCRIPT

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def iris() -> pl.DataFrame:
    found = load_iris()
    columns = {name.removesuffix(" (cm)"): column
               for name, column in zip(found.feature_names, found.data.T, strict=True)}
    return pl.DataFrame(columns | {"species": found.target_names[found.target],
                                   "id": [f"flower {i}" for i in range(150)]})


@pytest.fixture(scope="module")
def result() -> Any:
    return wf.fit(iris(), task="reduction", label="species", models="pca, random_projection")


def test_transform_keeps_rows_order_identifiers_and_frame(result: Any) -> None:
    pandas = pytest.importorskip("pandas")
    new = iris().reverse()
    found = result.transform(new)
    assert found.columns == ["id", "pc1", "pc2"]
    assert found["id"].to_list() == new["id"].to_list()
    theirs = result.transform(new.to_pandas() if hasattr(pandas, "DataFrame") else new)
    assert np.array_equal(theirs[["pc1", "pc2"]].to_numpy(), found.select("pc1", "pc2").to_numpy())
    one = result.transform(new[3:4])
    assert np.allclose(one.select("pc1", "pc2"), found[3:4].select("pc1", "pc2"), atol=1e-12)


def test_transform_is_the_axes_of_standardised_columns(result: Any) -> None:
    X = iris().drop("species", "id").to_numpy()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    axes = np.linalg.svd(X, full_matrices=False)[2][:2]
    axes *= np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
    assert np.allclose(result.transform(iris()).select("pc1", "pc2"), X @ axes.T, atol=1e-8)
    assert np.allclose(result.components.select("pc1", "pc2"), axes.T, atol=1e-8)


def test_the_way_back_is_in_the_columns_own_units(result: Any) -> None:
    found = result.inverse_transform(result.transform(iris()))
    wanted = iris().select(found.columns)
    error = ((found.to_numpy() - wanted.to_numpy()) ** 2).sum()
    total = ((wanted.to_numpy() - wanted.to_numpy().mean(axis=0)) ** 2).sum()
    assert error / total < 0.06
    whole = wf.fit(iris(), task="reduction", models="pca", components=4, roles={
        "species": "ignored"})
    back = whole.inverse_transform(whole.transform(iris()))
    assert np.allclose(back.to_numpy(), iris().select(back.columns).to_numpy(), atol=1e-9)
    with pytest.raises(ParameterError, match="must have 2 columns"):
        result.inverse_transform(np.zeros((3, 5)))


def test_loadings_components_and_explained(result: Any) -> None:
    told = result.explained
    assert told["share"].to_list() == sorted(told["share"].to_list(), reverse=True)
    assert told["above_noise"].to_list() == [True, False]
    loads = result.loadings
    X, Z = iris(), result.transform(iris())
    expected = np.corrcoef(X["petal length"], Z["pc1"])[0, 1]
    at = loads["feature"].to_list().index("petal length")
    assert loads["pc1"][at] == pytest.approx(expected, abs=1e-9)
    curved = wf.fit(iris(), task="reduction", models="kernel_pca", label="species")
    with pytest.raises(ParameterError, match="has no weights"):
        _ = curved.components
    with pytest.raises(ParameterError, match="no way back"):
        curved.inverse_transform(np.zeros((2, 2)))


def test_evaluate_on_other_rows(result: Any) -> None:
    scores = result.evaluate(iris()[:120])
    assert {"trustworthiness", "continuity", "distance_correlation", "variance_kept",
            "label_agreement"} == set(scores)
    assert scores["trustworthiness"].n == 120
    assert "label_agreement" not in result.evaluate(iris().drop("species"))
    assert next(iter(result.evaluate(iris(), metric="continuity"))) == "continuity"
    with pytest.raises(UnknownNameError, match="continuity"):
        result.evaluate(iris(), metric="continuty")
    with pytest.raises(DataError, match="at least 30 rows"):
        result.evaluate(iris()[:10])


@pytest.mark.parametrize("text", [
    "pca", "nmf", "kernel_pca", "autoencoder_map(epochs=2)", "tsne(iterations=250)", "isomap",
    "lle", "truncated_svd", "ica"])
def test_a_loaded_one_answers_the_same_to_the_bit(text: str, tmp_path: Path) -> None:
    made = wf.fit(iris(), task="reduction", models=text, label="species")
    loaded = wf.load(made.save(tmp_path / "m.wf"))
    assert loaded.transform(iris()).equals(made.transform(iris()))
    assert loaded.to_text() == made.to_text() and loaded.axes == made.axes
    assert loaded.loadings.equals(made.loadings)


def test_tsne_refuses_new_rows_and_says_what_to_do() -> None:
    made = wf.fit(iris(), task="reduction", models="tsne(iterations=250)", label="species")
    assert len(made.transform(iris())) == 150
    assert "t-SNE axis 1:" in made.to_text() and "T-SNE" not in made.to_text()
    with pytest.raises(DataError, match="no place for rows that were not in its map"):
        made.transform(iris().with_columns(pl.col("sepal length") + 0.5))



def _inert(page: str) -> str:
    """The page without the one script that every page has."""
    return page.replace(f"<script>{SCRIPT}</script>", "")


def test_pages_hold_no_foreign_markup(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ["<script>alert(1)</script>", "</script><b>", "^a.*$", "*", "", "  ü\u202e"]
    frame = pl.DataFrame({name: rng.normal(size=60) for name in names}).with_columns(
        pl.Series("kind", ["<img src=x>", "</script>", "&amp;"] * 20))
    made = wf.fit(frame, task="reduction", models="pca", label="kind")
    page = made.report(tmp_path / "r.html").read_text()
    assert "<script" not in _inert(page) and "<img" not in page
    walk = made.map(tmp_path / "m.html", frame, color="kind").read_text()
    assert walk.count("<script") == 2 and walk.count("</script>") == 2 and "<img" not in walk
    assert "\\u202e" not in walk and "\u202e" not in walk  # nothing turns the text around it


def test_the_map_page_is_sealed_small_and_complete(result: Any, tmp_path: Path) -> None:
    import base64
    import hashlib
    import json
    import re

    page = result.map(tmp_path / "map.html", iris(), color="petal width").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    script = re.search(r"<script>(.*)</script>", page, re.S)
    cargo = re.search(r'<script type="application/json" id="cargo">(.*?)</script>', page, re.S)
    assert policy and script and cargo
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"sha256-{digest}" in policy[1] and "unsafe-inline" not in policy[1].split("style")[0]
    assert "default-src &#x27;none&#x27;" in policy[1] or "default-src 'none'" in policy[1]
    assert not re.findall(r"https?://|src=|@import|fetch\(|XMLHttp", page)
    told = json.loads(cargo[1])
    assert len(told["rows"]) == 150 and told["columns"][0]["name"] == "petal width"
    assert told["axes"][0] == "Principal component 1 (73% of the variance)"
    Z = result.transform(iris())
    assert np.allclose(told["places"][0], Z["pc1"], atol=1e-3)
    assert len(page) < 60_000


def test_a_large_map_stays_under_three_megabytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"column number {i}": rng.normal(size=20_000) for i in range(25)})
    made = wf.fit(frame[:1000], task="reduction", models="pca")
    path = made.map(tmp_path / "m.html", frame)
    assert path.stat().st_size < 3_000_000
    assert "Left out to keep the page small" in path.read_text()


def test_a_map_without_rows_shows_what_was_kept(result: Any, tmp_path: Path) -> None:
    assert "species" in result.map(tmp_path / "m.html").read_text()
    with pytest.raises(UnknownNameError, match="petal width"):
        result.map(tmp_path / "n.html", iris(), color="petal widht")
    with pytest.raises(DataError, match="give data="):
        made = wf.fit(iris(), task="reduction", models="pca", roles={"species": "ignored"})
        made.map(tmp_path / "n.html", color="petal width")
    with pytest.raises(DataError, match="two axes"):
        wf.fit(iris(), task="reduction", components=1, models="pca").map(tmp_path / "o.html")


def test_new_rows_that_do_not_fit_are_refused(result: Any) -> None:
    with pytest.raises(SchemaError, match="petal width"):
        result.transform(iris().drop("petal width"))


def test_the_report_has_titled_and_labelled_axes(result: Any, tmp_path: Path) -> None:
    page = result.report(tmp_path / "r.html").read_text()
    for words in ("PCA result: 150 rows", "Principal component 1 (73% of the variance)",
                  "Principal component 2 (23% of the variance)", "row 1: setosa"):
        assert words in page, words
    assert "<script" not in _inert(page)


def test_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    iris().write_csv("iris.csv")

    def run(*argv: str) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(argv))
        out = capsys.readouterr()
        assert ended.value.code in (0, None), out.err
        return out.out

    said = run("fit", "iris.csv", "--task", "reduction", "--label", "species", "--models", "pca",
               "--set", "components=3", "--out", "m.wf")
    assert "Principal component 3" in said
    run("predict", "m.wf", "iris.csv", "--out", "places.csv")
    assert pl.read_csv("places.csv").columns == ["id", "pc1", "pc2", "pc3"]
    run("report", "m.wf", "--out", "r.html")
    assert "trustworthiness" in run("evaluate", "m.wf", "iris.csv")


@pytest.mark.parametrize("seed", range(40))
def test_an_altered_record_is_told_as_such(result: Any, seed: int, tmp_path: Path) -> None:
    """Whatever a file tells, asking it ends in an answer or in one kind of error."""
    import contextlib
    import copy
    import random
    from dataclasses import replace

    from wholefit import report
    from wholefit.api.reduction import Reduction

    dice = random.Random(seed)
    told = copy.deepcopy(result.told)
    place: Any = told
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = dice.choice(list(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or dice.random() < 0.4:
            break
        place = place[key]
    if isinstance(place, dict) and dice.random() < 0.4:
        del place[key]
    else:
        place[key] = dice.choice([None, "x", -1, 1e308, [], {}, [[1]], True])
    altered = Reduction(replace(result._found, told=told, stored=True))
    for ask in (altered.to_text, lambda: altered.axes, lambda: altered.explained,
                lambda: altered.loadings, lambda: altered.transform(iris()[:40]),
                lambda: altered.evaluate(iris()), lambda: altered.map(tmp_path / "m.html"),
                lambda: report.found_page(altered._found)):
        with contextlib.suppress(wf.WholefitError):
            ask()
