"""A user's own transformers: what they are given, where their answers go, how they are stored."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.preprocessing import PowerTransformer
from sklearn.utils.estimator_checks import check_estimator

from wholefit.base.errors import DataError, ParameterError, StateError, UnknownNameError
from wholefit.base.state import State, same
from wholefit.features.clip import QuantileClipper
from wholefit.features.custom import Custom, register
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, for_linear, for_trees

RAW = Encoding(impute="none", indicator=False, dense=True)


@pytest.fixture
def data(made):
    return made({"a": [1.0, 2.0, 3.0, 100.0], "b": [5.0, None, 7.0, 8.0],
                 "town": ["Ely", "York", None, "Ely"]},
                a="numeric", b="numeric", town="categorical")


def test_clipper_passes_scikit_learns_own_checks():
    results = check_estimator(QuantileClipper(), on_fail=None)
    assert {r["check_name"] for r in results if r["status"] == "failed"} == set()
    assert sum(r["status"] == "passed" for r in results) > 30


def test_clipper_clips_at_training_quantiles():
    X = np.random.default_rng(0).standard_normal((500, 2))
    X[7, 0] = np.nan
    clipper = QuantileClipper(threshold=5).fit(X)
    assert np.allclose(clipper.lower_, np.nanquantile(X, 0.05, axis=0))
    assert np.allclose(clipper.upper_, np.nanquantile(X, 0.95, axis=0))
    out = clipper.transform([[np.inf, -50.0], [np.nan, 0.0]])
    assert np.allclose(out[0], [clipper.upper_[0], clipper.lower_[1]])
    assert np.isnan(out[1, 0])
    assert out[1, 1] == 0
    again = QuantileClipper.from_state(clipper.to_state())
    assert again.transform(X).tobytes() == clipper.transform(X).tobytes()
    assert clone(clipper).get_params() == {"threshold": 5}
    with pytest.raises(ParameterError, match="threshold must be >= 0 and <= 50"):
        QuantileClipper(60).fit(X)


def test_one_alone_is_given_every_numeric_column_and_training_rows_only(data):
    clipper = QuantileClipper(threshold=0)
    encoder = Encoder(RAW, transformers=[clipper]).fit(data, np.arange(3))
    assert not hasattr(clipper, "lower_")  # the user's object is left as it was
    X = encoder.transform(data)
    assert encoder.names[:2] == ["a", "b"]
    assert X[3, :2].tolist() == [3.0, 7.0]


def test_steps_follow_one_another_and_are_then_imputed_and_scaled(data):
    steps = [("clip", QuantileClipper(threshold=0), ["a"]), ("log", np.log1p, "a")]
    encoder = Encoder(for_linear(categories="drop", dense=True), steps).fit(data, np.arange(3))
    a = encoder.transform(data)[:, encoder.names.index("a")]
    logs = np.log1p([1.0, 2.0, 3.0, 3.0])
    assert np.allclose(a, (logs - logs[:3].mean()) / logs[:3].std())


def test_new_columns_take_the_place_of_old_ones_unless_kept(data):
    def ratio(X):
        return X[:, 0] / X[:, 1]

    gone = Encoder(RAW.replace(categories="drop"), [("ratio", ratio, ["a", "b"])]).fit(data)
    assert gone.names == ["ratio"]
    assert gone.transform(data)[2, 0] == 3 / 7
    kept = Encoder(RAW.replace(categories="drop"),
                   [Custom("ratio", ratio, ("a", "b"), keep=True)]).fit(data)
    assert kept.names == ["a", "b", "ratio"]
    assert kept.sources == ["a", "b", "ratio"]
    both = Encoder(RAW.replace(categories="drop"),
                   [Custom("log", np.log, ("a",), keep=True)]).fit(data)
    assert both.names == ["a", "b", "log(a)"]
    assert both.sources == ["a", "b", "a"]


def test_frames_for_those_who_want_them(data):
    class Length:
        wants = "frame"

        def transform(self, frame):
            assert isinstance(frame, pl.DataFrame)
            return frame.select(pl.col("town").str.len_chars())

    encoder = Encoder(RAW, [("length", Length(), "town")]).fit(data)
    assert encoder.names == ["a", "b", "town"]
    assert encoder.transform(data, np.array([1, 2]))[0, 2] == 4
    kept = Encoder(RAW, [Custom("length", Length(), ("town",), keep=True)]).fit(data)
    assert kept.names == ["a", "b", "length(town)", "town=Ely", "town=York", "town=(missing)"]


def test_scikit_learns_transformers_are_welcome(real):
    data = real("titanic", "survived")
    encoder = Encoder(for_trees(), [PowerTransformer()]).fit(data, np.arange(900))
    raw = np.stack([data.numeric(n) for n in ("age", "fare", "sibsp", "parch")], axis=1)
    wanted = PowerTransformer().fit(raw[:900]).transform(raw)
    assert np.allclose(encoder.transform(data)[:, :4], wanted, rtol=1e-5, equal_nan=True)
    with pytest.raises(StateError, match=r"'PowerTransformer'.*to_state.*register"):
        encoder.state()


def test_stored_forms(data):
    steps = [("clip", QuantileClipper(threshold=10), ["a"]), ("log", np.log1p, "a")]
    encoder = Encoder(for_linear(), steps).fit(data)
    again = Encoder.from_state(encoder.state())
    assert same(again.state(), encoder.state())
    assert again.names == encoder.names
    assert np.asarray(again.transform(data)).tobytes() == np.asarray(
        encoder.transform(data)).tobytes()


class Shift:
    def fit(self, X):
        self.by = float(np.nanmin(X))
        return self

    def transform(self, X):
        return X - self.by

    def to_state(self):
        return State("test.shift", {"by": self.by})

    @classmethod
    def from_state(cls, state):
        made = cls()
        made.by = state.config["by"]
        return made


def test_a_stranger_can_register_a_kind(data):
    encoder = Encoder(RAW, [Shift()]).fit(data)
    with pytest.raises(StateError, match=r"registered kind; got 'test.shift'"):
        encoder.state()
    register("test.shift", Shift)
    state = encoder.state()
    assert np.array_equal(Encoder.from_state(state).transform(data), encoder.transform(data),
                          equal_nan=True)
    broken = State("encoder.custom", {"name": "s", "columns": ["a"], "outputs": ["a"]},
                   parts={"transformer": State("test.unheard")})
    with pytest.raises(StateError, match=r"'test.unheard'.*import the module"):
        Encoder.from_state(State("encoder", {**state.config, "blocks": 0},
                                 parts={"step 0": broken}))


def test_only_numpys_elementwise_functions_are_loaded_by_name(data):
    for name in ("load", "fromfile", "nothing_such"):
        bad = State("transformer.ufunc", {"name": name})
        step = State("encoder.custom", {"name": "s", "columns": ["a"], "outputs": ["a"]},
                     parts={"transformer": bad})
        state = Encoder(RAW).fit(data).state()
        broken = State("encoder", {**state.config, "steps": 1},
                       parts={**state.parts, "step 0": step})
        with pytest.raises(UnknownNameError, match="numpy function"):
            Encoder.from_state(broken)


@pytest.mark.parametrize(("given", "error", "says"), [
    (QuantileClipper, ParameterError, "write QuantileClipper"),
    (("x", 3), ParameterError, "function of X"),
    (("x", np.log, ["c"]), UnknownNameError, "no column for transformer 'x'"),
    (("x", np.log, ["town"]), ParameterError, "wants = 'frame'"),
    (("x", lambda X: X[:1]), DataError, "one row for each of the 4"),
    (("x", lambda X: [["a"]] * 4), DataError, "must give numbers"),
    ((1, 2), ParameterError, r"\(name, transformer\)"),
])
def test_mistakes_are_told_plainly(data, given, error, says):
    with pytest.raises(error, match=says):
        Encoder(RAW, [given]).fit(data)


def test_two_steps_of_one_name_are_refused(data):
    with pytest.raises(ParameterError, match="different names"):
        Encoder(RAW, [np.log1p, np.log1p]).fit(data)


def test_an_error_inside_says_whose_it_is(data):
    def broken(X):
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom") as caught:
        Encoder(RAW, [("mine", broken)]).fit(data)
    assert caught.value.__notes__ == ["raised by transform of transformer 'mine'"]


def test_a_step_must_make_as_many_columns_as_in_training(data):
    ragged = [("r", lambda X: X[:, : 1 + (len(X) == 4)], ["a", "b"])]
    encoder = Encoder(RAW, ragged).fit(data)
    with pytest.raises(DataError, match="must give 2 columns, as in training; got 1"):
        encoder.transform(data, np.arange(2))
