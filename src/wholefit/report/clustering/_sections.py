"""A clustering's page and its plain sentences: are there clusters, which, and how sure."""

from __future__ import annotations

import math
from typing import Any

from wholefit.base.stored import reading
from wholefit.evaluation import Score
from wholefit.report._html import Html, bullets, data, el, join
from wholefit.report.clustering import _bars, _cards
from wholefit.report.clustering import _choice as _cluster_choice
from wholefit.report.clustering import _map as _cluster_map
from wholefit.report.clustering import _tree as tree
from wholefit.report.clustering._cards import percent
from wholefit.report.clustering._told import Told
from wholefit.report.sections import Section
from wholefit.training.found import Found

_MOST = 10
# The columns of the rows of choice: name, place of value, low, high, and what it tells.
_CURVES = (
    ("Silhouette", 1, 2, 3, "How much nearer rows lie to their own cluster than to the next: the "
     "higher the better; below about 0.25 clusters run into each other."),
    ("Stability", 8, 9, 10, "How alike the clusters are when they are found again in other draws "
     "of the rows: 1 is the same each time."),
    ("Gap", 4, None, None, "How much tighter the clusters are than those found in data without "
     "any; the first that is not clearly beaten by the next is enough."),
    ("BIC", 6, None, None, "How well a mixture of bell shapes fits, for its size: the lower the "
     "better."),
    ("Spread within clusters", 7, None, None, "The sum of squared distances to the centres: it "
     "always falls, and an elbow is where it falls no longer by much."),
)


def sections(found: Found) -> tuple[Section, ...]:
    """The sections of the page, in order."""
    told = Told(found)
    drawn = (("answer", "The answer", _answer), ("clusters", "The clusters", _clusters),
             ("map", "The map", _map), ("profile", "The profile", _profile),
             ("trust", "Can they be believed?", _trust),
             ("choice", "How the number of clusters was chosen", _choice),
             ("tree", "The dendrogram", _tree), ("reach", "How near is near", _reach),
             ("next", "Limits and next steps", _next))
    return tuple(Section(name, title, _drawn(draw, told, found)) for name, title, draw in drawn)


def lines(found: Found) -> list[str]:
    """The same in plain sentences, for a terminal."""
    with reading("the model file's record cannot be told"):
        return _lines(Told(found), found)


def _lines(told: Told, found: Found) -> list[str]:
    said = [_verdict(told, found)]
    if told.none:
        return [*said, *_null(told), *_try(told)]
    shown = sorted(told.clusters, key=lambda c: (-c["size"], c["code"]))[:_MOST]
    for cluster in shown:
        said.append(cluster["said"] or f"Cluster {cluster['code']}: {cluster['size']:,} rows.")
        said += [f"  Caution: {caution}" for caution in cluster["cautions"]]
    if len(told.clusters) > _MOST:
        said.append(f"And {len(told.clusters) - _MOST} smaller clusters.")
    noise = told.described.get("noise")
    if noise:
        said.append(f"{noise['size']:,} rows ({percent(noise['share'])}) belong to no cluster.")
    evidence = told.described.get("evidence")
    return [*said, *_null(told), *_why(told), *([evidence] if evidence else []), *_known(told)]


def _drawn(draw: Any, told: Told, found: Found) -> Any:
    def section(_: Any) -> Html | None:
        with reading("the model file's record cannot be drawn"):
            drawn: Html | None = draw(told, found)
            return drawn

    return section


# ---- the sections -----------------------------------------------------------------------


def _answer(told: Told, found: Found) -> Html:
    pieces: list[Any] = [el("p", _verdict(told, found), cls="lead")]
    if told.none:
        return join([*pieces, *(el("p", said) for said in _null(told)),
                     *(() if told.null.get("clustered") else (
                         el("h3", "What this means"), el("p", _KIND))),
                     el("h3", "What may help"), bullets(_try(told))])
    shown = sorted(told.clusters, key=lambda c: -c["size"])
    items = (el("li", _cluster_map.mark(c["code"]), el("b", data(c["name"], 90)),
                f": {percent(c['share'])} of rows") for c in shown[:8])
    more = len(shown) - 8
    return join([*pieces, el("ul", *items, style="list-style:none;padding:0"),
                 el("p", f"And {more:,} more.", cls="small") if more > 0 else None,
                 *(el("p", said) for said in _null(told))])


def _clusters(told: Told, found: Found) -> Html | None:
    return None if told.none else _cards.cards(told.clusters, told.described)


def _map(told: Told, found: Found) -> Html | None:
    points = told.points
    if len(points) < 3:
        return None
    shown = [] if told.none else told.clusters
    n = len({p[2] for p in points if p[2] >= 0})
    title = (f"{len(points):,} rows on the two axes along which rows differ most, in {n} "
             f"cluster{'' if n == 1 else 's'}; circles with numbers are the centres"
             if shown else f"{len(points):,} rows on the two axes along which rows differ most")
    picture = _cluster_map.scatter(points, told.centroids if shown else [], told.axes, title)
    return join([
        el("p", "Each mark is a row, at the two directions in which rows differ most of all. "
           "Clusters that lie over each other here may be apart in other directions."),
        el("figure", picture, style="max-width:38rem"),
        _cluster_map.legend(shown, told.described.get("noise")) if shown else None])


def _profile(told: Told, found: Found) -> Html | None:
    return None if told.none else _cards.heatmap(
        told.described.get("profile") or {}, told.clusters)


def _trust(told: Told, found: Found) -> Html | None:
    pieces: list[Any] = [el("p", said) for said in (*_null(told), *_scores(found))]
    pieces.append(_simulated(told))
    bars = [] if told.none else told.silhouettes
    if bars:
        low = sum(v < 0 for _, values in bars for v in values)
        total = sum(len(values) for _, values in bars)
        title = (f"Silhouettes of rows in {len(bars)} clusters, longest first; "
                 f"{percent(low / total)} of the bars shown are below zero")
        pieces += [el("h3", "Silhouettes"),
                   el("p", "Each bar is a row: to the right, how much nearer it lies to its own "
                      "cluster than to the next one. Bars to the left of the rule are rows that "
                      "lie nearer to another cluster."),
                   el("figure", _bars.silhouettes(bars, title))]
    if not told.none:
        pieces += [el("h3", "Evidence from outside"), el("p", told.described.get("evidence")),
                   *(el("p", said) for said in _known(told))]
    return join(pieces) if any(piece is not None for piece in pieces) else None


def _simulated(told: Told) -> Html | None:
    """The figure of this data among those of data without clusters."""
    values, seen = told.null.get("values"), told.null.get("statistic")
    if not isinstance(values, list) or len(values) < 3 or not isinstance(seen, (int, float)):
        return None
    title = (f"The figure of this data, {seen:.3g}, beside those of {len(values)} tables without "
             f"clusters, {min(values):.3g} to {max(values):.3g}")
    return el("figure", _cluster_choice.strip(values, seen, title, "tables without clusters"))


def _choice(told: Told, found: Found) -> Html | None:
    rows = told.choice
    if len(rows) < 2:
        return None
    shown = []
    for name, value, low, high, said in _CURVES:
        points = tuple(_point(row, value, low, high) for row in rows if row[value] is not None)
        if len(points) >= 2:
            shown.append(_cluster_choice.Curve(name, said, points))
    return join([*(el("p", said) for said in _why(told)),
                 _cluster_choice.curves(shown, len(told.clusters))]) if shown else None


def _point(
    row: tuple[float | None, ...], value: int, low: int | None, high: int | None
) -> tuple[int, float, float | None, float | None]:
    at = float(row[value] or 0.0)
    if low is not None and high is not None:
        return int(row[0] or 0), at, row[low], row[high]
    se = row[5] if value == 4 else None
    return int(row[0] or 0), at, None if se is None else at - se, None if se is None else at + se


def _tree(told: Told, found: Found) -> Html | None:
    rows = told.tree
    if not rows:
        return None
    cut = None if told.none else len(told.clusters)
    title = (f"Dendrogram of {len(rows) + 1:,} rows: the last merges, from {rows[-1][2]:.3g} down"
             + (f", cut into {cut} clusters" if cut else ""))
    return join([
        el("p", "Read it from the bottom: rows, then branches, are joined with what is nearest to "
           "them, at the height of their distance. A long upright line is a group that stands "
           "apart; the dashed rule shows where the tree was cut."),
        el("figure", tree.dendrogram(rows, cut, title, "distance at which they are joined"),
           style="max-width:46rem"),
        el("p", f"Drawn from {len(rows) + 1:,} rows; at most 30 branches are shown, with the "
           "number of rows below each.", cls="small")])


def _reach(told: Told, found: Found) -> Html | None:
    curve, eps = told.k_distance
    if len(curve) < 3:
        return None
    title = "Distance of each row to its neighbours, nearest first" + (
        f"; eps is {eps:.3g}" if eps is not None else "")
    return join([
        el("p", "Rows in order of how far their neighbours are. Where the line turns up, "
           "neighbours grow thin: eps, how near rows must be to belong together, is read off "
           "there."),
        el("figure", _cluster_choice.distances(curve, eps, title, "distance to a neighbour"))])


def _next(told: Told, found: Found) -> Html:
    limits = ["Clusters sum up a table; they are not kinds of people or things by themselves. "
              "Another choice of columns or scales would give others.",
              "Before acting on them, check a handful of the rows named above."]
    if told.none:
        limits = ["That no clusters were found does not prove that there are none: with more rows "
                  "or other columns some may show."]
    steps = ["wholefit predict MODEL new.csv gives each new row its cluster and how firmly it "
             "belongs there.", "Name a column with label= (--label) to see how far clusters agree "
             "with groups that are known already; it is never learnt from."]
    return join([bullets(limits), el("h3", "Next"), bullets(steps)])


_AGREE = ((0.9, "the clusters are nearly the same groups"), (0.6, "the clusters agree well"),
          (0.3, "the clusters agree in part"), (0.05, "the clusters agree a little"),
          (-2.0, "the clusters are other groups than these"))
_PRETTY = {"adjusted_rand": "adjusted Rand index",
           "normalized_mutual_information": "normalized mutual information"}

# ---- the words --------------------------------------------------------------------------

_KIND = ("This is an answer, not a failure. Rows differ from each other, but as points of one "
         "cloud do: any border drawn through them would be arbitrary, and groups named after it "
         "would not come back in other rows. Treat the rows as one group, or sort them by what "
         "matters to you (by spend, by age) and cut where it is useful.")


def _verdict(told: Told, found: Found) -> str:
    n, rows = len(told.clusters), found.lineage.get("rows")
    of = f" among {rows:,} rows" if isinstance(rows, int) else ""
    if told.none:
        return (f"No clusters were found{of}, though the rows are not one group either: the "
                "methods that were tried cannot part them.") if told.null.get("clustered") else \
            f"No clusters were found{of}: the rows look like one group."
    score = f"; {found.metric} {found.score}" if found.score is not None else ""
    if told.null.get("clustered") is False:
        return (f"{n} parts were cut{of.replace('among', 'out of')} by {found.model['name']}, as "
                f"was asked{score}. They are parts of one group, not groups that were found.")
    return f"{n} clusters were found{of} by {found.model['name']}{score}."


def _null(told: Told) -> list[str]:
    verdict = told.null.get("verdict")
    return [verdict] if isinstance(verdict, str) and verdict else []


def _why(told: Told) -> list[str]:
    """How the number of clusters was come by."""
    why = told.told.get("why")
    return [why] if isinstance(why, str) else []


def _known(told: Told) -> list[str]:
    """Agreement with known groups, in words."""
    known = told.told.get("known")
    if not isinstance(known, dict):
        return []
    scores = [Score.from_json(score) for score in known["scores"]]
    rand = next((s for s in scores if s.metric == "adjusted_rand"), None)
    if rand is None or math.isnan(rand.value):
        return []
    level = next(word for least, word in _AGREE if rand.value >= least)
    said = ", ".join(f"{_PRETTY.get(score.metric, score.metric)} {score}" for score in scores)
    return [f"Against {known['column']}, of {known['levels']:,} known groups: {level} ({said}; 0 "
            "is chance, 1 the same groups)."]


def _scores(found: Found) -> list[str]:
    said = [f"{name} {score}" for name, score in found.chosen.scores.items()]
    return [f"Scores: {', '.join(said)}."] if said else []


def _try(told: Told) -> list[str]:
    return ["Leave out columns that have nothing to do with the groups you look for: each one "
            "adds noise to every distance (--role COLUMN=ignored).",
            "Ask for a number anyway (--set clusters=4) where you need parts of like size rather "
            "than groups that exist; the page will say that they are cut, not found.",
            "Try a method that looks for other shapes: --models hdbscan for dense spots, "
            "--models gaussian_mixture for long ones.",
            "More rows make faint groups visible."]
