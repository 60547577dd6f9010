"""What a model is made of, drawn: coefficients, a tree, curves and tables of pairs, rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wholefit._version import __version__
from wholefit.explain.inside import Inside
from wholefit.report import writing
from wholefit.report._html import Html, bullets, data, details, el, join, table
from wholefit.report.inside import _pictures

__all__ = ["page", "section", "snippet", "write"]

_MOST_CURVES, _MOST_PAIRS, _MOST_ROWS, _MOST_CLASSES, _MOST_PARTS = 24, 8, 40, 5, 4
_PLAIN = ("<style>.wf-inside svg{max-width:34rem;font:12px sans-serif}.wf-inside text{font-size:"
          "11px;fill:currentColor}.wf-inside .field{fill:none;stroke:#8884}.wf-inside .grid{stroke:"
          "#8883}.wf-inside .rule,.wf-inside .axis{stroke:#888}.wf-inside .bar{stroke:#1d5fbf;"
          "stroke-width:3}.wf-inside .curve{fill:none;stroke:#b84f07;stroke-width:2}"
          ".wf-inside .wide{fill:#1d5fbf;fill-opacity:.22}.wf-inside .mark{fill:#1d5fbf}"
          ".wf-inside .bar.other{stroke:#8b95a0}.wf-inside .mark.other{fill:#8b95a0}</style>")


def section(record: Inside) -> Html | None:
    """Sentences, then what they are about: tables and pictures."""
    return join([bullets(data(line, 900) for line in record.said), *_drawn(record)])


def snippet(record: Inside) -> str:
    """The same for a notebook, with the little style that the pictures need."""
    return str(el("div", Html(_PLAIN), section(record), cls="wf-inside"))


def page(record: Inside) -> str:
    """One self-contained page."""
    def top(nav: Html) -> Html:
        return el("header", el("h1", "Inside ", data(record.model, 120)),
                  el("p", data(f"a model of kind {record.kind}", 160), cls="kind"), nav)

    return writing.whole(f"Inside {record.model}", top,
                         [("inside", "What it is made of", section(record) or Html(""))],
                         writing.foot({"wholefit": __version__}))


def write(record: Inside, path: str | Path, *, force: bool = False) -> Path:
    """Write the page to `path`; returns it. ArtifactError where it cannot be written."""
    return writing.put(lambda: page(record), path, force)


def _drawn(record: Inside) -> Iterator[Html]:
    if record.rules:
        yield el("ol", *(el("li", data(rule.said(at == 0), 900))
                         for at, rule in enumerate(record.rules)))
    if record.coefficients is not None:
        yield from _coefficients(record)
    if record.tree is not None:
        if record.tree.about:
            yield el("p", data(record.tree.about, 600))
        yield _pictures.tree(record.tree)
        yield details("The tree as text", el("pre", el("code", "\n".join(
            record.tree.lines(200))), tabindex="0"))
    if record.shares:
        yield table(["column", "share of the gain", "splits"],
                    [[data(one.column), f"{one.share:.1%}", f"{one.splits:,}"]
                     for one in record.shares[:_MOST_ROWS]],
                    "What the splits on each column gain", numbers=(1, 2))
    yield from _curves(record)
    for name, part in record.parts[:_MOST_PARTS]:
        yield details(f"Part {name}: {part.model}", section(part), shown=len(record.parts) == 1)
    if len(record.parts) > _MOST_PARTS:
        yield el("p", f"and {len(record.parts) - _MOST_PARTS} more parts", cls="small")


def _coefficients(record: Inside) -> Iterator[Html]:
    found = record.coefficients
    assert found is not None
    for of in list(found.intercepts)[:_MOST_CLASSES] if found.rows else ():
        if of:
            yield el("h3", "For ", data(of))
        yield _pictures.coefficients(found, of)
    header, rows = found.table(_MOST_ROWS)
    first = 3 if header[0] == "class" else 2
    more = len(found.rows) - len(rows)
    listed = table(header, [[data(cell) for cell in row] for row in rows],
                   "Coefficients with standard errors", numbers=tuple(range(first, len(header))))
    yield details("All numbers" if more <= 0 else f"The {len(rows)} largest of "
                  f"{len(found.rows):,}", listed)


def _curves(record: Inside) -> Iterator[Html]:
    for one in record.curves[:_MOST_CURVES]:
        yield el("figure", el("figcaption", el("b", data(one.column)),
                              join([" for ", data(one.of)]) if one.of else None,
                              _missing(one.labels, one.values, one.rows)),
                 _pictures.curve(one))
    if len(record.curves) > _MOST_CURVES:
        yield el("p", f"and {len(record.curves) - _MOST_CURVES} curves that move the answer less",
                 cls="small")
    for pair in record.pairs[:_MOST_PAIRS]:
        yield el("figure", el("figcaption", el("b", data(" x ".join(pair.columns))),
                              join([" for ", data(pair.of)]) if pair.of else None,
                              " beyond what each adds alone: blue adds, orange takes"),
                 _pictures.table(pair))


def _missing(
    labels: tuple[str, ...], values: tuple[float, ...], rows: tuple[float, ...]
) -> str | None:
    """What a missing value adds, where there were some: the curve does not show it."""
    if not rows[0] > 0 or labels[0] != "missing":
        return None
    return f"; missing ({rows[0]:,.0f} rows) adds {values[0]:+.3g}"
