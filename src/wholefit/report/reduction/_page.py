"""A page to walk about in a map: zoom, names on hover, colours by column, all by keyboard too.

One file that fetches nothing. Its one script is let in by its hash, so nothing that a column is
called or holds can run; names and values lie in a block of JSON that the script reads as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, unknown
from wholefit.report._html import Html, data, el, plain
from wholefit.report.reduction._colors import colored
from wholefit.report.reduction._pictures import axis_label
from wholefit.report.reduction._script import SCRIPT, STYLE
from wholefit.report.reduction._sections import title_of
from wholefit.report.writing import put
from wholefit.training.found import Found

_MOST_BYTES = 2_600_000
_MOST_AXES = 6


def write_map(
    found: Found, path: str | os.PathLike[str], points: tuple[np.ndarray, np.ndarray] | None,
    columns: Mapping[str, pl.Series], color: str | None, *, force: bool = False,
) -> Path:
    """Write the page; `points` are (row numbers, places), None for those the fit kept.

    Raises UnknownNameError for a colour that is no column, DataError for a map of one axis.
    """
    return put(lambda: map_page(found, points, columns, color), path, force)


def map_page(
    found: Found, points: tuple[np.ndarray, np.ndarray] | None,
    columns: Mapping[str, pl.Series], color: str | None,
) -> str:
    """The page as text; see `write_map`."""
    cargo = _cargo(found, points, columns, color)
    block = json.dumps(_shown(cargo), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    block = block.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
              "base-uri 'none'; form-action 'none'")
    head = el("head", el("meta", charset="utf-8"),
              el("meta", name="viewport", content="width=device-width, initial-scale=1"),
              el("meta", http_equiv="Content-Security-Policy", content=policy),
              el("meta", name="referrer", content="no-referrer"),
              el("title", cargo["title"]), el("style", Html(STYLE)))
    body = el("body", el("header", el("h1", data(cargo["title"], 200)), el("p", _help())),
              _controls(), el("main", el("canvas", id="map", tabindex="0", role="img",
                                         aria_label=cargo["title"], aria_describedby="said"),
                              el("p", id="said", role="status", aria_live="polite")),
              el("ul", id="legend", aria_label="Colours"), el("p", data(cargo["note"], 600)),
              el("noscript", el("p", "This page draws by a script, and scripts are switched off: "
                                "see the report for a picture without.")),
              el("script", Html(block), type="application/json", id="cargo"),
              el("script", Html(SCRIPT)))
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def _help() -> str:
    return ("Wheel or + and - to zoom, drag or arrow keys to move, 0 for the whole; rest on a "
            "point, or press n and p, to read the next and the one before.")


def _controls() -> Html:
    def choice(name: str, words: str) -> Html:
        return el("label", f"{words} ", el("select", id=name))

    buttons = (el("button", sign, type="button", id=name, aria_label=words)
               for name, sign, words in (("in", "+", "zoom in"), ("out", "−", "zoom out"),
                                         ("whole", "0", "the whole map")))
    return el("div", choice("color", "Colour"), choice("across", "Across"), choice("up", "Up"),
              *buttons, cls="bar")


def _cargo(
    found: Found, points: tuple[np.ndarray, np.ndarray] | None,
    columns: Mapping[str, pl.Series], color: str | None,
) -> dict[str, Any]:
    axes = found.told["axes"]
    if len(axes) < 2:
        raise DataError("a map needs two axes at least, and this reduction has one: fit with "
                        "components=2.")
    kept = found.told["points"]
    if points is None:
        rows, places = kept["rows"], np.asarray(kept["places"], dtype=np.float64)
        label = kept["label"]
        columns = {} if label is None else {label: pl.Series(kept["values"], strict=False)}
        title = title_of(found)
    else:
        rows, places = np.asarray(points[0]).tolist(), np.asarray(points[1])
        title = title_of(found).partition(":")[0] + f": {len(rows):,} rows"
    wide = min(places.shape[1], _MOST_AXES)
    cargo: dict[str, Any] = {
        "title": title, "rows": rows, "axes": [axis_label(axis) for axis in axes[:wide]],
        "places": [_numbers(places[:, at]) for at in range(wide)], "columns": [], "note": ""}
    order = _order(list(columns), str(kept["label"]), color)
    left = _load(cargo, columns, order)
    if left:
        cargo["note"] = (f"Left out to keep the page small: {', '.join(left[:20])}"
                         + (f" and {len(left) - 20} more." if len(left) > 20 else "."))
    return cargo


def _order(names: Sequence[str], label: str, color: str | None) -> list[str]:
    """Columns, the one to colour by first; without one, the label."""
    if color is not None and color not in names:
        if not names:
            raise DataError(f"color={color!r} needs the rows that have that column: give data= "
                            "too.")
        raise unknown("column to colour by", color, names)
    first = [name for name in (color, label) if name in names]
    return list(dict.fromkeys([*map(str, first), *names]))


def _load(
    cargo: dict[str, Any], columns: Mapping[str, pl.Series], order: Sequence[str]
) -> list[str]:
    """Put columns in as long as there is room; the names of the others."""
    spent = len(json.dumps(cargo["places"])) + len(json.dumps(cargo["rows"]))
    left = []
    for name in order:
        if spent + 2 * len(cargo["rows"]) > _MOST_BYTES or len(cargo["columns"]) >= 60:
            left.append(name)
            continue
        packed = _packed(name, columns[name])
        size = len(json.dumps(packed))
        if spent + size > _MOST_BYTES:
            left.append(name)
            continue
        spent += size
        cargo["columns"].append(packed)
    return left


def _packed(name: str, column: pl.Series) -> dict[str, Any]:
    """A column as what the script needs: group and colour of each row, and what it says."""
    cells = column.alias("column")
    if cells.dtype.is_numeric():
        values = [float(f"{v:.6g}") if v is not None and np.isfinite(v) else None
                  for v in cells.cast(pl.Float64).to_list()]
        values = [int(v) if v is not None and v.is_integer() and abs(v) < 2**53 else v
                  for v in values]
        colors = colored(values, len(values))
        said: list[Any] = values
        levels: list[str] = []
    else:
        words = [None if v is None else str(v)[:80] for v in cells.to_list()]
        colors = colored(words, len(words))
        levels = sorted({word for word in words if word is not None})
        place = {word: at for at, word in enumerate(levels)}
        said = [None if word is None else place[word] for word in words]
    return {"name": name[:80], "group": "".join(chr(97 + at) for at in colors.group),
            "names": [n[:60] for n in colors.names], "colors": list(colors.colors),
            "said": said, "levels": levels}


def _shown(value: Any) -> Any:
    """Texts without what a page cannot show, or what would turn the words around them."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {name: _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value


def _numbers(values: np.ndarray) -> list[float]:
    """Four digits of the range are a tenth of a pixel."""
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-12) / 1e4))
    digits = int(max(0, -np.log10(step)))
    return [round(float(v), min(digits, 12)) for v in values]
