"""The colours of every page, in light, in dark and on paper, as data: a test weighs their contrast.

Words are `ink`, `soft`, `accent`, `tied`, `other` and `loud`; they stand on `page`, `panel` and
`loud_page`. `p0` to `p7` tell kinds apart in pictures. `hit`, `miss`, `pos` and `neg` shade cells
of tables, whose words are in ink.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "ink": "#1a2027", "soft": "#55606c", "page": "#ffffff", "panel": "#f5f7f9", "line": "#d5dbe1",
    "accent": "#1d5fbf", "tied": "#0b7a6b", "other": "#626c77", "loud": "#8a4b00",
    "loud_page": "#fff6e8", "good": "#1c7a43", "bad": "#b3261e",
    "p0": "#1d5fbf", "p1": "#b84f07", "p2": "#0b7a6b", "p3": "#8a3ea8", "p4": "#7a6200",
    "p5": "#b3245a", "p6": "#4d5b6b", "p7": "#23753a",
    "hit": "#2563eb", "miss": "#d95319", "pos": "#1d5fbf", "neg": "#c4570a",
}
DARK: Mapping[str, str] = {
    "ink": "#e7ebef", "soft": "#a9b4bf", "page": "#13171c", "panel": "#1c2229", "line": "#36404a",
    "accent": "#78aef8", "tied": "#4fc7b3", "other": "#98a3ae", "loud": "#f3bf73",
    "loud_page": "#2a2216", "good": "#6fcf97", "bad": "#f28b82",
    "p0": "#78aef8", "p1": "#f0985a", "p2": "#4fc7b3", "p3": "#cf9be6", "p4": "#d9c25a",
    "p5": "#f087ad", "p6": "#a9b4bf", "p7": "#7fd18f",
    "hit": "#4278f0", "miss": "#d65c28", "pos": "#78aef8", "neg": "#f0985a",
}
PAPER: Mapping[str, str] = {
    **LIGHT, "ink": "#000000", "soft": "#444444", "panel": "#f2f2f2", "line": "#bbbbbb"}
# A notebook may be light or dark, and does not tell which: words take its own colour, and these
# stand out of both. Its lines and panels are see-through.
MIDDLE: Mapping[str, str] = {
    "accent": "#2f7fd8", "tied": "#0f9080", "other": "#7d868f", "loud": "#b0741a",
    "good": "#2f9155", "bad": "#d94f45", "p0": "#2f7fd8", "p1": "#d0661c", "p2": "#0f9080",
    "p3": "#a45fc4", "p4": "#948023", "p5": "#d24b7e", "p6": "#7d868f", "p7": "#3f9354",
    "hit": "#2f7fd8", "miss": "#d0661c", "pos": "#2f7fd8", "neg": "#d0661c",
}
# Colours that a cell is shaded with are mixed with the page, so they are three numbers.
_MIXED = ("hit", "miss", "pos", "neg")
# The deepest that a cell is shaded.
DEEPEST = {"hit": 0.5, "miss": 0.5, "pos": 0.5, "neg": 0.5}


def css(colors: Mapping[str, str]) -> str:
    """The colours as custom properties: "--ink:#1a2027;--loud-page:...;--hit:37 99 235"."""
    return ";".join(f"--{name.replace('_', '-')}:{_written(name, color)}"
                    for name, color in colors.items())


def channels(color: str) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb", 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _written(name: str, color: str) -> str:
    return " ".join(map(str, channels(color))) if name in _MIXED else color
