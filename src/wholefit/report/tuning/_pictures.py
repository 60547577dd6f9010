"""Pictures of a search: trials in their order, shares of what mattered, effects of settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.report._html import Html, el, join
from wholefit.report._svg import Bar, Frame, forest
from wholefit.report.curves._pictures import Logged
from wholefit.training.tuning._said import value_of

PLAIN = ("<style>.wf-tuning svg{max-width:34rem;font:12px sans-serif}.wf-tuning .tick,"
         ".wf-tuning .axis-name,.wf-tuning .name,.wf-tuning .said{font-size:11px;"
         "fill:currentColor}.wf-tuning .field{fill:none;stroke:#8884}"
         ".wf-tuning .grid{stroke:#8883}.wf-tuning .rule,.wf-tuning .axis{stroke:#888}"
         ".wf-tuning .bar{stroke:#1d5fbf;stroke-width:3}</style>")
_DOT, _LINE, _PART = "var(--p0,#1d5fbf)", "var(--p1,#b84f07)", "var(--p2,#0b7a6b)"
_BARS, _EFFECTS, _MARKS = 12, 6, 5
# Trials further out than these quantiles are drawn at the edge, so that the best can be told apart.
_WORST = 0.85
# Defaults further from the best than so many times what most trials are, are left out.
_FAR = 3.0


def history(record: Any) -> Html | None:
    """Each trial's metric in the order they were begun, and the best so far."""
    done = record.done
    if not done:
        return None
    done = sorted(done, key=lambda trial: (trial.number < 0, trial.number))
    values = [record.value(trial) for trial in done]
    last = max(trial.number for trial in done) + 1.0
    frame = Frame((0.0, last), _range(record, values))
    dots = [el("circle", el("title", f"trial {trial.number}: {value_of(value)}"),
               cx=f"{frame.x(_at(trial, last)):.1f}", cy=f"{frame.y(value):.1f}",
               r=5 if trial.number == record.chosen else 3.2,
               style=f"fill:{_DOT if trial.whole else _PART};fill-opacity:"
                     f"{1 if trial.number == record.chosen else 0.6}")
            for trial, value in zip(done, values, strict=True)]
    keys = [("a trial", _DOT), ("best so far", _LINE)]
    if any(not trial.whole for trial in done):
        keys.insert(1, ("on part of the rows or folds", _PART))
    default = []
    low, high = frame.up
    if record.default is not None and low <= record.default <= high:
        at = f"{frame.y(record.default):.1f}"
        default = [el("line", el("title", f"defaults: {value_of(record.default)}"), cls="rule",
                      x1=frame.x(frame.across[0]), x2=frame.x(frame.across[1]), y1=at, y2=at,
                      stroke_dasharray="5 4")]
        keys.append(("the defaults (dashed)", "#888"))
    title = (f"{record.metric} of {len(done)} trials in their order; the best is "
             f"{value_of(record.score_of_best)}")
    picture = frame.draw(title, "trial", record.metric, *default, *dots,
                         _best_so_far(record, frame, last))
    return join([el("figure", picture), _keys(keys)])


def _at(trial: Any, last: float) -> float:
    """Where a trial stands in the order: one that no strategy asked for came last."""
    return float(trial.number) if trial.number >= 0 else last


def _best_so_far(record: Any, frame: Frame, last: float) -> Html | None:
    whole = sorted(record.whole, key=lambda trial: _at(trial, last))
    if not whole:
        return None
    points, best = [], None
    for trial in whole:
        value = record.value(trial)
        x = f"{frame.x(_at(trial, last)):.1f}"
        if best is not None:
            points.append(f"{x},{frame.y(best):.1f}")
        best = value if best is None else (
            max(best, value) if record.better == "higher" else min(best, value))
        points.append(f"{x},{frame.y(best):.1f}")
    return el("polyline", points=" ".join(points), style=f"fill:none;stroke:{_LINE};"
              "stroke-width:2")


def _range(record: Any, values: Sequence[float]) -> tuple[float, float]:
    """From the best to where most are; the rest is drawn at the edge."""
    near = _WORST if record.better == "lower" else 1 - _WORST
    edge = float(np.quantile(values, near))
    best = max(values) if record.better == "higher" else min(values)
    default = edge if record.default is None else record.default
    if abs(default - best) > _FAR * abs(edge - best):
        default = edge
    return min(edge, best, default), max(edge, best, default)


def shares(record: Any) -> Html | None:
    """What share of the differences between trials each setting, and each pair, makes."""
    found = record.importance
    bars = [Bar(_short(record, name), f"{share:.0%}", share, max(share - found.spread[name], 0),
                min(share + found.spread[name], 1), "chosen" if at == 0 else "tied")
            for at, (name, share) in enumerate(found.shares.items())]
    bars += [Bar(f"{_short(record, one)} × {_short(record, other)}", f"{share:.0%}", share,
                 share, share, "other")
             for (one, other), share in list(found.pairs.items())[:3] if share >= 0.02]
    title = ("Share of the differences between trials that each setting makes, and pairs beyond "
             "that, with the spread over the forest's trees")
    return el("figure", forest(bars[:_BARS], 0.0, title), cls="big")


def effects(record: Any) -> Html:
    """The metric over the values of the settings that mattered most, all else averaged."""
    names = list(record.importance.effects)[:_EFFECTS]
    return el("div", *(_effect(record, name) for name in names), cls="pictures",
              style="display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem")


def _effect(record: Any, name: str) -> Html:
    effect, dim = record.importance.effects[name], record.space.dims[name]
    sign = -1.0 if record.better == "higher" else 1.0
    used = [trial for trial in record.rung if name in trial.values]
    values = [record.value(trial) for trial in used]
    frame = Logged((0.0, 1.0), _range(record, [*values, *(sign * mean for mean in effect.mean)]),
                  _marks(dim))
    line = [(x, sign * mean, spread) for x, mean, spread in zip(
        effect.places, effect.mean, effect.spread, strict=True)]
    upper = [f"{frame.x(x):.1f},{frame.y(y + s):.1f}" for x, y, s in line]
    lower = [f"{frame.x(x):.1f},{frame.y(y - s):.1f}" for x, y, s in reversed(line)]
    band = el("polygon", points=" ".join([*upper, *lower]),
              style=f"fill:{_LINE};fill-opacity:.15")
    mean = el("polyline", points=" ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y, _ in line),
              style=f"fill:none;stroke:{_LINE};stroke-width:2")
    dots = [el("circle", el("title", f"{value_of(trial.values[name])}: {value_of(value)}"),
               cx=f"{frame.x(dim.place(trial.values[name])):.1f}", cy=f"{frame.y(value):.1f}",
               r=3, style=f"fill:{_DOT};fill-opacity:.5")
            for trial, value in zip(used, values, strict=True)]
    title = (f"{record.metric} over {name}: trials as points, the mean over all other settings "
             "as a line")
    return el("figure", frame.draw(title, _short(record, name), record.metric, *dots, band, mean))


def _marks(dim: Any) -> list[tuple[float, str]]:
    """Values of a dimension at their places."""
    values = dim.steps(_MARKS)
    return [(dim.place(value), value_of(value)) for value in values]


def _short(record: Any, name: str) -> str:
    """A dimension's name without the model's, where there is one only."""
    label = next(iter(record.space.models))
    return name.removeprefix(f"{label}.") if len(record.space.models) == 1 else name


def _keys(names: Sequence[tuple[str, str]]) -> Html:
    return el("p", *(el("span", el("span", style=f"display:inline-block;width:.8em;height:.8em;"
                                   f"margin:0 .4em 0 1em;background:{colour}"), name)
                     for name, colour in names), cls="keys")
