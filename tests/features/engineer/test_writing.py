"""Features as words: TOML there and back; in the encoder, in a fit, and in a saved model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, SchemaError, UnknownNameError
from wholefit.base.state import same
from wholefit.data import dataset_of
from wholefit.features import engineer
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, for_linear

TOML = """
[[feature]]
kind = "ratio"
columns = ["debt", "income"]
at_zero = "zero"

[[feature]]
kind = "lags"
columns = ["sales"]
time = "date"
group = "shop"
lags = [1, 7]
name = "past"
keep = false
"""

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def table(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """A column of every kind."""
    draw = np.random.default_rng(seed)
    when = np.datetime64("2024-01-01", "us") + np.arange(rows) * 10_800_000_000
    frame = pl.DataFrame({
        "a": draw.normal(size=rows), "b": draw.uniform(1, 5, rows),
        "c": draw.exponential(size=rows),
        "flag": draw.random(rows) < 0.5, "town": draw.choice(["Ely", "Wells", "York"], rows),
        "shop": draw.choice(["s1", "s2"], rows), "when": when, "paid": when[::-1],
        "note": [" ".join(draw.choice(["good", "BAD", "so so", "42"], 8)) for _ in range(rows)],
        "end": draw.integers(0, 2, rows)})
    return frame.with_columns(a=pl.when(pl.int_range(rows) % 9 == 0).then(None).otherwise("a"))


EVERY = [
    {"kind": "ratio", "columns": ["a", "b"]}, {"kind": "difference", "columns": ["a", "b", "c"]},
    {"kind": "product", "columns": ["a", "b"]}, {"kind": "log", "columns": ["c"], "keep": True},
    {"kind": "polynomial", "columns": ["a", "b"]},
    {"kind": "power", "columns": ["c"], "keep": True},
    {"kind": "expression", "formula": "if(flag == 1, a / b, 0)"},
    {"kind": "ranks", "columns": ["b"], "output": "normal", "keep": True},
    {"kind": "bins", "columns": ["a"], "by": "target", "output": "onehot"},
    {"kind": "cyclic", "columns": ["when"], "holidays": ["2024-01-01"]},
    {"kind": "elapsed", "columns": ["paid", "when"], "unit": "hours"},
    {"kind": "lags", "columns": ["a"], "time": "when", "group": "shop", "lags": [1, 2]},
    {"kind": "rolling", "columns": ["a"], "time": "when", "window": "2d", "statistics": ["mean"]},
    {"kind": "aggregate", "columns": ["b"], "by": "town", "statistics": ["mean", "count"]},
    {"kind": "frequency", "columns": ["town", "flag"]},
    {"kind": "target", "columns": ["town", "shop"]},
    {"kind": "hashing", "columns": ["town"], "width": 4, "keep": True},
    {"kind": "text", "columns": ["note"]}, {"kind": "missing", "columns": ["a", "town"]},
]


def test_every_kind_is_here() -> None:
    assert {given["kind"] for given in EVERY} == set(engineer.KINDS)
    assert {row["kind"] for row in engineer.describe()} == set(engineer.KINDS)
    for row in engineer.describe():
        assert row["summary"] and all(option["doc"] for option in row["options"])


def test_toml_is_read_as_it_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "features.toml"
    path.write_text(TOML)
    ratio, lags = wf.load_features(path)
    assert (ratio.name, ratio.columns, ratio.keep) == ("debt/income", ("debt", "income"), True)
    assert ratio.transformer.at_zero == "zero"
    assert (lags.name, lags.columns, lags.keep) == ("past", ("sales", "date", "shop"), False)
    assert lags.transformer.lags == [1, 7]


def test_toml_there_and_back(tmp_path: Path) -> None:
    steps = engineer.parse(EVERY)
    again = engineer.load(engineer.save(steps, tmp_path / "f.toml"))
    assert engineer.dump(again) == engineer.dump(steps)
    assert [s.columns for s in again] == [s.columns for s in steps]
    made = [eval(engineer.spec_of(step), {"feature": wf.feature}) for step in steps]
    assert [repr(s.transformer) for s in made] == [repr(s.transformer) for s in again]


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_name_survives_toml(name: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        step = engineer.feature("log", name)
        found = engineer.load(engineer.save([step], Path(folder) / "f.toml"))
    assert found[0].columns == (name,) and found[0].name == step.name


def test_names_that_repeat_are_numbered() -> None:
    steps = engineer.parse([{"kind": "bins", "columns": ["a"]}] * 3)
    assert [step.name for step in steps] == ["bins(a)", "bins(a) #2", "bins(a) #3"]


@pytest.mark.parametrize(("text", "error", "said"), [
    ('[[feature]]\nkind = "ration"\ncolumns = ["a", "b"]', UnknownNameError, "mean 'ratio'"),
    ('[[feature]]\ncolumns = ["a"]', ParameterError, "feature 1 must have a kind"),
    ('[[feature]]\nkind = "log"', ParameterError, "must be given columns"),
    ('[[feature]]\nkind = "log"\ncolumns = ["a"]\nunit = 0', ParameterError, "must be > 0"),
    ('[[feature]]\nkind = "log"\ncolumns = ["a"]\nunits = 1', UnknownNameError, "mean 'unit'"),
    ("[[features]]", DataError, r"must hold \[\[feature\]\] tables only; got 'features'"),
    ("feature = 3", DataError, "tables only"), ("[[", DataError, "is not TOML"),
    ("[[feature]]\nkind = 'expression'\nformula = '1 +'", ParameterError, "cannot be read"),
])
def test_wrong_files(tmp_path: Path, text: str, error: type, said: str) -> None:
    path = tmp_path / "features.toml"
    path.write_text(text)
    with pytest.raises(error, match=said):
        wf.load_features(path)
    with pytest.raises(DataError, match="cannot be read"):
        wf.load_features(tmp_path / "none.toml")


def test_in_the_encoder() -> None:
    frame = table()
    data = dataset_of(frame, target="end", time="when", roles={"note": "text"})
    y = frame["end"].to_numpy().astype(np.int32)
    train = np.arange(200)
    steps = engineer.parse(EVERY)
    encoder = Encoder(for_linear(dense=True, text="drop"), steps)
    X = encoder.fit_transform(data, train, y[train])
    names = encoder.names
    for name in ("a/b", "a-b", "a*b", "log(c)", "a^2", "power(c)", "rank(b)", "sin(when.hour)",
                 "holiday(when)", "hours from when to paid", "a lag 2", "mean of a over 2d",
                 "mean of b by town", "count by town", "share of town", "target by shop",
                 "hash(town).4", "note.words", "missing(a,town)"):
        assert any(name in other for other in names), name
    assert np.isfinite(X).all()
    again = Encoder.from_state(encoder.state())
    assert same(again.state(), encoder.state())
    rest = np.arange(200, 300)
    assert again.transform(data, rest).tobytes() == encoder.transform(data, rest).tobytes()
    # The target of rows that were not learnt from changes nothing.
    other = Encoder(for_linear(dense=True, text="drop"), steps).fit(data, train, y[train])
    assert other.transform(data, rest).tobytes() == encoder.transform(data, rest).tobytes()


def test_statistics_are_those_of_training_rows_alone() -> None:
    frame = table()
    wild = frame.with_columns(
        [pl.when(pl.int_range(300) >= 200).then(pl.col(c) * 1e6).otherwise(c) for c in "abc"])
    y = frame["end"].to_numpy().astype(np.int32)
    train, steps = np.arange(200), engineer.parse(EVERY)
    found = [Encoder(Encoding(text="drop", dense=True), steps).fit(
        dataset_of(f, target="end", time="when", roles={"note": "text"}), train, y[train])
        for f in (frame, wild)]
    assert same(found[0].state(), found[1].state())


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[wf.Result, Path]:
    frame = table(400)
    path = engineer.save(engineer.parse(EVERY), tmp_path_factory.mktemp("f") / "features.toml")
    made = wf.fit(frame, target="end", time="when", models="logistic", choose="best", folds=3,
                  jobs=1, roles={"note": "text", "shop": "ignored"}, transformers=str(path))
    return made, made.save(path.parent / "made.wf")


def test_a_saved_model_repeats_them_to_the_bit(fitted: tuple[wf.Result, Path]) -> None:
    made, path = fitted
    loaded = wf.load(path)
    new = table(50, seed=9).drop("end")
    for question in (table(400), new, new[:1], new.cast({"flag": pl.Int8}),
                     new.with_columns(pl.col("when").dt.to_string("%Y-%m-%d %H:%M:%S"))):
        before, after = made.predict_proba(question), loaded.predict_proba(question)
        assert before.equals(after)
    plain, text = made.predict_proba(new), made.predict_proba(
        new.with_columns(pl.col("when").dt.to_string("%Y-%m-%d %H:%M:%S")))
    assert plain.equals(text)


def test_columns_that_only_place_a_row_are_asked_for(fitted: tuple[wf.Result, Path]) -> None:
    made, _ = fitted
    with pytest.raises(SchemaError, match="must have column 'shop', which transformer"):
        made.predict(table(20).drop("shop"))


def test_the_past_needs_a_split_in_time() -> None:
    step = wf.feature("lags", "a", time="when")
    with pytest.raises(ParameterError, match=r"Lags looks at the past.*say time='when'"):
        wf.fit(table(), target="end", models="dummy", transformers=[step])


def test_a_transformer_of_ones_own_cannot_be_written() -> None:
    with pytest.raises(ParameterError, match="only engineered features can be written down"):
        engineer.dump([("log", np.log1p, "a")])


def test_options_are_fields_with_a_meaning() -> None:
    for kind in engineer.KINDS:
        cls = type(engineer.make(kind, **{g["kind"]: {
            k: v for k, v in g.items() if k not in ("kind", "columns", "keep")}
            for g in EVERY}[kind]))
        given = [f.name for f in dataclasses.fields(cls) if f.init]
        assert given == [spec.name for spec in cls.specs()]
