"""Where the model is right and wrong: drawn from the exhibits that a result carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wholefit.base.wording import cut
from wholefit.report import _facts, _svg, words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, data, details, el, join, scrolling, table

# A matrix of more classes is set in smaller letters.
_DENSE = 12
# Shades that the eye tells apart.
_SHADES = 6


def mistakes(result: Reported) -> Html:
    """The pictures that the task has; a sentence where the answers were not kept."""
    shown = [draw(result) for name, draw in _DRAW.items() if name in result.exhibits]
    if not shown:
        return el("p", "The answers to unseen rows were not kept with this result, so they cannot "
                  "be shown: fit anew, or score it on other rows.")
    return join(shown)


def calibration(result: Reported) -> Html | None:
    """Whether probabilities can be taken at their word; None for results without them."""
    return _calibration(result) if result.exhibits.get("calibration") else None


# ---- classes ----------------------------------------------------------------------------


def _confusion(result: Reported) -> Html:
    counts = result.exhibits["confusion"]
    names = [_facts.label(result, code) for code in range(len(counts))]
    head = el("tr", el("td", "true ↓ answered →", cls="corner"),
              *(el("th", data(name, 24), scope="col", cls="num") for name in names),
              el("th", "all", scope="col", cls="num"))
    rows = (_matrix_row(name, code, row) for code, (name, row) in
            enumerate(zip(names, counts, strict=True)))
    label = "Confusion matrix: rows of each true class, by the class that was answered"
    right = sum(row[code] for code, row in enumerate(counts))
    return join([
        el("h3", "Right and wrong, by class"),
        el("p", f"Of {sum(map(sum, counts)):,} rows, {right:,} were answered right (blue, on the "
           "diagonal). Each line holds the rows of one true class; the darker a cell, the larger "
           "its share of the line."),
        scrolling(label, el("table", el("caption", label), el("thead", head), el("tbody", *rows),
                            cls="matrix dense" if len(counts) > _DENSE else "matrix")),
    ])


def _matrix_row(name: str, code: int, row: list[int]) -> Html:
    total = sum(row)
    cells = (_heat(int(count), total, at == code) for at, count in enumerate(row))
    return el("tr", el("th", data(name, 24), scope="row"), *cells,
              el("td", f"{total:,}", cls="num all"))


def _heat(count: int, total: int, right: bool) -> Html:
    """A cell whose colour grows with the root of its share, so that rare mistakes show too."""
    if not count:
        return el("td", "0", cls="num none")
    share = count / total
    return el("td", f"{count:,}", cls="num hit" if right else "num miss",
              style=f"--s:{share**0.5:.2f}", title=f"{share:.1%}")


def _per_class(result: Reported) -> Html:
    rows = [[data(_facts.label(result, row["class"]), 40), f"{row['support']:,}",
             f"{row['predicted']:,}",
             *(_share(row[name]) for name in ("precision", "recall", "f1"))]
            for row in result.exhibits["per_class"]]
    header = ["class", "rows", "answered", "precision", "recall", "f1"]
    shown = table(header, rows, "Precision, recall and f1 of each class", numbers=range(1, 6))
    return join([
        el("h3", "Each class by itself"),
        el("p", "Precision: of the rows answered as the class, the share that are of it. Recall: "
           "of the rows of the class, the share that were found. f1 joins the two."),
        details(f"All {len(rows)} classes", shown) if len(rows) > _DENSE else shown,
    ])


def _share(three: list[float | None]) -> Any:
    value, low, high = three
    if value is None:
        return "–"
    interval = el("div", f"{low:.3f} to {high:.3f}", cls="interval") \
        if low is not None and high is not None else None
    return join([f"{value:.3f}", interval])


def _mistakes(result: Reported) -> Html:
    rows = [[data(_facts.label(result, actual), 40), data(_facts.label(result, given), 40),
             f"{count:,}", f"{count / of_class:.1%}"]
            for actual, given, count, of_class in result.exhibits["mistakes"]]
    header = ["true class", "answered as", "rows", "share of the true class"]
    return join([
        el("h3", "The most frequent mistakes"),
        el("p", f"There are {len(result.classes or ())} classes, too many for a matrix; these "
           "confusions happen most often."),
        table(header, rows, "The most frequent mistakes", numbers=(2, 3)),
    ])


def _calibration(result: Reported) -> Html:
    points = result.exhibits["calibration"]
    name = _facts.label(result, result.exhibits.get("positive", 1))
    first, last = points[0], points[-1]
    ends = (f"where {name} was given {first[0]:.0%}, it happened in {first[1]:.0%} of rows; "
            f"where {last[0]:.0%}, in {last[1]:.0%}")
    rows = [[f"{p[0]:.1%}", f"{p[1]:.1%}", f"{p[2]:.1%} to {p[3]:.1%}", f"{int(p[4]):,}"]
            for p in points]
    return join([
        el("p", f"If the probabilities can be taken at their word, the points lie on the dashed "
           f"line. Here, {ends}. Each point is about a tenth of the rows, with the interval of "
           "what happened."),
        el("figure", _svg.calibration(points, f"Calibration: {ends}",
                                      f"probability given to {cut(name, 30)}", "share that were")),
        details("The points as a table", table(
            ["probability given", "share that were", "interval", "rows"], rows,
            "Probabilities given, and what happened", numbers=range(4))),
    ])


# ---- numbers ----------------------------------------------------------------------------


def _squares(result: Reported) -> Html:
    edges, counts, beyond = (result.exhibits["grid"][name]
                             for name in ("edges", "counts", "beyond"))
    rows = sum(map(sum, counts))
    if not rows:
        return el("p", "There is no row to draw.")
    levels = _levels(max(map(max, counts)))
    on = sum(row[at] for at, row in enumerate(counts))
    title = (f"Answers against the truth of {result.target}: {rows:,} rows counted in squares, "
             f"{on / rows:.0%} of them in squares on the diagonal")
    outside = (f" {beyond:,} rows lie outside of the frame and are counted at its edge."
               if beyond else "")
    return join([
        el("h3", "Answers against the truth"),
        el("p", f"Each square counts rows ({rows:,} in all) by the truth, from left to right, and "
           "by the answer, from low to high; on the dashed line the answer is the truth."
           f"{outside}"),
        el("figure", _svg.heat(edges, counts, levels, title, f"true {cut(result.target, 30)}",
                               "answer"), _shades(levels)),
    ])


def _levels(most: int) -> list[tuple[int, int]]:
    """Fewest and most rows of each shade, in about equal ratios."""
    steps = min(_SHADES, most)
    starts = sorted({round((most + 1) ** (at / steps)) for at in range(steps)})
    return list(zip(starts, [start - 1 for start in starts[1:]] + [most], strict=True))


def _shades(levels: list[tuple[int, int]]) -> Html:
    items = (el("li", el("span", cls="key square", aria_hidden="true",
                         style=f"--s:{_svg.shade(at, len(levels))}"),
                f"{least:,}" if least == most else f"{least:,} to {most:,}")
             for at, (least, most) in enumerate(levels))
    return el("ul", el("li", "rows in a square:"), *items, cls="legend")


def _misses(result: Reported) -> Html:
    rows = [[f"{share:.0%}", words.number(miss)]
            for share, miss in result.exhibits["misses"] if None not in (share, miss)]
    return join([
        el("h3", "How far off"),
        table(["share of the answers", "miss by less than"], rows,
              f"How far answers lie from the truth, in the unit of {result.target}", numbers=(1,)),
    ])


def _spreads(result: Reported) -> Html:
    rows = [[row[0], *row[2:]] for row in result.exhibits["residuals"] if None not in row]
    if not rows:
        return el("p", "No residual can be drawn.")
    title = "Truth minus answer, in bins of equally many rows from low to high answers"
    return join([
        el("h3", "Where it misses"),
        el("p", "Truth minus answer, in tenths of the rows, from low answers to high ones: a "
           "box holds the middle half of the rows, the paler one nine in ten, the stroke is the "
           "median. Boxes above the dashed line: answers there are too low."),
        el("figure", _svg.spreads(rows, title, "median answer of each tenth",
                                  "truth minus answer")),
    ])



_DRAW: dict[str, Callable[[Reported], Html]] = {
    "confusion": _confusion, "mistakes": _mistakes, "per_class": _per_class, "grid": _squares,
    "misses": _misses, "residuals": _spreads,
}
