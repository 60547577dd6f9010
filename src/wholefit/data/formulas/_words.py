"""The words of a formula: numbers, texts, names and signs, each with the place where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wholefit.base.errors import DataError, ParameterError, WholefitError


@dataclass(frozen=True)
class Dialect:
    """How one grammar is used: what it is called, its bound, its errors, how near is equal."""

    what: str
    longest: int
    error: type[WholefitError]
    near: float = 0.0

    @property
    def article(self) -> str:
        """The word that stands before it: an expression, a rule."""
        return "an" if self.what[0] in "aeiou" else "a"


FORMULA = Dialect("expression", 4_000, ParameterError)
# Rules are learnt from rows, and compare what was computed: 0.1 + 0.2 is 0.3 there.
RULE = Dialect("rule", 10_000, DataError, near=1e-6)

_TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<column>`(?:[^`]|``)*`)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|"[^"]*"|'[^']*')
  | (?P<sign>\*\*|==|!=|<=|>=|<>|[-+*/%<>=(),\[\]])
  | (?P<word>[^\W\d][\w.]*)
""", re.VERBOSE | re.DOTALL)


@dataclass(frozen=True)
class Token:
    """A word or sign as it is written, its kind, and how many characters stand before it."""

    kind: str
    text: str
    at: int

    @property
    def folded(self) -> str:
        """As the grammar compares it: words in small letters."""
        return self.text.lower() if self.kind == "word" else self.text


def cut(source: str, dialect: Dialect) -> list[Token]:
    """The tokens, with one of kind "end" behind them; ParameterError where there is none."""
    if len(source) > dialect.longest:
        raise ParameterError(f"{dialect.article} {dialect.what} has at most {dialect.longest:,} "
                             f"characters; got {len(source):,}.")
    found, at = [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise wrong(source, at, f"{source[at]!r} means nothing here", dialect)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return [*found, Token("end", "", len(source))]


def wrong(source: str, at: int, said: str, dialect: Dialect) -> ParameterError:
    """The error for what cannot be read, and where."""
    shown = source if len(source) <= 80 else source[:77] + "..."
    return ParameterError(f"the {dialect.what} {shown!r} cannot be read: {said} (character "
                          f"{at + 1}); it is like: age >= 18 and town == 'Ely'.")


def number(text: str) -> float | int:
    """What a number is: whole ones stay exact."""
    return int(text) if text.isdigit() and len(text) <= 18 else float(text)


def unquoted(token: Token) -> str:
    """The name or text between quotes; a backslash only frees a quote or another backslash."""
    inside = token.text[1:-1]
    if token.kind == "column":
        return inside.replace("``", "`")
    return re.sub(r"""\\(["'\\])""", r"\1", inside)
