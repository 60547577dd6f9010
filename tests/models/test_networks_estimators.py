"""Networks as scikit-learn estimators: they learn, go on, keep time, and refuse what they must."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine

from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.features.spans import Span
from wholefit.models._networks import NetworkClassifier, NetworkRegressor, restored, state_of
from wholefit.models._scorers import scorer

SMALL = {"network": "mlp", "hidden": [16]}
QUICK = {"epochs": 40, "rate": 0.02, "patience": None, "batch": 32}


@pytest.mark.parametrize("network", [
    SMALL, {"network": "realmlp", "hidden": [32]},
    {"network": "tabm", "hidden": [32], "members": 4},
], ids=lambda network: str(network["network"]))
def test_they_learn_classes_and_numbers(network: dict[str, object]) -> None:
    X, y = load_wine(return_X_y=True)
    made = NetworkClassifier(network, QUICK).fit(X[::2], y[::2])
    assert made.score(X[1::2], y[1::2]) > 0.9
    X, y = load_diabetes(return_X_y=True)
    rough = NetworkRegressor(network, {**QUICK, "epochs": 20}).fit(X[::2], y[::2])
    assert rough.score(X[1::2], y[1::2]) > 0.2


def test_several_labels_at_once() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    Y = np.stack([X[:, 0] > 0, X[:, 1] + X[:, 2] > 0, X[:, 3] > 1], axis=1).astype(int)
    made = NetworkClassifier(SMALL, QUICK).fit(X[:200], Y[:200])
    found = made.predict_proba(X[200:])
    assert found.shape == (100, 3) and not np.allclose(found.sum(axis=1), 1)
    assert (made.predict(X[200:]) == Y[200:]).mean() > 0.9
    np.testing.assert_allclose(scorer(state_of(made)).answer(X[200:]), found, atol=1e-12)


def test_several_numbers_at_once_each_in_its_own_units() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    Y = np.stack([1e6 + 1e5 * X[:, 0], 1e-3 * X[:, 1]], axis=1)
    made = NetworkRegressor(SMALL, {**QUICK, "epochs": 60}).fit(X, Y)
    assert made.predict(X).shape == (300, 2) and made.score(X, Y) > 0.95


def test_one_class_is_answered_and_nothing_is_learnt() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    made = NetworkClassifier().fit(X, ["yes"] * 20)
    assert made.predict(X).tolist() == ["yes"] * 20
    assert state_of(made_codes := NetworkClassifier().fit(X, [1] * 20), 3).kind == "constant"
    assert scorer(state_of(made_codes, 3)).answer(X)[0].tolist() == [0, 1, 0]


def test_balanced_classes_are_weights_of_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (X[:, 0] > 1.2).astype(int)
    balanced = NetworkClassifier(SMALL, QUICK, class_weight="balanced").fit(X, y)
    weights = np.where(y == 1, 1 / (y == 1).sum(), 1 / (y == 0).sum())
    weighted = NetworkClassifier(SMALL, QUICK).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(balanced.predict_proba(X), weighted.predict_proba(X), atol=1e-6)
    plain = NetworkClassifier(SMALL, QUICK).fit(X, y)
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.02


def test_weights_of_nothing_are_rows_left_out() -> None:
    """A row of weight 0 has no say; as it stands in batches, not to the bit."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    y = (X[:, 0] > 0).astype(int)
    wrong = np.arange(200) % 2 == 0
    lied = np.where(wrong, 1 - y, y)
    made = NetworkClassifier(SMALL, QUICK).fit(X, lied, sample_weight=(~wrong).astype(float))
    assert made.score(X, y) > 0.93


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
@pytest.mark.parametrize("network", ["mlp", "tabm", "realmlp"])
def test_learning_on_from_the_state_is_learning_on(kind: type, network: str) -> None:
    X, y = load_iris(return_X_y=True)
    options = {"network": network, "hidden": [16]}
    live = kind(options, QUICK).fit(X[::2], y[::2])
    state = state_of(live, 3 if kind is NetworkClassifier else 0)
    again = restored(kind(options, QUICK), state)
    before = live.predict(X)
    for rows in (slice(1, None, 4), slice(3, None, 4)):
        live.partial_fit(X[rows], y[rows])
        again.partial_fit(X[rows], y[rows])
    assert live.updates_ == again.updates_ == 2
    np.testing.assert_array_equal(live.predict(X), again.predict(X))
    if kind is NetworkRegressor:
        assert not np.array_equal(live.predict(X), before)


def test_new_classes_cannot_be_taught_later() -> None:
    X, y = load_iris(return_X_y=True)
    made = NetworkClassifier(SMALL, QUICK).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="classes that the network was not fitted with"):
        made.partial_fit(X, y)


def test_a_fit_keeps_its_time_and_says_so() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 20))
    y = (X[:, :3].sum(axis=1) > 0).astype(int)
    start = time.perf_counter()
    made = NetworkClassifier({"network": "mlp", "hidden": [256, 256]},
                             {"epochs": 5000, "patience": None}, seconds=1.5).fit(X, y)
    assert time.perf_counter() - start < 3.5
    assert made.n_iter_ < 5000 and made.score(X, y) > 0.9


def test_the_same_seed_gives_the_same_network_and_torch_is_left_alone() -> None:
    import torch

    X, y = load_iris(return_X_y=True)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    first = NetworkClassifier(SMALL, QUICK, random_state=3, jobs=1).fit(X, y).predict_proba(X)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads
    second = NetworkClassifier(SMALL, QUICK, random_state=3).fit(X, y).predict_proba(X)
    other = NetworkClassifier(SMALL, QUICK, random_state=4).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_rows_held_out_are_of_every_class_and_stop_it_early() -> None:
    X, y = load_iris(return_X_y=True)
    made = NetworkClassifier(SMALL, {**QUICK, "epochs": 500, "patience": 5}).fit(X, y)
    assert 5 < made.n_iter_ < 500
    assert "valid_loss" in made.history_[0]
    few = NetworkClassifier(SMALL, {**QUICK, "patience": 5}).fit(X[::3], y[::3])
    assert few.n_iter_ == 40 and "valid_loss" not in few.history_[0]


@pytest.mark.parametrize(("words", "error", "said"), [
    ({"network": {"network": "mpl"}}, UnknownNameError, "did you mean 'mlp'"),
    ({"network": {"network": "mlp", "hiden": [3]}}, ParameterError, "hidden"),
    ({"recipe": {"rat": 1}}, UnknownNameError, "did you mean 'rate'"),
    ({"scaling": "odd"}, ParameterError, "scaling must be one of"),
    ({"network": {"network": "cnn"}}, DataError, "takes image"),
    ({"network": {"network": "perceptron"}}, ParameterError, "gradients teach"),
    ({"spans": (Span("tokens", 0, 4, (4,), (9,)),)}, DataError, "network 'mlp' takes numbers"),
])
def test_what_cannot_be_built_is_said_in_one_sentence(
    words: dict[str, object], error: type, said: str
) -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(error, match=said):
        NetworkClassifier(**words).fit(X, y)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_holes_are_refused_by_name(bad: float) -> None:
    X, y = load_iris(return_X_y=True)
    X = X.copy()
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        NetworkClassifier(SMALL, QUICK).fit(X, y)


def test_one_class_taught_later_stays_one_class() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    made = NetworkClassifier().fit(X, ["yes"] * 20)
    assert made.partial_fit(X[:5], ["yes"] * 5) is made
    assert made.predict(X[:3]).tolist() == ["yes"] * 3
    with pytest.raises(ValueError, match="fit anew"):
        made.partial_fit(X[:5], ["no"] * 5)


def test_rows_held_out_without_weight_are_judged_as_they_are() -> None:
    from wholefit.models._networks import _learn

    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    weight = np.ones(80, dtype=np.float32)
    lesson = _learn.Lesson([X], y, weight, "mlp", {"epochs": 2}, 0, strata=y)
    weight[_learn._held_out(lesson)[1]] = 0
    module = _learn.made({"network": "mlp", "inputs": 2, "outputs": 2, "hidden": [4]}, 0)
    assert np.isfinite(_learn.teach(module, lesson).history[-1]["valid_loss"])


@pytest.mark.parametrize(("network", "loss"), [
    ("resnet", "squared"), ("vision_transformer", "focal"), ("resnet", "focal")])
def test_a_networks_own_smoothing_yields_where_the_loss_has_none(network: str, loss: str) -> None:
    from wholefit.models._networks import _learn
    from wholefit.nn import losses

    losses.make(_learn.settled(network, {"loss": loss}, 100, True, 0))
    asked = _learn.settled(network, {"loss": loss, "label_smoothing": 0.1}, 100, True, 0)
    with pytest.raises(ParameterError, match="label_smoothing"):
        losses.make(asked)


def test_networks_of_members_are_judged_and_replayed_as_others() -> None:
    from wholefit import nn
    from wholefit.models._networks import _learn

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    seen: list[nn.Trained] = []
    own = nn.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_learn.engine, "train", lambda *a, **k: seen.append(own(*a, **k)) or seen[0])
        module = _learn.made({"network": "tabm", "inputs": 2, "outputs": 2, "hidden": [4],
                              "members": 3}, 0)
        _learn.teach(module, _learn.Lesson([X], y, None, "tabm", {"epochs": 2}, 0, strata=y))
    assert "valid_accuracy" in seen[0].history[-1]
    assert "replay" in seen[0].decided
