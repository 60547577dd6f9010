"""Each cluster told: its sentence, what sets it apart, rows that stand for it, cautions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wholefit.report._html import Html, bullets, data, el, join, scrolling, table
from wholefit.report.clustering._map import colour, mark

_MOST, _TRAITS, _SIDE = 40, 8, 12


def percent(share: float) -> str:
    """A share in percent, with a digit where it is small."""
    if 0 < share < 0.0005:
        return "under 0.1%"
    return f"{100 * share:.{1 if 0 < share < 0.0995 else 0}f}%"


def cards(clusters: Sequence[dict[str, Any]], described: dict[str, Any]) -> Html:
    """One card a cluster, largest first."""
    ordered = sorted(clusters, key=lambda c: (-c["size"], c["code"]))
    names = {c["code"]: c["name"] for c in clusters}
    more = len(ordered) - _MOST
    return join([
        el("p", described.get("evidence")),
        *(_card(cluster, names, described) for cluster in ordered[:_MOST]),
        el("p", f"And {more:,} smaller clusters, which the result holds too.", cls="small")
        if more > 0 else None,
        _noise(described.get("noise")),
    ])


def _card(cluster: dict[str, Any], names: dict[int, str], described: dict[str, Any]) -> Html:
    head = el("h3", mark(cluster["code"]), f"{cluster['code']}: ", data(cluster["name"], 120),
              style="font-size:1.15rem")
    size = el("p", _bar(cluster["share"], cluster["code"]),
              f"{cluster['size']:,} rows, {percent(cluster['share'])} of all", cls="small")
    traits = cluster.get("traits", [])[:_TRAITS]
    cautions = cluster.get("cautions") or []
    return el(
        "article", head, size,
        bullets((el("span", "Caution: ", data(said, 400)) for said in cautions), cls="warnings")
        if cautions else None,
        bullets(_point(said) for said in _said(cluster)) if traits else
        el("p", "No single column sets it clearly apart from the other rows."),
        _figures(traits) if traits else None, _exemplars(cluster, described, names),
        style="margin:1.5rem 0;padding-left:1rem;"
              f"border-left:4px solid {colour(cluster['code'])};break-inside:avoid-page")


def _said(cluster: dict[str, Any]) -> list[str]:
    """The sentence of the strongest trait of each column, four at most."""
    found: dict[str, str] = {}
    for trait, sentence in zip(cluster["traits"], cluster["sentences"], strict=False):
        found.setdefault("gaps" if trait["kind"] == "missing" else f"column {trait['column']}",
                         sentence)
    return list(found.values())[:4]


def _point(said: str) -> Html:
    """A sentence whose figures stay with their signs."""
    return join([data(said.replace(" %", "\N{NO-BREAK SPACE}%"), 400), "."])


def _bar(share: float, code: int) -> Html:
    inner = el("span", style=f"display:block;height:100%;width:{100 * share:.1f}%;"
                             f"min-width:2px;background:{colour(code)}")
    return el("span", inner, aria_hidden="true",
              style="display:block;height:.55rem;max-width:24rem;background:var(--panel);"
                    "border-radius:.2rem;overflow:hidden;margin:.2rem 0")


def _figures(traits: Sequence[dict[str, Any]]) -> Html:
    rows = [[_column(t), *_sides(t), _effect(t), "used" if t["used"] else _tested(t)]
            for t in traits]
    return el("details", el("summary", "Figures, with intervals"), table(
        ["column", "here", "elsewhere", "effect", "evidence"], rows,
        "What sets the cluster apart: figures inside and outside it", cls="columns"),
        el("p", "Effect: 0.2 is small, 0.5 middling, 0.8 large; its interval is wide enough for "
           "all comparisons of this page together. A column the clustering used is no evidence "
           "that the cluster is real.", cls="small"))


def _column(trait: dict[str, Any]) -> Html:
    if trait["kind"] == "missing":
        return join([data(trait["column"], 50), " missing"])
    if trait["kind"] == "word":
        return join([data(trait["column"], 50), " mentions ", data(trait["level"], 40)])
    if trait["kind"] == "share" and trait["level"] != "yes":
        return join([data(trait["column"], 50), " = ", data(trait["level"], 40)])
    return data(trait["column"], 50)


def _sides(trait: dict[str, Any]) -> list[str]:
    if trait["kind"] in ("share", "missing", "word"):
        return [percent(trait["inside"]), percent(trait["outside"])]
    written = _date if trait["kind"] == "date" else figure
    quartiles = trait.get("quartiles")
    middle = f" ({written(quartiles[0])} to {written(quartiles[1])})" if quartiles else ""
    return [f"{written(trait['inside'])}{middle}", written(trait["outside"])]


def _effect(trait: dict[str, Any]) -> Html:
    return join([f"{trait['effect']:+.2f} ", el(
        "span", f"{trait['low']:+.2f} to {trait['high']:+.2f}", cls="interval")])


def _tested(trait: dict[str, Any]) -> str:
    p = trait.get("p")
    if p is None:
        return "not used"
    return f"not used; p {p:.3f}" if p >= 0.001 else "not used; p < 0.001"


def figure(value: float) -> str:
    """A number for people."""
    if not math.isfinite(value) or abs(value) >= 1e15:
        return f"{value:.3g}"
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def _date(seconds: float) -> str:
    import datetime as dt

    try:
        return (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%d")
    except OverflowError:
        return figure(seconds)


def _exemplars(
    cluster: dict[str, Any], described: dict[str, Any], names: dict[int, str]
) -> Html | None:
    typical, borders = cluster.get("exemplars") or [], cluster.get("borders") or []
    if not typical:
        return None
    shown = list(typical[0]["cells"])[:5]
    key = described.get("identifier") or "row"
    rows = [[_who(row), el("span", "typical", cls="badge"), *_cells(row, shown)]
            for row in typical]
    rows += [[_who(row), join([el("span", "at the edge", cls="badge"), _towards(row, names)]),
              *_cells(row, shown)] for row in borders]
    return table([data(key, 30), "", *(data(name, 30) for name in shown)], rows,
                 f"Rows that stand for cluster {cluster['code']}, and rows at its edge")


def _who(row: dict[str, Any]) -> Html:
    return data(row["identifier"], 40) if row.get("identifier") is not None else \
        join([f"row {row['row']:,}"])


def _cells(row: dict[str, Any], shown: Sequence[str]) -> list[Any]:
    return ["–" if row["cells"].get(name) is None else data(row["cells"][name], 40)
            for name in shown]


def _towards(row: dict[str, Any], names: dict[int, str]) -> str:
    other = row.get("other", -1)
    return f" near {other}" if other in names else " near no cluster"


def _noise(noise: dict[str, Any] | None) -> Html | None:
    if not noise:
        return None
    return el("article", el("h3", mark(-1), "In no cluster"),
              el("p", f"{noise['size']:,} rows, {percent(noise['share'])} of all, lie where rows "
                 "are thin: they belong to no cluster.", cls="small"),
              bullets(_point(said) for said in noise.get("sentences", [])[:4]),
              style="margin:1.5rem 0;padding-left:1rem;border-left:4px solid var(--other)")


# ---- profile and silhouettes ------------------------------------------------------------


def heatmap(profile: dict[str, Any], clusters: Sequence[dict[str, Any]]) -> Html | None:
    """Columns by clusters, blue above the average of all rows, orange below it."""
    columns, rows = profile.get("columns") or [], profile.get("rows") or []
    shown = sorted(clusters, key=lambda c: (-c["size"], c["code"]))[:_SIDE]
    if not columns or not shown:
        return None
    codes = [c["code"] for c in clusters]
    places = [codes.index(c["code"]) for c in shown]
    head = el("tr", el("th", "column", scope="col", cls="corner"),
              *(el("th", mark(c["code"]), str(c["code"]), scope="col", cls="num",
                   title=str(c["name"])[:80]) for c in shown))
    body = (el("tr", el("th", data(name, 40), scope="row"),
               *(_shade(row[at]) for at in places))
            for name, row in zip(columns[:25], rows, strict=False))
    label = "Profile of the clusters: each column's mean, in standard deviations from all rows"
    left = profile.get("all", len(columns)) - min(len(columns), 25)
    return join([
        el("p", "Each cell: how far the cluster's mean lies from that of all rows, in standard "
           "deviations; blue above, orange below. Numbers are ranked first, so that a few huge "
           "ones do not set the scale."
           + (f" The {_SIDE} largest clusters." if len(codes) > _SIDE else "")),
        scrolling(label, el("table", el("caption", label), el("thead", head),
                            el("tbody", *body), cls="matrix")),
        el("p", f"The {min(len(columns), 25)} columns that differ most; {left:,} more differ "
           "less.", cls="small") if left > 0 else None,
    ])


def _shade(value: float) -> Html:
    depth = min(abs(value) / 1.5, 1.0)
    cls = "num none" if depth < 0.05 else "num hit" if value > 0 else "num miss"
    return el("td", f"{value:+.1f}", cls=cls, style=f"--s:{depth:.2f}")
