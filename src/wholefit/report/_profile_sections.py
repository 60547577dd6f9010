"""The sections of a profile's page, beside the list of columns."""

from __future__ import annotations

from collections.abc import Iterator

from wholefit.base.wording import capital, cut
from wholefit.data.findings import Finding
from wholefit.data.profile import ByTarget, Pair, Profile, Scatter, Shift
from wholefit.data.profile._profile import moved_how
from wholefit.report import _charts
from wholefit.report._html import Html, bullets, data, el, join, scrolling
from wholefit.report._html import table as as_table
from wholefit.report._profile_columns import figure, level, name_of
from wholefit.report._svg import written
from wholefit.report.words import number

_MOST_INFO = 60
_INFORMS = 15
_HEATMAP, _WRITTEN = 40, 0.3
_STRONGEST = 15
_SHIFTS_DRAWN, _SHIFTS = 12, 60


# ---- what was found ---------------------------------------------------------------------


def findings(profile: Profile, anchors: dict[str, str]) -> Html:
    """What is wrong, gravest first, each with its remedy; what is only good to know is folded."""
    loud = [found for found in profile.findings if found.severity != "info"]
    quiet = [found for found in profile.findings if found.severity == "info"]
    said: list[Html] = []
    if not loud:
        said.append(el("p", "Nothing was found that needs to be treated."))
    else:
        said.append(el("ul", *(_finding(found, anchors) for found in loud), cls="found"))
    if quiet:
        inner = el("ul", *(_finding(found, anchors) for found in quiet[:_MOST_INFO]), cls="found")
        more = len(quiet) - _MOST_INFO
        said.append(el("details", el("summary", f"{len(quiet):,} more things to know"), inner,
                       el("p", f"and {more:,} more", cls="small") if more > 0 else None,
                       open=True if not loud or len(quiet) <= 3 else None))
    return join(said)


def _finding(found: Finding, anchors: dict[str, str]) -> Html:
    rows = ", ".join(f"{row:,}" for row in found.rows[:5].tolist())
    more = ", ..." if len(found.rows) > 5 else ""
    where = [el("a", data(name, 40), href=f"#{anchors[name]}") for name in found.columns[:6]
             if name in anchors]
    remedy = [el("code", part) for part in (found.flag, found.line) if part]
    return el(
        "li", el("p", el("span", found.severity, cls="mark"), data(found.evidence, 400), "."),
        el("p", data(capital(found.why), 300), ".", cls="small") if found.why else None,
        el("p", "Treat it: ", join(remedy, " or in Python ")) if remedy else None,
        el("p", *(["columns ", join(where, ", ")] if where else []),
           *([" · " if where else "", f"rows {rows}{more}"] if rows else []), cls="small")
        if where or rows else None, cls=found.severity)


def advice(profile: Profile) -> Html:
    """The four Vs, and what to do next."""
    items: list[Html] = []
    for about in dict.fromkeys(each.about for each in profile.advice):
        items.append(el("dt", about))
        items += [el("dd", data(capital(each.sentence), 600)) for each in profile.advice
                  if each.about == about]
    steps = [el("pre", el("code", "\n".join(profile.next)))] if profile.next else []
    return join([el("dl", *items, cls="advice"), el("h3", "Next") if steps else None, *steps])


# ---- the target -------------------------------------------------------------------------


def target(profile: Profile) -> Html | None:
    """Its classes, what tells of it, and the pictures of both together."""
    if profile.target is None:
        return None
    return join([_classes(profile), _told(profile), _beside(profile)])


def _classes(profile: Profile) -> Html | None:
    if not profile.classes:
        return None
    total = sum(count for _, count in profile.classes)
    most = profile.classes[0][1]
    rows = (level(name_of(name), name, count / most, f"{count:,} ({count / total:.1%})", "")
            for name, count in profile.classes[:20])
    more = len(profile.classes) - 20
    return join([el("h3", "Balance of the classes"), el("ul", *rows, cls="bars"),
                 el("p", f"and {more:,} more classes", cls="small") if more > 0 else None])


def _told(profile: Profile) -> Html | None:
    told = [each for each in profile.informs if each.share >= 0.0005][:_INFORMS]
    if not told:
        return None
    most = told[0].share or 1.0
    rows = (level(name_of(each.column), each.column, each.share / most, f"{each.share:.1%}",
                  f"{each.nats:.3f} nats") for each in told)
    return join([
        el("h3", "What tells of it"),
        el("p", "Mutual information of each column with the target, as a share of what there is "
           "to know (the target's entropy), corrected for chance. Any form of relation counts. "
           "A column near 100% may be a copy of the target."),
        el("ul", *rows, cls="bars")])


def _beside(profile: Profile) -> Html | None:
    drawn = [_drawn(profile, each) for each in profile.by_target]
    if not drawn:
        return None
    return join([el("h3", "Beside the target"), el("div", *drawn, cls="grid-of")])


def _drawn(profile: Profile, each: ByTarget) -> Html:
    name = str(profile.target)
    if each.kind == "spread":
        levels = name if each.of == each.column else each.column
        title = f"{each.of} by {levels}: " + "; ".join(
            f"{group.name} median {number(group.box[2])}" for group in each.groups)
        picture = _charts.violins(each.groups, each.grid, title, cut(each.of, 30))
        said = "box: middle half; line: 5 to 95%; stroke: median" + _fewer(
            profile, levels, len(each.groups))
    elif each.kind == "curve":
        first, last = each.table[0], each.table[-1]
        title = (f"Median of {name} by {each.column}: {number(first[3])} where {each.column} is "
                 f"about {number(first[0])}, {number(last[3])} where it is about "
                 f"{number(last[0])}")
        picture = _charts.curve(each, title, cut(each.column, 30), cut(name, 30))
        said = "median of bins of equally many rows; band: middle half"
    elif each.kind == "line":
        return _line(name, each)
    else:
        return _shares(profile, name, each)
    return _figure(each.column, picture, said)


def _fewer(profile: Profile, levels: str, shown: int) -> str:
    """That not all levels are drawn, if they are not."""
    there = profile.column(levels).distinct
    return f"; the {shown} most frequent of {there:,} levels" if shown < there else ""


def _figure(name: str, picture: Html, said: str) -> Html:
    return el("figure", el("h3", data(name, 60)), picture, el("figcaption", said))


def _line(name: str, each: ByTarget) -> Html:
    values = [row[1] for row in each.table]
    what = f"share of {each.of}" if each.of else f"mean of {name}"
    picture = _charts.line(values, each.names, f"{what} along {each.column}, from "
                           f"{each.names[0]} to {each.names[-1]}", cut(what, 30))
    return _figure(each.column, picture, f"{what} in each period")


def _shares(profile: Profile, name: str, each: ByTarget) -> Html:
    rows = []
    for label, row in zip(each.names, each.table, strict=True):
        parts = [el("i", style=f"--s:{share:.1%};background:var(--p{at})",
                    title=f"{kind}: {share:.1%}")
                 for at, (kind, share) in enumerate(zip(each.classes, row[1:], strict=True))]
        said = ", ".join(f"{kind} {share:.0%}"
                         for kind, share in zip(each.classes, row[1:], strict=True))
        rows.append(el("li", el("span", name_of(label), cls="lab", title=label[:200]),
                       el("span", *parts, cls="track", role="img", aria_label=said),
                       el("span", f"{row[0]:,.0f}", cls="n", title="rows")))
    keys = (el("li", el("span", cls="key p", style=f"background:var(--p{at})",
                        aria_hidden="true"), data(kind, 30))
            for at, kind in enumerate(each.classes))
    return el("figure", el("h3", data(each.column, 60)), el("ul", *rows, cls="bars"),
              el("ul", *keys, cls="legend"),
              el("figcaption", f"shares of the classes of {name} within each level" + _fewer(
                  profile, each.column, len(each.names))))


# ---- pairs ------------------------------------------------------------------------------


def pairs(profile: Profile) -> Html | None:
    """Which columns go together: a map, the strongest, and points with a line."""
    found = profile.pairs
    if not found.found:
        return None
    names = _mapped(profile)
    said = (f"From {found.rows:,} rows. Between numbers, the correlation: Pearson's or Spearman's, "
            "whichever is stronger; between categories, Cramér's V; between a category and a "
            "number, the correlation ratio; the last two are corrected for chance.")
    drawn = [el("figure", el("h3", data(cut(each.a, 30), 40), " and ", data(cut(each.b, 30), 40)),
                _charts.scatter(each, _scattered(each)), el("figcaption", _scattered(each)))
             for each in profile.scatters]
    return join([
        el("p", said), el("p", f"{capital(found.why)}.") if found.why else None,
        _heatmap(profile, names) if len(names) > 1 else None,
        el("h3", "The strongest"), _strongest(found.found[:_STRONGEST]),
        el("h3", "Point by point") if drawn else None,
        el("div", *drawn, cls="grid-of") if drawn else None])


def _scattered(each: Scatter) -> str:
    shown = f", {len(each.points):,} drawn" if each.rows > len(each.points) else ""
    for side in zip(*each.points, strict=True):
        if _charts.apart(side) != list(side):
            shown += ", spread a little to be seen"
            break
    return (f"{each.b} = {number(each.intercept)} {'+' if each.slope >= 0 else '−'} "
            f"{number(abs(each.slope))} × {each.a}; r = {each.pearson:.2f} ({each.rows:,} "
            f"rows{shown})")


def _mapped(profile: Profile) -> list[str]:
    """The columns of the map, in order: those with the strongest pairs if there are many."""
    if len(profile.pairs.columns) <= _HEATMAP:
        return list(profile.pairs.columns)
    kept: dict[str, None] = {profile.target: None} if profile.target else {}
    for pair in profile.pairs.found:
        for name in (pair.a, pair.b):
            if len(kept) < _HEATMAP:
                kept.setdefault(name)
    return [name for name in profile.pairs.columns if name in kept]


def _heatmap(profile: Profile, names: list[str]) -> Html:
    known = {}
    for pair in profile.pairs.found:
        known[pair.a, pair.b] = known[pair.b, pair.a] = pair
    head = el("tr", el("td"), *(el("th", str(at + 1), scope="col", title=name)
                                for at, name in enumerate(names)))
    rows = (el("tr", el("th", f"{i + 1} ", name_of(a), scope="row", title=a),
               *(el("td", "·", cls="self") if a == b else _cell(known.get((a, b)))
                 for b in names)) for i, a in enumerate(names))
    label = "How strongly each two columns go together"
    less = len(profile.pairs.columns) - len(names)
    return join([scrolling(label, el("table", el("caption", label), el("thead", head),
                                     el("tbody", *rows), cls="assoc")),
                 el("p", f"{less:,} more columns are not in the map.", cls="small")
                 if less > 0 else None,
                 el("p", "Blue: both rise together, or are associated; orange: one falls as the "
                    f"other rises. Numbers are written from {_WRITTEN} on.", cls="small")])


def _cell(pair: Pair | None) -> Html:
    if pair is None:
        return el("td", "–", cls="self")
    size = pair.strength
    said = f"{pair.signed:.2f}".replace("0.", ".", 1) if size >= _WRITTEN else ""
    return el("td", said, cls="neg" if pair.signed < 0 else "pos", style=f"--s:{size:.2f}",
              title=f"{pair.a} and {pair.b}: {pair.signed:.2f}")


def _strongest(found: tuple[Pair, ...]) -> Html:
    rows = [[data(pair.a, 40), data(pair.b, 40), f"{pair.signed:.3f}", pair.measure,
             _or_dash(pair.pearson), _or_dash(pair.spearman), f"{pair.rows:,}"] for pair in found]
    return as_table(["column", "and", "strength", "by", "Pearson", "Spearman", "rows"], rows,
                    "The strongest pairs of columns", numbers=(2, 4, 5, 6))


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


# ---- missing ----------------------------------------------------------------------------


def missing(profile: Profile) -> Html | None:
    """Where cells are missing, by blocks of rows, and which columns lack them together."""
    found = profile.missing
    if not found.columns:
        return None
    rows = []
    for name, shares in zip(found.columns, found.shares, strict=True):
        count = profile.column(name).missing
        whole = count / profile.rows
        rows.append(el("li", el("span", name_of(name), cls="lab", title=name),
                       _charts.strip(shares, _spread_out(name, shares, whole)),
                       el("span", f"{whole:.1%}" if whole >= 0.0005 else "<0.1%", cls="n",
                          title=f"{count:,} rows")))
    together = [[data(a, 40), data(b, 40), f"{size:.2f}", f"{both:,}"]
                for a, b, size, both in found.together]
    return join([
        el("p", f"From left to right the rows in order, in {len(found.shares[0])} blocks of up to "
           f"{found.block:,}; the darker, the more of the block is missing."),
        el("ul", *rows, cls="map"),
        el("p", f"and {found.more:,} more columns with missing cells", cls="small")
        if found.more else None,
        el("h3", "Missing together") if together else None,
        as_table(["column", "and", "correlation of being missing", "rows that lack both"], together,
                 "Columns whose cells are missing in the same rows", numbers=(2, 3))
        if together else None])


def _spread_out(name: str, shares: tuple[float, ...], whole: float) -> str:
    return (f"{name}: {whole:.1%} missing; between {min(shares):.0%} and {max(shares):.0%} in a "
            "block of rows")


# ---- another data set -------------------------------------------------------------------


def against(profile: Profile) -> Html | None:
    """What moved between this data and the other one."""
    found = profile.against
    if found is None:
        return None
    rows = [[data(shift.column, 60), f"{shift.distance:.3f}", f"{shift.chance:.3f}",
             data(moved_how(shift).replace("->", "→") or "–", 300)]
            for shift in found.shifts[:_SHIFTS]]
    more = len(found.shifts) - _SHIFTS
    drawn = [_shifted(shift) for shift in found.shifts
             if shift.shares is not None and shift.distance > shift.chance][:_SHIFTS_DRAWN]
    sides = [f"only {where} ({len(names):,}): {', '.join(names[:20])}"
             for names, where in ((found.only_here, "here"), (found.only_there, "there")) if names]
    return join([
        el("p", f"This data ({profile.rows:,} rows) beside ", data(found.source),
           f" ({found.rows:,} rows); figures from {found.looked[0]:,} and {found.looked[1]:,} "
           "rows. The distance is 0 where both are alike and 1 where they share nothing; about "
           "the distance under “chance” comes up between two samples of one and the same "
           "source. This describes; it is no test."),
        bullets(sides) if sides else None,
        as_table(["column", "distance", "chance", "what moved"], rows,
                 "How far each column moved", numbers=(1, 2)),
        el("p", f"and {more:,} more columns", cls="small") if more > 0 else None,
        el("div", *drawn, cls="grid-of") if drawn else None])


def _shifted(shift: Shift) -> Html:
    here, there = shift.shares or ((), ())
    if shift.edges:
        ends = (shift.edges[0], shift.edges[-1])
        marks = _charts.marks_of(ends)
        span = ends[1] - ends[0] or 1.0
        words = [((tick - ends[0]) / span, written(tick, marks)) for tick in marks]
        title = (f"{shift.column}: median {figure(shift.here.get('median', 0.0))} here, "
                 f"{figure(shift.there.get('median', 0.0))} there")
        return _figure(shift.column, _charts.bars(here, title, words, other=there),
                       "bars: here; line: there (share of the rows)")
    most = max([*here, *there]) or 1.0
    rows = [el("li", el("span", name_of(name), cls="lab", title=name[:200]),
               el("span", el("span", el("i", style=f"--s:{a / most:.1%}"), cls="track"),
                  el("span", el("i", style=f"--s:{b / most:.1%};background:var(--p1)"),
                     cls="track"), aria_hidden="true"),
               el("span", f"{a:.1%} → {b:.1%}", cls="n"))
            for name, a, b in zip(shift.names, here, there, strict=True)]
    return _figure(shift.column, el("ul", *rows, cls="bars two"), "blue: here; orange: there")


def reading_notes(profile: Profile) -> Html | None:
    """What reading found, and how the figures were made."""
    return bullets([*(data(str(note), 400) for note in profile.notes), *_made(profile)])


def _made(profile: Profile) -> Iterator[str]:
    if profile.sampled:
        yield (f"Figures of columns come from a random sample of {profile.sampled:,} of "
               f"{profile.rows:,} rows; rows, missing, distinct and duplicates count all.")
    yield (f"Pairs, what tells of the target, and pictures of both come from "
           f"{profile.pairs.rows:,} rows.")
    yield ("Skew and kurtosis are corrected for bias; kurtosis is that in excess of the normal "
           "curve. The curve over a histogram is a Gaussian kernel estimate.")

