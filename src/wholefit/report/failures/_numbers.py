"""Pieces of a diagnosis of numbers: residuals, what columns still tell of them, misses."""

from __future__ import annotations

import math

from wholefit.evaluation.failures import Failures
from wholefit.report._html import Html, data, el, join, table
from wholefit.report.failures._pictures import dotted

_DRAWN = 4


def residuals(found: Failures) -> Html | None:
    """Residuals by answer, against the normal, and how unequally they are spread."""
    known = found.residuals
    if known is None:
        return None
    means = [(each.middle, each.mean, each.low, each.high) for each in known.by_answer]
    spreads = [(each.middle, each.spread, each.spread, each.spread) for each in known.by_answer
               if math.isfinite(each.spread)]
    shown = []
    if len(means) > 1:
        ends = means[0][0], means[-1][0]
        shown.append(dotted(means, "Mean of truth less answer, by the answer, with intervals",
                            "answer", "truth less answer", rule=((ends[0], 0.0), (ends[1], 0.0))))
    if len(spreads) > 1:
        shown.append(dotted(spreads, "Spread of the errors by the answer", "answer",
                            "standard deviation of the errors"))
    if len(known.quantiles) > 2:
        across = [x for x, _ in known.quantiles]
        shown.append(dotted([(x, y, math.nan, math.nan) for x, y in known.quantiles],
                            "Quantiles of the errors against those of a normal distribution",
                            "normal quantile", "quantile of the errors, in spreads",
                            rule=((across[0], across[0]), (across[-1], across[-1]))))
    tenths = [(at, share, math.nan, math.nan)
              for at, share in enumerate(known.worst_share, 1)]
    shown.append(dotted([(float(a), b, c, d) for a, b, c, d in tenths],
                        "Share of all squared error in each tenth of the rows, the worst first",
                        "tenth of the rows, the worst first", "share of squared error"))
    return join([*(el("p", data(line, 600)) for line in known.to_text().split("\n")),
                 el("div", *(el("figure", each) for each in shown), cls="pair")])


def structure(found: Failures) -> Html | None:
    """Columns that still tell something of the errors."""
    known = found.residuals
    if known is None or not known.left:
        return None
    rows = [[data(each.column, 60), f"{each.explained:.1%}", f"{each.p:.2g}"]
            for each in known.left]
    pictures = []
    for each in known.left[:_DRAWN]:
        points = [(float(at), b.mean, b.low, b.high) for at, b in enumerate(each.bins, 1)]
        if len(points) > 1:
            pictures.append(el(
                "figure", dotted(points, f"Mean error by {each.column[:60]}, with intervals",
                                 "its ranges, in order", "truth less answer",
                                 rule=((1.0, 0.0), (float(len(points)), 0.0))),
                el("figcaption", data(each.column, 60), ": ", data("; ".join(
                    f"{at} {b.name}" for at, b in enumerate(each.bins, 1)), 400), cls="small")))
    return join([
        el("p", f"{len(known.left)} of {known.tested} columns still tell something of the "
           "errors, corrected for their number: what they hold is not fully used."),
        table(["column", "of the errors' variance", "p, corrected"], rows,
              "Columns that still tell something of the errors", numbers=(1, 2)),
        el("div", *pictures, cls="pair")])


def misses(found: Failures) -> Html | None:
    """Rows with the largest errors."""
    if not found.misses:
        return None
    rows = [[f"{each.row:,}", each.truth, each.answer,
             join((join([data(name, 30), "=", data(value, 60)])
                   for name, value in each.shown.items()), " ") if each.shown else "–"]
            for each in found.misses]
    return table(["row", "truth", "answer", "cells that were asked for"], rows,
                 "The largest misses", numbers=(1, 2))


def figure(value: float) -> str:
    """A number in four figures; a dash where it is not known."""
    return "–" if not math.isfinite(value) else f"{value:,.4g}" if abs(value) < 1e4 \
        else f"{value:,.0f}"


def three(value: float, low: float, high: float) -> Html:
    """A number and its interval."""
    if not math.isfinite(value):
        return Html("–")
    return join([figure(value), " ", el("span", f"{figure(low)} to {figure(high)}",
                                        cls="interval")])
