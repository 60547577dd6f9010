"""Maps over pictures: the picture in grey, beside it what each pixel is worth, and attention.

Pixels of one shade are one path, so that a map of a thousand pixels is a few kilobytes. Colours
are written out: the maps are drawn in notebooks too, which know nothing of the page's style.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from wholefit.base.wording import cut
from wholefit.explain.salient import Picture
from wholefit.report._html import Html, el, join
from wholefit.report.saliency._words import AGAINST, FOR

_SHADES, _SIDE, _MOST_CELLS = 8, 200, 128
# Of attention: the side of a cell, and the room for names.
_CELL, _NAMES = 22, 86


def picture(each: Picture) -> Html:
    """The picture, and the map of what its pixels are worth."""
    lines = each.to_text().splitlines()
    worth = np.array(each.worth, dtype=np.float64).reshape(each.shape)
    pixels = np.array(each.pixels, dtype=np.float64).reshape(each.shape)
    return el("figure", el("div", grey(pixels, f"Picture of row {each.row + 1}"),
                           signed(worth, "What its pixels are worth: " + " ".join(lines)),
                           style="display:flex;flex-wrap:wrap;gap:1rem"),
              el("figcaption", el("b", lines[0]), " Blue speaks for the answer, orange against "
                 "it.", *(el("p", line.strip(), cls="small") for line in lines[1:])))


def grey(values: np.ndarray, title: str) -> Html:
    """Numbers (h, w) as shades of grey, the largest black."""
    values = _small(np.nan_to_num(values))
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    level = np.round((values - low) / (high - low or 1.0) * _SHADES).astype(int)
    shades = (_squares(level == at, f"rgba(20,25,30,{at / _SHADES:.3f})")
              for at in range(1, _SHADES + 1))
    return _framed(values.shape, title, shades)


def signed(values: np.ndarray, title: str) -> Html:
    """Numbers (h, w) around zero: blue above, orange below."""
    values = _small(np.nan_to_num(values))
    most = float(np.abs(values).max(initial=0.0))
    level = np.round(values / (most or 1.0) * _SHADES).astype(int)
    shades = (_squares(level == sign * at, f"rgba({color},{at / _SHADES:.3f})")
              for sign, color in ((1, FOR), (-1, AGAINST)) for at in range(1, _SHADES + 1))
    return _framed(values.shape, title, shades)


def tokens(weights: np.ndarray, names: Sequence[str], title: str) -> Html:
    """Attention (t, t) as a square: a row looks, a column is looked at."""
    weights = np.nan_to_num(weights)
    most = float(weights.max(initial=0.0))
    level = np.round(weights / (most or 1.0) * _SHADES).astype(int)
    high, wide = weights.shape
    shades = [_squares(level == at, f"rgba({FOR},{at / _SHADES:.3f})")
              for at in range(1, _SHADES + 1)]
    shown = [cut(name, 12) for name in names]
    look, cell, edge = "font-size:12px;fill:currentColor", _CELL, _NAMES
    down = (el("text", name, x=edge - 6, y=edge + cell * at + 15, text_anchor="end", style=look)
            for at, name in enumerate(shown[:high]))
    across = (el("text", name, x=0, y=0, style=look,
                 transform=f"translate({edge + cell * at + 15} {edge - 6}) rotate(-60)")
              for at, name in enumerate(shown[:wide]))
    frame = el("rect", x=0, y=0, width=wide, height=high, fill="none", stroke="#888",
               stroke_width=0.05)
    inside = el("g", frame, *shades, transform=f"translate({edge} {edge}) scale({cell})")
    across_all, down_all = edge + cell * wide + 50, edge + cell * high + 4
    return el("svg", el("title", title), inside, *down, *across,
              viewBox=f"0 0 {across_all} {down_all}", role="img", aria_label=title,
              width=across_all, style="max-width:100%")


def _small(values: np.ndarray) -> np.ndarray:
    """At most so many cells a side: the means of blocks."""
    step = max(1, -(-max(values.shape) // _MOST_CELLS))
    if step == 1:
        return values
    high, wide = (side // step * step for side in values.shape)
    cut = values[:high, :wide].reshape(high // step, step, wide // step, step)
    return np.asarray(cut.mean(axis=(1, 3)))


def _squares(where: np.ndarray, color: str) -> Html | None:
    """One path of all cells of a shade, runs of a row joined."""
    steps = []
    for y, row in enumerate(where):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        steps += [f"M{a} {y}h{b - a}v1h-{b - a}z"
                  for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
    return el("path", d="".join(steps), fill=color) if steps else None


def _framed(shape: tuple[int, ...], title: str, shades: Iterator[Html | None]) -> Html:
    high, wide = shape
    frame = el("rect", x=0, y=0, width=wide, height=high, fill="#fff", stroke="#888",
               stroke_width=round(max(shape) / 100, 3))
    return el("svg", el("title", title), frame, join(shades), viewBox=f"0 0 {wide} {high}",
              role="img", aria_label=title, width=_SIDE, height=round(_SIDE * high / wide),
              shape_rendering="crispEdges", style="max-width:100%;height:auto")
