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
middle of scores that fit them (Liebscher 2005) with a falling density (Grenander 1956).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Rows looked at, rows the null is learnt from, points that a distribution is kept as.
ROWS, LEARNT, POINTS = 500, 2000, 128
MOST_CLUSTERS = 10
# A column with at most this share of different values takes none but these.
_REPEATED = 1 / 3
# Rows of latent scores that say how these spread.
_LATENT = 10_000
# Rounds in which the distances from the middle and the scores of the columns are made to agree.
_ROUNDS = 6
# Places tried as the mode of a column; the share of rows that a mode must have on its side.
_MODES, _SIDE = 24, 0.04


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


def verdict(
    Z: np.ndarray, groups: Sequence[np.ndarray], rng: np.random.Generator, *,
    level: float = 0.05, simulations: int = 99, left: Callable[[], float] = lambda: np.inf,
) -> Verdict:
    """Test rows (n, q) against one heap; `groups` are the columns of each category.

    Fewer tables are drawn where `left()` seconds run out, but never fewer than 19 (39 where the
    level is below 5 %).
    """
    rows = _some(len(Z), ROWS, rng)
    null = Null(Z[_some(len(Z), LEARNT, rng)], groups, rng)
    seen = [figures(Z[rows])]
    least = 39 if level < 0.05 else 19
    for done in range(simulations):
        if done >= least and left() <= 0:
            break
        seen.append(figures(null.draw(len(rows), rng)))
    table = np.array(seen)
    spread = table.std(axis=0)
    scaled = (table - table.mean(axis=0)) / np.where(spread > 1e-12, spread, np.inf)
    largest = scaled.max(axis=1)
    p = float((largest >= largest[0] - 1e-12).mean())
    return Verdict(float(largest[0]), p, level, len(seen) - 1, len(rows),
                   names()[int(scaled[0].argmax())],
                   tuple(float(x) for x in largest[1:]))


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


class Null:
    """One heap like the rows (n, q) given; `groups` lists the columns of each category."""

    def __init__(self, Z: np.ndarray, groups: Sequence[np.ndarray],
                 rng: np.random.Generator) -> None:
        self._width = Z.shape[1]
        taken = {int(at) for group in groups for at in group}
        alone = [np.array([at]) for at in range(self._width) if at not in taken]
        self._columns = [Column(Z, group, first_axis(Z)) for group in [*alone, *groups]]
        self._columns = [c for c in self._columns if c.varies]
        self._constant = Z[0].copy()
        if self._columns:
            self._tie(rng)

    def _tie(self, rng: np.random.Generator) -> None:
        scores = np.stack([c.scores() for c in self._columns], axis=1)
        spread = scores.std(axis=0)
        ties = np.atleast_2d(np.corrcoef(scores, rowvar=False)) / np.outer(spread, spread)
        n, v = scores.shape
        ties = np.clip(ties, -0.999, 0.999) * (1.0 if n > 5 * v else n / (n + v))
        np.fill_diagonal(ties, 1.0)
        values, axes = np.linalg.eigh(ties)
        values = np.maximum(values, 1e-3)
        self._root = axes * np.sqrt(values)
        loose = np.stack([c.scores(rng) for c in self._columns], axis=1)
        shares = (loose.argsort(axis=0).argsort(axis=0) + 0.5) / n
        back = axes / np.sqrt(values)
        for _ in range(_ROUNDS):
            self._spread(np.linalg.norm(loose @ back, axis=1))
            self._latent = np.sort(self._latents(_LATENT, rng), axis=0)
            if v == 1:
                break
            # Ranks as the scores of this radius would have them, instead of a normal's.
            place = np.minimum((shares * _LATENT).astype(np.intp), _LATENT - 1)
            loose = np.take_along_axis(self._latent, place, axis=0)

    def _spread(self, radii: np.ndarray) -> None:
        """Keep how far rows lie from the middle, made denser the nearer."""
        v = len(self._columns)
        self._furthest = float(radii.max())
        volume = (radii / self._furthest) ** v
        self._radius = concave(*_points(np.concatenate([[0.0], volume])))

    def draw(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """A table (rows, q) of one heap."""
        Z = np.tile(self._constant, (rows, 1))
        if not self._columns:
            return Z
        latent = self._latents(rows, rng)
        for at, column in enumerate(self._columns):
            share = np.searchsorted(self._latent[:, at], latent[:, at])
            Z[:, column.group] = column.values((share + rng.random(rows)) / (_LATENT + 1))
        return Z

    def _latents(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Elliptical rows (rows, columns), of which only the order in each column is used."""
        v = len(self._columns)
        ways = rng.normal(size=(rows, v))
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        at, height = self._radius
        far = self._furthest * np.interp(rng.random(rows), height, at) ** (1 / v)
        return (ways * far[:, None]) @ self._root.T


class Column:
    """One column of the table, or the 0/1 columns of one category: its values and their order."""

    def __init__(self, Z: np.ndarray, group: np.ndarray, axis: np.ndarray) -> None:
        self.group = group
        part = Z[:, group]
        self._levels, codes = np.unique(part, axis=0, return_inverse=True)
        codes = codes.ravel()
        if len(group) > 1:  # categories have no order: theirs is that of the first axis
            along = np.bincount(codes, axis) / np.bincount(codes)
            order = np.argsort(along, kind="stable")
            place = np.empty(len(order), dtype=np.intp)
            place[order] = np.arange(len(order))
            self._levels, codes = self._levels[order], place[codes]
        self._codes = codes
        self.varies = len(self._levels) > 1
        self._kept = len(group) > 1 or len(self._levels) <= 2
        self._repeated = len(self._levels) <= _REPEATED * len(Z)
        if self._kept:
            self._ends = np.cumsum(np.bincount(codes)) / len(Z)
        elif self.varies:
            *self._curve, self._mode = unimodal(part[:, 0])

    def scores(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Normal scores (n,), equal values equal, or in a random order if `rng` is given."""
        from scipy.special import ndtri
        from scipy.stats import rankdata

        n = len(self._codes)
        if rng is None:
            return ndtri((rankdata(self._codes) - 0.5) / n)
        order = np.lexsort((rng.random(n), self._codes))
        ranks = np.empty(n)
        ranks[order] = np.arange(n)
        return ndtri((ranks + 0.5) / n)

    def values(self, share: np.ndarray) -> np.ndarray:
        """The null's values (m, columns) at shares (m,) between 0 and 1."""
        if self._kept:
            return self._levels[np.searchsorted(self._ends[:-1], share, side="right")]
        at, height = self._curve
        found = np.interp(share, height, at)
        if self._repeated:  # away from the mode, so that one mode stays one, and shares shares
            levels = self._levels[:, 0]
            up = np.searchsorted(levels, found).clip(0, len(levels) - 1)
            down = (np.searchsorted(levels, found, side="right") - 1).clip(0)
            found = levels[np.where(found > self._mode, up, down)]
        return found[:, None]


def unimodal(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Corners (place, height) of the distribution of one mode that is nearest to the values'.

    Convex up to the mode, which comes third, concave after it; the mode is the one of least
    largest distance.
    """
    x, height = _points(values)
    best, found = np.inf, (x, height, float(x[0]))
    for mode in np.unique(np.linspace(0, len(x) - 1, _MODES).round().astype(np.intp)):
        left = convex(x[:mode + 1], height[:mode + 1])
        right = concave(x[mode:], height[mode:])
        at = np.concatenate([left[0], right[0][1:]])
        up = np.concatenate([left[1], right[1][1:]])
        gap = float(np.abs(_on(x[:mode + 1], *left) - height[:mode + 1]).max(initial=0.0))
        gap = max(gap, float(np.abs(_on(x[mode:], *right) - height[mode:]).max(initial=0.0)))
        if gap < best - 1e-12:
            best, found = gap, (at, up, float(x[mode]))
    return found


def concave(x: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the least concave curve above the points, which ascend both ways."""
    at, up = convex(-x[::-1], -height[::-1])
    return -at[::-1], -up[::-1]


def convex(x: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the greatest convex curve below the points, which ascend both ways."""
    kept: list[tuple[float, float]] = []
    for point in zip(x.tolist(), height.tolist(), strict=True):
        while len(kept) > 1 and _turns_down(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    at, up = np.array(kept).T
    return at, up


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0


def _on(x: np.ndarray, at: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Heights of a curve at places; at a jump, the place's own end of it."""
    return np.interp(x, at, up)


def _points(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values' distribution as ascending places and heights from 0 to 1."""
    ordered = np.sort(values)
    height = np.linspace(0.0, 1.0, min(POINTS, len(ordered)) + 1)
    at = np.interp(height * (len(ordered) - 1), np.arange(len(ordered)), ordered)
    return at, height


def first_axis(Z: np.ndarray) -> np.ndarray:
    """Places (n,) of the rows on their first principal axis."""
    centred = Z - Z.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    return centred @ axes[:, int(values.argmax())]


def _some(rows: int, most: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(rows) if rows <= most else np.sort(rng.choice(rows, most, replace=False))
