"""Markdown from small pieces; whatever comes from the data shows itself and does nothing.

>>> print(words("a|b *c* <script> @me"))
a\\|b \\*c\\* &lt;script> &#64;me
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from wholefit.report._html import plain

# What changes how the words around it are shown, wherever it stands.
_LOUD = re.compile(r"([\\`*\[\]~|$])|(?<![^\W_])(_)|(_)(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", "@": "&#64;", "\t": " ", "\r": " ", "\n": " "}
# What makes a heading, a list, a quotation or a rule where a line begins with it.
_START = re.compile(r"^(\s*)(>|[+-](?=\s|$)|#(?=#{0,5}(?:\s|$))|[=-](?=[=-]*\s*$)|"
                    r"\d+(?=[.)](?:\s|$)))")
# A site makes links of these by itself, and of #12 a link to an issue.
_LINK = re.compile(r"(?i)(https?|ftp)(:)(?=//)|(www)(\.)|(#)(?=\d)|(\bGH)(-)(?=\d)")


def words(value: Any, most: int = 400) -> str:
    """Text that shows itself where a line of Markdown begins or goes on, cut when very long."""
    return _START.sub(lambda found: found[1] + _opened(found[2]), inner(value, most))


def inner(value: Any, most: int = 400) -> str:
    """Text that shows itself within a line of Markdown, cut when very long."""
    whole = plain(str(value))
    whole = whole if len(whole) <= most else whole[: most - 1] + "…"
    whole = "".join(_ENTITIES.get(letter, letter) for letter in whole)
    whole = _LOUD.sub(lambda found: "\\" + found[0], whole)
    return _LINK.sub(_unlinked, whole)


def _unlinked(found: re.Match[str]) -> str:
    return "".join(part if len(part) > 1 else f"&#{ord(part)};"
                   for part in found.groups() if part)


def _opened(sign: str) -> str:
    """A number keeps its place by a break that nobody sees; a sign by a backslash."""
    return f"{sign}&#8203;" if sign.isdigit() else "\\" + sign


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Sequence[int] = ()) -> str:
    """A table; `numbers` are the columns set to the right. Cells are escaped."""
    rule = ["---:" if at in numbers else "---" for at in range(len(header))]
    lines = [header, rule, *([inner(cell, 160) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bullets(items: Iterable[Any]) -> str:
    """A list of escaped points."""
    return "\n".join(f"- {words(item, 900)}" for item in items)


def code(text: str, language: str = "") -> str:
    """A block of code as it is typed, in a fence that its text cannot close."""
    runs = [len(run) for run in re.findall(r"`+", text)]
    fence = "`" * max(3, max(runs, default=0) + 1)
    return f"{fence}{language}\n{plain(text).rstrip()}\n{fence}"
