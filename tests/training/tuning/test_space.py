"""Dimensions and spaces: places and values, names, defaults, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wholefit.base import tasks
from wholefit.base.errors import ParameterError, UnknownNameError, WholefitError
from wholefit.training.tuning import Choice, Distribution, Real, Space, Whole
from wholefit.training.tuning._reading import read

CLASSES = tasks.get("classification")


@given(st.floats(0, 1))
def test_a_real_value_lies_where_it_was_drawn(place: float) -> None:
    for dim in (Real(-3.0, 5.0), Real(1e-4, 10.0, log=True)):
        assert dim.low <= dim.at(place) <= dim.high
        assert dim.place(dim.at(place)) == pytest.approx(place, abs=1e-9)


@given(st.floats(0, 1), st.integers(1, 50), st.integers(1, 50), st.booleans())
def test_a_whole_value_has_a_place_that_gives_it_back(
    place: float, low: int, more: int, log: bool
) -> None:
    dim = Whole(low, low + more, log)
    value = dim.at(place)
    assert dim.low <= value <= dim.high
    assert dim.at(dim.place(value)) == value


def test_whole_numbers_have_the_shares_of_their_scale() -> None:
    even, log = Whole(1, 4), Whole(1, 4, log=True)
    places = np.linspace(0, 1, 100_001)
    counts = np.bincount([even.at(place) for place in places], minlength=5)[1:]
    assert counts / counts.sum() == pytest.approx([0.25] * 4, abs=1e-4)
    expected = np.diff(np.log([0.5, 1.5, 2.5, 3.5, 4.5])) / np.log(9)
    counts = np.bincount([log.at(place) for place in places], minlength=5)[1:]
    assert counts / counts.sum() == pytest.approx(expected, abs=1e-4)


def test_a_distribution_is_drawn_by_its_quantiles() -> None:
    dim = Distribution(stats.expon(scale=0.1))
    drawn = [dim.at(place) for place in np.random.default_rng(0).random(4000)]
    assert stats.kstest(drawn, "expon", args=(0, 0.1)).pvalue > 0.01
    assert isinstance(Distribution(stats.randint(1, 9)).at(0.4), int)
    assert Distribution(stats.expon()).at(1.0) < np.inf


def test_options_are_told_apart_and_found_again() -> None:
    dim = Choice((1, True, "1", None, (1, 2)))
    for option in dim.options:
        found = dim.at(dim.place(option))
        assert found == option and type(found) is type(option)
    with pytest.raises(ParameterError, match="must be one of"):
        dim.place(2)


@pytest.mark.parametrize("make", [
    lambda: Real(1.0, 1.0), lambda: Real(2.0, 1.0), lambda: Real(0.0, 1.0, log=True),
    lambda: Real(0.0, float("nan")), lambda: Whole(0, 5, log=True), lambda: Choice(()),
    lambda: Choice((1, 1)), lambda: Choice((object(),)), lambda: Distribution(3),
])
def test_what_is_no_dimension_is_refused(make: object) -> None:
    with pytest.raises(ParameterError):
        make()  # type: ignore[operator]


def test_the_catalog_gives_ranges_of_what_is_at_its_default() -> None:
    space = Space.of(["ridge"])
    assert space.dims["ridge.alpha"] == Real(1e-4, 1e4, log=True) or "ridge.alpha" in space.dims
    fixed = Space.of(["lightgbm(n_estimators=200)"])
    assert "lightgbm.n_estimators" not in fixed.dims and "lightgbm.learning_rate" in fixed.dims
    assert fixed.build(fixed.draw(np.random.default_rng(0)))[0].n_estimators == 200  # type: ignore[attr-defined]


def test_names_reach_models_and_the_encoding() -> None:
    space = Space.of(["decision_tree", "logistic"], {
        "decision_tree.max_depth": [2, 3, None], "logistic.C": (0.1, 10.0), "degree": [1, 2]})
    assert list(space.dims) == ["model", "decision_tree.max_depth", "logistic.C",
                                "encoding.degree"]
    for seed in range(20):
        values = space.draw(np.random.default_rng(seed))
        model, changes = space.build(values)
        assert model.name == values["model"] and changes == {"degree": values["encoding.degree"]}
        assert not any(name.startswith(other) for name in values
                       for other in {"decision_tree.", "logistic."} - {f"{model.name}."})
        assert space.unpack(json.loads(space.key(values))) == values


def test_the_catalogs_ranges_can_be_changed() -> None:
    space = Space.of(["decision_tree"], {"*": True, "max_depth": 4, "ccp_alpha": None})
    assert space.dims["decision_tree.max_depth"] == Choice((4,))
    assert "decision_tree.ccp_alpha" not in space.dims
    assert "decision_tree.min_samples_leaf" in space.dims


def test_defaults_are_the_models_own_or_the_nearest() -> None:
    space = Space.of(["decision_tree"], {"max_depth": [2, 4], "min_samples_leaf": (5, 50),
                                         "encoding.rare": [0.0, 0.05]}, task=CLASSES)
    assert space.usual() == {"decision_tree.max_depth": 4, "decision_tree.min_samples_leaf": 5,
                             "encoding.rare": 0.0}
    assert not space.has_defaults("decision_tree")
    assert Space.of(["decision_tree"], {"min_samples_leaf": (1, 50)}).has_defaults("decision_tree")
    assert Space.of(["lightgbm"]).has_defaults("lightgbm")


def test_mixtures_are_mended() -> None:
    space = Space.of(["decision_tree", "logistic"], {
        "decision_tree.max_depth": (2, 9), "logistic.C": (0.1, 10.0)})
    mixed = {"model": "logistic", "decision_tree.max_depth": 3}
    found = space.mended(mixed, np.random.default_rng(0))
    assert set(found) == {"model", "logistic.C"} and found["model"] == "logistic"


def test_an_estimator_that_was_brought_has_its_own_parameters() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    space = Space.of([KNeighborsClassifier()], {"n_neighbors": (1, 30), "weights":
                                                ["uniform", "distance"]})
    model, _ = space.build({"KNeighborsClassifier.n_neighbors": 7,
                            "KNeighborsClassifier.weights": "distance"})
    assert model.estimator.n_neighbors == 7 and model.estimator.weights == "distance"  # type: ignore[attr-defined]
    with pytest.raises(UnknownNameError, match="n_neighbors"):
        Space.of([KNeighborsClassifier()], {"n_neighbour": (1, 30)})


@pytest.mark.parametrize(("given", "error"), [
    ({"max_dept": (2, 5)}, UnknownNameError), ({"max_depth": (0, 5)}, ParameterError),
    ({"ridge.alpha": (1, 2)}, UnknownNameError), ({"encoding.degre": [1]}, UnknownNameError),
    ({"min_samples_leaf": ["many"]}, ParameterError), ({"model": ["x"]}, ParameterError),
    ({}, ParameterError), ({"max_depth": (5, 2)}, ParameterError),
])
def test_what_a_space_cannot_have_is_said(given: dict[str, object], error: type) -> None:
    with pytest.raises(error):
        Space.of(["decision_tree"], given)


def test_configurations_of_another_space_are_refused() -> None:
    space = Space.of(["decision_tree"], {"max_depth": (2, 5)})
    for stored in ({"decision_tree.max_depth": 9}, {"other": 1}, {"decision_tree.max_depth": "x"}):
        with pytest.raises(WholefitError, match="none of this space"):
            space.unpack(stored)
    wider = Space.of(["decision_tree"], {"max_depth": (2, 6)})
    assert space.signature() != wider.signature()


@pytest.mark.parametrize(("text", "found"), [
    ("0.01..0.3", (0.01, 0.3)), ("1e-3..10 log", Real(1e-3, 10, True)),
    ("2..64 log", Whole(2, 64, True)), ("3,5,none", [3, 5, None]), ("gini,entropy",
    ["gini", "entropy"]), ("5", 5), ("true", True), ("(64, 32)", (64, 32)), ("none", None),
])
def test_the_command_lines_words_are_read(text: str, found: object) -> None:
    assert read(text) == found


def test_a_range_that_is_none_is_refused() -> None:
    for text in ("1..", "a..b", "1..2..3", "1..2 linear"):
        with pytest.raises(ParameterError, match="a range must be written"):
            read(text)
