"""A tiny language for conditions and formulas: read here, never given to `eval`.

    age >= 18 and town in ["Ely", "Wells"]        income is missing or not (paid == "no")
    weight / (height / 100) ** 2                  if(age < 18, "child", "adult")

Columns are bare words, or anything between backquotes: `Sale Price`. Text stands in quotes.
Numbers, text, dates and truth values are kept apart: an expression that mixes them up is refused
with the place where. Text that is compared with a date is read as an ISO date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from wholefit.base.errors import ParameterError

LONGEST = 4000
DEEPEST = 40
_TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<column>`[^`]*`)
  | (?P<text>"[^"]*"|'[^']*')
  | (?P<sign>\*\*|==|!=|<=|>=|<>|[-+*/%<>=(),\[\]])
  | (?P<word>[^\W\d][\w.]*)
""", re.VERBOSE)
_COMPARE = ("==", "!=", "<>", "=", "<", "<=", ">", ">=")
_KEYWORDS = ("and", "or", "not", "in", "is", "missing", "between", "contains", "true", "false")


@dataclass(frozen=True)
class Node:
    """A node of the tree: what it is, its word or value, its parts, and where it stands."""

    kind: str
    value: object
    parts: tuple[Node, ...] = ()
    at: int = 0


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(source: str) -> Node:
    """The tree of an expression; ParameterError says what is wrong, and where."""
    if len(source) > LONGEST:
        raise ParameterError(f"an expression has at most {LONGEST:,} characters; got "
                             f"{len(source):,}.")
    parser = _Parser(source)
    found = parser.either(0)
    parser.end()
    if _depth(found) > 3 * DEEPEST:
        raise ParameterError(f"an expression has at most {3 * DEEPEST} terms in a row; derive "
                             "columns step by step.")
    return found


def columns_of(node: Node) -> list[str]:
    """The columns that an expression names, each once."""
    found = [str(node.value)] if node.kind == "column" else []
    for part in node.parts:
        found += columns_of(part)
    return list(dict.fromkeys(found))


def _depth(node: Node) -> int:
    """How deep the tree is; without recursion, which a hostile expression could exhaust."""
    level, depth = [node], 0
    while level:
        level, depth = [part for each in level for part in each.parts], depth + 1
    return depth


def _tokens(source: str) -> list[_Token]:
    found, at = [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise _wrong(source, at, f"{source[at]!r} means nothing here")
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return [*found, _Token("end", "", len(source))]


def _wrong(source: str, at: int, said: str) -> ParameterError:
    shown = source if len(source) <= 80 else source[:77] + "..."
    return ParameterError(f"the expression {shown!r} cannot be read: {said} (character {at + 1}); "
                          "it is like: age >= 18 and town == 'Ely'.")


class _Parser:
    """Recursive descent: or, and, not, comparison, sum, product, power, unit."""

    def __init__(self, source: str) -> None:
        self.source, self.tokens, self.place = source, _tokens(source), 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def end(self) -> None:
        if self.next.kind != "end":
            raise self.wrong(f"{self.next.text!r} was not expected")

    def wrong(self, said: str) -> ParameterError:
        return _wrong(self.source, self.next.at, said)

    def take(self, *texts: str) -> _Token | None:
        """The next token if it is one of these signs or keywords."""
        token = self.next
        text = token.text.lower() if token.kind == "word" else token.text
        if token.kind in ("sign", "word") and text in texts:
            self.place += 1
            return _Token(token.kind, text, token.at)
        return None

    def need(self, text: str) -> None:
        if self.take(text) is None:
            got = repr(self.next.text) if self.next.text else "the end"
            raise self.wrong(f"{text!r} was expected; got {got}")

    def either(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.wrong(f"it nests more than {DEEPEST} deep")
        return self.chain(("or",), lambda: self.chain(("and",), lambda: self.negated(depth)))

    def chain(self, words: tuple[str, ...], part: Callable[[], Node]) -> Node:
        found = part()
        while (token := self.take(*words)) is not None:
            found = Node("logic", token.text, (found, part()), token.at)
        return found

    def negated(self, depth: int) -> Node:
        at, times = self.next.at, 0
        while self.take("not") is not None:
            times += 1
        found = self.compared(depth)
        return Node("not", None, (found,), at) if times % 2 else found

    def compared(self, depth: int) -> Node:
        left = self.sum(depth)
        token = self.take(*_COMPARE)
        if token is not None:
            sign = {"=": "==", "<>": "!="}.get(token.text, token.text)
            return Node("compare", sign, (left, self.sum(depth)), token.at)
        at = self.next.at
        if self.take("is") is not None:
            negated = self.take("not") is not None
            self.need("missing")
            return self.maybe_not(Node("missing", None, (left,), at), negated)
        negated = self.take("not") is not None
        if self.take("in") is not None:
            return self.maybe_not(Node("in", None, (left, *self.listed(depth)), at), negated)
        if self.take("between") is not None:
            low = self.sum(depth)
            self.need("and")
            return self.maybe_not(Node("between", None, (left, low, self.sum(depth)), at), negated)
        if self.take("contains") is not None:
            return self.maybe_not(Node("contains", None, (left, self.sum(depth)), at), negated)
        if negated:
            raise self.wrong("'in', 'between' or 'contains' was expected after 'not'")
        return left

    @staticmethod
    def maybe_not(node: Node, negated: bool) -> Node:
        return Node("not", None, (node,), node.at) if negated else node

    def listed(self, depth: int) -> list[Node]:
        close = "]" if self.take("[") else ")"
        if close == ")":
            self.need("(")
        found = [self.sum(depth)]
        while self.take(",") is not None:
            found.append(self.sum(depth))
        self.need(close)
        return found

    def sum(self, depth: int) -> Node:
        return self.binary(("+", "-"), lambda: self.binary(("*", "/", "%"),
                                                           lambda: self.signed(depth)))

    def binary(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        found = part()
        while (token := self.take(*signs)) is not None:
            found = Node("arithmetic", token.text, (found, part()), token.at)
        return found

    def signed(self, depth: int) -> Node:
        token = self.take("-", "+")
        if token is None:
            return self.power(depth)
        if depth > DEEPEST:
            raise self.wrong(f"it nests more than {DEEPEST} deep")
        inner = self.signed(depth + 1)
        return inner if token.text == "+" else Node("minus", None, (inner,), token.at)

    def power(self, depth: int) -> Node:
        base = self.unit(depth)
        token = self.take("**")
        if token is None:
            return base
        return Node("arithmetic", "**", (base, self.signed(depth + 1)), token.at)

    def unit(self, depth: int) -> Node:
        token = self.next
        if self.take("(") is not None:
            found = self.either(depth + 1)
            self.need(")")
            return found
        if token.kind not in ("number", "text", "column", "word"):
            raise self.wrong(f"a value was expected; got "
                             f"{repr(token.text) if token.text else 'the end'}")
        self.place += 1
        if token.kind == "number":
            return Node("number", _number(token.text), (), token.at)
        if token.kind in ("text", "column"):
            return Node(token.kind, token.text[1:-1], (), token.at)
        return self.word(token, depth)

    def word(self, token: _Token, depth: int) -> Node:
        low = token.text.lower()
        if low in ("true", "false"):
            return Node("truth", low == "true", (), token.at)
        if self.take("(") is not None:
            inside = [] if self.next.text == ")" else [self.either(depth + 1)]
            while inside and self.take(",") is not None:
                inside.append(self.either(depth + 1))
            self.need(")")
            return Node("call", low, tuple(inside), token.at)
        if low in _KEYWORDS:
            self.place -= 1
            raise self.wrong(f"a value was expected; got {token.text!r}")
        return Node("column", token.text, (), token.at)


def _number(text: str) -> float | int:
    return int(text) if text.isdigit() and len(text) <= 18 else float(text)
