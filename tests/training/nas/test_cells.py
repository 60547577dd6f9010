"""Cells as a dimension: all of them, each once, closed under change."""

from __future__ import annotations

from collections import deque
from itertools import combinations, product

import numpy as np
import pytest

from wholefit.base import cells
from wholefit.base.cells import Node
from wholefit.base.errors import ParameterError
from wholefit.training.nas.cells import Cells, shape


def _every(ops: tuple[str, ...], most: int) -> list[tuple[Node, ...]]:
    """By brute force: every sequence of nodes."""
    found = []
    for count in range(1, most + 1):
        sources = [[*((at,) for at in range(k)), *combinations(range(k), 2)]
                   for k in range(1, count + 1)]
        for kinds in product(ops, repeat=count):
            for reads in product(*sources):
                found.append(tuple(map(Node, kinds, reads)))
    return found


def _computed(nodes: tuple[Node, ...], x: float) -> float:
    """What a cell computes if each operation were an odd function of its own."""
    functions = {"identity": lambda v: v, "dense": lambda v: np.sin(1.3 * v + 0.4),
                 "gated": lambda v: np.exp(-v) + 0.1, "narrow": lambda v: np.cos(2.1 * v)}
    known = [x]
    for node in nodes:
        value = sum(known[at] for at in node.sources) / np.sqrt(len(node.sources))
        known.append(functions[node.op](value))
    out = [known[at] for at in cells.ends(nodes)]
    return float(sum(out) / np.sqrt(len(out)))


def test_each_cell_is_listed_once_by_what_it_computes() -> None:
    every = [nodes for nodes in _every(cells.ROWS, 2)
             if any(node.op != "identity" for node in nodes)]
    computed = {tuple(round(_computed(nodes, x), 9) for x in (0.3, 1.1, -0.7))
                for nodes in every}
    listed = Cells.of(cells.ROWS, 2).options
    of_listed = {tuple(round(_computed(cells.parse(cell, cells.ROWS), x), 9)
                       for x in (0.3, 1.1, -0.7)) for cell in listed}
    assert of_listed == computed
    assert len(listed) == len(computed) < len(every)


def test_numbering_makes_no_difference() -> None:
    one = cells.parse(["dense 0", "gated 0", "narrow 2 1"], cells.ROWS)
    other = cells.parse(["gated 0", "dense 0", "narrow 1 2"], cells.ROWS)
    assert shape(one) == shape(other)
    assert shape(one) != shape(cells.parse(["dense 0", "gated 0", "narrow 1"], cells.ROWS))


@pytest.mark.parametrize("ops", [cells.ROWS, cells.PICTURES])
def test_places_and_changes_stay_in_the_list(ops: tuple[str, ...]) -> None:
    found = Cells.of(ops)
    rng = np.random.default_rng(0)
    here = found.at(0.4)
    listed = set(found.options)
    for _ in range(60):
        assert found.at(found.place(here)) == here
        after = found.changed(here, rng)
        assert after in listed and after != here
        mixed = found.crossed(here, after, rng)
        assert found.changed(here, np.random.default_rng(1)) == found.changed(
            here, np.random.default_rng(1))
        assert mixed in listed
        here = after


def test_every_cell_can_be_reached_by_changes() -> None:
    found = Cells.of(cells.ROWS, 2)
    start = found.options[0]
    seen, todo = {start}, deque([start])
    while todo:
        for near in found._near(todo.popleft()) - seen:
            seen.add(near)
            todo.append(near)
    assert seen == set(found.options)


def test_what_is_no_cell_has_no_place() -> None:
    found = Cells.of(cells.ROWS, 2)
    for wrong in (("identity 0",), ("dense 0", "dense 1", "dense 2"), 3, ("conv3 0",)):
        with pytest.raises(ParameterError, match="must be a cell of at most 2 nodes"):
            found.place(wrong)
    with pytest.raises(ParameterError, match="nodes of a cell must be 1 to 3"):
        Cells.of(cells.ROWS, 4)


def test_a_few_of_them_and_what_they_are() -> None:
    found = Cells.of(cells.PICTURES)
    assert len(set(found.steps(9))) == 9 and set(found.steps(9)) <= set(found.options)
    assert Cells.of(cells.ROWS, 1).steps(9) == (("dense 0",), ("gated 0",), ("narrow 0",))
    assert found.to_json() == {"kind": "cells", "operations": list(cells.PICTURES), "nodes": 3,
                               "count": len(found.options)}
