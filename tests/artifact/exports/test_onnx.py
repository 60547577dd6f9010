"""The ONNX export: every family, every encoding, against the model's own answers and numpy."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import special

import wholefit as wf
from wholefit import artifact, data
from wholefit.base.errors import ArtifactError, DataError, ExportError
from wholefit.features import engineer
from wholefit.features.clip import QuantileClipper
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, for_distances, for_linear, for_trees

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from wholefit.artifact.exports import _onnx_math as math  # noqa: E402
from wholefit.artifact.exports import onnx as target  # noqa: E402
from wholefit.artifact.exports._onnx_columns import encoded  # noqa: E402
from wholefit.artifact.exports._onnx_graph import Graph, Value  # noqa: E402
from wholefit.artifact.exports._onnx_inputs import Columns  # noqa: E402

MUSEUM = Path(__file__).parents[1] / "museum"
# What has no form in ONNX, by task or by kind of model, with a word of the reason that is told.
REFUSED = {
    "association": "by features", "generation": "by features", "multilabel": "by features",
    "recommendation": "by features", "translation": "by features",
    "autoencoder_map": "kind 'autoencoder_map'",
    "conv_autoencoder": "kind 'conv_autoencoder'", "geodesic": "kind 'geodesic'",
    "map": "kind 'map'", "parts": "without a fixed number",
}
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def computed(build: Callable[[Value], Value], values: np.ndarray, kind: str = "f8") -> np.ndarray:
    """What a graph of one input column gives."""
    graph = Graph()
    graph.output("out", build(graph.input("x", kind)), ("any",))
    session = runtime.InferenceSession(graph.model({}).SerializeToString())
    return session.run(None, {"x": values.reshape(-1, 1)})[0]


def features(encoder: Encoder, dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """The encoder's matrix, and that of its ONNX graph."""
    graph = Graph()
    columns = Columns(graph, dataset.schema)
    graph.output("out", encoded(columns, encoder.state()), ("features",))
    session = runtime.InferenceSession(graph.model({}).SerializeToString())
    kinds = {each.name: each.type for each in session.get_inputs()}
    feed = {fact["input"]: target._cells(dataset.frame, fact, kinds[fact["input"]])
            for fact in columns.facts}
    whole = encoder.transform(dataset)
    whole = whole.toarray() if hasattr(whole, "toarray") else whole
    return np.asarray(whole, np.float64), session.run(None, feed)[0]


def table(rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """Columns of every kind, with gaps, odd words and old dates."""
    rng = np.random.default_rng(seed)
    words = ["great", "BAD", "Élan", "film", "ünder", "the", "it's", "Straße", "a_b", "42x"]
    days = dt.datetime(1890, 2, 27)
    lost = rng.random((rows, 4)) < 0.06
    return pl.DataFrame({
        "x": np.where(lost[:, 0], np.nan, rng.lognormal(size=rows)),
        "z": np.where(lost[:, 3], np.nan, rng.normal(size=rows)),
        "flag": rng.random(rows) > 0.5,
        "town": [None if gap else town for gap, town in zip(
            lost[:, 1], rng.choice(["Ely", "Wells", "Bath", "it's"], rows), strict=True)],
        "when": [None if gap else days + dt.timedelta(seconds=int(step)) for gap, step in zip(
            lost[:, 2], rng.integers(0, 86_400 * 365 * 180, rows), strict=True)],
        "text": [" ".join(rng.choice(words, rng.integers(0, 9))) or None for _ in range(rows)],
    }).with_columns(pl.Series("y", rng.integers(0, 2, rows)))


@pytest.fixture(scope="module")
def dataset() -> Any:
    return data.load(table(), target="y", roles={"text": "text", "flag": "boolean"})


@pytest.fixture(scope="module")
def fresh(dataset: Any) -> Any:
    """Rows of another draw, with a town and words that training had not, and infinities."""
    frame = table(200, seed=1).with_columns(
        pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("Nowhere")).otherwise(
            pl.col("town")).alias("town"),
        pl.when(pl.int_range(pl.len()) % 11 == 0).then(pl.lit(np.inf)).otherwise(
            pl.col("x")).alias("x"))
    return data.conforming(frame, dataset.schema)


# Numbers ----------------------------------------------------------------------------------------

def test_dates_are_those_of_the_encoder() -> None:
    """Every month's ends over 2,000 years, before and after 1970, and leap days."""
    days = np.arange(np.datetime64("1000-01-01", "D"), np.datetime64("3000-01-01", "D"), 13)
    leap = np.array(["1900-02-28", "1900-03-01", "2000-02-29", "2024-02-29", "1969-12-31",
                     "1970-01-01"], dtype="datetime64[D]")
    times = np.concatenate([days, leap]).astype("datetime64[us]") + np.timedelta64(86_399_999_999,
                                                                                   "us")
    from wholefit.features._dates import PARTS, _part

    for part in PARTS:
        found = computed(lambda time, part=part: math.calendar_part(time, part, 123),
                         times.astype(np.int64), "i8")
        np.testing.assert_array_equal(found[:, 0], _part(part, times, 123))


def test_functions_of_one_number_are_those_of_numpy() -> None:
    x = np.concatenate([np.linspace(-30, 30, 401), [1e-12, -1e-12, 1e-4, -5e-4, 0.0, 700.0]])
    np.testing.assert_allclose(computed(math.sigmoid, x)[:, 0], special.expit(x), rtol=1e-14)
    held = np.abs(x)
    np.testing.assert_allclose(computed(math.log1p, held)[:, 0], np.log1p(held), rtol=1e-14)
    np.testing.assert_allclose(computed(math.expm1, x)[:, 0], np.expm1(x), rtol=1e-12, atol=1e-16)
    p = np.concatenate([np.linspace(1e-7, 1 - 1e-7, 999), [1e-7, 0.5, 0.075, 0.925]])
    np.testing.assert_allclose(computed(math.normal_quantile, p)[:, 0], special.ndtri(p),
                               rtol=1e-12, atol=1e-13)


def test_interpolation_is_that_of_numpy_where_knots_repeat_too() -> None:
    knots = np.array([-1.0, -1.0, 0.0, 0.5, 0.5, 0.5, 2.0, 2.0])
    values = np.array([0.0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.9, 1.0])
    x = np.concatenate([np.linspace(-2, 3, 101), knots])
    found = computed(lambda each: math.interpolated(each, knots, values), x)
    np.testing.assert_allclose(found[:, 0], np.interp(x, knots, values), atol=1e-15)


def test_the_nearest_rows_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    rows = np.round(rng.normal(size=(300, 1)), 1)  # many ties: the row that comes first wins
    x = np.round(rng.normal(size=(100, 1)), 1)
    found = computed(lambda each: math.nearest(each, rows, 5)[1], x)
    apart = np.abs(x - rows.T)
    np.testing.assert_array_equal(found, np.argsort(apart, axis=1, kind="stable")[:, :5])


# Encoders ---------------------------------------------------------------------------------------

ENCODINGS = {
    "linear": for_linear(), "trees": for_trees(), "distances": for_distances(rare=0.3),
    "robust": Encoding(scale="robust", impute="mode", max_levels=2, dense=True),
    "minmax": Encoding(scale="minmax", impute="constant", fill=-3.0, categories="ordinal"),
    "products": Encoding(degree=3, impute="mean", text="drop", categories="drop"),
    "components": for_linear(pca=5, text="svd", single=True),
    "regressions": Encoding(impute="iterative", text="drop"),
    "selected": for_linear(select="f", keep=6),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_encoding_is_the_same_in_onnx(name: str, dataset: Any, fresh: Any) -> None:
    encoder = Encoder(ENCODINGS[name]).fit(dataset, y=dataset.numeric("y").astype(np.int32))
    for rows in (dataset, fresh):
        ours, theirs = features(encoder, rows)
        exact = 1e-6 if ENCODINGS[name].single else 1e-11
        np.testing.assert_allclose(theirs, ours, rtol=exact, atol=exact)


STEPS = {
    "ratio": (engineer.Ratio(at_zero="one"), ("x", "z", "flag")),
    "difference": (engineer.Difference(absolute=True), ("x", "z")),
    "product": (engineer.Product(), ("x", "z", "flag")),
    "log": (engineer.SignedLog(unit=2.0), ("x", "z")),
    "polynomial": (engineer.Polynomial(degree=3), ("x", "z")),
    "power": (engineer.Power(), ("x", "z")),
    "ranks": (engineer.Ranks(output="normal", quantiles=50), ("x", "z")),
    "bins": (engineer.Bins(output="onehot", bins=5), ("x", "z")),
    "frequency": (engineer.Frequency(output="log"), ("town", "flag")),
    "target": (engineer.TargetMean(), ("town",)),
    "aggregate": (engineer.Aggregate(by="town", statistics=(
        "mean", "std", "count", "share", "difference", "ratio")), ("x", "z", "town")),
    "missing": (engineer.MissingCount(), ("x", "town", "when")),
    "cyclic": (engineer.Cyclic(parts=["minute", "hour", "weekday", "day", "month", "yearday"],
                               holidays=["1990-12-25"]), ("when",)),
    "elapsed": (engineer.Elapsed(since="1950-01-01", unit="weeks"), ("when",)),
    "clipper": (QuantileClipper(threshold=5), ("x", "z")),
    "function": (np.tanh, ("x", "z")),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_computed_column_is_the_same_in_onnx(name: str, dataset: Any, fresh: Any) -> None:
    step, columns = STEPS[name]
    encoder = Encoder(for_linear(text="drop"), [(name, step, columns)]).fit(
        dataset, y=dataset.numeric("y").astype(np.int32))
    for rows in (dataset, fresh):
        ours, theirs = features(encoder, rows)
        np.testing.assert_allclose(theirs, ours, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("step", "reason"), [
    (engineer.Hashing(), "no such hash"), (engineer.TextStatistics(), "make them in the data")])
def test_a_step_without_a_form_is_refused(step: Any, reason: str, dataset: Any) -> None:
    column = "town" if step.kind == "hashing" else "text"
    encoder = Encoder(for_linear(text="drop"), [("odd", step, (column,))]).fit(dataset)
    with pytest.raises(ExportError, match=reason):
        features(encoder, dataset)


# Models -----------------------------------------------------------------------------------------

def exhibits() -> list[Path]:
    """Models of the museum that have a schema."""
    found = []
    for path in sorted(MUSEUM.glob("*.wf")):
        if "schema" in artifact.read(path).record:
            found.append(path)
    return found


def inner(state: Any) -> str:
    """The kind that a refusal hangs on: of what bends the features, the model inside."""
    return inner(state.parts["model"]) if state.kind == "clusters.weighed" else state.kind


@pytest.mark.parametrize("path", exhibits(), ids=lambda path: path.stem)
def test_the_museum_answers_the_same_in_onnx(path: Path, tmp_path: Path) -> None:
    model, package = wf.load(path), artifact.read(path)
    kind = inner(package.states["model"]) if "model" in package.states else ""
    pictured = any(column.role == "image" for column in model.schema.columns)
    reason = REFUSED.get(model.task, REFUSED.get(kind))
    if reason is not None or pictured:
        with pytest.raises((ExportError, DataError), match=reason or "cannot be made up"):
            model.export(tmp_path / "m.onnx")
        return
    if kind == "compressed" and package.states["model"].config["arithmetic"] in (
            "dynamic", "static"):  # sums in whole numbers: the file's are of floats
        with pytest.raises(ExportError, match="must answer as the model does"):
            model.export(tmp_path / "m.onnx")
        return
    found = model.export(tmp_path / "m.onnx")
    # XGBoost, networks that torch writes and compressed ones compute in 32 bits
    single = path.stem.startswith("xgboost") or "network" in kind or kind == "compressed"
    assert found.parity.most <= (1e-5 if single else 1e-11)
    assert found.parity.agreement == 1.0 and found.parity.rows == 1000
    proto = onnx.load(str(tmp_path / "m.onnx"))
    onnx.checker.check_model(proto)


@pytest.fixture(scope="module")
def mixed() -> pl.DataFrame:
    frame = table(500)
    score = (frame["x"].fill_nan(1.0) + (frame["town"] == "Ely").fill_null(False).cast(pl.Float64)
             + frame["text"].fill_null("").str.count_matches("great"))
    return frame.with_columns(
        pl.Series("y", ["no", "maybe", "yes"])[
            np.digitize(score.to_numpy(), [1.0, 2.2])].alias("y"))


@pytest.mark.parametrize("model", ["lightgbm", "xgboost", "catboost"])
def test_boosters_on_columns_of_every_kind(
    model: str, mixed: pl.DataFrame, tmp_path: Path
) -> None:
    from wholefit.models import get

    result = wf.fit(mixed, target="y", models=[get(model)(n_estimators=20)], folds=2,
                    roles={"text": "text"})
    assert result.model == model
    found = result.export(tmp_path / "m.onnx", rows=mixed)
    assert found.parity.most < 1e-6 and found.parity.agreement == 1.0


def test_what_stands_in_the_file_is_enough_to_feed_it(mixed: pl.DataFrame, tmp_path: Path) -> None:
    """As a stranger would: names and kinds from the metadata, no wholefit."""
    result = wf.fit(mixed, target="y", models=["logistic"], folds=2, roles={"text": "text"})
    result.export(tmp_path / "m.onnx", rows=mixed)
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"))
    facts = session.get_modelmeta().custom_metadata_map
    kinds = {fact["column"]: fact["kind"] for fact in json.loads(facts["columns"])}
    assert kinds == {"x": "number", "z": "number", "flag": "number", "town": "category",
                     "when": "time", "text": "text"}
    moment = np.datetime64("1990-03-01T12:30", "us").astype(np.int64)
    label, shares = session.run(["prediction", "probabilities"], {
        "x": [[0.5]], "z": [[np.nan]], "flag": [[1.0]], "town": [["Ely"]], "when": [[moment]],
        "text": [["Great film"]]})
    asked = pl.DataFrame({"x": [0.5], "z": [None], "flag": [True], "town": ["Ely"],
                          "when": [dt.datetime(1990, 3, 1, 12, 30)], "text": ["Great film"]},
                         schema_overrides={"z": pl.Float64})
    assert label.tolist() == result.predict(asked)["prediction"].to_list()
    assert json.loads(facts["classes"]) == list(result.classes)
    wanted = result.predict_proba(asked).select(pl.selectors.starts_with("p_")).to_numpy()
    np.testing.assert_allclose(shares, wanted, atol=1e-12)


def test_a_threshold_decides_in_the_file_too(mixed: pl.DataFrame, tmp_path: Path) -> None:
    two = mixed.filter(pl.col("y") != "maybe")
    result = wf.fit(two, target="y", models=["logistic"], folds=2, threshold=0.2)
    path = result.export(tmp_path / "m.onnx", rows=two).path
    said = target.open(path).labels(result._fitted and data.conforming(two, result.schema).frame)
    assert [result.classes[code] for code in said] == result.predict(two)["prediction"].to_list()


def test_single_makes_numbers_of_32_bits(mixed: pl.DataFrame, tmp_path: Path) -> None:
    result = wf.fit(mixed.select("x", "z", "y"), target="y", models=["logistic"], folds=2)
    found = result.export(tmp_path / "m.onnx", rows=mixed, single=True)
    session = runtime.InferenceSession(str(found.path))
    assert {each.type for each in session.get_inputs()} == {"tensor(float)"}
    assert 0 < found.parity.most < 1e-5


def test_a_brought_pipeline_keeps_its_steps(mixed: pl.DataFrame, tmp_path: Path) -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

    two = mixed.filter(pl.col("y") != "maybe").with_columns(pl.col("town").fill_null("none"))
    pipeline = make_pipeline(make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), PowerTransformer(), StandardScaler()),
         ["x", "z"]), (OneHotEncoder(handle_unknown="ignore"), ["town"])), LogisticRegression())
    frame = two.select("x", "z", "town").to_pandas()
    pipeline.fit(frame, two["y"].to_numpy())
    result = wf.adopt(pipeline, two.select("x", "z", "town", "y"), target="y")
    found = result.export(tmp_path / "m.onnx", rows=two)
    assert found.parity.most < 1e-12
    session = runtime.InferenceSession(str(found.path))
    feed = {name: two[name].to_numpy().reshape(-1, 1).astype(np.float64) for name in "xz"}
    feed["town"] = np.array(two["town"].to_list(), dtype=object)[:, None]
    np.testing.assert_allclose(session.run(["probabilities"], feed)[0],
                               pipeline.predict_proba(frame), atol=1e-12)


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"not a graph")
    with pytest.raises(ExportError, match="cannot read"):
        target.open(tmp_path / "m.onnx")
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    info = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", info[:1], info[1:]),
                                     ir_version=9, opset_imports=[
                                         onnx.helper.make_opsetid("", 18)]), tmp_path / "n.onnx")
    with pytest.raises(ArtifactError, match="metadata say nothing"):
        target.open(tmp_path / "n.onnx")
