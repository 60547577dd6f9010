"""Rules about rows, written as a person would, and judged without running anybody's code.

>>> rule = parse("if status == 'closed' then closed_on >= opened_on")
>>> rule.columns
('status', 'closed_on', 'opened_on')
>>> frame = pl.DataFrame({"low": [1, 5, None], "high": [2, 3, 4]})
>>> parse("low <= high").truth(frame).to_list()
[True, False, None]

The grammar, loosest first; a column whose name is no plain word stands in backquotes:

    if A then B          A or B          A and B         not A          (A)
    x == y   x != y   x < y   x <= y   x > y   x >= y   and chains such as 0 <= x < 10
    x is missing   x is not missing   x in ["a", "b"]   x not in [1, 2]
    x between 1 and 5   x matches "[0-9]{5}"   (the pattern is of the whole cell)
    x + y   x - y   x * y   x / y   x % y   -x   (x)
    abs(x)   round(x)   length(x)   lower(x)   upper(x)   trim(x)   year(x)   month(x)   day(x)
    weekday(x)   numbers   "text" or 'text' (also dates: "2024-05-31")   true   false

A row whose answer hangs on a missing cell is not judged: its truth is null (Kleene's logic).
Two computed numbers are equal if they differ by less than a millionth of the larger.
Patterns run in time linear in the cell. Nothing else can be said: there is no way from a rule
to files, names or code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.data import _predicates

_LONGEST, _DEEPEST, _MOST_SUMS = 10_000, 60, 100
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<quoted>`(?:[^`]|``)*`)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<word>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<sign><=|>=|==|!=|<>|[-+*/%<>=(),\[\]]))", re.DOTALL)
_COMPARE = {"==": "eq", "=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt",
            ">=": "ge"}
_SUMS, _PRODUCTS = {"+": "add", "-": "sub"}, {"*": "mul", "/": "div", "%": "mod"}
_RESERVED = frozenset({"if", "then", "or", "and", "not", "is", "missing", "in", "between",
                       "determines",
                       "matches", "true", "false"})


@dataclass(frozen=True)
class Node:
    """A piece of a rule: what it does, to which pieces, and the name or value it carries."""

    does: str
    parts: tuple[Node, ...] = ()
    value: Any = None

    def walk(self) -> Iterator[Node]:
        """The node and all below it, left to right."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class Predicate:
    """A rule that was understood; `text` is how it was written."""

    text: str
    tree: Node

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it speaks of, in order."""
        named = (node.value for node in self.tree.walk() if node.does == "column")
        return tuple(dict.fromkeys(named))

    def truth(self, frame: pl.DataFrame) -> pl.Series:
        """Boolean (rows,): true, false, or null where a missing cell leaves it open.

        Raises UnknownNameError for a column that is not there, DataError where the rule asks of
        a column what its type does not have.
        """
        for name in self.columns:
            if name not in frame.columns:
                raise unknown("column", name, frame.columns)
        return _predicates.truth(self.tree, self.columns, self.text, frame)


def parse(text: str) -> Predicate:
    """Understand a rule; ParameterError says where it cannot be understood."""
    if not isinstance(text, str) or not text.strip():
        raise ParameterError(f"a rule must be a sentence such as 'start <= end'; got {text!r}.")
    if len(text) > _LONGEST:
        raise ParameterError(f"a rule has at most {_LONGEST:,} characters; got {len(text):,}.")
    words = _Words(text)
    tree = words.rule()
    words.end()
    return Predicate(" ".join(text.split()), tree)


def quoted(name: str) -> str:
    """A column's name as a rule writes it: plain words as they are, others in backquotes."""
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name.lower() not in _RESERVED
    return name if plain and name not in _predicates.FUNCTIONS else "`" + name.replace(
        "`", "``") + "`"


class _Words:
    """The words of a rule, and the reader that turns them into a tree."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.sums = text, 0, 0, 0
        self.words = list(self._cut())

    def _cut(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        while at < len(self.text.rstrip()):
            found = _TOKEN.match(self.text, at)
            if found is None:
                rest = self.text[at:].strip()
                raise ParameterError(f"rule {self.text!r} cannot be read from {rest[:30]!r} on: "
                                     "see docs/validate.md for what a rule may say.")
            kind = str(found.lastgroup)
            yield kind, found.group(kind), found.start(kind)
            at = found.end()

    # Moving on

    def peek(self, *wanted: str) -> bool:
        """True if the next word is one of `wanted` (signs and words of the grammar)."""
        if self.at >= len(self.words):
            return False
        kind, word, _ = self.words[self.at]
        return kind in ("sign", "word") and word.lower() in wanted

    def take(self, *wanted: str) -> str | None:
        """The next word if it is one of `wanted`, which is then passed."""
        if not self.peek(*wanted):
            return None
        self.at += 1
        return self.words[self.at - 1][1].lower()

    def need(self, wanted: str) -> None:
        """Pass the word, which must come next."""
        if self.take(wanted) is None:
            raise self.lost(repr(wanted))

    def lost(self, wanted: str) -> ParameterError:
        """The error for a rule that goes on otherwise than it can."""
        got = repr(self.words[self.at][1]) if self.at < len(self.words) else "its end"
        return ParameterError(f"rule {self.text!r} needs {wanted} where it has {got}: see "
                              "docs/validate.md for what a rule may say.")

    def end(self) -> None:
        """Nothing may follow."""
        if self.at < len(self.words):
            raise self.lost("its end")

    # Reading, loosest first

    def rule(self) -> Node:
        """`if A then B`, or a condition."""
        if self.take("if") is None:
            return self.either()
        given = self.either()
        self.need("then")
        return Node("or", (Node("not", (given,)), self.either()))

    def either(self) -> Node:
        """Conditions joined by or."""
        return self._joined("or", self.both)

    def both(self) -> Node:
        """Conditions joined by and."""
        return self._joined("and", self.negated)

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ParameterError(f"rule {self.text[:60]!r}... nests too deep; at most "
                                 f"{_DEEPEST // 2} brackets in each other.")
        found = [part()]
        while self.take(word):
            found.append(part())
        self.depth -= 1
        return found[0] if len(found) == 1 else Node(word, tuple(found))

    def negated(self) -> Node:
        """A condition, perhaps negated."""
        odd = False
        while self.take("not"):
            odd = not odd
        found = self.condition()
        return Node("not", (found,)) if odd else found

    def condition(self) -> Node:
        """One comparison, a chain of them, or a question about one value."""
        left = self.added()
        if self.take("is"):
            negative = self.take("not")
            self.need("missing")
            return self._perhaps_not(Node("missing", (left,)), negative)
        negative = self.take("not")
        if self.take("in"):
            return self._perhaps_not(Node("in", (left,), self._list()), negative)
        if self.take("between"):
            low = self.added()
            self.need("and")
            inside = Node("and", (Node("le", (low, left)), Node("le", (left, self.added()))))
            return self._perhaps_not(inside, negative)
        if self.take("matches"):
            return self._perhaps_not(Node("matches", (left,), self._pattern()), negative)
        if negative:
            raise self.lost("in, between or matches after not")
        return self._chain(left)

    def _chain(self, left: Node) -> Node:
        links = []
        while sign := self.take(*_COMPARE):
            right = self.added()
            links.append(Node(_COMPARE[sign], (left, right)))
            left = right
        if not links:
            return left
        return links[0] if len(links) == 1 else Node("and", tuple(links))

    @staticmethod
    def _perhaps_not(node: Node, negative: str | None) -> Node:
        return Node("not", (node,)) if negative else node

    def added(self) -> Node:
        """Sums."""
        return self._computed(_SUMS, self.multiplied)

    def multiplied(self) -> Node:
        """Products."""
        return self._computed(_PRODUCTS, self.signed)

    def _computed(self, signs: dict[str, str], part: Callable[[], Node]) -> Node:
        found = part()
        while sign := self.take(*signs):
            self.sums += 1
            if self.sums > _MOST_SUMS:
                raise ParameterError(f"rule {self.text[:60]!r}... computes more than "
                                     f"{_MOST_SUMS} times; use fewer.")
            found = Node(signs[sign], (found, part()))
        return found

    def signed(self) -> Node:
        """A value, perhaps with a minus."""
        odd = False
        while self.take("-"):
            odd = not odd
        found = self.value()
        if odd and found.does == "number":
            return Node("number", (), -found.value)
        return Node("negative", (found,)) if odd else found

    def value(self) -> Node:
        """A number, a text, a column, a function of a value, or anything in brackets."""
        if self.take("("):
            found = self.either()
            self.need(")")
            return found
        if self.at >= len(self.words) or self.words[self.at][0] == "sign":
            raise self.lost("a column or a value")
        kind, word, _ = self.words[self.at]
        if kind == "word" and word.lower() in _RESERVED - {"true", "false"}:
            raise self.lost("a column or a value")
        self.at += 1
        return self._value_of(kind, word)

    def _value_of(self, kind: str, word: str) -> Node:
        if kind == "number":
            return Node("number", (), float(word) if set(word) & set(".eE") else int(word))
        if kind == "text":
            return Node("text", (), re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL))
        if kind == "quoted":
            return Node("column", (), word[1:-1].replace("``", "`"))
        if word.lower() in ("true", "false"):
            return Node("truth", (), word.lower() == "true")
        if self.take("("):
            if word.lower() not in _predicates.FUNCTIONS:
                raise unknown("function of a rule", word, _predicates.FUNCTIONS)
            inner = self.added()
            self.need(")")
            return Node("call", (inner,), word.lower())
        return Node("column", (), word)

    def _list(self) -> tuple[Any, ...]:
        close = "]" if self.take("[") else ")"
        if close == ")":
            self.need("(")
        found = [self._literal()]
        while self.take(","):
            found.append(self._literal())
        self.need(close)
        return tuple(found)

    def _literal(self) -> Any:
        node = self.signed()
        if node.does not in ("number", "text", "truth"):
            self.at -= 1
            raise self.lost("a number or a \"text\"")
        return node.value

    def _pattern(self) -> str:
        if self.at >= len(self.words) or self.words[self.at][0] != "text":
            raise self.lost("a \"pattern\"")
        # What stands between the quotes is the pattern as it is: \d keeps its backslash.
        pattern = self.words[self.at][1][1:-1]
        self.at += 1
        check_pattern(pattern)
        return pattern


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that the engine cannot read, or that would be huge."""
    try:
        pl.Series([""]).str.contains(f"^(?:{pattern})$", strict=True)
    except pl.exceptions.PolarsError as error:
        first = str(error).strip().splitlines()[0]
        raise DataError(f"pattern {pattern!r} is not a regular expression that can be used "
                        f"({first[:120]}); look-around and back-references are not.") from error


def two_columns(text: str, word: str) -> tuple[str, str]:
    """The two columns of a sentence such as "zip determines town"."""
    words = _Words(text)
    found = []
    for follows in (word, ""):
        kind, name, _ = words.words[words.at] if words.at < len(words.words) else ("", "", 0)
        if kind not in ("word", "quoted"):
            raise words.lost("a column")
        found.append(name[1:-1].replace("``", "`") if kind == "quoted" else name)
        words.at += 1
        if follows:
            words.need(follows)
    words.end()
    return found[0], found[1]
