"""The curves of a network's training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.report._html import Html, el, join

_LINE, _PLANE, _LEFT, _TOP, _FOOT = 560, 180, 8, 22, 20


def curves(history: Sequence[Mapping[str, Any]], names: Sequence[str], title: str) -> Html | None:
    """Figures of a training, epoch by epoch, each on the scale that all of them share."""
    lines = {name: [float(row[name]) for row in history if name in row] for name in names}
    lines = {name: values for name, values in lines.items() if len(values) > 1}
    if not lines:
        return None
    every = [value for values in lines.values() for value in values]
    low, high = min(every), max(every)
    span = max(high - low, 1e-12)
    drawn, keys = [], []
    for at, (name, values) in enumerate(lines.items()):
        colour = f"var(--p{at % 4},#555)"
        places = [(_LEFT + 44 + i * (_LINE - _LEFT - 54) / (len(values) - 1),
                   _TOP + (_PLANE - _TOP - _FOOT) * (1 - (value - low) / span))
                  for i, value in enumerate(values)]
        drawn.append(el("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places),
                        style=f"fill:none;stroke:{colour};stroke-width:1.8"))
        keys.append(join([el("span", "■ ", style=f"color:{colour}"),
                          f"{name.replace('_', ' ')} ({values[-1]:.3g} at the end)   "]))
    marks = [el("text", f"{value:.3g}", x=_LEFT + 38, y=y, cls="tick", text_anchor="end")
             for value, y in ((high, _TOP + 5), (low, _PLANE - _FOOT))]
    return join([el("svg", el("title", title), *marks, *drawn, viewBox=f"0 0 {_LINE} {_PLANE}",
                    role="img", aria_label=title, cls="plane",
                    style=f"max-width:{_LINE}px"),
                 el("p", join(keys), cls="small")])
