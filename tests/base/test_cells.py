"""Cells in words."""

from __future__ import annotations

import pytest

from wholefit.base.cells import PICTURES, ROWS, ends, parse, write
from wholefit.base.errors import ParameterError, UnknownNameError


def test_words_become_nodes_and_back() -> None:
    cell = ("dense 0", "gated 1 0", "identity 0")
    nodes = parse(cell, ROWS)
    assert [node.sources for node in nodes] == [(0,), (1, 0), (0,)]
    assert write(nodes) == cell
    assert ends(nodes) == [2, 3]
    assert ends(parse(["conv3 0", "max3 1"], PICTURES)) == [2]


@pytest.mark.parametrize(("cell", "said"), [
    ([], "a list of 1 to 8 nodes"),
    ("dense 0", "a list of 1 to 8 nodes"),
    (["dense 0"] * 9, "a list of 1 to 8 nodes"),
    ([5], "node 1 of a cell must be"),
    ([""], "node 1 of a cell must be"),
    (["dense"], "node 1 of a cell must be"),
    (["dense 0", "dense 2"], "node 2 of a cell must be .* 0 to 1"),
    (["dense -1"], "node 1 of a cell must be"),
    (["dense ²"], "node 1 of a cell must be"),
    (["dense 0", "dense 1 1"], "two different places"),
    (["dense 0", "dense 0 1 0"], "node 2 of a cell must be"),
])
def test_what_is_no_cell_is_refused(cell: object, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        parse(cell, ROWS)  # type: ignore[arg-type]


def test_a_misspelt_operation_gets_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'dense'"):
        parse(["dence 0"], ROWS)
