"""The frame of what a notebook shows: its own letters, and the little style that pictures need.

A notebook may be light or dark and does not say which, so words take its colour and pictures take
colours that stand out of both. Everything is held within one class, so that no other cell changes.
"""

from __future__ import annotations

from typing import Any

from wholefit.report import _palette
from wholefit.report._html import Html, el
from wholefit.report._style import PICTURES

_OWN = """
.wholefit{--ink:currentColor;--soft:currentColor;--page:transparent;--panel:rgba(128,128,128,.1);
--line:rgba(128,128,128,.4);--loud-page:rgba(208,140,28,.14);max-width:60rem;overflow-x:auto;
line-height:1.45}
.wholefit p{max-width:46rem;margin:.4em 0}.wholefit .lead{font-size:1.08em}
.wholefit h3{font-size:1.05em;margin:1em 0 .3em}
.wholefit ul{margin:.4em 0;padding-left:1.3em;max-width:46rem}
.wholefit .small,.wholefit .interval,.wholefit .spec{opacity:.75;font-size:.9em}
.wholefit table{border-collapse:collapse;margin:.4em 0;background:transparent;color:inherit;
font-size:.92em}
.wholefit table th,.wholefit table td{padding:.25em .6em;text-align:left!important;
vertical-align:top;border:0;border-bottom:1px solid var(--line);background:transparent;
white-space:normal;color:inherit}
.wholefit table .num{text-align:right!important;font-variant-numeric:tabular-nums;
white-space:nowrap}
.wholefit caption{text-align:left;opacity:.75;padding:.2em 0;caption-side:top}
.wholefit .scroll{overflow-x:auto}.wholefit figure{margin:.5em 0;max-width:31rem}
.wholefit .forest{max-width:44rem;margin:.4em 0}.wholefit .mini{width:9rem;height:auto}
.wholefit .badge{border:1px solid var(--line);border-radius:1em;padding:0 .5em;font-size:.9em;
white-space:nowrap}
.wholefit .legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.1em 1.1em;
font-size:.88em;max-width:none}
.wholefit .key{display:inline-block;width:.75em;height:.75em;border-radius:50%;margin-right:.35em;
border:2px solid var(--other)}
.wholefit .key.chosen{background:var(--accent);border-color:var(--accent)}
.wholefit .key.tied{background:var(--tied);border-color:var(--tied)}
.wholefit .key.rule{border:0;border-left:2px dashed;border-radius:0;width:.2em}
.wholefit .matrix .hit{background:rgb(var(--hit)/calc(var(--s)*.5))}
.wholefit .matrix .miss{background:rgb(var(--miss)/calc(var(--s)*.5))}
.wholefit .key.square{border:0;border-radius:0;background:var(--accent);opacity:var(--s)}
.wholefit .key.chosen,.wholefit summary{cursor:default}
""".replace("\n", "")
STYLE = (f".wholefit{{{_palette.css(_palette.MIDDLE)}}}{_OWN}"
         + PICTURES.replace("}svg", "}.wholefit svg").replace("svg{", ".wholefit svg{", 1))


def note(*children: Any) -> str:
    """What a cell of a notebook shows: the children, in letters and colours that fit it."""
    return str(el("div", el("style", Html(STYLE)), *children, cls="wholefit"))
