"""From the words of a formula to a tree, by recursive descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.wording import first_line
from wholefit.data.formulas._words import (
    FORMULA,
    Dialect,
    Token,
    cut,
    number,
    unquoted,
    wrong,
)

DEEPEST = 40
_COMPARE = ("==", "!=", "<>", "=", "<", "<=", ">", ">=")
# These stand for no column; the other words of the grammar do where a value is due.
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "missing", "between", "if", "true",
                       "false"})
RESERVED = _KEYWORDS | {"then", "contains", "matches", "determines"}


@dataclass(frozen=True)
class Node:
    """A node of the tree: what it is, its word or value, its parts, and where it stands."""

    kind: str
    value: object
    parts: tuple[Node, ...] = ()
    at: int = 0

    def walk(self) -> Iterator[Node]:
        """The node and all below it, left to right."""
        yield self
        for part in self.parts:
            yield from part.walk()


def parse(source: str, dialect: Dialect = FORMULA) -> Node:
    """The tree of a formula; ParameterError says what is wrong, and where."""
    parser = Parser(source, dialect)
    found = parser.sentence()
    parser.end()
    if _depth(found) > 3 * DEEPEST:
        raise ParameterError(f"{dialect.article} {dialect.what} has at most {3 * DEEPEST} terms "
                             "in a row; derive columns step by step.")
    return found


def columns_of(node: Node) -> list[str]:
    """The columns that a formula names, each once, in order."""
    return list(dict.fromkeys(str(each.value) for each in node.walk() if each.kind == "column"))


def _depth(node: Node) -> int:
    """How deep the tree is; without recursion, which a hostile formula could exhaust."""
    level, depth = [node], 0
    while level:
        level, depth = [part for each in level for part in each.parts], depth + 1
    return depth


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that the engine cannot read, or that would be huge."""
    try:
        pl.Series([""]).str.contains(f"^(?:{pattern})$", strict=True)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"pattern {pattern!r} is not a regular expression that can be used "
                        f"({first_line(error, 120)}); look-around and back-references are "
                        "not.") from error


class Parser:
    """If ... then, or, and, not, comparison, sum, product, sign, power, unit."""

    def __init__(self, source: str, dialect: Dialect = FORMULA) -> None:
        self.source, self.dialect = source, dialect
        self.tokens, self.place = cut(source, dialect), 0

    # Moving on

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.place]

    def end(self) -> None:
        """Nothing may follow."""
        if self.next.kind != "end":
            raise self.wrong(f"{self.next.text!r} was not expected")

    def wrong(self, said: str) -> ParameterError:
        """The error at the place that is reached."""
        return wrong(self.source, self.next.at, said, self.dialect)

    def take(self, *texts: str) -> Token | None:
        """The next token if it is one of these signs or keywords, which is then passed."""
        token = self.next
        if token.kind in ("sign", "word") and token.folded in texts:
            self.place += 1
            return token
        return None

    def need(self, text: str) -> None:
        """Pass the sign or keyword, which must come next."""
        if self.take(text) is None:
            raise self.due(repr(text))

    def due(self, wanted: str) -> ParameterError:
        """The error for something else than `wanted`."""
        got = repr(self.next.text) if self.next.text else "the end"
        return self.wrong(f"{wanted} was expected; got {got}")

    # Reading, loosest first

    def sentence(self) -> Node:
        """`if A then B`, or a value of any kind."""
        at = self.next.at
        if not self._has_then() or self.take("if") is None:
            return self.either(0)
        given = self.either(0)
        self.need("then")
        return Node("logic", "or", (Node("not", None, (given,), at), self.either(0)), at)

    def _has_then(self) -> bool:
        """True if a `then` stands outside of brackets: `if(a, b, c)` is a function."""
        depth = 0
        for token in self.tokens:
            depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
            if depth == 0 and token.kind == "word" and token.folded == "then":
                return True
        return False

    def either(self, depth: int) -> Node:
        """Conditions joined by or; `depth` counts brackets."""
        if depth > DEEPEST:
            raise self.wrong(f"it nests more than {DEEPEST} deep")
        return self._joined("or", lambda: self._joined("and", lambda: self.negated(depth)))

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        at, found = self.next.at, [part()]
        while self.take(word) is not None:
            found.append(part())
        return found[0] if len(found) == 1 else Node("logic", word, tuple(found), at)

    def negated(self, depth: int) -> Node:
        """A condition, perhaps negated."""
        at, times = self.next.at, 0
        while self.take("not") is not None:
            times += 1
        found = self.compared(depth)
        return Node("not", None, (found,), at) if times % 2 else found

    def compared(self, depth: int) -> Node:
        """One comparison, a chain of them, or a question about one value."""
        left = self.sum(depth)
        at = self.next.at
        if self.take("is") is not None:
            negated = self.take("not") is not None
            self.need("missing")
            found = Node("missing", None, (left,), at)
        else:
            negated = self.take("not") is not None
            asked = self._asked(left, depth)
            if asked is None and negated:
                raise self.due("'in', 'between', 'contains' or 'matches' after 'not'")
            found = asked or self._chain(left, depth)
        return Node("not", None, (found,), at) if negated else found

    def _asked(self, left: Node, depth: int) -> Node | None:
        at = self.next.at
        if self.take("in") is not None:
            return Node("in", None, (left, *self._listed(depth)), at)
        if self.take("between") is not None:
            low = self.sum(depth)
            self.need("and")
            return Node("between", None, (left, low, self.sum(depth)), at)
        if self.take("contains") is not None:
            return Node("contains", None, (left, self.sum(depth)), at)
        if self.take("matches") is not None:
            return Node("matches", self._pattern(), (left,), at)
        return None

    def _chain(self, left: Node, depth: int) -> Node:
        links: list[Node] = []
        while (token := self.take(*_COMPARE)) is not None:
            sign = {"=": "==", "<>": "!="}.get(token.text, token.text)
            right = self.sum(depth)
            links.append(Node("compare", sign, (left, right), token.at))
            left = right
        if not links:
            return left
        return links[0] if len(links) == 1 else Node("logic", "and", tuple(links), links[0].at)

    def _listed(self, depth: int) -> list[Node]:
        close = "]" if self.take("[") else ")"
        if close == ")":
            self.need("(")
        found = [self.sum(depth)]
        while self.take(",") is not None:
            found.append(self.sum(depth))
        self.need(close)
        return found

    def _pattern(self) -> str:
        token = self.next
        if token.kind != "text":
            raise self.due("a \"pattern\"")
        self.place += 1
        # What stands between the quotes is the pattern as it is: \d keeps its backslash.
        check_pattern(token.text[1:-1])
        return token.text[1:-1]

    def sum(self, depth: int) -> Node:
        """Sums of products of values."""
        return self._binary(("+", "-"), lambda: self._binary(("*", "/", "%"),
                                                             lambda: self.signed(depth)))

    def _binary(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        found = part()
        while (token := self.take(*signs)) is not None:
            found = Node("arithmetic", token.text, (found, part()), token.at)
        return found

    def signed(self, depth: int) -> Node:
        """A value, perhaps with signs before it."""
        at, odd = self.next.at, False
        while (token := self.take("-", "+")) is not None:
            odd ^= token.text == "-"
        found = self._power(depth)
        if not odd:
            return found
        if isinstance(found.value, (int, float)) and found.kind == "number":
            return Node("number", -found.value, (), at)
        return Node("minus", None, (found,), at)

    def _power(self, depth: int) -> Node:
        base = self.unit(depth)
        token = self.take("**")
        if token is None:
            return base
        if depth > DEEPEST:
            raise self.wrong(f"it nests more than {DEEPEST} deep")
        return Node("arithmetic", "**", (base, self.signed(depth + 1)), token.at)

    def unit(self, depth: int) -> Node:
        """A number, a text, a column, a function of values, or anything in brackets."""
        token = self.next
        if self.take("(") is not None:
            found = self.either(depth + 1)
            self.need(")")
            return found
        if token.kind not in ("number", "text", "column", "word"):
            raise self.due("a value")
        self.place += 1
        if token.kind == "number":
            return Node("number", number(token.text), (), token.at)
        if token.kind in ("text", "column"):
            return Node(token.kind, unquoted(token), (), token.at)
        return self._word(token, depth)

    def _word(self, token: Token, depth: int) -> Node:
        if token.folded in ("true", "false"):
            return Node("truth", token.folded == "true", (), token.at)
        if token.folded == "if" and self.next.text != "(":
            raise self.wrong("'if A then B' or if(A, x, y) was expected")
        if token.folded in _KEYWORDS - {"if"}:
            self.place -= 1
            raise self.due("a value")
        if self.take("(") is None:
            return Node("column", token.text, (), token.at)
        inside = [] if self.next.text == ")" else [self.either(depth + 1)]
        while inside and self.take(",") is not None:
            inside.append(self.either(depth + 1))
        self.need(")")
        return Node("call", token.folded, tuple(inside), token.at)
