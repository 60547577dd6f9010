"""Rules and formulas about rows, written as a person would, judged without running their code.

>>> rule = predicate("if status == 'closed' then closed_on >= opened_on")
>>> rule.columns
('status', 'closed_on', 'opened_on')
>>> frame = pl.DataFrame({"low": [1, 5, None], "high": [2, 3, 4]})
>>> predicate("low <= high").truth(frame).to_list()
[True, False, None]
>>> compute("(low + high) / 2", frame).to_list()
[1.5, 4.0, None]

The grammar, loosest first; a column whose name is no plain word stands in backquotes:

    if A then B          A or B          A and B         not A          (A)
    x == y   x != y   x < y   x <= y   x > y   x >= y   and chains such as 0 <= x < 10
    x is missing   x is not missing   x in ["a", "b"]   x not in [1, 2]
    x between 1 and 5   x contains "part"   x matches "[0-9]{5}"   (of the whole cell)
    x + y   x - y   x * y   x / y   x % y   x ** y   -x   (x)   date - date (in days)
    if(A, x, y)   coalesce(x, y)   min(x, y)   max(x, y)   abs sqrt exp log log10 log1p round
    floor ceil   year month day weekday hour   length lower upper trim number
    numbers   "text" or 'text' (also dates: "2024-05-31")   true   false

It serves in two ways. A **rule** (`predicate`) is true or false of a row; two computed numbers
are equal in it if they differ by less than a millionth of the larger, and a mistake about the
columns is a DataError. A **formula** (`compute`, `condition`) gives values, compares exactly, and
its mistakes are ParameterErrors.

A row whose answer hangs on a missing cell has none (Kleene's logic); what is not a finite number
(a division by nought, the logarithm of a negative number) is missing. Patterns run in time linear
in the cell. Nothing else can be said: there is no way from here to files, names or code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from wholefit.base.errors import ParameterError, unknown
from wholefit.data.formulas._compile import EXACT, values
from wholefit.data.formulas._functions import FUNCTIONS
from wholefit.data.formulas._grammar import (
    RESERVED,
    Node,
    Parser,
    check_pattern,
    columns_of,
    parse,
)
from wholefit.data.formulas._words import FORMULA, RULE, Dialect, unquoted

__all__ = ["Node", "Predicate", "check_pattern", "columns_of", "compute", "condition", "parse",
           "predicate", "quoted", "two_columns"]


@dataclass(frozen=True)
class Predicate:
    """A rule that was understood; `text` is how it was written."""

    text: str
    tree: Node

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it speaks of, in order."""
        return tuple(columns_of(self.tree))

    def truth(self, frame: pl.DataFrame) -> pl.Series:
        """Boolean (rows,): true, false, or null where a missing cell leaves it open.

        Raises UnknownNameError for a column that is not there, DataError where the rule asks of
        a column what its type does not have.
        """
        return _truth(self.tree, self.text, frame, RULE)


def predicate(text: str) -> Predicate:
    """Understand a rule; ParameterError says where it cannot be understood."""
    if not isinstance(text, str) or not text.strip():
        raise ParameterError(f"a rule must be a sentence such as 'start <= end'; got {text!r}.")
    tree = parse(text, RULE)
    for node in tree.walk():
        if node.kind == "call" and node.value not in FUNCTIONS:
            raise unknown("function", str(node.value), FUNCTIONS)
        if node.kind == "in" and any(
                each.kind == "column" for part in node.parts[1:] for each in part.walk()):
            raise ParameterError(f"the rule {text!r} has a column in a list; there stand numbers "
                                 "and text in quotes.")
    return Predicate(" ".join(text.split()), tree)


def compute(source: str, frame: pl.DataFrame) -> pl.Series:
    """The value of a formula in every row of `frame`.

    Raises ParameterError for a formula that cannot be read or mixes kinds up, and
    UnknownNameError for a column or function that is not there.
    """
    tree = parse(source)
    made, kind = values(tree, source, frame, FORMULA)
    made = made.alias("column")
    if kind != "number":
        return made
    whole = all(frame.schema[name].is_integer() or frame.schema[name] == pl.Boolean
                for name in columns_of(tree))
    return _tidied(made, whole)


def condition(source: str, frame: pl.DataFrame) -> pl.Series:
    """Whether a condition holds in each row: true, false, or null where it is unknown."""
    return _truth(parse(source), source, frame, FORMULA)


def _truth(tree: Node, source: str, frame: pl.DataFrame, dialect: Dialect) -> pl.Series:
    made, kind = values(tree, source, frame, dialect)
    if kind not in ("truth", "nothing"):
        gives = {"number": "numbers", "time": "dates"}.get(kind, kind)
        what = "condition" if dialect is FORMULA else dialect.what
        raise dialect.error(f"the {what} {source!r} must say true or false of each row; it gives "
                            f"{gives}: compare it with something.")
    return made if kind == "truth" else pl.repeat(None, len(made), dtype=pl.Boolean, eager=True)


def _tidied(made: pl.Series, whole: bool) -> pl.Series:
    """Finite numbers; integers where every column was and every result is."""
    made = made.set(~made.is_finite().fill_null(True), None)
    if whole and made.null_count() < len(made) and bool(
            ((made == made.floor()) & (made.abs() < EXACT)).all()):
        return made.cast(pl.Int64)
    return made


def quoted(name: str) -> str:
    """A column's name as a rule writes it: plain words as they are, others in backquotes."""
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name.lower() not in RESERVED | set(FUNCTIONS)
    return name if plain else "`" + name.replace("`", "``") + "`"


def two_columns(text: str, word: str) -> tuple[str, str]:
    """The two columns of a sentence such as "zip determines town"."""
    words = Parser(text, RULE)
    found = []
    for follows in (word, ""):
        token = words.next
        if token.kind not in ("word", "column"):
            raise words.due("a column")
        found.append(unquoted(token) if token.kind == "column" else token.text)
        words.place += 1
        if follows:
            words.need(follows)
    words.end()
    return found[0], found[1]
