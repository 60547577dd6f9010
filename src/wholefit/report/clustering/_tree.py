"""A dendrogram as SVG: the last merges of a hierarchical clustering, and where it was cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wholefit.report._html import Html, el
from wholefit.report._svg import Frame
from wholefit.report.clustering._map import colour

_LEAVES = 30
_FINE = "stroke:{};stroke-width:1.6;fill:none"


def dendrogram(
    rows: Sequence[Sequence[float]], cut: int | None, title: str, up: str
) -> Html:
    """Rows (a, b, height, size) of a linkage, as scipy writes them, drawn from the top.

    At most 30 branches are drawn, each with its number of rows below. `cut` is the number of
    clusters: a rule crosses the tree there, and branches below it have the colour of their
    cluster: clusters are numbered by falling size, so the largest branch has the first colour.
    """
    tree = _Tree(rows)
    leaves = tree.top(_LEAVES)
    places = {node: float(at) for at, node in enumerate(leaves)}
    inner = tree.above(leaves)
    for node in reversed(inner):
        places[node] = sum(places[child] for child in tree.children(node)) / 2
    most = tree.height(tree.root) or 1.0
    frame = _Branches((-0.6, len(leaves) - 0.4), (0.0, most),
                      [tree.size(leaf) for leaf in leaves])
    owner = tree.cut(cut, leaves, inner) if cut else {}
    lines = [_merge(frame, tree, node, places, owner) for node in inner]
    rule = _rule(frame, tree.level(cut)) if cut and 1 < cut <= len(rows) else None
    return frame.draw(title, "rows below each branch", up, *lines, rule)


class _Tree:
    """A linkage: node n + i joins the two nodes of row i."""

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        self.rows = rows
        self.leaves = len(rows) + 1
        self.root = 2 * len(rows)

    def children(self, node: int) -> tuple[int, int]:
        row = self.rows[node - self.leaves]
        return int(row[0]), int(row[1])

    def height(self, node: int) -> float:
        return float(self.rows[node - self.leaves][2]) if node >= self.leaves else 0.0

    def size(self, node: int) -> int:
        return int(self.rows[node - self.leaves][3]) if node >= self.leaves else 1

    def top(self, most: int) -> list[int]:
        """The branches left when the highest merges are undone, from left to right."""
        found = [self.root]
        while len(found) < min(most, self.leaves):
            at = max(range(len(found)), key=lambda i: (self.height(found[i]), found[i]))
            found[at:at + 1] = self.children(found[at])
        return found

    def above(self, leaves: Sequence[int]) -> list[int]:
        """Nodes above those, parents before children."""
        stop, found, open_ = set(leaves), [], [self.root]
        while open_:
            node = open_.pop()
            if node not in stop:
                found.append(node)
                open_.extend(self.children(node))
        return found

    def cut(self, clusters: int, leaves: Sequence[int], inner: Sequence[int]) -> dict[int, int]:
        """Node to number of its cluster, the largest first, of the nodes below the cut."""
        whole = sorted(self.top(clusters), key=self.size, reverse=True)
        found = {node: at for at, node in enumerate(whole)}
        for node in inner:
            if node in found:
                found.update(dict.fromkeys(self.children(node), found[node]))
        return found

    def level(self, clusters: int) -> float:
        """A height that leaves that many branches."""
        heights = sorted((float(row[2]) for row in self.rows), reverse=True)
        below = heights[clusters - 1] if clusters - 1 < len(heights) else 0.0
        return (heights[clusters - 2] + below) / 2


class _Branches(Frame):
    """A plane whose marks below are the sizes of branches, those that fit."""

    def __init__(
        self, across: tuple[float, float], up: tuple[float, float], sizes: Sequence[int]
    ) -> None:
        super().__init__(across, up, [(float(at), size) for at, size in enumerate(sizes)])

    def _below(self) -> Iterator[Html]:
        floor = self.height - 46
        for place, size in self.named:
            at = f"{self.x(place):.1f}"
            yield el("text", f"{int(size):,}", x=at, y=floor + 8, cls="tick", text_anchor="end",
                     style="font-size:10px", transform=f"rotate(-60 {at} {floor + 8})")


def _merge(
    frame: Frame, tree: _Tree, node: int, places: dict[int, float], owner: dict[int, int]
) -> Html:
    a, b = tree.children(node)
    top = f"{frame.y(tree.height(node)):.1f}"
    d = (f"M{frame.x(places[a]):.1f} {frame.y(tree.height(a)):.1f}V{top}"
         f"H{frame.x(places[b]):.1f}V{frame.y(tree.height(b)):.1f}")
    inside = node in owner
    shade = colour(owner[node]) if inside else "var(--soft)"
    return el("path", d=d, style=_FINE.format(shade))


def _rule(frame: Frame, level: float) -> Html:
    at = f"{frame.y(level):.1f}"
    return el("line", x1=f"{frame.x(frame.across[0]):.1f}", x2=f"{frame.x(frame.across[1]):.1f}",
              y1=at, y2=at, cls="rule")
