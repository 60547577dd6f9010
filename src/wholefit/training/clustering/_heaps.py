"""Tables of one heap, like given rows in all else: what clusters are tested against.

See `_null`. `Null` keeps the columns and how they are tied; `Ellipse` keeps shape and
distances from the middle in the columns' own units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Points that a distribution is kept as.
POINTS = 128
# A column with at most this share of different values takes none but these.
_REPEATED = 1 / 3
# Rows of latent scores that say how these spread.
_LATENT = 10_000
# Rounds in which the distances from the middle and the scores of the columns are made to agree.
_ROUNDS = 6
# Rounds of Tyler's fixed point.
_TYLER = 20
# Places tried as the mode of a column.
_MODES = 24


class Null:
    """One heap like the rows (n, q) given; `groups` lists the columns of each category."""

    def __init__(self, Z: np.ndarray, groups: Sequence[np.ndarray],
                 rng: np.random.Generator) -> None:
        self._width = Z.shape[1]
        taken = {int(at) for group in groups for at in group}
        alone = [np.array([at]) for at in range(self._width) if at not in taken]
        axis = first_axis(Z)
        self._columns = [Column(Z, group, axis) for group in [*alone, *groups]]
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


class Ellipse:
    """One heap of elliptical shape like the rows (n, q) given, in their own units.

    Rows as far from the middle as they are, by Mahalanobis's distance, the denser the nearer;
    nothing of the single columns is kept. Far rows are far in all columns at once.
    """

    def __init__(self, Z: np.ndarray) -> None:
        self._middle = np.median(Z, axis=0)
        centred = Z - self._middle
        values, axes = np.linalg.eigh(shape(centred))
        good = values > 1e-9 * max(float(values.max()), 1e-300)
        root = np.sqrt(values[good])
        self._root = axes[:, good] * root
        self._q = int(good.sum())
        radii = np.linalg.norm(centred @ (axes[:, good] / root), axis=1)
        self._furthest = max(float(radii.max(initial=0.0)), 1e-300)
        volume = (radii / self._furthest) ** self._q
        self._radius = concave(*_points(np.concatenate([[0.0], volume])))

    def draw(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """A table (rows, q) of one heap."""
        ways = rng.normal(size=(rows, self._q))
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        at, height = self._radius
        far = self._furthest * np.interp(rng.random(rows), height, at) ** (1 / max(self._q, 1))
        return self._middle + (ways * far[:, None]) @ self._root.T


def shape(centred: np.ndarray) -> np.ndarray:
    """The shape matrix (q, q) of centred rows by Tyler (1987): far rows weigh no more than near.

    The covariance where rows are too few for it.
    """
    n, q = centred.shape
    found = centred.T @ centred / n
    if n < 3 * q:
        return found
    for _ in range(_TYLER):
        ridged = found + 1e-6 * np.trace(found) / q * np.eye(q)
        far = np.einsum("ij,ij->i", centred @ np.linalg.inv(ridged), centred)
        weights = np.where(far > 1e-12, q / np.maximum(far, 1e-12), 0.0)
        found = (centred * weights[:, None]).T @ centred / n
    return found


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
        gap = float(np.abs(_on(x[:mode + 1], *left) - height[:mode + 1]).max(initial=0.0))
        if gap >= best - 1e-12:  # the other side can only widen it
            continue
        right = concave(x[mode:], height[mode:])
        gap = max(gap, float(np.abs(_on(x[mode:], *right) - height[mode:]).max(initial=0.0)))
        if gap < best - 1e-12:
            at = np.concatenate([left[0], right[0][1:]])
            up = np.concatenate([left[1], right[1][1:]])
            best, found = gap, (at, up, float(x[mode]))
    return found


def concave(x: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the least concave curve above the points, which ascend both ways."""
    at, up = convex(-x[::-1], -height[::-1])
    return -at[::-1], -up[::-1]


def convex(x: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the greatest convex curve below the points, which ascend both ways."""
    at: list[float] = []
    up: list[float] = []
    for x2, y2 in zip(x.tolist(), height.tolist(), strict=True):
        while len(at) > 1:  # the last corner goes where the curve would turn down at it
            x0, y0 = at[-2], up[-2]
            if (at[-1] - x0) * (y2 - y0) - (up[-1] - y0) * (x2 - x0) > 0:
                break
            at.pop()
            up.pop()
        at.append(x2)
        up.append(y2)
    return np.array(at), np.array(up)


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
