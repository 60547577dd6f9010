"""Columns as inputs of an ONNX graph, made when they are first asked for.

Each column that is used is one input (rows, 1): numbers and truth values as float64 with NaN
where missing, categories and texts as strings, times as whole microseconds since 1970, the
smallest int64 where missing. Pictures are (rows, channels, height, width) of uint8, at the size
that the model reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.artifact.exports._onnx_graph import Graph, Value
from wholefit.data.schema import Schema

NO_TIME = int(np.iinfo(np.int64).min)
"""A missing time, as numpy has it."""


class Columns:
    """The columns of a schema as inputs, made when they are first asked for.

    `single` makes numbers inputs of float32, rounded that much. `made` are computed columns.
    `facts` says of every input what it is, for whoever feeds it.
    """

    def __init__(self, graph: Graph, schema: Schema | None, *, single: bool = False,
                 locale: str = "C.UTF-8") -> None:
        self.graph, self.schema, self.single, self.locale = graph, schema, single, locale
        self.made: dict[str, Value] = {}
        self.facts: list[dict[str, Any]] = []
        self._inputs: dict[str, Value] = {}
        self._blank: dict[str, str] = {}

    def role(self, name: str) -> str:
        """The role of a column; "made" of a computed one."""
        if name in self.made:
            return "made"
        return "numeric" if self.schema is None else self.schema.role(name)

    def number(self, name: str) -> Value:
        """A numeric column (rows, 1), NaN where missing."""
        if name in self.made:
            return self.made[name]
        return self._input(name, "number").cast("f8")

    def word(self, name: str) -> Value:
        """A column of words (rows, 1); `blank(name)` where missing."""
        return self._input(name, "text" if self.role(name) == "text" else "category")

    def time(self, name: str) -> Value:
        """A column of times (rows, 1), NO_TIME where missing."""
        return self._input(name, "time")

    def blank(self, name: str) -> str:
        """What stands for a missing word: the empty text, unless that is a level."""
        if name not in self._blank:
            known = () if self.schema is None else self.schema.column(name).levels or ()
            made = ""
            while made in known:
                made += "(missing)"
            self._blank[name] = made
        return self._blank[name]

    def picture(self, name: str, shape: tuple[int, int, int], fit: str) -> Value:
        """A column of pictures (rows, channels, height, width) uint8."""
        return self._input(name, "picture", "u1", shape, {"shape": list(shape), "fit": fit})

    def tokens(self, name: str, length: int) -> Value:
        """A text column as its token numbers (rows, length), where they are made outside."""
        return self._input(name, "tokens", "i8", (length,), {"length": length})

    def _input(
        self, name: str, said: str, kind: str = "", shape: tuple[int, ...] = (1,),
        more: dict[str, Any] | None = None,
    ) -> Value:
        if name not in self._inputs:
            kind = kind or {"number": "f4" if self.single else "f8", "time": "i8"}.get(said, "s")
            called = name or "column"
            while self.graph.taken_name(called):
                called += "_"
            fact = {"column": name, "input": called, "kind": said, **(more or {})}
            if said in ("category", "text"):
                fact["missing"] = self.blank(name) if said == "category" else ""
            self.facts.append(fact)
            self._inputs[name] = self.graph.input(called, kind, shape)
        return self._inputs[name]
