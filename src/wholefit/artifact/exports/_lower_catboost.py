"""CatBoost's symmetric trees as operations, from the tables that `_catboost.py` makes.

A State of kind "oblivious": its splits look at floats, then at category codes (plus 1, 0 where
missing), then at `lookups`, statistics found in a table by codes and by the results of tests
(config `keys`: codes first, then tests). Arrays `depth` (trees,), then for every split `feature`,
`border` and `test` (0: above the border; 1: equal to it; 2: above it, or missing), `value` of
every leaf, `bias`.
"""

from __future__ import annotations

from wholefit.artifact.exports._program import Program, Reg
from wholefit.base.errors import StateError
from wholefit.base.state import State


def oblivious(program: Program, state: State, x: Reg) -> Reg:
    """What the trees add up to, before the link."""
    config, arrays = state.config, state.arrays
    if int(config["features"]) != x.width:
        raise StateError("the trees were grown on other features than the rows have.")
    floats, cats, lookups = config["floats"], config["cats"], config["lookups"]
    whole = program.register(len(floats) + len(cats) + len(lookups))
    if floats:
        shown = program.do("pick", len(floats), x, program.table(floats, "i4"))
        program.do("round32", whole, shown, width=len(floats))
    if cats:
        program.do("keyed", whole, x, program.table(cats, "i4"), start=len(floats),
                   width=len(cats))
    if lookups:
        _looked_up(program, state, whole)
    trees = [program.table(arrays[name], kind) for name, kind in (
        ("depth", "i4"), ("feature", "i4"), ("test", "i4"), ("border", "f8"), ("value", "f8"))]
    return program.do("oblivious", len(arrays["bias"]), whole, *trees, float(config["scale"]),
                      program.table(arrays["bias"]))


def _looked_up(program: Program, state: State, whole: Reg) -> None:
    config, arrays = state.config, state.arrays
    cats, tests = len(config["cats"]), len(arrays["test_place"])
    first = len(config["floats"])
    keys = program.register(cats + tests)
    codes = program.table(range(first, first + cats), "i4")
    program.do("pick", keys, whole, codes, width=cats)
    if tests:
        program.do("beyond", keys, whole, program.table(arrays["test_place"], "i4"),
                   program.table(arrays["test_kind"], "i4"), program.table(arrays["test_border"]),
                   start=cats, width=tests)
    for at, lookup in enumerate(config["lookups"]):
        program.do("looked_up", whole, keys, program.table(lookup["keys"], "i4"),
                   program.table(lookup["sizes"], "i4"), program.table(arrays[f"lookup {at}"]),
                   float(lookup["other"]), start=first + cats + at, width=1)
