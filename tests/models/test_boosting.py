"""Boosting: states agree with live models; odd data, threads and missing libraries."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from coded_tables import agree, coded, fitted, skill, suited

from wholefit.base.errors import MissingExtraError, StateError
from wholefit.base.state import same
from wholefit.models import Context, make, scorer

OURS = ["ada_boost", "ada_boost(max_depth=3, learning_rate=0.3)", "gradient_boosting",
        "gradient_boosting(subsample=0.6, max_features=0.5, max_depth=None, n_estimators=10)",
        "hist_gradient_boosting(n_estimators=40)",
        "hist_gradient_boosting(n_estimators=40, categories='codes', max_leaf_nodes=None)",
        "hist_gradient_boosting(n_estimators=40, max_bins=40)"]
GUESTS = ["lightgbm(n_estimators=40)", "lightgbm(n_estimators=40, categories='codes')",
          "lightgbm(n_estimators=20, subsample=0.5, max_features=0.5, max_depth=3)",
          "xgboost(n_estimators=40)", "xgboost(n_estimators=40, categories='codes')",
          "xgboost(n_estimators=20, subsample=0.5, max_features=0.5, min_gain=0.1)",
          "catboost(n_estimators=40)", "catboost(n_estimators=40, categories='codes')",
          "catboost(n_estimators=20, subsample=0.7, learning_rate=0.2, max_features=0.5)"]
LIBRARIES = ["lightgbm", "xgboost", "catboost"]


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("text", OURS)
def test_agree(text: str, name: str) -> None:
    found = agree(text, name, most=1e-14)
    assert skill(found, name) > (0.35 if name == "price" and "ada" not in text else 0.0)


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("text", GUESTS)
def test_libraries_agree(text: str, name: str) -> None:
    pytest.importorskip(make(text).requires)
    assert skill(agree(text, name, most=0.0), name) > (0.2 if name == "price" else 0.0)


@pytest.mark.parametrize("text", [
    "gradient_boosting(loss='huber')", "gradient_boosting(loss='absolute_error')",
    "hist_gradient_boosting(loss='poisson', n_estimators=30)",
    "hist_gradient_boosting(loss='absolute_error', n_estimators=30)",
    "lightgbm(loss='poisson', n_estimators=30)", "lightgbm(loss='huber', n_estimators=30)",
    "xgboost(loss='poisson')", "xgboost(loss='absolute_error')",
    "catboost(loss='absolute_error', n_estimators=60)"])
def test_losses(text: str) -> None:
    pytest.importorskip(make(text).requires or "sklearn")
    assert np.isfinite(agree(text, "price")).all()


@pytest.mark.parametrize("text", [
    "ada_boost(n_estimators=5)", "gradient_boosting(n_estimators=5)",
    "hist_gradient_boosting(n_estimators=5)", *(f"{name}(n_estimators=5)" for name in LIBRARIES)])
def test_a_class_that_training_did_not_show(text: str) -> None:
    pytest.importorskip(make(text).requires or "sklearn")
    data = coded("amount")
    model, estimator, context = fitted(text, data, rows=np.flatnonzero(data.y != 3)[:600])
    X = suited(model, data)
    live = model.answer(estimator, X, data.task, context)
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    assert np.abs(found - live).max() < 1e-14 and found.shape == (len(X), 7)
    assert not found[:, 3].any() and found[:, 4].any()


@pytest.mark.parametrize("text", [
    "gradient_boosting(n_estimators=5, subsample=0.5)", "hist_gradient_boosting(n_estimators=5)",
    "lightgbm(n_estimators=5, subsample=0.5)", "xgboost(n_estimators=5, subsample=0.5)",
    "catboost(n_estimators=5)"])
def test_the_same_seed_gives_the_same_bits(text: str) -> None:
    """CatBoost writes its training time into its file, so answers are compared, not files."""
    pytest.importorskip(make(text).requires or "sklearn")
    data = coded("status")
    runs = [fitted(text, data) for _ in range(2)]
    X = suited(runs[0][0], data)
    first, second = (model.answer(estimator, X, data.task, context)
                     for model, estimator, context in runs)
    assert np.array_equal(first, second)
    if not text.startswith("catboost"):
        assert same(*(m.state(estimator, data.task, context) for m, estimator, context in runs))


@pytest.mark.parametrize("text", ["hist_gradient_boosting(n_estimators=5)",
                                  "lightgbm(n_estimators=5)", "xgboost(n_estimators=5)"])
def test_categories_with_many_levels_are_numbers(text: str) -> None:
    """300 codes are more than scikit-learn's bins: it would refuse them."""
    pytest.importorskip(make(text).requires or "sklearn")
    rng = np.random.default_rng(0)
    X = np.stack([rng.integers(0, 300, 900), rng.integers(0, 4, 900)], axis=1).astype(np.float32)
    y = X[:, 0] / 100 + X[:, 1] % 2 + rng.normal(0, 0.1, 900)
    model, context = make(text), Context(900, 2, (0, 1))
    task = coded("price").task
    estimator = model.build(task, context).fit(X, y)
    found = scorer(model.state(estimator, task, context)).answer(X)
    assert np.abs(found - model.answer(estimator, X, task, context)).max() < 1e-14
    taken = (estimator.is_categorical_ if "hist" in text
             else [feature in estimator.categorical_ for feature in (0, 1)])
    assert list(taken) == [False, True]


def test_sets_split_what_codes_cannot() -> None:
    """Levels alternate: one set split tells them apart, thresholds need one a level."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 20, (600, 1)).astype(np.float32)
    y = (X[:, 0] % 2 == 0).astype(int)
    task = coded("status").task
    correct = {}
    for categories in ("sets", "codes"):
        model = make(f"hist_gradient_boosting(n_estimators=1, max_leaf_nodes=2, "
                     f"categories={categories!r})")
        context = Context(600, 1, (0,), 2)
        estimator = model.build(task, context).fit(X, y)
        found = scorer(model.state(estimator, task, context)).answer(X)
        correct[categories] = float(((found[:, 1] > y.mean()) == y).mean())
    assert correct["sets"] == 1.0 and correct["codes"] < 0.7


@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_to_boost(library: str) -> None:
    """Features that do not vary, or one class only: the answer is the constant."""
    pytest.importorskip(library)
    numbers, classes = coded("price").task, coded("status").task
    X, y = np.ones((40, 2), dtype=np.float32), np.arange(40.0)
    model, context = make(library), Context(40, 2)
    estimator = model.build(numbers, context).fit(X, y)
    assert np.array_equal(scorer(model.state(estimator, numbers, context)).answer(X), [19.5] * 40)
    context = Context(40, 2, n_classes=3)
    estimator = model.build(classes, context).fit(np.arange(80.0).reshape(40, 2), np.full(40, 2))
    state = model.state(estimator, classes, context)
    assert np.array_equal(scorer(state).answer(X), [[0, 0, 1]] * 40)


@pytest.mark.parametrize("library", LIBRARIES)
def test_balanced_weighs_the_rare_class_up(library: str) -> None:
    pytest.importorskip(library)
    data = coded("status")
    shares = []
    for balanced in (False, True):
        model, estimator, context = fitted(f"{library}(n_estimators=30, balanced={balanced})", data)
        X = suited(model, data)[1::2]
        shares.append(model.answer(estimator, X, data.task, context)[:, 1].mean())
    assert shares[1] > shares[0] + 0.05


@pytest.mark.parametrize("text", ["hist_gradient_boosting(n_estimators=3)",
                                  *(f"{name}(n_estimators=3)" for name in LIBRARIES)])
def test_estimators_can_be_cloned_and_sent_to_a_worker(text: str) -> None:
    pytest.importorskip(make(text).requires or "sklearn")
    from sklearn.base import clone

    data = coded("status")
    model, estimator, context = fitted(text, data)
    X = suited(model, data)
    live = model.answer(estimator, X, data.task, context)
    sent = pickle.loads(pickle.dumps(estimator))
    again = clone(estimator).fit(X[::2], data.y[::2])
    for other in (sent, again):
        assert np.array_equal(model.answer(other, X, data.task, context), live)
    importance = getattr(estimator, "feature_importances_", None)
    assert importance is None or importance.sum() == pytest.approx(1)


@pytest.mark.parametrize("classes", [True, False], ids=["classes", "numbers"])
@pytest.mark.parametrize("library", ["hist", *LIBRARIES])
def test_scikit_learns_own_checks(library: str, classes: bool) -> None:
    pytest.importorskip("sklearn" if library == "hist" else library)
    from sklearn.utils.estimator_checks import check_estimator

    from wholefit.models._boosted import boosted
    from wholefit.models._hist import estimator_class

    if library == "hist":
        estimator = estimator_class("classifier" if classes else "regressor")(
            max_iter=10, min_samples_leaf=2)
    else:
        small = {"min_data_in_leaf": 2} if library == "lightgbm" else {}
        context = Context(rows=100, features=3, n_classes=2 if classes else 0)
        estimator = boosted(library, small, context, rounds=10, categorical=())
    results = check_estimator(estimator, on_fail=None)
    failed = {found["check_name"] for found in results if found["status"] == "failed"}
    assert len(results) > 40
    # Bins and leaf sizes count rows, so a row of weight two is not two rows to these learners.
    assert failed <= {"check_sample_weight_equivalence_on_dense_data"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_is_not_installed(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    data = coded("status")
    with pytest.raises(MissingExtraError, match=library):
        make(library).build(data.task, data.context(10))


def test_a_guest_that_starts_from_another_model_has_no_state() -> None:
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    data = coded("price")
    model = make("gradient_boosting")
    X = suited(model, data)[:200]
    guest = GradientBoostingRegressor(init=LinearRegression(), n_estimators=3).fit(X, data.y[:200])
    with pytest.raises(StateError, match="init"):
        model.state(guest, data.task, data.context(200))


@pytest.mark.parametrize("name", ["status", "amount", "price"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_answer_alike_alone_in_few_and_in_many(
    library: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row, a few and thousands take different ways, on one thread or all; bit-equal."""
    pytest.importorskip(library)
    from wholefit.models._kernels import native

    data = coded(name)
    model, estimator, context = fitted(f"{library}(n_estimators=15)", data)
    X = np.tile(suited(model, data, strange=True), (4, 1))
    found = scorer(model.state(estimator, data.task, context))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert native._threads(15 * len(X)) == 1 and 15 * len(X) > native._MANY
    whole = found.answer(X)
    monkeypatch.setattr(native, "cores", lambda: 3)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert found._trees >= 15 and found._trees % 15 == 0
    assert native._threads(found._trees * len(X)) == 3 and native._threads(5) == 1
    assert np.array_equal(found.answer(X), whole)
    assert np.array_equal(found.answer(X[:200]), whole[:200])
    for row in range(30):
        assert np.array_equal(found.answer(X[row:row + 1]), whole[row:row + 1])


def test_catboost_joins_as_many_categories_as_it_is_told() -> None:
    """The target is whether two columns hold the same code: one alone says nothing of it."""
    pytest.importorskip("catboost")
    rng = np.random.default_rng(0)
    X = rng.integers(0, 6, (2000, 2)).astype(np.float32)
    y = (X[:, 0] == (X[:, 1] * 5 + 3) % 6).astype(int)
    task, loss = coded("status").task, {}
    for combinations in (1, 4):
        model = make(f"catboost(n_estimators=20, max_depth=2, learning_rate=0.5, "
                     f"combinations={combinations})")
        context = Context(2000, 2, (0, 1), 2)
        estimator = model.build(task, context).fit(X[:1000], y[:1000])
        answer = model.answer(estimator, X[1000:], task, context)[:, 1]
        loss[combinations] = float(((answer - y[1000:]) ** 2).mean())
    assert loss[4] < 0.01 < 0.1 < loss[1]


def _text(name: str) -> tuple[bytes, np.ndarray]:
    """A LightGBM model's text and rows to ask it of."""
    pytest.importorskip("lightgbm")
    data = coded(name)
    model, estimator, context = fitted("lightgbm(n_estimators=12)", data)
    state = model.state(estimator, data.task, context)
    return state.blobs["model"], np.ascontiguousarray(suited(model, data, strange=True), float)


@pytest.mark.parametrize("name", ["status", "amount", "price"])
def test_lightgbms_text_is_answered_as_its_own_package_answers(name: str) -> None:
    from wholefit.models._kernels._lightgbm import Booster

    text, X = _text(name)
    import lightgbm

    theirs, ours = lightgbm.Booster(model_str=text.decode()), Booster(text)
    for rows in (X, X[::-1], np.asfortranarray(X), X[:1]):
        assert np.array_equal(ours.predict(rows, 2), theirs.predict(rows))
        assert np.array_equal(ours.contributions(rows), theirs.predict(rows, pred_contrib=True))
    assert ours.predict(X[:0]).shape == (0, *ours.predict(X[:2]).shape[1:])


@pytest.fixture
def six_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of six trees, whatever their leaves and features."""
    from wholefit.models._kernels import _lightgbm

    monkeypatch.setattr(_lightgbm, "_rounds_of", lambda rounds, outputs, leaves, features: max(
        1, 6 // outputs))


@pytest.mark.usefixtures("six_trees")
@pytest.mark.parametrize(("name", "loss", "blocks"), [
    ("status", "default", 4), ("amount", "default", 20), ("price", "default", 4),
    ("price", "poisson", 4), ("price", "huber", 4)])
def test_lightgbms_blocks_of_trees_add_up_to_its_answer(
    name: str, loss: str, blocks: int
) -> None:
    """One row, many, on any threads, of the text or of the live booster: the same bits."""
    lightgbm = pytest.importorskip("lightgbm")
    from wholefit.models._kernels._lightgbm import Booster

    data = coded(name)
    model, estimator, context = fitted(f"lightgbm(n_estimators=20, loss={loss!r})", data)
    text = model.state(estimator, data.task, context).blobs["model"]
    X = np.ascontiguousarray(suited(model, data, strange=True), float)
    theirs, ours = lightgbm.Booster(model_str=text.decode()), Booster(text)
    assert len(ours._handles) == blocks
    assert ours.trees == theirs.num_trees()
    found = ours.predict(X)
    assert np.allclose(found, theirs.predict(X), rtol=1e-12, atol=0)
    assert np.allclose(ours.contributions(X[:50]), theirs.predict(X[:50], pred_contrib=True),
                       rtol=1e-9, atol=1e-12)
    assert np.array_equal(found, ours.predict(X, 2))
    assert np.array_equal(found[:40], np.concatenate([
        ours.predict(X[at:at + 1]) for at in range(40)]))
    assert ours.predict(X[:0]).shape == found[:0].shape
    with pytest.raises(StateError, match="number of features"):
        ours.predict(X[:1, :3])
    live = estimator.booster_
    hidden = SimpleNamespace(params=live.params, model_to_string=live.model_to_string)
    for booster in (live, hidden):
        assert np.array_equal(found, Booster.of(booster).predict(X))
        assert np.allclose(Booster.of(booster, 7).sums(X), live.predict(
            X, start_iteration=7, num_iteration=13, raw_score=True), rtol=1e-9, atol=1e-12)
    estimator.cut(13)
    cut = Booster(model.state(estimator, data.task, context).blobs["model"]).predict(X)
    assert np.array_equal(cut, Booster.of(live).predict(X))
    assert np.array_equal(cut, estimator.predict_proba(X)[:, 1] if name == "status" else cut)
    assert not np.allclose(cut, found)


@pytest.mark.usefixtures("six_trees")
def test_a_live_booster_answers_threads_in_turns() -> None:
    """It keeps the range of rounds that is asked: two threads would mix theirs."""
    lightgbm = pytest.importorskip("lightgbm")
    from wholefit.models._kernels._lightgbm import Booster

    random = np.random.default_rng(0)
    X, y = random.random((400, 4)), random.random(400)
    live = lightgbm.train({"objective": "regression", "verbosity": -1, "num_leaves": 31},
                          lightgbm.Dataset(X, y), 60)
    right = Booster.of(live).predict(X)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: Booster.of(live).predict(X), range(120)))
    assert all(np.array_equal(one, right) for one in found)


def test_how_many_rounds_a_block_of_lightgbms_has() -> None:
    from wholefit.models._kernels._lightgbm import _rounds_of

    assert _rounds_of(300, 1, 15, 10) == 300  # few leaves are near all the time
    assert _rounds_of(3000, 1, 127, 10) == 129
    assert _rounds_of(3000, 3, 127, 10) == 43
    assert _rounds_of(3000, 1, 131_072, 10) == 64
    assert _rounds_of(3000, 1, 127, 1000) == 1000  # to lay out a row is dear
    assert _rounds_of(3000, 1, 127, 5000) == 3000
    assert _rounds_of(3000, 200, 127, 10) == 1
    assert _rounds_of(3000, 1, 0, 10) == 3000  # leaves that nobody told of
    assert _rounds_of(0, 1, 127, 10) == 0


@pytest.mark.usefixtures("six_trees")
@pytest.mark.parametrize("params", [
    {"objective": "regression", "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    {"objective": "tweedie"}, {"objective": "cross_entropy"},
    {"objective": "regression", "reg_sqrt": True}, {"objective": "binary", "sigmoid": 2.0}])
def test_lightgbms_trees_that_are_no_plain_sums_are_asked_whole(params: dict[str, Any]) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    from wholefit.models._kernels._lightgbm import Booster

    random = np.random.default_rng(0)
    X, y = random.random((300, 4)), random.random(300)
    labels = (y > 0.5) if params["objective"] == "binary" else y
    live = lightgbm.train({**params, "verbosity": -1, "num_leaves": 31},
                          lightgbm.Dataset(X, labels), 20)
    ours = Booster(live.model_to_string().encode())
    assert len(ours._handles) == 1
    assert np.array_equal(ours.predict(X), live.predict(X))
    assert np.array_equal(Booster.of(live).predict(X), live.predict(X))


@pytest.mark.usefixtures("six_trees")
def test_lightgbms_text_is_read_as_it_reads_it_or_refused() -> None:
    """Over sizes that are not the trees' LightGBM ends the process."""
    lightgbm = pytest.importorskip("lightgbm")
    from wholefit.models._kernels._lightgbm import Booster

    random = np.random.default_rng(0)
    X, y = random.random((300, 4)), random.random(300)
    text = lightgbm.train({"objective": "regression", "verbosity": -1},
                          lightgbm.Dataset(X, y), 20).model_to_string().encode()
    assert len(Booster(text)._handles) == 4
    for old, new in (
            (b"tree_sizes=", b"tree_sizes=1"), (b"tree_sizes=", b"tree_sizes=-"),
            (b"tree_sizes=", b"tree_sizes=" + b"9" * 5000), (b"\n", b"\r\n"),
            (b"tree_sizes=", b"tree_sizes=0 "), (b"\nTree=7", b"\nTrue=7"),
            (b"tree_sizes=", b"=tree_sizes=999999999999 5\ntree_sizes="),
            (b"tree_sizes=", b"x=1\rtree_sizes=999999999999 5\ntree_sizes="),
            (b"num_tree_per_iteration=1", b"num_tree_per_iteration=0"),
            (b"num_tree_per_iteration=1", b"num_tree_per_iteration=1\n=num_tree_per_iteration=0"),
            (b"num_class=1", b"num_class=0"), (b"num_class=1\n", b""),
            (b"objective=", b"objective=binary sigmoid:1\nobjective="),
            (b"max_feature_idx=3", b"max_feature_idx=3\nmax_feature_idx=3"),
            (b"\nTree=0", b"\n\0Tree=0")):
        with pytest.raises(StateError, match="LightGBM's model text"):
            Booster(text.replace(old, new))
    fewer = re.sub(rb"tree_sizes=(\d+) .*", rb"tree_sizes=\1", text)
    with pytest.raises(StateError, match="no trees where its head says"):
        Booster(fewer)
    found = Booster(text.replace(b"[num_leaves: 31]", b"[num_leaves: many]"))
    assert len(found._handles) == 1
    assert np.allclose(found.predict(X), Booster(text).predict(X))


def test_lightgbm_refuses_what_it_cannot_read_or_answer() -> None:
    from wholefit.models._kernels._lightgbm import Booster

    text, X = _text("status")
    for damaged in (b"", b"tree", text[:500], text[:len(text) // 2], b"\xff" * 100):
        with pytest.raises(StateError, match="does not have its end"):
            Booster(damaged)
    with pytest.raises(StateError, match="LightGBM does not take"):
        Booster(b"tree\n\nend of trees")
    for rows in (X[:1, :3], X[:5, :3]):
        with pytest.raises(StateError, match="number of features"):
            Booster(text).predict(rows)


def test_lightgbms_library_is_asked_of_its_package_where_it_lies_elsewhere(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    from wholefit.models._kernels import _lightgbm

    text, X = _text("price")
    whole = _lightgbm.Booster(text).predict(X)
    elsewhere = _lightgbm._library.__wrapped__
    monkeypatch.setattr(_lightgbm, "_PLACES", ())
    monkeypatch.setattr(_lightgbm, "_library", elsewhere)
    assert np.array_equal(_lightgbm.Booster(text).predict(X), whole)


def test_a_lightgbm_model_answers_and_explains_without_lightgbms_package(tmp_path: Path) -> None:
    """Which would import scikit-learn, SciPy's statistics and pandas for it."""
    text, X = _text("status")
    (tmp_path / "model.txt").write_bytes(text)
    np.save(tmp_path / "rows.npy", X)
    code = ("import sys, numpy as np\n"
            "from wholefit.models._kernels._lightgbm import Booster\n"
            f"model = Booster(open({str(tmp_path / 'model.txt')!r}, 'rb').read())\n"
            f"X = np.load({str(tmp_path / 'rows.npy')!r})\n"
            "assert len(model.predict(X)) == len(model.contributions(X)) == len(X)\n"
            "print([m for m in ('lightgbm', 'sklearn', 'scipy', 'pandas') if m in sys.modules])")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("codes", [range(5), range(-3, 4), range(10**6, 10**6 + 5), [np.nan]])
def test_codes_for_catboost_are_the_same_words_in_few_rows_and_in_many(codes: Any) -> None:
    from wholefit.models._kernels import native

    rows = np.random.default_rng(0).choice(np.array([*codes, np.nan]), (300, 4))
    few = np.concatenate([native._words(part) for part in np.array_split(rows, 30)])
    many = native._words(rows)
    assert few.tolist() == many.tolist()
    assert {type(word) for word in many.ravel()} == {bytes}


@pytest.mark.parametrize("name", ["status", "amount", "price"])
def test_xgboost_asked_in_blocks_of_trees_answers_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wholefit.models._kernels import native

    data = coded(name)
    model, estimator, context = fitted("xgboost(n_estimators=25)", data)
    state = model.state(estimator, data.task, context)
    rows = suited(model, data, strange=True)
    whole = scorer(state).answer(rows)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(native, "_BLOCK", 10_000)
    monkeypatch.setattr(native, "_ROWS", 100)
    answering = scorer(state)
    predict = answering._model.predict

    def seen(*args: Any, iteration_range: tuple[int, int], **options: Any) -> Any:
        asked.append(iteration_range)
        return predict(*args, iteration_range=iteration_range, **options)

    monkeypatch.setattr(answering._model, "predict", seen)
    np.testing.assert_array_equal(answering.answer(rows), whole)
    assert len(set(asked)) > 1
    assert max(end for _, end in asked) == answering._model.num_boosted_rounds()
