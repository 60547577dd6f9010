"""HTML from small pieces; text is escaped unless it is already HTML made here.

>>> print(el("p", "a < b ", el("b", "really"), cls="note"))
<p class="note">a &lt; b <b>really</b></p>
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

_EMPTY = frozenset({"br", "hr", "input", "meta", "wbr"})
_VOID = _EMPTY | {"line", "rect", "circle", "path", "polyline"}  # SVG, closed with a slash
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*\Z")
# What HTML cannot hold (controls, half of a surrogate pair), and marks that turn the direction
# of the text around them: a column's name must not rearrange the sentence it stands in.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
# Where a name may go on in the next line: after its joints, and within what has none for long.
_JOINT = re.compile(r"(?<=_)(?=[^\W_])|(?<=[,;:/\\-])(?=[^\W\d_])|(?<=\S\()(?=[^\W\d_])|"
                    r"(?<=[a-z])(?=[A-Z][a-z])")
_RUN = re.compile(r"(\S{24})(?=\S)")
# A table of more rows than these scrolls in a box of its own.
_TALL = 30


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def text(value: Any) -> Html:
    """`value` as text that shows itself, whatever it holds; HTML made here is left as it is."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(plain(str(value)), quote=True))


def plain(words: str) -> str:
    """`words` with a mark in place of what a page cannot hold or what turns text around."""
    return _UNFIT.sub("\ufffd", words)


def el(tag: str, *children: Any, **attributes: Any) -> Html:
    """An element. Attributes: `cls` is class, "_" is "-", None and False are left out."""
    if not _NAME.match(tag):
        raise ValueError(f"an element's name must be letters and digits; got {tag!r}.")
    start = "".join([tag, *(_attribute(name, value) for name, value in attributes.items())])
    if tag in _VOID and not children:
        return Html(f"<{start}>" if tag in _EMPTY else f"<{start}/>")
    return Html(f"<{start}>{join(children)}</{tag}>")


def join(pieces: Iterable[Any], between: Any = "") -> Html:
    """Pieces one after the other, each escaped if it needs to be; None is left out."""
    return Html(text(between).join(text(piece) for piece in pieces if piece is not None))


def data(value: Any, most: int = 200) -> Html:
    """A name or value that came from the user's data: isolated, and cut when very long."""
    whole = str(value)
    if len(whole) <= most:
        return el("bdi", breakable(whole))
    return el("bdi", breakable(whole[: most - 1] + "…"), title=whole[:1000])


def breakable(name: str) -> Html:
    """The text with places where a line may break, so that none breaks within a word."""
    parts = (part for word in _JOINT.split(name) for part in _RUN.split(word))
    return join((part for part in parts if part), el("wbr"))


def bullets(items: Iterable[Any], **attributes: Any) -> Html:
    """A list of points."""
    return el("ul", *(el("li", item) for item in items), **attributes)


def code(text: str) -> Html:
    """A command or a program, as it is typed."""
    return el("pre", el("code", text), tabindex="0")


def table(
    header: Sequence[Any], rows: Iterable[Sequence[Any]], label: str, *,
    numbers: Sequence[int] = (), cls: str = "",
) -> Html:
    """A table in a box of its own, which scrolls sideways where the page is too narrow.

    `label` is its caption for those who cannot see it; `numbers` are the columns set to the
    right. The first cell of a row is its heading.
    """
    right = dict.fromkeys(numbers, "num")
    rows = list(rows)
    head = el("tr", *(el("th", cell, scope="col", cls=right.get(at))
                      for at, cell in enumerate(header)))
    body = (el("tr", *(_cell(at, cell, right.get(at)) for at, cell in enumerate(row)))
            for row in rows)
    return scrolling(label, el("table", el("caption", label), el("thead", head),
                               el("tbody", *body), cls=cls or None), wide="board" in cls,
                     tall=len(rows) > _TALL)


def scrolling(label: str, inner: Html, wide: bool = False, tall: bool = False) -> Html:
    """A box that scrolls by itself, reachable by keyboard; a wide one takes the page's margins.

    A tall one has a height of its own on a screen; on paper it is whole.
    """
    cls = " ".join(["scroll", *(["wide"] if wide else []), *(["tall"] if tall else [])])
    return el("div", inner, cls=cls, role="region", aria_label=label, tabindex="0")


def details(summary: Any, *inner: Any, shown: bool = False) -> Html:
    """What is folded away under a line that opens it; on paper it is open."""
    return el("details", el("summary", summary), *inner, open="open" if shown else None)


def _cell(at: int, cell: Any, cls: str | None) -> Html:
    return el("td", cell, cls=cls) if at else el("th", cell, scope="row", cls=cls)


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    written = "class" if name == "cls" else name.replace("_", "-")
    if not _NAME.match(written):
        raise ValueError(f"an attribute's name must be letters and digits; got {name!r}.")
    return f' {written}="{text(value)}"'
