"""Are there clusters at all? What is seen, against one cloud that is like it in all else.

The null hypothesis is a single heap: each column spread as it is, but with one top only; columns
tied to each other as they are; rows as far from the middle as they are, but the denser the
nearer. Such tables are drawn and looked at with the same eyes as the real one:

    straight   the mean silhouette of the k clusters of Ward's tree, for each k up to ten;
               clusters of less than a twenty-fifth of the rows, which a few far rows make, are
               left out
    dense      how far the second densest place stands out from the pass that leads to the first,
               as a logarithm of distances (the most prominent second mode of a nearest-neighbour
               density; compare Chazal et al. 2013)

Each figure is standardised over all tables, drawn and real together, and the largest is the
table's statistic; p is the share of tables, the real one among them, whose statistic is at least
the real one's. That is exact where the null holds with known parameters (Barnard 1963), and the
parameters here are estimated, as in SigClust (Liu et al. 2008), whose null is one Gaussian: that
calls heavy tails, uniform boxes and mixed tables clusters, which this null is made not to.

The null of a column is the nearest distribution with one mode in the sense of Hartigan and Hartigan
(1985): convex before the mode, concave after it; where values repeat (counts, grades), it takes
none but these. A category, and a yes or no, keeps its shares: it has no order that a mode could be
in, and a pattern in one such column alone is no cluster.
Columns are tied by an elliptical copula: the correlations of normal scores, and distances from the
middle of scores that fit them (Liebscher 2005) with a falling density (Grenander 1956). Where that
heap is refused a second one is tried, of elliptical shape in the columns' own units, which does
without the ranks that blunt far rows; one heap is refused only if both are, and the larger p told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wholefit.training.clustering._heaps import Ellipse, Null

# Rows looked at, rows that the heaps are learnt from.
ROWS, LEARNT = 500, 2000
MOST_CLUSTERS = 10
# The share of rows that a cluster or a dense place must have to count.
_SIDE = 0.04


@dataclass(frozen=True)
class Verdict:
    """The largest standardised figure of the real table, its p value, which figure it was.

    `values` are those of the tables that were drawn; `rows` how many rows were looked at.
    """

    statistic: float
    p: float
    level: float
    simulations: int
    rows: int
    figure: str
    values: tuple[float, ...]

    @property
    def clustered(self) -> bool:
        """Whether one heap is refused at the level."""
        return self.p <= self.level


class Heap(Protocol):
    """What tables without clusters are drawn from."""

    def draw(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """A table (rows, q)."""
        ...


def verdict(
    Z: np.ndarray, groups: Sequence[np.ndarray], rng: np.random.Generator, *,
    level: float = 0.05, simulations: int = 99, left: Callable[[], float] = lambda: np.inf,
) -> Verdict:
    """Test rows (n, q) against one heap; `groups` are the columns of each category.

    Fewer tables of each heap are drawn where `left()` seconds run out, but never fewer than 19
    (39 where the level is below 5%).
    """
    rows = _some(len(Z), ROWS, rng)
    learnt = Z[_some(len(Z), LEARNT, rng)]
    seen = figures(Z[rows])
    least = min(simulations, 39 if level < 0.05 else 19)

    def against(heap: Heap) -> Verdict:
        table = [seen]
        for done in range(simulations):
            if done >= least and left() <= 0:
                break
            table.append(figures(heap.draw(len(rows), rng)))
        return _compared(np.array(table), level, len(rows))

    first = against(Null(learnt, groups, rng))
    if not first.clustered:
        return first
    second = against(Ellipse(learnt))
    return second if second.p > first.p else first


def _compared(table: np.ndarray, level: float, rows: int) -> Verdict:
    """The first row of figures (tables, figures) among all of them."""
    spread = table.std(axis=0)
    scaled = (table - table.mean(axis=0)) / np.where(spread > 1e-12, spread, np.inf)
    largest = scaled.max(axis=1)
    p = float((largest >= largest[0] - 1e-12).mean())
    return Verdict(float(largest[0]), p, level, len(table) - 1, rows,
                   names()[int(scaled[0].argmax())], tuple(float(x) for x in largest[1:]))


def names() -> list[str]:
    """What the figures are, in order."""
    return [f"silhouette of {k} clusters" for k in range(2, MOST_CLUSTERS + 1)] + [
        "prominence of a second dense place"]


def figures(Z: np.ndarray) -> np.ndarray:
    """All figures of one table (m, q)."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist, squareform

    apart = pdist(Z)
    square = squareform(apart)
    tree = hierarchy.linkage(apart, "ward")
    return np.array([*straight(square, tree), prominence(square)])


def straight(square: np.ndarray, tree: np.ndarray) -> list[float]:
    """Mean silhouettes of the last 2 to 10 clusters of a tree (m-1, 4); nan where there are not.

    From the finest cut upwards, two columns of summed distances become one at each merge.
    """
    m = len(square)
    most = min(MOST_CLUSTERS, m)
    nodes, code = cut(tree, most)
    member = np.zeros((m, most))
    member[np.arange(m), code] = 1.0
    sums, size, found = square @ member, member.sum(axis=0), []
    for k in range(most, 1, -1):
        found.append(_of_large(sums, size, code))
        i, j = sorted(nodes.index(int(node)) for node in tree[m - k, :2])
        sums[:, i] += sums[:, j]
        size[i] += size[j]
        sums, size = np.delete(sums, j, axis=1), np.delete(size, j)
        code = np.where(code == j, i, code - (code > j))
        nodes[i] = 2 * m - k
        del nodes[j]
    return [*found[::-1], *[0.0] * (MOST_CLUSTERS - most)]


def _of_large(sums: np.ndarray, size: np.ndarray, code: np.ndarray) -> float:
    """Mean silhouette among the clusters that are no handful of rows; all other rows count 0."""
    large = size >= max(3, _SIDE * len(code))
    if large.sum() < 2:
        return 0.0
    rows = large[code]
    place = np.cumsum(large) - 1
    mean = silhouette(sums[rows][:, large], size[large], place[code[rows]])
    return mean * float(rows.mean())


def cut(tree: np.ndarray, k: int) -> tuple[list[int], np.ndarray]:
    """The nodes of the k clusters before the last k-1 merges, and the place of each row's."""
    m = len(tree) + 1
    pairs = tree[:, :2].astype(np.intp).tolist()
    owner = list(range(2 * m - 1))
    for at in range(m - k - 1, -1, -1):
        left, right = pairs[at]
        owner[left] = owner[right] = owner[m + at]
    nodes = sorted(set(owner[:m]))
    place = {node: at for at, node in enumerate(nodes)}
    return nodes, np.array([place[node] for node in owner[:m]])


def silhouette(sums: np.ndarray, size: np.ndarray, code: np.ndarray) -> float:
    """Mean silhouette (Rousseeuw 1987) from sums of distances to clusters; rows alone count 0."""
    at = np.arange(len(code))
    own = size[code]
    a = sums[at, code] / np.maximum(own - 1, 1)
    means = sums / size
    means[at, code] = np.inf
    b = means.min(axis=1)
    top = np.maximum(a, b)
    good = (own > 1) & (top > 0)
    return float(np.where(good, (b - a) / np.where(good, top, 1.0), 0.0).mean())


def prominence(square: np.ndarray) -> float:
    """Log of the pass's distance over the lesser place's own, of the most prominent place."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    m = len(square)
    least = max(5, round(0.03 * m))
    core = np.partition(square, min(least, m - 1), axis=1)[:, min(least, m - 1)]
    middle = float(square.mean())
    if middle <= 0:
        return 0.0
    core = np.maximum(core, 0.01 * middle)
    reach = np.maximum(np.maximum(square, core), core[:, None])
    np.fill_diagonal(reach, 0.0)
    tree = hierarchy.linkage(squareform(reach, checks=False), "single")
    return _highest(tree, core, max(5, round(_SIDE * m)))


def _highest(tree: np.ndarray, core: np.ndarray, side: int) -> float:
    """Over the merges of two parts of at least `side` rows each, the largest prominence."""
    m = len(core)
    deepest = [*np.log(core).tolist(), *[0.0] * (m - 1)]
    heights = np.log(tree[:, 2]).tolist()
    size = [1] * (2 * m - 1)
    best = 0.0
    for at, (a, b) in enumerate(tree[:, :2].astype(np.intp).tolist()):
        if size[a] >= side and size[b] >= side:
            best = max(best, heights[at] - max(deepest[a], deepest[b]))
        size[m + at] = size[a] + size[b]
        deepest[m + at] = min(deepest[a], deepest[b])
    return best


def _some(rows: int, most: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(rows) if rows <= most else np.sort(rng.choice(rows, most, replace=False))
