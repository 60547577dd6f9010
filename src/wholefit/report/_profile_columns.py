"""The list of columns on a profile's page: a picture and the figures of each."""

from __future__ import annotations

import math
from collections.abc import Iterator

from wholefit.data.profile import ColumnProfile, DateFacts, Informs, Profile
from wholefit.data.profile._words import percent
from wholefit.report import _charts
from wholefit.report._html import Html, data, el, join
from wholefit.report.words import number

# With more columns than this each is told in fewer words and lines.
_MANY = 200
_LEVELS, _FEW_LEVELS = 10, 5
_ORDER = ("mean", "median", "mode", "std", "min", "q05", "q25", "q75", "q95", "max", "skew",
          "kurtosis")
_SAID = {"std": "std. deviation", "q05": "5%", "q25": "25%", "q75": "75%", "q95": "95%",
         "min": "lowest", "max": "highest"}
_COUNTS = {"zeros": "zeros", "negative": "negative", "infinite": "infinite",
           "once": "seen once", "empty": "empty"}
_PLAIN_TIME = "(time_unit='us', time_zone=None)"
_SORTS = (("order", "as in the data"), ("name", "name"), ("missing", "most missing"),
          ("distinct", "most distinct"))


def columns(profile: Profile, anchors: dict[str, str]) -> Html:
    """All columns, with the filter that a script makes work."""
    told = {each.column: each for each in profile.informs}
    lean = len(profile.columns) > _MANY
    cards = (_card(profile, column, anchors[column.name], told.get(column.name), lean)
             for column in profile.columns)
    return join([_finder(profile), el("div", *cards, id="column-list")])


def _finder(profile: Profile) -> Html:
    roles = sorted({column.role for column in profile.columns})
    sorts = [*_SORTS, ("told", "tells most of the target")] if profile.informs else _SORTS
    return el(
        "div",
        el("label", "name contains", el("input", type="search", autocomplete="off")),
        el("label", "role", el("select", el("option", "all", value=""),
                               *(el("option", role, value=role) for role in roles))),
        el("label", "order", el("select", *(el("option", said, value=key)
                                            for key, said in sorts))),
        el("output", aria_live="polite"), cls="finder", role="search")


def _card(
    profile: Profile, column: ColumnProfile, anchor: str, told: Informs | None, lean: bool
) -> Html:
    head = el("h3", data(column.name, 100), " ", el("span", column.role, cls="badge"))
    kind = column.dtype.removesuffix(_PLAIN_TIME)
    why = el("p", f"{kind}; ", data(column.reason, 160), cls="small")
    picture = _picture(column, profile, lean)
    right = [_figures(profile, column, told, lean), _more(column)]
    return el("article", head, why, el("div", picture, el("div", *right), cls="duo"),
              cls="col", id=anchor, data_name=column.name.lower(), data_role=column.role,
              data_missing=column.missing, data_distinct=column.distinct,
              data_told=f"{told.share:.4f}" if told else "0")


# ---- the picture ------------------------------------------------------------------------


def _picture(column: ColumnProfile, profile: Profile, lean: bool) -> Html:
    if column.role == "constant" and column.distinct == 1:
        return el("p", "No picture: one value only.", cls="small")
    if column.kind in ("numeric", "text") and column.histogram is not None:
        return el("figure", _charts.histogram(column.histogram, _words(column), not lean),
                  _beyond(column))
    if column.dates is not None and len(column.dates.counts) > 1:
        return el("figure", _over_time(column, column.dates))
    if column.top and column.top[0][1] == 1:
        return el("p", "No picture: no value is met twice.", cls="small")
    if column.top:
        return _levels(column, profile, _FEW_LEVELS if lean else _LEVELS)
    return el("p", "No picture: " + ("its levels are not shown." if column.kind == "categorical"
                                     else "nothing in it can be counted."), cls="small")


def small(column: ColumnProfile) -> Html | None:
    """The histogram of a column, where it has one, to stand in a line of a table."""
    if column.kind in ("numeric", "text") and column.histogram is not None:
        return _charts.histogram(column.histogram, _words(column), False)
    return None


def _words(column: ColumnProfile) -> str:
    """What a histogram shows, for those who do not see it."""
    if column.kind == "text":
        found = column.lengths or {}
        return (f"Histogram of the words in a cell of {column.name}: from "
                f"{number(found.get('words_min', 0))} to {number(found.get('words_max', 0))}, half "
                f"of the cells at most {number(found.get('words_median', 0))}")
    n = column.numbers or {}
    return (f"Histogram of {column.name}: from {number(n['min'])} to {number(n['max'])}, the "
            f"middle half from {number(n['q25'])} to {number(n['q75'])}")


def _beyond(column: ColumnProfile) -> Html | None:
    shape = column.histogram
    if shape is None or not (shape.below or shape.above or shape.apart):
        return None
    said = [f"{count:,} {side}" for count, side in ((shape.below, "lower"), (shape.above, "higher"))
            if count]
    if shape.apart is not None:
        said.append(f"{shape.apart[1]:,} that are {figure(shape.apart[0])}")
    return el("figcaption", "not in the picture: " + ", ".join(said))


def _over_time(column: ColumnProfile, dates: DateFacts) -> Html:
    most = max(dates.counts)
    when = dates.starts[dates.counts.index(most)]
    title = (f"Rows in each {dates.unit} of {column.name}, from {dates.starts[0]} to "
             f"{dates.starts[-1]}; most, {most:,}, in {when}")
    marks = [(0.0, dates.starts[0]), (1.0, dates.starts[-1])]
    return join([_charts.bars(dates.counts, title, marks),
                 el("figcaption", f"rows in each {dates.unit}; at most {most:,}")])


def _levels(column: ColumnProfile, profile: Profile, most: int) -> Html:
    looked = profile.sampled or profile.rows
    shown = column.top[:most]
    largest = max(count for _, count in shown) or 1
    rows = [level(name_of(name), name, count / largest, f"{count:,}",
                  f"{count / looked:.1%} of the rows") for name, count in shown]
    left = column.distinct - len(shown)
    rows += [el("li", el("span", f"and {left:,} more", cls="lab"))] if left > 0 else []
    return el("ul", *rows, cls="bars")


def name_of(name: str) -> Html:
    """A name that came from the data, in one line."""
    return el("bdi", name if len(name) <= 60 else name[:59] + "…")


def level(label: Html, whole: str, share: float, said: str, title: str) -> Html:
    """One line of a bar chart: a word, a bar and a number."""
    return el("li", el("span", label, cls="lab", title=whole[:200]),
              el("span", el("i", style=f"--s:{share:.1%}"), cls="track", aria_hidden="true"),
              el("span", said, cls="n", title=title))


# ---- the figures ------------------------------------------------------------------------


def _figures(
    profile: Profile, column: ColumnProfile, told: Informs | None, lean: bool
) -> Html:
    return el("dl", *(el("div", el("dt", name), el("dd", value), cls="odd" if odd else None)
                      for name, value, odd in _facts(profile, column, told, lean)), cls="nums")


def _facts(
    profile: Profile, column: ColumnProfile, told: Informs | None, lean: bool
) -> Iterator[tuple[str, str, bool]]:
    yield "missing", _share(column.missing, profile.rows), column.missing > profile.rows / 2
    counted = column.distinct or column.missing == profile.rows
    yield "distinct", f"{column.distinct:,}" if counted else "not counted", False
    if told is not None:
        yield "tells of the target", f"{told.share:.1%}", told.share > 0.9
    for name in _ORDER:
        if name == "mode" and column.distinct == profile.rows - column.missing > 1:
            continue  # no value is more frequent than another
        if column.numbers and name in column.numbers:
            yield _SAID.get(name, name), _written(name, column.numbers[name]), False
    yield from _lengths(column)
    if column.span is not None:
        yield "first", column.span[0], False
        yield "last", column.span[1], False
    if column.dates is not None and column.dates.step:
        yield "typical step", column.dates.step, False
        yield "longest gap", column.dates.gap[2] if column.dates.gap else "", False
    looked = profile.sampled or profile.rows
    for key, said in _COUNTS.items():
        count = column.counts.get(key, 0)
        if count or (not lean and key == "zeros" and column.kind == "numeric"):
            yield said, _share(count, looked) if key != "once" else f"{count:,}", key == "infinite"


def _lengths(column: ColumnProfile) -> Iterator[tuple[str, str, bool]]:
    if column.lengths:
        yield "words, mean", figure(column.words or 0.0), False
        yield "words, most", figure(column.lengths["words_max"]), False
        yield "characters, mean", figure(column.lengths["characters_mean"]), False
        yield "characters, most", figure(column.lengths["characters_max"]), False


def _more(column: ColumnProfile) -> Html:
    """Extremes, samples and odd dates, in small letters."""
    said = []
    if column.lowest and column.distinct > len(column.lowest) + len(column.highest):
        said.append(el("p", "lowest ", ", ".join(map(figure, column.lowest)), "; highest ",
                       ", ".join(map(figure, column.highest)), cls="small"))
    if column.samples:
        said.append(el("p", "such as ", join((data(cell, 60) for cell in column.samples), " · "),
                       cls="small"))
    if column.dates is not None:
        said += [el("p", f"{count:,} cells say {name}", cls="small")
                 for name, count in column.dates.odd]
    return join(said)


def _written(name: str, value: float) -> str:
    shape = name in ("skew", "kurtosis") and math.isfinite(value)
    return f"{round(value, 2) + 0.0:,.2f}" if shape else figure(value)


def figure(value: float) -> str:
    """A number for people, a year without a comma; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.4g}" if abs(value) < 9999.5 else number(value)


def _share(count: int, rows: int) -> str:
    return "0" if not count else f"{count:,} ({percent(count / rows)})"
