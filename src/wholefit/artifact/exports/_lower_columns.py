"""An encoder's state as operations: columns of a row to the numbers that a model reads.

What each block does is that of `features/`; docs/artifact.md has the format of its state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.artifact.exports._program import Program, Reg
from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.features._polynomial import Terms

_PARTS = ("year", "month", "day", "weekday", "hour", "days")
_LARGEST = 1e100


def encoded(program: Program, state: State) -> Reg:
    """The register that holds one row's features; StateError for a block that has no form here."""
    if state.config["steps"]:
        raise StateError("columns that your own or computed transformers make have no form in "
                         "this runtime: make them before, and fit on a table that has them.")
    blocks = [state.parts[f"block {at}"] for at in range(state.config["blocks"])]
    for block in blocks:
        if block.kind not in _BLOCKS:
            raise StateError(f"{_SAID.get(block.kind, repr(block.kind))} have no form in this "
                             "runtime: export to onnx or a network's own format instead.")
    whole = program.register(sum(_WIDTHS[block.kind](block) for block in blocks))
    start = 0
    for block in blocks:
        width = _WIDTHS[block.kind](block)
        _BLOCKS[block.kind](program, block, whole, start)
        start += width
    single = bool(state.config["encoding"].get("single"))
    found = program.do("round32", whole.width, whole) if single else whole
    if "reduction" in state.parts:
        found = _reduced(program, state.parts["reduction"], found, single)
    return found


_SAID = {"encoder.sequences": "texts as tokens", "encoder.pixels": "pictures",
         "encoder.picture_features": "pictures", "encoder.pixel_columns": "pictures"}


# -- numbers ----------------------------------------------------------------------------------

def _numeric_width(block: State) -> int:
    config = block.config
    made = 0
    if config["terms"]:
        made = len(Terms(config["columns"], **config["terms"]).names)
    return _plain_width(block) + len(config["flagged"]) + made


def _plain_width(block: State) -> int:
    return len(block.config["columns"]) + sum(
        len(calendar["parts"]) for calendar in block.config["calendars"])


def _numeric(program: Program, block: State, out: Reg, start: int) -> None:
    config, arrays = block.config, block.arrays
    if "filler" in block.parts:
        raise StateError("gaps filled from other columns (impute='knn' or 'iterative') have no "
                         "form in this runtime: fit with impute='median'.")
    columns, plain = config["columns"], _plain_width(block)
    raw = program.register(plain)
    if columns:
        cells = program.table([program.column(name).at for name in columns], "i4")
        program.do("numbers", raw, cells, width=len(columns))
    at = len(columns)
    for calendar in config["calendars"]:
        parts = program.table([_PARTS.index(part) for part in calendar["parts"]], "i4")
        program.do("calendar", raw, program.column(calendar["column"]), parts,
                   float(calendar["first"]), start=at, width=len(calendar["parts"]))
        at += len(calendar["parts"])
    limit = float(np.finfo(np.float32).max) if config["single"] else _LARGEST
    void = np.zeros(plain, np.uint8)
    void[arrays["empty"]] = 1
    program.do("mended", out, raw, program.table(void, "u1"),
               *(program.table(arrays[name]) for name in ("fill", "low", "high", "centre",
                                                          "scale")),
               limit, start=start, width=plain)
    start += plain
    if config["flagged"]:
        program.do("missing", out, raw, program.table(config["flagged"], "i4"), start=start,
                   width=len(config["flagged"]))
        start += len(config["flagged"])
    if config["terms"]:
        _products(program, config, out, start - plain - len(config["flagged"]), start, limit)


def _products(
    program: Program, config: dict[str, Any], out: Reg, values: int, start: int, limit: float
) -> None:
    """Products of the encoded columns, which stand in `out` from place `values` on."""
    columns = len(config["columns"])
    terms = Terms(config["columns"], **config["terms"])
    steps = terms.steps if hasattr(terms, "steps") else terms._steps
    if not steps:
        return
    parents = np.concatenate([parent for parent, _ in steps])
    factors = np.concatenate([factor for _, factor in steps])
    # a parent is a column, or an earlier product: both stand in `out`
    places = np.where(parents < columns, parents + values, parents - columns + start)
    program.do("products", out, out, program.table(places, "i4"),
               program.table(factors + values, "i4"), limit, start=start, width=len(parents))


# -- categories and text ----------------------------------------------------------------------

def _levels_width(levels: dict[str, Any]) -> int:
    return len(levels["kept"]) + bool(levels["folded"]) + bool(levels["missing"])


def _onehot(program: Program, block: State, out: Reg, start: int) -> None:
    for levels in block.config["columns"]:
        kept, width = len(levels["kept"]), _levels_width(levels)
        other = kept if levels["folded"] else -1
        missing = width - 1 if levels["missing"] else -1
        if width:
            program.do("onehot", out, program.column(levels["column"]),
                       program.wordlist(levels["kept"]), other, missing, start=start,
                       width=width)
        start += width


def _ordinal(program: Program, block: State, out: Reg, start: int) -> None:
    stored = block.config["hole"]
    hole = float("nan") if stored is None else float(stored)
    for at, levels in enumerate(block.config["columns"]):
        other = float(len(levels["kept"])) if levels["folded"] else hole
        program.do("ordinal", out, program.column(levels["column"]),
                   program.wordlist(levels["kept"]), other, hole, start=start + at, width=1)


def _text_width(block: State) -> int:
    directions = block.arrays.get("directions")
    return len(block.config["words"]) if directions is None else len(directions)


def _text(program: Program, block: State, out: Reg, start: int) -> None:
    words = block.config["words"]
    into = (program.column(block.config["column"]), program.wordlist(words),
            program.table(block.arrays["idf"]))
    directions = block.arrays.get("directions")
    if directions is None:
        program.do("tfidf", out, *into, start=start, width=len(words))
        return
    weights = program.do("tfidf", len(words), *into)
    program.do("directed", out, weights, program.table(directions), start=start,
               width=len(directions))


# -- what follows -----------------------------------------------------------------------------

def _reduced(program: Program, state: State, found: Reg, single: bool) -> Reg:
    if "selection" in state.parts:
        kept = state.parts["selection"].arrays["kept"]
        found = program.do("pick", len(kept), found, program.table(kept, "i4"))
    if "projection" in state.parts:
        arrays = state.parts["projection"].arrays
        size = len(arrays["axes"])
        centred = program.do("affine", found.width, found, program.table(arrays["mean"]),
                             program.table(np.ones(found.width)),
                             program.table(np.zeros(found.width)))
        found = program.do("dense", size, centred, program.table(arrays["axes"]),
                           program.table(np.zeros(size)))
        found = program.do("round32", size, found) if single else found
    return found


_WIDTHS = {
    "encoder.numeric": _numeric_width,
    "encoder.onehot": lambda block: sum(map(_levels_width, block.config["columns"])),
    "encoder.ordinal": lambda block: len(block.config["columns"]),
    "encoder.text": _text_width,
}
_BLOCKS = {"encoder.numeric": _numeric, "encoder.onehot": _onehot, "encoder.ordinal": _ordinal,
           "encoder.text": _text}
