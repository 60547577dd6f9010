"""An encoder's State as ONNX operations: columns to features, each block as in `features/`."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.artifact.exports import _onnx_steps
from wholefit.artifact.exports._onnx_graph import Value
from wholefit.artifact.exports._onnx_inputs import NO_TIME, Columns
from wholefit.artifact.exports._onnx_math import LARGEST, calendar_part, products
from wholefit.artifact.exports._onnx_text import counted
from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.features._polynomial import Terms


def encoded(columns: Columns, state: State) -> Value:
    """The features (rows, p) of an encoder, float64; ExportError for what has no form in ONNX."""
    config = state.config
    for at in range(config["steps"]):
        _onnx_steps.apply(columns, state.parts[f"step {at}"])
    blocks = [state.parts[f"block {at}"] for at in range(config["blocks"])]
    whole = columns.graph.side_by_side([_block(columns, block, config) for block in blocks])
    if all(block.kind in _BYTEWISE for block in blocks):
        whole = whole.one("Floor")
    elif config["encoding"].get("single"):
        whole = whole.cast("f4").cast("f8")
    if "reduction" in state.parts:
        whole = _reduced(whole, state.parts["reduction"], config)
    return whole


_BYTEWISE = ("encoder.pixels", "encoder.pixel_columns")


def _block(columns: Columns, block: State, config: dict[str, Any]) -> Value:
    if block.kind not in _BLOCKS:
        raise ExportError(
            f"{_SAID.get(block.kind, repr(block.kind))} cannot be written as ONNX operations: "
            "export to 'numpy', or serve the .wf file itself (`wholefit serve`).")
    return _BLOCKS[block.kind](columns, block)


_SAID = {"encoder.descriptors": "descriptors of pictures (gradients, colours)"}


# Numbers ----------------------------------------------------------------------------------------

def _numeric(columns: Columns, block: State) -> Value:
    config, learnt, graph = block.config, block.arrays, columns.graph
    cells = [columns.number(name) for name in config["columns"]]
    for calendar in config["calendars"]:
        time = columns.time(calendar["column"])
        missing = time.equal(NO_TIME)
        cells += [missing.where(np.nan, calendar_part(time, part, int(calendar["first"])))
                  for part in calendar["parts"]]
    tile = graph.side_by_side(cells)
    found: list[Value] = []
    if config["flagged"]:
        found.append(tile.columns(config["flagged"]).isnan().cast("f8"))
    tile = _mended(tile, block)
    if (learnt["centre"] != 0).any() or (learnt["scale"] != 1).any():
        tile = (tile - learnt["centre"]) / learnt["scale"]
    limit = float(np.finfo(np.float32).max) if config["single"] else LARGEST
    tile = tile.clipped(-limit, limit)
    if config["terms"]:
        terms = Terms(config["columns"], **config["terms"])
        more = products(tile.columns(range(len(config["columns"]))), terms, limit)
        found += [] if more is None else [more]
    return graph.side_by_side([tile, *found])


def _mended(tile: Value, block: State) -> Value:
    learnt = block.arrays
    if len(learnt["empty"]):
        void = np.zeros(len(learnt["fill"]), dtype=bool)
        void[learnt["empty"]] = True
        tile = tile.graph.const(void).where(np.nan, tile)
    tile = tile.equal(np.inf).where(learnt["high"], tile)
    tile = tile.equal(-np.inf).where(learnt["low"], tile)
    if "filler" in block.parts:
        wide = len(block.config["columns"])
        filled = _filled(tile.columns(range(wide)), block.parts["filler"])
        rest = range(wide, len(learnt["fill"]))
        tile = tile.graph.side_by_side([filled, tile.columns(rest)]) if len(rest) else filled
    return tile.isnan().where(learnt["fill"], tile)


def _filled(cells: Value, filler: State) -> Value:
    if filler.config["way"] != "iterative":
        raise ExportError("gaps filled by the nearest rows (impute='knn') cannot be written as "
                          "ONNX operations: fit with features={'impute': 'median'}, or export to "
                          "'numpy'.")
    return _onnx_steps.chained(cells, filler.arrays)


# Categories -------------------------------------------------------------------------------------

def _onehot(columns: Columns, block: State) -> Value:
    found = []
    for levels in block.config["columns"]:
        kept, folded, missing = levels["kept"], bool(levels["folded"]), bool(levels["missing"])
        width = len(kept) + folded + missing
        if not width:
            continue
        place = _places(columns, levels, len(kept) if folded else -1,
                        width - 1 if missing else -1)
        found.append(place.equal(np.arange(width)[None]).cast("f8"))
    return columns.graph.side_by_side(found)


def _ordinal(columns: Columns, block: State) -> Value:
    stored, found = block.config["hole"], []
    hole = np.nan if stored is None else float(stored)
    for levels in block.config["columns"]:
        count = len(levels["kept"])
        table = np.array([*range(count), count if levels["folded"] else hole, hole], np.float64)
        place = _places(columns, levels, count, count + 1)
        found.append(columns.graph.const(table).taken(place))
    return columns.graph.side_by_side(found)


def _places(columns: Columns, levels: dict[str, Any], other: int, missing: int) -> Value:
    """The place (rows, 1) of each level among the kept ones."""
    name = levels["column"]
    keys = [*levels["kept"], columns.blank(name)]
    return columns.graph.op(
        "LabelEncoder", columns.word(name), kind="i8", domain="ai.onnx.ml", keys_strings=keys,
        values_int64s=[*range(len(levels["kept"])), missing], default_int64=other)


# Texts and pictures -----------------------------------------------------------------------------

def _text(columns: Columns, block: State) -> Value:
    name = block.config["column"]
    counts = counted(columns.word(name), list(block.config["words"]), columns.locale)
    weights = counts * block.arrays["idf"]
    norm = (weights * weights).total().one("Sqrt")
    weights = weights / (norm > 0.0).where(norm, 1.0)
    directions = block.arrays.get("directions")
    return weights if directions is None else weights @ directions.T


def _sequences(columns: Columns, block: State) -> Value:
    return columns.tokens(block.config["column"], int(block.config["length"])).cast("f8")


def _pixels(columns: Columns, block: State) -> Value:
    config = block.config
    channels, high, wide = (int(side) for side in config["shape"])
    found = columns.picture(config["column"], (channels, high, wide), str(config["fit"]))
    return found.cast("f8").shaped(-1, channels * high * wide)


def _pixel_columns(columns: Columns, block: State) -> Value:
    graph, found = columns.graph, []
    for name, held in zip(block.config["columns"], block.arrays["held"], strict=True):
        found.append(columns.number(name) if np.isnan(held) else None)
    first = next(each for each in found if each is not None)
    flat = [first * 0.0 + float(held) if each is None else each
            for each, held in zip(found, block.arrays["held"], strict=True)]
    tile = graph.side_by_side(flat)
    tile = tile.isnan().where(0.0, tile)
    return tile.clipped(0.0, 255.0)


_BLOCKS = {
    "encoder.numeric": _numeric, "encoder.onehot": _onehot, "encoder.ordinal": _ordinal,
    "encoder.text": _text, "encoder.sequences": _sequences, "encoder.pixels": _pixels,
    "encoder.pixel_columns": _pixel_columns,
}


# What follows -----------------------------------------------------------------------------------

def _reduced(whole: Value, state: State, config: dict[str, Any]) -> Value:
    if "selection" in state.parts:
        whole = whole.columns(state.parts["selection"].arrays["kept"])
    if "projection" in state.parts:
        arrays = state.parts["projection"].arrays
        whole = (whole - arrays["mean"]) @ arrays["axes"].T
        if config["encoding"].get("single"):
            whole = whole.cast("f4").cast("f8")
    return whole
