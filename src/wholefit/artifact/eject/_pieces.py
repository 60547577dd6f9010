"""Which pieces of the script a model's columns need, and the words that are put into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.data._cells import MISSING_WORDS
from wholefit.data.schema import Schema

_SAID = {"encoder.sequences": "reads texts as tokens", "encoder.pixels": "reads pictures",
         "encoder.picture_features": "reads pictures", "encoder.pixel_columns": "reads pictures"}


@dataclass
class Pieces:
    """Names of the template's parts, constants, imports, and what its places are filled with."""

    names: set[str] = field(default_factory=set)
    constants: dict[str, Any] = field(default_factory=dict)
    standard: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, other: Pieces) -> None:
        """All of another's, too."""
        self.names |= other.names
        self.constants |= other.constants
        self.standard |= other.standard
        self.imports |= other.imports
        self.facts |= other.facts


def columns_of(schema: Schema, state: State, apart: bool = False) -> Pieces:
    """What the encoder of that state takes; ExportError for what has no plain piece.

    With `apart`, codes of categories are given beside the numbers, as networks read them.
    """
    encoding = state.config["encoding"]
    if state.config["steps"] or "reduction" in state.parts:
        raise ExportError("this model cannot be ejected as a plain script: its features are made "
                          "by transformers, or selected: make them in the table and fit on that.")
    found = Pieces(constants={"NUMBERS": [], "FLAGS": [], "TEXTS": [], "CODED": [],
                              "FORMATS": None, "REAL": None})
    fit: list[str] = []
    transform: list[str] = []
    blocks = [state.parts[f"block {at}"] for at in range(state.config["blocks"])]
    for block in blocks:
        if block.kind not in _PIECES:
            raise ExportError("this model cannot be ejected as a plain script: it "
                              f"{_SAID.get(block.kind, block.kind)}; export it (`wholefit "
                              "export`) or serve the .wf file.")
        _PIECES[block.kind](schema, block, encoding, found, fit, transform)
    finish = "found"
    if encoding.get("single"):
        finish = f"{finish}.astype(np.float32)"
    if state.config["sparse"]:
        finish = f"scipy.sparse.csr_matrix({finish})"
        found.imports.add("import scipy.sparse")
    if apart:
        finish = _apart(finish, transform)
    found.facts |= {"fit": _indented(fit), "transform": _indented(transform), "finish": finish}
    _columns(schema, found)
    return found


def _apart(finish: str, transform: list[str]) -> str:
    """Numbers and codes as two matrices; the lines of `transform` are changed to that end."""
    coded = [at for at, line in enumerate(transform) if line.startswith("blocks += [ordinal(")]
    for at in coded:
        transform[at] = transform[at].replace("blocks += [", "codes = np.hstack([") + ")"
    if len(transform) == len(coded):
        transform.append("blocks.append(np.zeros((len(frame), 0)))  # it has no number")
    return f"{finish}, codes" if coded else f"({finish},)"


def _columns(schema: Schema, found: Pieces) -> None:
    """What must be known of columns to read their cells as training did."""
    columns = {column.name: column for column in schema.columns}
    named = [column for column in columns.values() if column.role in ("categorical", "target")]
    found.constants["CODED"] = [
        column.name for column in named
        if column.dtype.startswith(("Int", "UInt", "Float", "Decimal"))]
    real = {level for column in columns.values() for level in column.levels or ()
            if level.strip().lower() in MISSING_WORDS}
    found.constants["REAL"] = sorted(real)
    if "parts" in found.names:
        found.constants["FORMATS"] = {
            column.name: column.format for column in columns.values()
            if column.role == "datetime" and column.format}


def _indented(lines: list[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)


def _numeric(schema: Schema, block: State, encoding: dict[str, Any], found: Pieces,
             fit: list[str], transform: list[str]) -> None:
    config = block.config
    if "filler" in block.parts:
        raise ExportError("this model cannot be ejected as a plain script: it fills gaps from "
                          "other columns; fit with features={'impute': 'median'}.")
    flags = [name for name in config["columns"] if schema.role(name) == "boolean"]
    dates = {calendar["column"]: list(calendar["parts"]) for calendar in config["calendars"]}
    found.constants["NUMBERS"], found.constants["FLAGS"] = list(config["columns"]), flags
    found.names |= {"summarised", "mended", f"fill_{encoding['impute']}",
                    f"scale_{encoding['scale']}"}
    found.facts |= {"fill": repr(float(encoding["fill"])),
                    "limit": "float(np.finfo(np.float32).max)" if config["single"] else "1e100"}
    read = []
    if set(config["columns"]) - set(flags):
        found.names.add("numbers")
    if flags:
        found.names.add("truths")
    if config["columns"]:
        call = ("numbers(frame, name)" if not flags else "truths(frame, name)"
                if len(flags) == len(config["columns"]) else
                "(truths if name in FLAGS else numbers)(frame, name)")
        read.append(f"*({call} for name in NUMBERS)")
    if dates:
        found.names.add("parts")
        found.constants["DATES"] = dates
        fit.append("self.first = {name: int(np.nanmin(times(frame, name)).astype(np.int64))"
                   " for name in DATES}")
        read.append("*(parts(times(frame, name), wanted, self.first[name])"
                    " for name, wanted in DATES.items())")
    stack = f"values = np.column_stack([{', '.join(read)}])"
    fit += [stack, "self.numbers = summarised(values)"]
    transform += [stack, "encoded = mended(values, self.numbers)", "blocks.append(encoded)"]
    if encoding["indicator"]:
        places = "range(values.shape[1])" if not dates else repr(_firsts(config))
        fit.append(f"self.flagged = [at for at in {places} if 0 < self.numbers[at][-1] < 1]")
        transform.append("blocks.append(np.isnan(values[:, self.flagged]).astype(float))")
    if config["terms"]:
        found.names.add("products")
        found.standard.add("from itertools import combinations, combinations_with_replacement, "
                           "pairwise")
        found.constants |= {"DEGREE": config["terms"]["degree"],
                            "DISTINCT": bool(config["terms"]["distinct"])}
        transform.append("blocks.append(products(encoded[:, :len(NUMBERS)]))")


def _firsts(config: dict[str, Any]) -> list[int]:
    """Places of which gaps are marked: every number, and the first part of every time."""
    found, at = list(range(len(config["columns"]))), len(config["columns"])
    for calendar in config["calendars"]:
        found.append(at)
        at += len(calendar["parts"])
    return found


def _categories(kind: str) -> Any:
    def piece(schema: Schema, block: State, encoding: dict[str, Any], found: Pieces,
              fit: list[str], transform: list[str]) -> None:
        found.names.add(kind)
        found.standard.add("from collections import Counter")
        found.constants["CATEGORIES"] = [levels["column"] for levels in block.config["columns"]]
        most = encoding["max_levels"] if kind == "onehot" else None
        found.facts |= {
            "rare": repr(float(encoding["rare"])), "most_levels": "" if most is None else
            f"    if len(kept) > {most}:\n        kept = sorted(sorted(kept, key=lambda name: "
            f"-counts[name])[:{most}])\n"}
        if kind == "ordinal":
            hole = block.config["hole"]
            found.facts["hole"] = 'float("nan")' if hole is None else repr(float(hole))
        fit.append("self.levels = {name: levels_of(labels(frame, name)) for name in CATEGORIES}")
        transform.append(f"blocks += [{kind}(labels(frame, name), self.levels[name])"
                         " for name in CATEGORIES]")

    return piece


def _text(schema: Schema, block: State, encoding: dict[str, Any], found: Pieces,
          fit: list[str], transform: list[str]) -> None:
    found.names.add("tfidf")
    found.standard |= {"from collections import Counter", "import re"}
    found.constants["TEXTS"].append(block.config["column"])
    found.facts |= {"words": str(encoding["words"]), "directions": str(encoding["directions"])}
    if len(found.constants["TEXTS"]) > 1:  # one line does for all of them
        return
    fit.append("self.words = {name: vocabulary(labels(frame, name)) for name in TEXTS}")
    if "directions" not in block.arrays:
        transform.append("blocks += [tfidf(labels(frame, name), self.words[name])"
                         " for name in TEXTS]")
        return
    found.names.add("directions")
    fit.append("self.axes = {name: directions(tfidf(labels(frame, name), self.words[name]))"
               " for name in TEXTS}")
    transform.append("blocks += [tfidf(labels(frame, name), self.words[name]) @ "
                     "self.axes[name].T for name in TEXTS]")


_PIECES = {"encoder.numeric": _numeric, "encoder.onehot": _categories("onehot"),
           "encoder.ordinal": _categories("ordinal"), "encoder.text": _text}
