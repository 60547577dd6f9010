"""Each kind of block against scikit-learn on real columns, and on the values that break things."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from wholefit.base.errors import ParameterError
from wholefit.features._tokens import count
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, for_trees

NUMBERS = {"titanic": ["age", "fare", "sibsp", "parch"],
           "credit_data": ["Seniority", "Age", "Expenses", "Income", "Assets", "Debt"]}
TARGETS = {"titanic": "survived", "credit_data": "Status"}
IMPUTERS = {"mean": SimpleImputer(strategy="mean"), "median": SimpleImputer(strategy="median"),
            "mode": SimpleImputer(strategy="most_frequent"),
            "constant": SimpleImputer(strategy="constant", fill_value=-7.0)}
SCALERS = {"standard": StandardScaler(), "minmax": MinMaxScaler(), "robust": RobustScaler()}


@pytest.fixture(params=["titanic", "credit_data"])
def case(request, real):
    """(dataset, numeric columns as one array, their names, training rows)."""
    data = real(request.param, TARGETS[request.param])
    names = NUMBERS[request.param]
    rows = np.sort(np.random.default_rng(1).permutation(len(data))[: len(data) // 2])
    return data, np.stack([data.numeric(n) for n in names], axis=1), names, rows


def pick(encoder, data, names, rows=None):
    X = encoder.transform(data, rows)
    X = X.toarray() if hasattr(X, "toarray") else X
    return X[:, [encoder.names.index(name) for name in names]]


@pytest.mark.parametrize("impute", sorted(IMPUTERS))
@pytest.mark.parametrize("scale", ["none", *SCALERS])
def test_numbers_agree_with_scikit_learn(case, impute, scale):
    data, values, names, rows = case
    encoder = Encoder(Encoding(impute=impute, scale=scale, fill=-7.0)).fit(data, rows)
    imputer = IMPUTERS[impute].fit(values[rows])
    wanted = imputer.transform(values)
    if scale != "none":
        wanted = SCALERS[scale].fit(imputer.transform(values[rows])).transform(wanted)
    assert np.allclose(pick(encoder, data, names), wanted, rtol=1e-12, atol=1e-12)


def test_scaling_passes_over_missing_values_when_they_stay(case):
    data, values, names, rows = case
    for scale, scaler in SCALERS.items():
        encoder = Encoder(Encoding(impute="none", scale=scale)).fit(data, rows)
        wanted = scaler.fit(values[rows]).transform(values)
        assert np.allclose(pick(encoder, data, names), wanted, rtol=1e-12, atol=1e-12,
                           equal_nan=True)


def test_indicators_stand_for_columns_with_gaps_in_training(case):
    data, values, names, rows = case
    encoder = Encoder(Encoding()).fit(data, rows)
    gaps = [n for n, column in zip(names, values[rows].T, strict=True) if np.isnan(column).any()]
    assert gaps
    assert [n for n in encoder.names if n.endswith(" (missing)")] == [
        f"{n} (missing)" for n in gaps]
    flags = pick(encoder, data, [f"{n} (missing)" for n in gaps])
    assert np.array_equal(flags, np.isnan(values[:, [names.index(n) for n in gaps]]))


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("degree", [2, 3])
def test_products_agree_with_scikit_learn(case, degree, distinct):
    data, _, _, rows = case
    encoding = Encoding(scale="standard", degree=degree, interactions_only=distinct,
                        indicator=False, categories="drop")
    encoder = Encoder(encoding).fit(data, rows)
    names = [n for n in data.schema.features if data.schema.role(n) == "numeric"]
    assert encoder.names[:len(names)] == names
    raw = np.stack([data.numeric(n) for n in names], axis=1)
    filled = SimpleImputer(strategy="median").fit(raw[rows])
    scaled = StandardScaler().fit(filled.transform(raw[rows])).transform(filled.transform(raw))
    wanted = PolynomialFeatures(degree, interaction_only=distinct, include_bias=False)
    assert np.allclose(encoder.transform(data), wanted.fit_transform(scaled), rtol=1e-9,
                       atol=1e-9)


def test_names_and_sources_of_products(made):
    data = made({"a": [1.0, 2.0, 4.0], "b": [3.0, 5.0, 9.0], "f": [True, False, True]},
                a="numeric", b="numeric", f="boolean")
    encoder = Encoder(Encoding(degree=3)).fit(data)
    assert encoder.names == ["a", "b", "f", "a^2", "a*b", "a*f", "b^2", "b*f", "a^3", "a^2*b",
                             "a^2*f", "a*b^2", "a*b*f", "b^3", "b^2*f"]
    assert dict(zip(encoder.names, encoder.sources, strict=True))["a^2*b"] == "a*b"
    assert dict(zip(encoder.names, encoder.sources, strict=True))["b^3"] == "b"
    assert encoder.transform(data)[1, encoder.names.index("a*b^2")] == 50


def test_too_many_products_are_refused_with_a_way_out(made):
    data = made({f"c{i}": [1.0, 2.0, float(i)] for i in range(120)},
                **{f"c{i}": "numeric" for i in range(120)})
    with pytest.raises(ParameterError, match=r"at most 5,000 terms; 2 makes 7,260 of 120"):
        Encoder(Encoding(degree=2)).fit(data)


def test_categories_agree_with_scikit_learn(real):
    data = real("credit_data", "Status")
    names = ["Home", "Marital", "Records", "Job"]
    raw = data.frame.select(names).to_pandas().astype(object).where(lambda f: f.notna(), None)
    rows, rest = np.arange(0, 300), np.arange(300, len(data))
    encoder = Encoder(Encoding(dense=True)).fit(data, rows)
    wanted = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(raw.iloc[rows])
    mine = [i for i, source in enumerate(encoder.sources) if source in names]
    assert np.array_equal(encoder.transform(data, rest)[:, mine], wanted.transform(raw.iloc[rest]))
    codes = Encoder(for_trees()).fit(data, rows)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    ordinal.fit(raw.iloc[rows])
    expected = ordinal.transform(raw.iloc[rest])
    expected[raw.iloc[rest].isna().to_numpy()] = np.nan  # scikit-learn gives None a code
    assert np.array_equal(pick(codes, data, names, rest), expected, equal_nan=True)


def test_rare_and_unseen_levels_fold_into_one(made):
    towns = ["a"] * 5 + ["b"] * 4 + ["c", None] + ["z"]
    data = made({"t": towns}, t="categorical")
    encoder = Encoder(Encoding(rare=0.2, dense=True)).fit(data, np.arange(11))
    assert encoder.names == ["t=a", "t=b", "t=(other)", "t=(missing)"]
    assert encoder.transform(data, np.array([0, 9, 10, 11])).tolist() == [
        [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    codes = Encoder(Encoding(rare=0.2, categories="ordinal")).fit(data, np.arange(11))
    assert codes.transform(data, np.array([0, 8, 9, 10, 11])).ravel().tolist() == [0, 1, 2, -1, 2]
    assert codes.cardinalities == (3,)


def test_levels_beyond_the_most_frequent_fold_and_ties_go_by_name(made):
    data = made({"t": ["d", "c", "b", "b", "a", "a", None]}, t="categorical")
    encoder = Encoder(Encoding(max_levels=3, dense=True)).fit(data, np.arange(6))
    assert encoder.names == ["t=a", "t=b", "t=c", "t=(other)"]
    assert encoder.transform(data, np.array([0, 1, 6])).tolist() == [
        [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_infinite_and_enormous_numbers(made):
    values = [1.0, 5.0, np.inf, -np.inf, None, 1e300, -1e300]
    data = made({"x": values}, x="numeric")
    rows = np.arange(5)
    X = Encoder(Encoding(indicator=False)).fit(data, rows).transform(data)
    assert X.ravel().tolist() == [1, 5, 5, 1, 3, 1e100, -1e100]
    small = Encoder(Encoding(indicator=False, single=True)).fit(data, rows).transform(data)
    largest = float(np.finfo(np.float32).max)
    assert small.ravel().tolist() == [1, 5, 5, 1, 3, largest, -largest]
    whole = Encoder(Encoding(scale="standard", indicator=False, degree=3)).fit(data)
    assert np.isfinite(whole.transform(data)).all()
    assert abs(whole.transform(data)[:, 0].std() - 1) < 1e-9


@pytest.mark.parametrize("scale", ["none", *SCALERS])
def test_constant_and_empty_columns_are_safe(made, scale):
    data = made({"c": [0.1, 0.1, 0.1, 5.0], "e": [None, None, None, 9.0],
                 "i": [np.inf, np.inf, None, 2.0], "x": [1.0, 2.0, 3.0, 4.0]},
                c="numeric", e="numeric", i="numeric", x="numeric")
    encoder = Encoder(Encoding(scale=scale)).fit(data, np.arange(3))
    X = encoder.transform(data)
    assert np.isfinite(X).all()
    assert np.ptp(X[:3, 0]) == 0
    assert (X[:, 1] == 0).all()  # nothing was learnt of it, so it says nothing of new rows
    assert (X[:, 2] == 0).all()
    assert np.isnan(Encoder(for_trees()).fit(data, np.arange(3)).transform(data)[:, 1]).all()


def test_parts_of_datetimes(made):
    times = [dt.datetime(2024, 2, 28, 6), dt.datetime(2024, 2, 29, 18), None,
             dt.datetime(1969, 12, 31, 23, 30)]
    data = made({"d": times}, d="datetime")
    encoder = Encoder(Encoding(impute="none")).fit(data, np.arange(3))
    assert encoder.names == ["d.day", "d.weekday", "d.hour", "d.days", "d (missing)"]
    assert set(encoder.sources) == {"d"}
    X = encoder.transform(data)
    assert X[0].tolist() == [28, 2, 6, 0, 0]
    assert X[1].tolist() == [29, 3, 18, 1.5, 0]
    assert np.isnan(X[2, :4]).all()
    assert X[2, 4] == 1
    assert X[3, :3].tolist() == [31, 2, 23]
    assert X[3, 3] == (times[3] - times[0]) / dt.timedelta(days=1)
    whole = Encoder(Encoding(indicator=False)).fit(data)
    assert whole.names == ["d.year", "d.month", "d.day", "d.weekday", "d.hour", "d.days"]
    assert whole.transform(data, np.array([3]))[0, :2].tolist() == [1969, 12]


def test_datetimes_can_be_left_out(made):
    data = made({"d": [dt.datetime(2024, 1, 1), dt.datetime(2025, 2, 2)], "x": [1.0, 2.0]},
                d="datetime", x="numeric")
    assert Encoder(Encoding(dates=False)).fit(data).names == ["x"]


def test_words_agree_with_scikit_learn(real):
    data = real("sms_spam", "spam")
    name = data.schema.features[0]
    texts = data.texts(name)
    rows, rest = np.arange(0, 1000), np.arange(1000, 2000)
    encoder = Encoder(Encoding(words=400, dense=True)).fit(data, rows)
    words = [n.removeprefix(f"{name}~") for n in encoder.names]
    assert len(words) == 400
    wanted = TfidfVectorizer(vocabulary=words, token_pattern=r"(?u)\b\w\w+\b")
    wanted.fit([texts[i] for i in rows])
    found = wanted.transform([texts[i] for i in rest]).toarray()
    assert np.allclose(encoder.transform(data, rest), found, rtol=1e-12, atol=1e-14)
    everything = TfidfVectorizer(token_pattern=r"(?u)\b\w\w+\b").fit([texts[i] for i in rows])
    spread = (everything.transform([texts[i] for i in rows]) > 0).sum(axis=0).A1
    assert min(spread[everything.vocabulary_[w]] for w in words) == np.sort(spread)[-400]


def test_tokens_of_awkward_texts():
    found = count(["The THE the a", None, "", "naïve_1 日本語 x", "été-été! ÉTÉ"])
    assert found.words == ["naïve_1", "the", "été", "日本語"]
    assert found.starts.tolist() == [0, 1, 1, 1, 3, 4]
    assert found.counts.tolist() == [3, 1, 1, 3]
    assert count([]).words == []


def test_directions_are_the_leading_ones_and_repeat(real):
    data = real("womens_clothing_reviews", "Rating", Title="ignored")
    rows = np.arange(2000)
    base = {"words": 600, "categories": "drop", "indicator": False}
    plain = Encoder(Encoding(**base, text="tfidf")).fit(data, rows)
    encoder = Encoder(Encoding(**base, text="svd", directions=8), seed=1).fit(data, rows)
    again = Encoder(Encoding(**base, text="svd", directions=8), seed=1).fit(data, rows)
    texts = [i for i, n in enumerate(plain.names) if "~" in n]
    M = csr_array(plain.transform(data, rows))[:, texts]
    strength = np.sort(svds(M, k=8)[1])[::-1]
    X = encoder.transform(data, rows)[:, -8:]
    assert encoder.names[-8:] == [f"Review Text^{i}" for i in range(1, 9)]
    assert np.allclose(np.linalg.norm(X, axis=0), strength, rtol=1e-8)
    assert X.tobytes() == again.transform(data, rows)[:, -8:].tobytes()
    few = Encoder(Encoding(**base, text="svd", directions=8)).fit(data, rows[:300])
    assert few.transform(data, rows).shape == (2000, len(few.names))
