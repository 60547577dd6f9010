"""HTML as values: text is escaped unless it was made here, so no cell can become markup.

>>> print(tag("p", "a < b & ", tag("b", "c"), id="x"))
<p id="x">a &lt; b &amp; <b>c</b></p>
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

# Control characters are not allowed in a page, and lone surrogates not in a file.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_VOID = ("br", "meta", "hr", "line", "rect", "circle", "polyline")
_LONGEST = 160


class Markup(str):
    """Text that is HTML already; only this module's functions make it."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """Any value as text that cannot be read as markup."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))))


def join(parts: Iterable[object]) -> Markup:
    """The parts one after the other, each escaped unless it is Markup."""
    return Markup("".join(escaped(part) for part in parts if part is not None))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element; `class_` is written class, `_` in names becomes `-`, None leaves one out."""
    inner = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{inner}>") if name in _VOID[:3] else Markup(f"<{name}{inner}/>")
    return Markup(f"<{name}{inner}>{join(children)}</{name}>")


def _attribute(key: str, value: object) -> str:
    if value is None:
        return ""
    return f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'


def name(text: object) -> Markup:
    """A word from the data: cut if endless, and kept from turning the text around it."""
    shown = str(text)
    cut = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
    return tag("bdi", cut if cut.strip() else f"{cut!r}", class_="name")


def table(
    header: Sequence[object], rows: Iterable[Sequence[object]], *, caption: str,
    numbers: Sequence[int] = (), marked: Sequence[int] = (),
) -> Markup:
    """A table whose first column heads its rows; `numbers` are right-aligned columns, `marked`
    the rows that stand out. It scrolls sideways by itself where the screen is narrow."""
    head = tag("tr", *(tag("th", each, scope="col", class_=_side(at, numbers))
                       for at, each in enumerate(header)))
    body = join(_row(cells, numbers, "marked" if at in marked else None)
                for at, cells in enumerate(rows))
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def _row(cells: Sequence[object], numbers: Sequence[int], mark: str | None) -> Markup:
    first = tag("th", cells[0], scope="row", class_=_side(0, numbers))
    rest = (tag("td", each, class_=_side(at, numbers)) for at, each in enumerate(cells) if at)
    return tag("tr", first, *rest, class_=mark)


def _side(at: int, numbers: Sequence[int]) -> str | None:
    return "number" if at in numbers else None


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    """A list of named facts."""
    return tag("dl", *(join([tag("dt", key), tag("dd", value)]) for key, value in pairs))


def bullets(sentences: Iterable[object], class_: str | None = None) -> Markup:
    """A list of sentences."""
    return tag("ul", *(tag("li", sentence) for sentence in sentences), class_=class_)


def section(title: str, *children: object, key: str) -> Markup:
    """A part of the page under its heading."""
    heading = f"{key}-title"
    return tag("section", tag("h2", title, id=heading), *children, aria_labelledby=heading)


def page(title: str, style: str, *children: object) -> str:
    """The whole document: nothing in it is fetched, and nothing in it may run."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = tag(
        "head", tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title), tag("style", Markup(style)),
    )
    body = tag("body", tag("main", *children))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"
