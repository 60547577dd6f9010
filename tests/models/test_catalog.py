"""The catalog: names, words, plugins, guests; it wakes no learning library."""

from __future__ import annotations

import contextlib
import json
import pickle
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_tables import features, fitted, table

from wholefit import models
from wholefit.base.errors import ParameterError, StateError, UnknownNameError, WholefitError
from wholefit.base.events import listen
from wholefit.base.state import State
from wholefit.models import Context, Model, make, scorer, split_list
from wholefit.models.linear import Ridge

MINE = {"bernoulli_nb", "dummy", "elastic_net", "gaussian_nb", "huber", "knn", "lasso", "linear",
        "linear_svm", "logistic", "multinomial_nb", "perceptron", "polynomial", "quantile",
        "ridge", "sgd", "svc", "svr"}


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """Entry points as stated, with the catalog's memory cleared before and after."""
    def state(**points: str) -> None:
        made = [metadata.EntryPoint(name, value, "wholefit.models")
                for name, value in points.items()]
        monkeypatch.setattr(metadata, "entry_points",
                            lambda group, **_: made if group == "wholefit.models" else [])
        _forget()

    yield state
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    models._all.cache_clear()
    models._plugins.cache_clear()


class Plugin(Ridge):
    """A third party's model."""

    name = "their_ridge"


class Namesake(Ridge):
    """A third party's model under a name that is taken."""

    name = "ridge"


NOT_A_MODEL = 3


def test_names_and_tasks() -> None:
    assert set(models.names()) >= MINE
    assert models.names() == sorted(models.names())
    assert {"logistic", "svc", "knn"} <= set(models.names("classification"))
    assert not {"logistic", "svc"} & set(models.names("regression"))
    assert {"ridge", "svr", "knn"} <= set(models.names("regression"))


def test_a_misspelt_name_gets_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ridge'"):
        models.get("rigde")
    with pytest.raises(UnknownNameError, match="did you mean 'alpha'"):
        make("ridge(aplha=1)")


def test_every_row_of_the_catalog_is_json_and_documented() -> None:
    rows = models.describe()
    assert json.loads(json.dumps(rows)) == rows
    for row in rows:
        assert row["summary"].endswith(".") and row["family"] and row["tasks"], row["name"]
        assert all(param["doc"].endswith(".") for param in row["params"]), row["name"]
    searched = [row["name"] for row in rows if any(param["search"] for param in row["params"])]
    judged = {name for task in ("classification", "regression") for name in models.names(task)}
    assert judged - set(searched) <= {"linear", "stacking", "voting"}


@pytest.mark.parametrize(("text", "expected"), [
    ("ridge", Ridge()),
    (" ridge ", Ridge()),
    ("ridge()", Ridge()),
    ("ridge(alpha=2, fit_intercept=False)", Ridge(alpha=2, fit_intercept=False)),
    ("ridge(alpha=1e-3,)", Ridge(alpha=1e-3)),
    ("wholefit.models.linear:Ridge(alpha=3)", Ridge(alpha=3)),
])
def test_make_reads_text(text: str, expected: Model) -> None:
    assert make(text) == expected


def test_make_takes_classes_and_instances() -> None:
    assert make(Ridge) == Ridge()
    model = Ridge(alpha=4)
    assert make(model) is model


@pytest.mark.parametrize("text", [
    "", "ridge(", "ridge)", "ridge(2)", "ridge(alpha=open('x'))", "ridge(alpha=__import__('os'))",
    "ridge(**{'alpha': 1})", "ridge(alpha=1)(2)", "ridge(alpha=1) + 1", "ridge; import os",
    "ridge(alpha=[x for x in ()])", "ridge\n(alpha=1", "a.b(c=1)", ":x", "os:", "1ridge",
    "ridge(alpha=" + "(" * 500 + ")" * 500 + ")", "ridge(alpha=" + "9" * 3000 + ")", "\0",
    "ridge(alpha='\0')", "ridge(alpha=-1)", "ridge(alpha='1')", "ridge(alpha=None)",
    "lambda: 0", "ridge(alpha=1, alpha=2)", "ridge(alpha=f'{1}')"])
def test_hostile_text_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make(text)
    assert len(str(caught.value)) < 300


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60) | st.from_regex(r"ridge\([a-z=0-9,.()\[\]{}'-]{0,20}\)?"))
def test_any_text_gives_a_model_or_our_own_error(text: str) -> None:
    with contextlib.suppress(WholefitError):
        assert isinstance(make(text.replace(":", ";")), Model)


@pytest.mark.parametrize(("path", "word"), [
    ("no_such_package.models:X", "cannot be imported"),
    ("wholefit.models.linear:Rigde", "did you mean 'Ridge'"),
    ("wholefit.models.linear:dataclass", "must be"),
])
def test_a_path_to_nothing_is_explained(path: str, word: str) -> None:
    with pytest.raises(WholefitError, match=word):
        make(path)


@pytest.mark.parametrize("thing", [3, None, [], object()])
def test_what_is_no_model_is_refused(thing: object) -> None:
    with pytest.raises(ParameterError, match="a model must be"):
        make(thing)


def test_split_list() -> None:
    assert split_list("ridge,random_forest(trees=10, max_depth=3), x") == [
        "ridge", "random_forest(trees=10, max_depth=3)", "x"]
    assert split_list("a(b=[1, 2], c='x,y'),d") == ["a(b=[1, 2], c='x,y')", "d"]
    assert split_list(" , a,, b ,") == ["a", "b"]
    assert split_list("") == []


@given(st.lists(st.sampled_from(["ridge", "a(b=1, c=2)", "m(h=(1, 2))", "x(y='p,q')"])))
def test_split_list_undoes_joining(parts: list[str]) -> None:
    assert split_list(", ".join(parts)) == parts


def test_a_plugin_joins_the_catalog(fresh) -> None:
    fresh(theirs=f"{__name__}:Plugin")
    sys.modules.setdefault(__name__, sys.modules[Plugin.__module__])
    assert models.get("their_ridge") is Plugin
    assert models.broken() == {}


def test_a_broken_plugin_is_reported_and_breaks_nothing(fresh) -> None:
    fresh(gone="no_such_module:X", wrong=f"{__name__}:NOT_A_MODEL", twin=f"{__name__}:Namesake")
    seen = []
    with listen(lambda event, facts: seen.append((event, facts["name"]))):
        assert set(models.names()) >= MINE
    assert models.get("ridge") is Ridge
    reasons = models.broken()
    assert "no_such_module" in reasons["gone"]
    assert "must be a subclass" in reasons["wrong"]
    # Both holders of the name are printed.
    assert "linear.Ridge" in reasons["twin"] and "Namesake" in reasons["twin"]
    assert seen == [("plugin_failed", name) for name in ("gone", "wrong", "twin")]


def test_two_entries_of_one_name_are_both_named() -> None:
    with pytest.raises(WholefitError, match=r"linear\.Ridge and .*Namesake"):
        models._by_name([Ridge, Namesake])


def test_an_unknown_kind_of_state_says_what_to_do() -> None:
    with pytest.raises(StateError, match="update wholefit, or install the plugin"):
        scorer(State("from_the_future"))


def test_the_catalog_wakes_no_learning_library() -> None:
    code = ("import sys; from wholefit import models; models.describe(); models.make('svc(C=2)');"
            "print([m for m in ('sklearn', 'scipy', 'lightgbm', 'pandas') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_stored_models_answer_without_scikit_learn(tmp_path: Path) -> None:
    """Every kind of this catalog's states, in a process that cannot import scikit-learn."""
    stored = []
    for text, name in [("dummy", "titanic"), ("ridge", "prices"), ("logistic", "price_classes"),
                       ("sgd", "prices"), ("knn", "titanic"), ("svc", "price_classes"),
                       ("svr", "prices"), ("linear_svm", "titanic"), ("perceptron", "titanic"),
                       ("gaussian_nb", "titanic"), ("multinomial_nb", "titanic"),
                       ("bernoulli_nb", "price_classes")]:
        data, shift = table(name), text.endswith("nb")
        model, estimator, context = fitted(text, data, shift=shift)
        X = np.ascontiguousarray(features(data, shift=shift)[1:60:2])
        stored.append((model.state(estimator, data.task, context), X,
                       model.answer(estimator, X, data.task, context)))
    path = tmp_path / "stored"
    path.write_bytes(pickle.dumps(stored))
    code = textwrap.dedent(f"""
        import pickle, sys
        from pathlib import Path
        for name in ("sklearn", "scipy", "joblib"):
            sys.modules[name] = None
        import numpy as np
        from wholefit.models import scorer
        for state, X, expected in pickle.loads(Path({str(path)!r}).read_bytes()):
            found = scorer(state).answer(X)
            assert np.abs(found - expected).max() <= 1e-9 * max(1, np.abs(expected).max()), state
            print(state.kind)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    kinds = {"constant", "linear", "neighbors", "calibrated", "kernel_machine", "gaussian_nb",
             "multinomial_nb", "bernoulli_nb"}
    assert set(done.stdout.split()) == kinds


def test_a_guest_is_fitted_and_read_where_the_catalog_knows_its_class() -> None:
    data = table("price_classes")
    for text in ("sklearn.linear_model:LogisticRegression(max_iter=300)",
                 "sklearn.svm:LinearSVC(C=0.1)",
                 "sklearn.naive_bayes:GaussianNB(var_smoothing=0.1)",
                 "sklearn.neighbors:KNeighborsClassifier(n_neighbors=3, p=1)",
                 "sklearn.ensemble:RandomForestClassifier(n_estimators=5)"):
        model, estimator, context = fitted(text, data)
        assert model.tasks == ("classification",)
        X = np.ascontiguousarray(data.X[1::2])
        live = model.answer(estimator, X, data.task, context)
        found = scorer(model.state(estimator, data.task, context)).answer(X)
        if "Neighbors" in text:  # scikit-learn's own choice among tied rows is not ours
            assert (np.abs(found - live).max(axis=1) <= 1e-9).mean() > 0.95
        else:
            assert np.abs(found - live).max() <= 1e-9


def test_a_guest_keeps_its_own_words() -> None:
    from sklearn.ensemble import BaggingRegressor

    given_one = BaggingRegressor(n_estimators=3)
    model = make(given_one)
    assert (model.name, model.tasks, model.weighted) == ("BaggingRegressor", ("regression",), True)
    assert model.to_dict()["n_estimators"] == 3
    assert model.replace(n_estimators=7).to_dict()["n_estimators"] == 7
    assert given_one.n_estimators == 3
    with pytest.raises(UnknownNameError, match="did you mean 'n_estimators'"):
        model.replace(n_estimator=7)
    built = model.build(table("prices").task, Context(10, 2, seed=9, jobs=2))
    assert (built.random_state, built.n_jobs) == (9, 2)


def test_a_guest_without_a_state_says_the_ways_out() -> None:
    data = table("prices")
    model, estimator, context = fitted("sklearn.gaussian_process:GaussianProcessRegressor", data,
                                       slice(0, 50))
    assert model.answer(estimator, data.X[:5], data.task, context).shape == (5,)
    with pytest.raises(StateError, match=r"not saved: .*Take a model of the catalog"):
        model.state(estimator, data.task, context)


def test_a_namesake_of_a_known_class_is_not_misread() -> None:
    from sklearn.linear_model import LinearRegression

    class Lasso(LinearRegression):
        """Not scikit-learn's."""

        __module__ = "somebody.elses"

    data = table("prices")
    model = make(Lasso())
    estimator = model.build(data.task, data.context()).fit(data.X, data.y)
    with pytest.raises(StateError, match="has no reader"):
        model.state(estimator, data.task, data.context())
