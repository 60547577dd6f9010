"""Itemsets: every engine equals counting, and what is asked of the sets afterwards is right."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix

from wholefit.base.errors import DataError
from wholefit.models._itemsets import eclat as _itemsets_eclat
from wholefit.models._itemsets import growth as _itemsets_growth
from wholefit.models._itemsets import levels as _itemsets_levels
from wholefit.models._itemsets.base import (
    Baskets,
    Itemsets,
    TooManyError,
    baskets_of,
    grouped,
    packed,
    popcount,
)
from wholefit.models._kernels.rules import Itemsets as Sets
from wholefit.models.itemsets import stored

ENGINES = {"eclat": _itemsets_eclat, "fp_growth": _itemsets_growth, "apriori": _itemsets_levels}
TABLES = hnp.arrays(bool, st.tuples(st.integers(0, 140), st.integers(1, 7)))


def counted(X: np.ndarray, least: int, most: int | None) -> dict[tuple[int, ...], int]:
    """Every frequent set, by looking."""
    found = {}
    for size in range(1, (most or X.shape[1]) + 1):
        for items in combinations(range(X.shape[1]), size):
            count = int(X[:, items].all(axis=1).sum())
            if count >= least:
                found[items] = count
    return found


def as_dict(found: Itemsets) -> dict[tuple[int, ...], int]:
    return {tuple(row): int(count) for level in found.levels
            for row, count in zip(level.items.tolist(), level.counts, strict=True)}


def real_like(seed: int, n: int = 400, m: int = 40) -> Baskets:
    """Baskets of unlike sizes with ties between neighbouring items."""
    random = np.random.default_rng(seed)
    X = random.random((n, m)) < random.lognormal(-2.0, 0.7, (n, 1))
    X[:, 1::2] |= X[:, ::2] & (random.random((n, m // 2)) < 0.5)
    return baskets_of(X)


@pytest.mark.parametrize("engine", ENGINES)
@given(X=TABLES, least=st.integers(1, 12), most=st.sampled_from([None, 1, 2, 3]))
@settings(max_examples=60, deadline=None)
def test_an_engine_equals_counting(
    engine: str, X: np.ndarray, least: int, most: int | None
) -> None:
    found = ENGINES[engine].mine(baskets_of(X), least, most)
    assert as_dict(found) == counted(X, least, most)


@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_to_the_bit_on_more(seed: int) -> None:
    baskets = real_like(seed, n=2000)
    eclat, growth, levels = (engine.mine(baskets, 60, None) for engine in ENGINES.values())
    assert len(eclat.levels) >= 3 and len(eclat) > 100
    for other in (growth, levels):
        for a, b in zip(eclat.levels, other.levels, strict=True):
            assert np.array_equal(a.items, b.items) and np.array_equal(a.counts, b.counts)


def test_parts_of_a_level_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    baskets = real_like(5, n=1000)
    whole = _itemsets_eclat.mine(baskets, 60, None)
    for name, few in (("_CHUNK", 50), ("_KEPT", 40), ("_SQUARE", 0), ("_ROWS", 3)):
        monkeypatch.setattr(_itemsets_eclat, name, few)
    assert as_dict(_itemsets_eclat.mine(baskets, 60, None)) == as_dict(whole)


def test_too_many_sets_stop_early() -> None:
    for engine in ENGINES.values():
        with pytest.raises(TooManyError, match="more than 50"):
            engine.mine(baskets_of(np.ones((30, 12), bool)), 5, None, 50)


@given(X=hnp.arrays(bool, st.tuples(st.integers(1, 60), st.integers(1, 6))),
       least=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_closed_and_maximal_sets_are_what_they_say(X: np.ndarray, least: int) -> None:
    found = _itemsets_eclat.mine(baskets_of(X), least, None)
    every = as_dict(found)
    for level, closed, maximal in zip(found.levels, found.closed(), found.maximal(), strict=True):
        for row, count, is_closed, is_maximal in zip(
                level.items.tolist(), level.counts, closed, maximal, strict=True):
            above = [n for items, n in every.items() if set(items) > set(row)]
            assert is_maximal == (not above)
            assert is_closed == (not above or max(above) < count)


@given(X=hnp.arrays(bool, st.tuples(st.integers(1, 60), st.integers(1, 6))))
@settings(max_examples=40, deadline=None)
def test_places_finds_what_is_there_and_nothing_else(X: np.ndarray) -> None:
    found = _itemsets_eclat.mine(baskets_of(X), 3, None)
    every = as_dict(found)
    for size in range(1, X.shape[1] + 1):
        asked = np.array(list(combinations(range(X.shape[1]), size)))
        assert found.counted(asked).tolist() == [every.get(tuple(row), -1)
                                                 for row in asked.tolist()]


@given(X=hnp.arrays(bool, st.tuples(st.integers(0, 200), st.integers(1, 5))))
@settings(max_examples=40, deadline=None)
def test_bits_are_the_baskets(X: np.ndarray) -> None:
    bits = packed(baskets_of(X))
    assert np.array_equal(popcount(bits), X.sum(axis=0))
    ones = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, :len(X)]
    assert np.array_equal(ones.astype(bool), X.T)


def test_lines_repeated_count_once() -> None:
    baskets = grouped(np.array([2, 0, 2, 2]), np.array([1, 3, 1, 0]), 4, 5)
    assert baskets.start.tolist() == [0, 1, 1, 3, 3] and baskets.item.tolist() == [3, 0, 1]


def test_a_sparse_matrix_with_zeros_in_it_is_read_for_what_it_holds() -> None:
    X = csr_matrix((np.array([1, 0, 2]), np.array([0, 1, 2]), np.array([0, 2, 3])), shape=(2, 3))
    assert baskets_of(X).item.tolist() == [0, 2]
    with pytest.raises(DataError, match="one row a basket"):
        baskets_of(np.zeros(3))


def test_an_altered_state_is_refused() -> None:
    state = stored(_itemsets_eclat.mine(real_like(0), 20, 2))
    Sets(state)
    state.arrays["counts_2"] = state.arrays["counts_2"][:-1]
    with pytest.raises(ValueError, match="do not agree"):
        Sets(state)
