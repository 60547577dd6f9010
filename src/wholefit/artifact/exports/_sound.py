"""A program that points outside its own arrays is refused before anything runs it.

A model file is anybody's: a runtime in C would read what lies beyond, where numpy raises.
"""

from __future__ import annotations

import numpy as np

from wholefit.artifact.exports._program import Op, Program
from wholefit.base.errors import StateError

# operation -> which of its arguments are places in the register that it reads
_PLACES = {"missing": (1,), "pick": (1,), "keyed": (1,), "beyond": (1,), "lit": (1,),
           "coded": (1,), "looked_up": (1,), "products": (1, 2), "rules": (2,),
           "oblivious": (2,), "trees": (2,), "median_tree": (2,)}


def check(program: Program) -> None:
    """StateError where a table of places leads out of what it points into."""
    for op in program.ops:
        for at in _PLACES.get(op.name, ()):
            low = -1 if "tree" in op.name else 0
            _within(program.tables[op.args[at].at], op.args[0].width, low)
        if op.name == "spread":
            _within(program.tables[op.args[1].at], op.width)
        if op.name in ("trees", "median_tree"):
            _trees(program, op)


def _within(places: np.ndarray, size: int, low: int = 0) -> None:
    if len(places) and not low <= places.min() <= places.max() < size:
        raise StateError("the model's arrays point outside of one another.")


def _trees(program: Program, op: Op) -> None:
    """Children lie after their parents, so that every walk ends, and leaves have values."""
    root, feature, child, _, _, member, sets, value = (
        program.tables[arg.at] for arg in op.args[1:9])
    width = int(op.args[9])
    split = np.flatnonzero(feature >= 0)
    each = 1 if op.name == "median_tree" or int(op.args[10]) & 1 else op.width
    _within(root, len(feature))
    _within(child[split] + 1, len(feature))
    _within(child[feature < 0], len(value) // max(each, 1))
    if (child[split] <= split).any():
        raise StateError("the model's trees lead back into themselves.")
    if len(member):
        _within(member, len(sets) // max(width, 1), -1)
