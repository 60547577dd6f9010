"""What a model is made of, as records: coefficients, trees, curves, rules, shares of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from wholefit.base.stored import typed
from wholefit.base.wording import aligned, counted, plain
from wholefit.explain.inside._numbers import brief, within

_MOST = 20


@dataclass(frozen=True)
class Coefficient:
    """What one unit of a column, or a level of it, adds to the answer (or to its log-odds).

    `of` is the class it speaks of, "" for a number; `unit` what one step is ("per 1", "'b' against
    'a'"). `error` is the standard error, None where there is none; `spread` the column's standard
    deviation among the rows learnt from, None for a level.
    """

    column: str
    unit: str
    value: float
    error: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    of: str = ""

    @property
    def per_spread(self) -> float | None:
        """The same for a step of one standard deviation."""
        return None if self.spread is None else self.value * self.spread


@dataclass(frozen=True)
class Coefficients:
    """All of them, with how their errors were come by and what that is worth.

    `scale` is "number", "log-odds" or "margin"; `intercepts` the answer where every number is 0
    and every level the one compared with.
    """

    scale: str
    rows: tuple[Coefficient, ...]
    intercepts: Mapping[str, float] = field(default_factory=dict)
    how: str = ""

    def ordered(self) -> list[Coefficient]:
        """The largest first: by the step of a standard deviation, of a level as it is."""
        def size(one: Coefficient) -> float:
            moved = one.per_spread
            return -abs(one.value if moved is None else moved)
        return sorted(self.rows, key=size)

    def table(self, most: int | None = None) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        odds, classes = self.scale == "log-odds", any(one.of for one in self.rows)
        header = [*(["class"] if classes else []), "column", "step", "adds", "std. error",
                  "95% interval", *(["odds x"] if odds else []), "per std. dev."]
        rows = []
        for one in self.ordered()[:most]:
            step = one.per_spread
            rows.append([
                *([one.of] if classes else []), one.column, one.unit, brief(one.value),
                "" if one.error is None else brief(one.error),
                "" if one.low is None or one.high is None else
                f"[{brief(one.low)}, {brief(one.high)}]",
                *([brief(_odds(one.value))] if odds else []),
                "" if step is None else brief(step)])
        return header, rows

    def frame(self) -> pl.DataFrame:
        """One row a coefficient, in the order of the columns."""
        return pl.DataFrame([{**asdict(one), "per_spread": one.per_spread} for one in self.rows],
                            infer_schema_length=None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"scale": self.scale, "how": self.how, "intercepts": dict(self.intercepts),
                "rows": [asdict(one) for one in self.rows]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Coefficients:
        """Back from `to_json`; TypeError, ValueError or LookupError for anything else."""
        rows = tuple(typed(Coefficient(**each)) for each in stored["rows"])
        intercepts = {str(name): float(value) for name, value in stored["intercepts"].items()}
        return typed(cls(str(stored["scale"]), rows, intercepts, str(stored["how"])))


def _odds(value: float) -> float:
    from math import exp

    return exp(min(value, 700.0))


@dataclass(frozen=True)
class Node:
    """A node of a tree: its question in words, or its answer; `children` are places in the tree.

    `said` is how one comes here from the node above ("age <= 37.5"); `rows` the weight of the
    training rows that came, None where the file has none; `value` the answer at the node.
    """

    said: str
    depth: int
    value: tuple[float, ...]
    rows: float | None = None
    children: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tree:
    """One tree, the root first; `outputs` name what `value` holds; `about` says which tree it is.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    about: str = ""

    @property
    def leaves(self) -> int:
        """How many answers it has."""
        return sum(not node.children for node in self.nodes)

    @property
    def depth(self) -> int:
        """Most questions from the root to a leaf."""
        return max(node.depth for node in self.nodes)

    def answer(self, node: Node) -> str:
        """What is answered at a node, in a word and a number."""
        if len(self.outputs) == 1:
            return brief(node.value[0])
        best = max(range(len(node.value)), key=node.value.__getitem__)
        return f"{self.outputs[best]} {node.value[best]:.2f}"

    def lines(self, most: int = 64) -> list[str]:
        """The rules as text, one line a node, the deeper the further in."""
        shown = list(self._walk(0))
        cut = len(shown) - most
        return [*shown[:most], *([f"... and {counted(cut, 'more node')}"] if cut > 0 else [])]

    def _walk(self, at: int) -> Iterator[str]:
        node = self.nodes[at]
        if node.said:
            rows = "" if node.rows is None else f" (n = {node.rows:,.0f})"
            told = rows if node.children else f": {self.answer(node)}{rows}"
            yield "  " * (node.depth - 1) + node.said + told
        elif not node.children:
            yield self.answer(node)
        for child in node.children:
            yield from self._walk(child)


@dataclass(frozen=True)
class Curve:
    """What a column adds, bin by bin: `labels`, `values`, `errors` (None without bags), `rows`.

    `edges` are the cuts of an ordered column, empty for levels; the first bin is that of missing
    values. `of` is the class, "" for a number or the second of two classes.
    """

    column: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...] | None
    rows: tuple[float, ...]
    edges: tuple[float, ...] = ()
    of: str = ""
    spread: float = 0.0


@dataclass(frozen=True)
class Table:
    """What two columns add together, beyond their curves: `values[i][j]` for a bin of each."""

    columns: tuple[str, str]
    rows: tuple[str, ...]
    across: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    errors: tuple[tuple[float, ...], ...]
    of: str = ""
    spread: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One rule of a list: its conditions in words (none: the last), its answer, on `rows` rows."""

    conditions: tuple[str, ...]
    answer: str
    value: float
    low: float
    high: float
    rows: float

    def said(self, first: bool) -> str:
        """The rule as a sentence."""
        start = "else" if not self.conditions else (
            ("if " if first else "else if ") + " and ".join(self.conditions) + " then")
        word = f"{self.answer} " if self.answer else ""
        value, low, high = within(self.value, self.low, self.high)
        return f"{start} {word}{value} [{low}, {high}] (n = {self.rows:,.0f})"


@dataclass(frozen=True)
class Share:
    """A column's part of what the splits of trees gain, and how many of them ask about it."""

    column: str
    share: float
    splits: int


@dataclass(frozen=True)
class Inside:
    """What a model is made of, told in the user's columns and units.

    `said` holds it in sentences; the rest is what they are about, where the model has it: the
    coefficients, a tree (the only one, or one that stands for many), curves and tables of pairs,
    rules, shares of columns, and `parts`: the models that it is made of, by name.
    """

    model: str
    kind: str
    said: tuple[str, ...]
    coefficients: Coefficients | None = None
    tree: Tree | None = None
    curves: tuple[Curve, ...] = ()
    pairs: tuple[Table, ...] = ()
    rules: tuple[Rule, ...] = ()
    shares: tuple[Share, ...] = ()
    parts: tuple[tuple[str, Inside], ...] = ()

    def to_text(self) -> str:
        """All of it as plain lines."""
        return "\n".join(self._lines())

    def table(self) -> tuple[list[str], list[list[str]]]:
        """What can be put into rows of text: coefficients, rules, shares, or curves' sizes."""
        if self.coefficients is not None:
            return self.coefficients.table()
        if self.rules:
            return ["rule", "answer"], [
                [" and ".join(rule.conditions) or "else", rule.said(False).split(" then ")[-1]]
                for rule in self.rules]
        if self.curves:
            return ["column", "moves the answer by (std. dev.)"], [
                [_of(curve.column, curve.of), brief(curve.spread)] for curve in self.curves]
        return ["column", "share of the gain", "splits"], [
            [one.column, f"{one.share:.1%}", f"{one.splits:,}"] for one in self.shares]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = {"model": self.model, "kind": self.kind, "said": list(self.said)}
        if self.coefficients is not None:
            found["coefficients"] = self.coefficients.to_json()
        if self.tree is not None:
            found["tree"] = {"about": self.tree.about, "outputs": list(self.tree.outputs),
                             "nodes": [asdict(node) for node in self.tree.nodes]}
        for name in ("curves", "pairs", "rules", "shares"):
            if getattr(self, name):
                found[name] = [asdict(one) for one in getattr(self, name)]
        if self.parts:
            found["parts"] = {name: part.to_json() for name, part in self.parts}
        whole: dict[str, Any] = plain(found)
        return whole

    def _lines(self) -> Iterator[str]:
        yield from self.said
        if self.rules:
            yield ""
            yield from (rule.said(at == 0) for at, rule in enumerate(self.rules))
        if self.coefficients is not None:
            yield from _table(*self.coefficients.table(_MOST), len(self.coefficients.rows))
        if self.shares:
            yield from _table(["column", "share of the gain", "splits"], [
                [one.column, f"{one.share:.1%}", f"{one.splits:,}"]
                for one in self.shares[:_MOST]], len(self.shares))
        if self.curves:
            yield from _table(*_curves(self.curves[:_MOST]), len(self.curves))
        if self.pairs:
            yield from ("", "Pairs, beyond their curves: " + ", ".join(
                f"{_of(' x '.join(one.columns), one.of)} ({brief(one.spread)})"
                for one in self.pairs) + ".")
        if self.tree is not None:
            # One of many is an example; the only one is the model.
            most = 16 if self.tree.about else 64
            yield from ("", *([self.tree.about] if self.tree.about else []),
                        *self.tree.lines(most))
        for name, part in self.parts:
            yield from ("", f"{name}: {part.model}", *("  " + line for line in part._lines()))


def _table(header: list[str], rows: list[list[str]], of: int) -> list[str]:
    cut = of - len(rows)
    return ["", *aligned(header, rows), *([f"... and {cut:,} more"] if cut > 0 else [])]


def _of(column: str, of: str) -> str:
    return f"{column} -> {of}" if of else column


def _curves(curves: tuple[Curve, ...]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for curve in curves:
        known = [at for at, rows_ in enumerate(curve.rows) if rows_ > 0]
        low = min(known, key=curve.values.__getitem__)
        high = max(known, key=curve.values.__getitem__)
        rows.append([_of(curve.column, curve.of), brief(curve.spread),
                     *(f"{brief(curve.values[at])}{_band(curve, at)} at {curve.labels[at]}"
                       for at in (low, high))])
    return ["column", "moves it by", "adds least", "adds most"], rows


def _band(curve: Curve, at: int) -> str:
    return "" if curve.errors is None else f" +- {brief(curve.errors[at])}"
