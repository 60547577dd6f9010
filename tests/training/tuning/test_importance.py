"""What mattered, against brute force, known laws and a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from wholefit.training.tuning import Space
from wholefit.training.tuning.importance import boxes_of, measured, shares_of

NAMES = ("max_depth", "min_samples_leaf", "min_samples_split")


def tree_of(seed: int, leaves: int = 40) -> tuple[DecisionTreeRegressor, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.random((300, 3))
    y = X[:, 0] * X[:, 1] + np.sin(5 * X[:, 2]) + 0.1 * rng.standard_normal(300)
    return DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(X, y), X


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_those_of_a_fine_grid(seed: int) -> None:
    """Midpoints of a grid finer than the tree's cuts, weighed by their cells: exact sums."""
    tree, _ = tree_of(seed)
    boxes = boxes_of(tree.tree_, 3)
    assert boxes.volume.sum() == pytest.approx(1.0)
    sides = [np.unique(np.concatenate([boxes.low[:, dim], boxes.high[:, dim]]))
             for dim in range(3)]
    middles = [(side[:-1] + side[1:]) / 2 for side in sides]
    weights = [np.diff(side) for side in sides]
    grid = np.array(np.meshgrid(*middles, indexing="ij")).reshape(3, -1).T
    cube = tree.predict(grid).reshape([len(each) for each in middles])
    weight = np.einsum("a,b,c->abc", *weights)
    mean = float((cube * weight).sum())
    total = float(((cube - mean) ** 2 * weight).sum())
    alone, together, variance = shares_of(boxes, [(0, 1), (1, 2)])
    assert variance == pytest.approx(total)
    means = []
    for dim in range(3):
        others = tuple(each for each in range(3) if each != dim)
        means.append((cube * weight).sum(axis=others) / weight.sum(axis=others))
        assert alone[dim] == pytest.approx(
            float(((means[dim] - mean) ** 2 * weights[dim]).sum()) / total, abs=1e-6)
    pair = (cube * weight).sum(axis=2) / weight.sum(axis=2)
    both = float(((pair - mean) ** 2 * np.multiply.outer(weights[0], weights[1])).sum()) / total
    assert together[0, 1] == pytest.approx(both - alone[0] - alone[1], abs=1e-6)
    assert alone.sum() + sum(together.values()) <= 1 + 1e-9


def test_a_known_law_gets_its_known_shares() -> None:
    """f = 2a + b on the unit square: shares 4/5 and 1/5; the third makes nothing."""
    space = Space.of(["decision_tree"], dict.fromkeys(NAMES, (2, 2000)))
    names = list(space.dims)
    rng = np.random.default_rng(0)
    places = rng.random((400, 3))
    values = [space.at(dict(zip(names, place, strict=True))) for place in places]
    at = np.array([[space.places(each)[name] for name in names] for each in values])
    found = measured(space, names, values, 2 * at[:, 0] + at[:, 1])
    assert found.shares[names[0]] == pytest.approx(0.8, abs=0.05)
    assert found.shares[names[1]] == pytest.approx(0.2, abs=0.05)
    assert found.shares[names[2]] < 0.02 and found.explained > 0.9
    assert max(found.pairs.values()) < 0.05
    effect = found.effects[names[0]]
    assert np.corrcoef(effect.places, effect.mean)[0, 1] > 0.98


def test_settings_that_act_together_are_found() -> None:
    """f = 1 where exactly one of two is in its upper half: no share alone, all of it together."""
    space = Space.of(["decision_tree"], dict.fromkeys(NAMES, (2, 2000)))
    names, rng = list(space.dims), np.random.default_rng(1)
    places = rng.random((500, 3))
    values = [space.at(dict(zip(names, place, strict=True))) for place in places]
    at = np.array([[space.places(each)[name] for name in names] for each in values])
    found = measured(space, names, values, (at[:, 0] > 0.5) ^ (at[:, 1] > 0.5))
    top, share = next(iter(found.pairs.items()))
    assert set(top) == set(names[:2]) and share > 0.5
    assert share > 3 * max(found.shares.values())


def test_a_law_with_a_wave_gets_the_shares_of_its_integrals() -> None:
    """f = 3a + sin 6b + ac: the variances of the means over all else, by numerical integration."""
    space = Space.of(["decision_tree"], dict.fromkeys(NAMES, (2, 2000)))
    names, rng = list(space.dims), np.random.default_rng(2)
    places = rng.random((600, 3))
    values = [space.at(dict(zip(names, place, strict=True))) for place in places]
    at = np.array([[space.places(each)[name] for name in names] for each in values])
    losses = 3 * at[:, 0] + np.sin(6 * at[:, 1]) + at[:, 0] * at[:, 2]
    fine = (np.arange(100) + 0.5) / 100
    a, b, c = np.meshgrid(fine, fine, fine, indexing="ij")
    cube = 3 * a + np.sin(6 * b) + a * c
    expected = [cube.mean(axis=others).var() / cube.var() for others in ((1, 2), (0, 2), (0, 1))]
    found = measured(space, names, values, losses)
    for name, share in zip(names, expected, strict=True):
        assert found.shares[name] == pytest.approx(share, abs=0.06)


def test_equal_losses_say_that_nothing_mattered() -> None:
    space = Space.of(["decision_tree"], dict.fromkeys(NAMES, (2, 50)))
    rng = np.random.default_rng(0)
    values = [space.draw(rng) for _ in range(20)]
    found = measured(space, list(space.dims), values, [1.0] * 20)
    assert set(found.shares.values()) == {0.0}
