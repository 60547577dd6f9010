"""Ways of compressing, each held against brute force or a second implementation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.state import State, same
from wholefit.models import _tree_states, scorer
from wholefit.models._kernels import _packed
from wholefit.models._kernels.compressed import unpacked
from wholefit.models._trees import trees_state
from wholefit.training.compress import WAYS, Options, networks, structured, trees, words
from wholefit.training.compress.pruning import Pruner, polynomial, smallest
from wholefit.training.compress.sharing import centres, shared
from wholefit.training.compress.walk import changed, kinds

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 6))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]


def forest(count: int = 8, depth: int | None = None) -> State:
    found = [DecisionTreeRegressor(random_state=at, max_features=2, max_depth=depth).fit(X, Y)
             for at in range(count)]
    return trees_state([_tree_states._raw(one.tree_, one.tree_.value[:, :, 0]) for one in found],
                       features=6, aggregate="mean", link="identity", classes=None, n_classes=0)


def mlp(hidden: tuple[int, ...] = (12, 10), norm: str = "none") -> State:
    rng = np.random.default_rng(1)
    tensors, at, width = {}, 0, 6
    for size in (*hidden, 2):
        tensors[f"layers.{at}.weight"] = rng.normal(size=(size, width)).astype(np.float32)
        tensors[f"layers.{at}.bias"] = rng.normal(size=size).astype(np.float32)
        if norm == "batch" and size != 2:
            at += 1
            for name in ("weight", "bias", "running_mean"):
                tensors[f"layers.{at}.{name}"] = rng.normal(size=size).astype(np.float32)
            tensors[f"layers.{at}.running_var"] = rng.random(size).astype(np.float32) + 0.5
            tensors[f"layers.{at}.num_batches_tracked"] = np.array(3, dtype=np.int64)
        at, width = at + 2, size
    config = {
        "made_of": {"network": "mlp", "inputs": 6, "outputs": 2, "hidden": list(hidden),
                    "norm": norm}, "n_classes": 2, "classes": [0, 1], "link": "softmax",
        "inputs": {"features": 6, "scaling": "none", "onehot": False, "spans": [
            {"kind": "numbers", "start": 0, "stop": 6, "shape": [], "levels": []}]}}
    return State("network", config, blobs={networks.BLOB: _packed.safetensors(tensors)})


# Trees ------------------------------------------------------------------------------------------

def test_fewer_trees_are_the_first_ones() -> None:
    whole, half = forest(8), trees.fewer(forest(8), 0.5)
    each = [scorer(trees._first(whole, k)).raw(X)[:, 0] * k for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(scorer(half).answer(X), each[-1] / 4)
    assert len(half.arrays["size"]) == 4 and half.nbytes < 0.6 * whole.nbytes
    with pytest.raises(StateError, match="one tree"):
        trees.fewer(forest(1), 0.5)


def test_fewer_rounds_of_boosting_with_a_tree_a_class_are_whole_rounds() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    y = np.digitize(Y, [-0.5, 0.5])
    fitted = HistGradientBoostingClassifier(max_iter=6, random_state=0).fit(X, y)
    state = trees_state(
        list(_tree_states._hist_trees(fitted)), features=6, aggregate="sum", link="softmax",
        turns=True, base=fitted._baseline_prediction.ravel(), classes=range(3), n_classes=3)
    half = trees.fewer(state, 0.5)
    staged = list(fitted.staged_predict_proba(X))
    np.testing.assert_allclose(scorer(half).answer(X), staged[2], atol=1e-9)


def test_a_tree_cut_is_the_tree_grown_less() -> None:
    """scikit-learn grows the same splits first, and says the mean where it stops."""
    plain = DecisionTreeRegressor(random_state=0).fit(X, Y)
    state = trees_state([_tree_states._raw(plain.tree_, plain.tree_.value[:, :, 0])], features=6,
                        aggregate="mean", link="identity", classes=None, n_classes=0)
    for depth in (1, 3, 6):
        less = DecisionTreeRegressor(random_state=0, max_depth=depth).fit(X, Y)
        np.testing.assert_allclose(scorer(trees.shallow(state, depth)).answer(X), less.predict(X))


def test_a_tree_not_deep_enough_to_be_cut_is_itself() -> None:
    whole = forest(4, depth=3)
    assert same(trees.shallow(whole, 10), whole)


def test_cutting_keeps_category_splits_and_gaps() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    Z = X.copy()
    Z[:, 3] = RNG.integers(0, 9, len(Z))
    Z[::7, 0] = np.nan
    fitted = HistGradientBoostingRegressor(
        max_iter=5, categorical_features=[3], random_state=0).fit(Z, Y + 2 * (Z[:, 3] % 3))
    state = trees_state(
        list(_tree_states._hist_trees(fitted)), features=6, aggregate="sum", link="identity",
        base=fitted._baseline_prediction.ravel(), classes=None, n_classes=0,
        extra=_tree_states._levels(fitted))
    np.testing.assert_allclose(scorer(state).answer(Z), fitted.predict(Z), atol=1e-9)
    assert "member" in state.arrays
    assert same(trees.shallow(state, 60), state)
    cut = scorer(trees.shallow(state, 2))
    # Rows of one new leaf say the mean, by cover, of the leaves that they had.
    assert len(cut.value) < len(state.arrays["value"])
    assert abs(cut.answer(Z).mean() - fitted.predict(Z).mean()) < 1e-6


@pytest.mark.parametrize("bits", [np.float32, np.float16])
def test_leaves_of_fewer_bits(bits: type) -> None:
    whole, small = forest(), trees.in_bits(forest(), bits)
    found, before = scorer(small).answer(X), scorer(whole).answer(X)
    assert small.arrays["value"].dtype == bits and small.nbytes < whole.nbytes
    assert np.abs(found - before).max() <= np.finfo(bits).eps * np.abs(Y).max()
    big = State("trees", whole.config, {**whole.arrays, "value": whole.arrays["value"] + 1e39})
    with pytest.raises(StateError, match="do not fit"):
        trees.in_bits(big, bits)


@pytest.mark.parametrize("library", trees.NATIVE)
def test_fewer_rounds_of_the_libraries_are_theirs(library: str) -> None:
    pytest.importorskip(library)
    from wholefit import models
    from wholefit.base import tasks
    from wholefit.models._model import Context

    context = Context(rows=len(X), features=6)
    model = models.make(library)
    model = model.replace(**{next(s.name for s in model.specs() if s.name in (
        "n_estimators", "rounds", "iterations")): 20})
    fitted = model.build(tasks.get("regression"), context).fit(X, Y)
    half = trees.fewer(model.state(fitted, tasks.get("regression"), context), 0.5)
    np.testing.assert_allclose(scorer(half).answer(X), fitted.cut(10).predict(X), atol=1e-6)


def test_a_random_forest_of_classes_is_cut_to_shares() -> None:
    y = (Y > 0).astype(int)
    fitted = RandomForestClassifier(5, random_state=0).fit(X, y)
    raw = [_tree_states._raw(one.tree_, one.tree_.value[:, 0, :]) for one in fitted.estimators_]
    state = trees_state(raw, features=6, aggregate="mean", link="identity", classes=range(2),
                        n_classes=2)
    found = scorer(trees.shallow(state, 2)).answer(X)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert ((found[:, 1] > 0.5) == y).mean() > 0.6


# Networks ---------------------------------------------------------------------------------------

def test_the_schedule_is_the_cubic() -> None:
    assert polynomial(0, 0.8) == 0 and polynomial(1, 0.8) == pytest.approx(0.8)
    assert polynomial(0.5, 0.8) == pytest.approx(0.8 * (1 - 0.125))
    assert polynomial(7, 0.8) == pytest.approx(0.8)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_the_smallest_weights_are_taken_away(share: float) -> None:
    tensors = {"a.weight": RNG.normal(size=(40, 30)), "b.weight": 5 * RNG.normal(size=(20, 10)),
               "b.bias": RNG.normal(size=20)}
    masks = smallest(tensors, share)
    gone = sum(int((~mask).sum()) for mask in masks.values())
    assert masks.keys() == {"a.weight", "b.weight"} and abs(gone / 1400 - share) < 0.01
    for name, mask in masks.items():
        assert np.abs(tensors[name][mask]).min() >= np.abs(tensors[name][~mask]).max()


def test_a_pruner_takes_away_along_the_schedule_and_keeps_it_away() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(40, 30)
    prune = Pruner(0.9, steps=100)
    prune.watch(module)

    class Loop:
        step = 0

    shares = []
    prune("begin", Loop())
    for Loop.step in range(1, 101):
        with torch.no_grad():
            module.weight += 0.01 * torch.randn(30, 40, generator=torch.Generator().manual_seed(
                Loop.step))
        prune("step", Loop())
        shares.append(float((module.weight == 0).float().mean()))
    prune("end", Loop())
    assert all(b >= a - 1e-6 for a, b in itertools.pairwise(shares))
    assert abs(shares[29] - polynomial(0.5, 0.9)) < 0.05 and abs(shares[-1] - 0.9) < 0.01
    np.testing.assert_array_equal(prune.masks["weight"], (module.weight != 0).numpy())


def test_values_shared_are_as_near_as_those_of_kmeans() -> None:
    weights = np.concatenate([RNG.normal(size=900), RNG.normal(4, 0.1, size=100)])
    book, codes = shared(weights.reshape(20, 50), 8)
    ours = ((book[codes.reshape(-1)] - weights) ** 2).sum()
    theirs = KMeans(8, n_init=20, random_state=0).fit(weights[:, None]).inertia_
    assert ours <= 1.1 * theirs and len(book) <= 8
    near = np.abs(weights[:, None] - book[None]).argmin(axis=1)
    np.testing.assert_allclose(book[codes.reshape(-1)], book[near], atol=1e-5)
    np.testing.assert_array_equal(centres(np.array([1.0, 1.0, 2.0]), 5), [1.0, 2.0])


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_units_that_say_nothing_can_go(norm: str) -> None:
    """Units that are constant, or that nobody reads, leave the answers as they were."""
    state = mlp(norm=norm)
    tensors = {name: np.array(each) for name, each in networks.weights_of(state).items()}
    gone = np.arange(0, 12, 2)
    tensors["layers.0.weight"][gone] = 0   # constant
    second = 2 if norm == "none" else 3
    reads = f"layers.{4 if norm == 'none' else 6}.weight"
    tensors[reads][:, :5] = 0              # never read
    whole = networks.with_weights(state, tensors)
    cut = structured.structured(whole, X, 0.5)
    assert cut.config["made_of"]["hidden"] == [6, 5]
    assert networks.weights_of(cut)[f"layers.{second}.weight"].shape == (5, 6)
    np.testing.assert_allclose(scorer(cut).answer(X), scorer(whole).answer(X), atol=1e-5)


def test_units_of_other_networks_are_refused() -> None:
    state = mlp()
    other = State("network", {**state.config, "made_of": {"network": "cnn"}}, blobs=state.blobs)
    with pytest.raises(StateError, match="fully connected"):
        structured.structured(other, X, 0.5)


def test_ranges_hold_what_they_are_asked_to_hold() -> None:
    seen: dict[str, list[np.ndarray]] = {}
    networks.observe(mlp(), X, lambda name, x: seen.setdefault(name, []).append(x))
    whole = networks.ranges(mlp(), X, 1.0)
    assert list(whole) == ["layers.0", "layers.2", "layers.4"]
    for name, (low, high) in whole.items():
        assert (low, high) == (seen[name][0].min(), seen[name][0].max())
    low, high = networks.ranges(mlp(), X, 0.95)["layers.2"]
    assert ((seen["layers.2"][0] > high).mean()) == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("make", [
    networks.float32, networks.float16, networks.int8, networks.dynamic,
    lambda state: networks.static(state, X, 1.0),
    lambda state: networks.packed_shared(state, 64, 0)], ids=range(6))
def test_a_network_in_fewer_bits_answers_nearly_the_same(make) -> None:  # type: ignore[no-untyped-def]
    state = mlp((64, 64))
    small = make(state)
    found, before = scorer(small).answer(X), scorer(state).answer(X)
    assert (found.argmax(axis=1) == before.argmax(axis=1)).mean() > 0.95
    assert small.nbytes <= state.nbytes
    assert not np.array_equal(found, before)


def test_pictures_are_rounded_as_numbers_are() -> None:
    """A convolutional network, which torch answers: nearly the same, row by row, and smaller."""
    pytest.importorskip("torch")
    from wholefit.features.spans import Span
    from wholefit.models._networks import NetworkClassifier, state_of

    shade = RNG.integers(0, 2, 120)
    pictures = np.clip(RNG.normal(80 + 90 * shade[:, None], 25, (120, 64)), 0, 255).round()
    fitted = NetworkClassifier(
        {"network": "cnn", "stages": [8], "hidden": [16]}, {"epochs": 2, "batch": 32},
        spans=[Span("image", 0, 64, (1, 8, 8))], jobs=1).fit(pictures.astype(np.uint8), shade)
    state = state_of(fitted, 2)
    before = scorer(state).answer(pictures)
    for make in (networks.float16, networks.int8, networks.dynamic,
                 lambda state: networks.static(state, pictures, 1.0)):
        small = make(state)
        found = scorer(small).answer(pictures)
        assert np.abs(found - before).max() < 0.05 and small.nbytes < 0.7 * state.nbytes
        assert not np.array_equal(found, before)
        alone = scorer(small).answer(pictures[3:4])
        np.testing.assert_allclose(alone[0], found[3], atol=1e-5)
    assert set(networks.ranges(state, pictures, 1.0)) == {"features.0", "head.0", "head.2"}


# Into ensembles ---------------------------------------------------------------------------------

def test_members_are_found_and_the_rest_is_left_alone() -> None:
    other = State("linear", {"link": "identity"}, {"coef": np.ones((1, 6)),
                                                   "intercept": np.zeros(1)})
    whole = State("mean", {"features": 6, "weights": None, "classes": None, "n_classes": 0},
                  parts={"0": forest(), "1": other})
    assert kinds(whole) == {"trees", "linear"}
    asked = []

    def change(state: State, feed) -> State:  # type: ignore[no-untyped-def]
        asked.append(feed())
        return trees.fewer(state, 0.5)

    found = changed(whole, ("trees",), change, lambda: X)
    assert found.parts["1"] is other and len(found.parts["0"].arrays["size"]) == 4
    assert asked[0] is X
    assert changed(whole, ("network",), change, None) is whole


def test_exports_read_a_compressed_network_as_a_network() -> None:
    small = networks.int8(mlp())
    whole = State("calibrated", {"classes": None, "n_classes": 2}, parts={"base": small})
    assert unpacked(whole).parts["base"].kind == "network"
    np.testing.assert_allclose(scorer(unpacked(small)).answer(X), scorer(small).answer(X),
                               atol=1e-6)
    other = forest(2)
    assert unpacked(other) is other


def test_options() -> None:
    assert Options(to="int8, pruned,int8").words == ("int8", "pruned") and Options().words == ()
    assert set(WAYS) < set(words())
    with pytest.raises(ParameterError, match="name a way"):
        Options(to=" , ").words  # noqa: B018
    with pytest.raises(ParameterError, match="sparsity"):
        Options(sparsity=1.0)
