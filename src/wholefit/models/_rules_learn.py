"""Learning a rule list: a beam search on some rows, a test and honest values on the others.

Rows are parted in two. On the first part the next rule is sought among the rows that no earlier
rule took: conditions are joined by beam search, as in CN2 (Clark and Niblett 1989), to what parts
these rows best, less a price for every condition that grows with how many were tried. On the
second part the rule is tested; if the rows it takes do not differ from the rest there, it is
dropped. The values and intervals of the rules that stay come from that second part alone, which had
no say in which rules there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wholefit.models._kernels.rule_list import ABOVE, AT_MOST, EQUAL, MISSING, meets

_JUDGED = 0.4
_MOST_ROWS, _MOST_CONDITIONS = 20_000, 3_000
_CUTS, _LEVELS, _BEAM, _TRIES = 12, 20, 10, 5
# Rules whose rows overlap by more than this are the same rule said twice: one of them is tried.
_ALIKE = 0.7
# How the level of a place in the list is shared among the rules tried for it, in turn.
_SHARES = (0.6, 0.1, 0.1, 0.1, 0.1)

Condition = tuple[int, int, float]


@dataclass(frozen=True)
class Settings:
    """How to learn; `classes` is 0 for a number, `level` the chance of a false rule a place."""

    rules: int
    conditions: int
    least: int
    level: float
    categorical: tuple[int, ...]
    classes: int
    seed: int


@dataclass
class _Part:
    """Rows of one part: features, sums to add up (n, s), and which no rule has taken yet."""

    X: np.ndarray
    sums: np.ndarray
    left: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.left = np.ones(len(self.X), dtype=bool)

    def met(self, conditions: Sequence[Condition]) -> np.ndarray:
        """Which of the rows left meet all conditions."""
        found = self.left.copy()
        for feature, test, bound in conditions:
            found &= meets(self.X[:, feature], test, bound)
        return found


def learn(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: Settings
) -> dict[str, np.ndarray]:
    """The arrays of the state of kind "rule_list"; `y` are codes 0.. or numbers."""
    weights = np.ones(len(y)) if weight is None else weight / weight.mean()
    sums = _sums(y, weights, settings.classes)
    judged = _judged(y, settings.seed)
    grow, judge = _Part(X[~judged], sums[~judged]), _Part(X[judged], sums[judged])
    rules: list[list[Condition]] = []
    taken: list[np.ndarray] = []
    while len(rules) < settings.rules:
        found = _next_rule(grow, settings)
        if not found:
            break
        for conditions, share in zip(found, _SHARES, strict=False):
            met = judge.met(conditions)
            if _stands(judge.sums[met], judge.sums[judge.left & ~met], settings.classes,
                       share * settings.level):
                rules.append(list(conditions))
                taken.append(met)
                grow.left &= ~grow.met(conditions)
                judge.left &= ~met
                break
        else:
            break
    return {**_arrays(rules), **_values([*taken, judge.left], judge.sums, sums, settings)}


def _judged(y: np.ndarray, seed: int) -> np.ndarray:
    """Which rows judge: every class and range of the target has its part of them."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(y))
    order = mixed[np.argsort(y[mixed], kind="stable")]
    found = np.zeros(len(y), dtype=bool)
    found[order] = (np.arange(len(y)) * _JUDGED) % 1 >= 1 - _JUDGED
    return found


def _sums(y: np.ndarray, weight: np.ndarray, classes: int) -> np.ndarray:
    """What is added up of rows: weights by class; or weight, y and y squared, scaled and plain.

    Last come the squares of the weights.
    """
    square = (weight**2)[:, None]
    if classes:
        return np.hstack([weight[:, None] * (y[:, None] == np.arange(classes)), square])
    middle = y - np.average(y, weights=weight)
    scaled = middle / (np.abs(middle).max() or 1.0)
    return np.stack([weight, weight * scaled, weight * scaled**2, weight * y, weight * y**2,
                     weight**2], axis=1)


# ---- search -----------------------------------------------------------------------------


def _next_rule(part: _Part, settings: Settings) -> list[tuple[Condition, ...]]:
    """Rules to try next, the best first; none where no rule pays for its conditions."""
    rows = np.flatnonzero(part.left)
    if len(rows) < 2 * settings.least:
        return []
    if len(rows) > _MOST_ROWS:
        rng = np.random.default_rng(settings.seed + len(rows))
        rows = np.sort(rng.choice(rows, _MOST_ROWS, replace=False))
    X, sums = part.X[rows], part.sums[rows]
    known = _conditions(X, settings)
    if not known:
        return []
    met = np.stack([meets(X[:, f], test, bound) for f, test, bound in known]).astype(np.float32)
    price = float(np.log(max(len(known), 2)))
    beam: list[tuple[float, tuple[int, ...], np.ndarray]] = [
        (0.0, (), np.ones(len(rows), dtype=np.float32))]
    every: list[tuple[float, tuple[int, ...], np.ndarray]] = []
    for length in range(1, settings.conditions + 1):
        beam = _grown(beam, met, sums, price * length, settings)
        every += [one for one in beam if one[0] > 0]
    every.sort(key=lambda one: (-one[0], one[1]))
    return [tuple(known[at] for at in chosen) for chosen in _different(every)]


def _different(every: list[tuple[float, tuple[int, ...], np.ndarray]]) -> list[tuple[int, ...]]:
    """The best few rules that do not take nearly the same rows."""
    found: list[tuple[tuple[int, ...], np.ndarray]] = []
    for _, chosen, mask in every:
        if all((mask * other).sum() <= _ALIKE * np.maximum(mask, other).sum()
               for _, other in found):
            found.append((chosen, mask))
        if len(found) == _TRIES:
            break
    return [chosen for chosen, _ in found]


def _grown(
    beam: list[tuple[float, tuple[int, ...], np.ndarray]], met: np.ndarray, sums: np.ndarray,
    price: float, settings: Settings,
) -> list[tuple[float, tuple[int, ...], np.ndarray]]:
    """The best ways to add one condition to a rule of the beam."""
    found: dict[tuple[int, ...], float] = {}
    for score, chosen, mask in beam:
        inside = (met * mask) @ sums.astype(np.float32)
        scores = parted(inside.astype(np.float64), sums.sum(axis=0), settings) - price
        for at in np.argsort(-scores, kind="stable")[:3 * _BEAM]:
            key = tuple(sorted({*chosen, int(at)}))
            if len(key) > len(chosen) and scores[at] > max(score, 0.0):
                found[key] = float(scores[at])
    best = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:_BEAM]
    return [(score, key, met[list(key)].prod(axis=0)) for key, score in best]


def parted(inside: np.ndarray, whole: np.ndarray, settings: Settings) -> np.ndarray:
    """Twice the log likelihood that rows with sums `inside` (m, s) gain by an answer of their own.

    Against the answer of all rows: a rule that takes rows takes them for good, so what the others
    would gain without them counts for nothing. Minus infinity where either side has too few rows.
    """
    if settings.classes:
        counts = slice(0, settings.classes)
        share = whole[counts] / whole[counts].sum()
        common = (inside[:, counts] * np.log(np.maximum(share, 1e-300))).sum(axis=1)
        found = 2 * (_likelihood(inside[:, counts]) - common)
        n, total = inside[:, counts].sum(axis=1), whole[counts].sum()
    else:
        n, total = inside[:, 0], whole[0]
        moved = inside[:, 1] / np.maximum(n, 1e-300) - whole[1] / total
        spread = max(whole[2] / total - (whole[1] / total) ** 2, 1e-300)
        found = n * moved**2 / spread
    fits = (n >= settings.least) & (total - n >= settings.least)
    return np.where(fits, found, -np.inf)


def _likelihood(counts: np.ndarray) -> np.ndarray:
    """Log likelihood of counts (m, k) under their own shares."""
    counts = np.maximum(counts, 0.0)
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return np.asarray((counts * np.log(np.maximum(counts / total, 1e-300))).sum(axis=1))


def _conditions(X: np.ndarray, settings: Settings) -> list[Condition]:
    """Cuts, levels and gaps that enough rows meet, and enough do not."""
    found: list[Condition] = []
    named = set(settings.categorical)
    for feature in range(X.shape[1]):
        values = X[:, feature].astype(np.float64)
        known = values[~np.isnan(values)]
        if len(known) <= len(values) - settings.least:
            found.append((feature, MISSING, 0.0))
        if feature in named:
            codes, counts = np.unique(known, return_counts=True)
            order = np.argsort(-counts, kind="stable")[:_LEVELS]
            found += [(feature, EQUAL, float(codes[at])) for at in order
                      if counts[at] >= settings.least]
            continue
        for cut in _cuts(known):
            found += [(feature, AT_MOST, cut), (feature, ABOVE, cut)]
    step = -(-len(found) // _MOST_CONDITIONS)
    return found[::max(step, 1)]


def _cuts(known: np.ndarray) -> list[float]:
    """Cuts between values: all where they are few, else at quantiles."""
    values = np.unique(known)
    if len(values) < 2:
        return []
    if len(values) > _CUTS + 1:
        shares = np.arange(1, _CUTS + 1) / (_CUTS + 1)
        below = np.unique(np.quantile(known, shares, method="inverted_cdf"))
        at = np.searchsorted(values, below)
        at = at[at < len(values) - 1]
    else:
        at = np.arange(len(values) - 1)
    with np.errstate(over="ignore"):
        middle = values[at] / 2 + values[at + 1] / 2
    return [float(cut) for cut in np.where(np.isfinite(middle) & (middle < values[at + 1]),
                                           middle, values[at])]


# ---- judgement --------------------------------------------------------------------------


def _stands(inside: np.ndarray, rest: np.ndarray, classes: int, level: float) -> bool:
    """Whether rows that had no say in the rule differ from the rest, beyond chance."""
    from scipy import special

    if len(inside) < 2 or len(rest) < 2:
        return False
    if classes:
        counts = slice(0, classes)
        won = 2 * (_likelihood(inside[None, :, counts].sum(axis=1))
                   + _likelihood(rest[None, :, counts].sum(axis=1))
                   - _likelihood((inside.sum(axis=0) + rest.sum(axis=0))[None, counts]))
        return bool(special.chdtrc(classes - 1, float(won[0])) < level)
    moments = [_moments(each.sum(axis=0)) for each in (inside, rest)]
    error = np.sqrt(sum(spread / n for _, spread, n in moments))
    if not error > 0:
        return bool(moments[0][0] != moments[1][0])
    freedom = min(n for _, _, n in moments) - 1
    t = abs(moments[0][0] - moments[1][0]) / error
    return bool(2 * special.stdtr(max(freedom, 1.0), -t) < level)


def _moments(sums: np.ndarray) -> tuple[float, float, float]:
    """Mean, variance and effective number of rows, of the sums of a number."""
    n = sums[0] ** 2 / max(sums[5], 1e-300)
    mean = sums[3] / max(sums[0], 1e-300)
    spread = max(sums[4] / max(sums[0], 1e-300) - mean**2, 0.0) * n / max(n - 1, 1.0)
    return float(mean), float(spread), float(n)


def _values(
    taken: Sequence[np.ndarray], sums: np.ndarray, whole: np.ndarray, settings: Settings
) -> dict[str, np.ndarray]:
    """The value of each rule with its interval; of rows without any, that of all rows."""
    told = [(_share if settings.classes else _mean)(sums[met].sum(axis=0), whole.sum(axis=0),
                                                    settings) for met in taken]
    value, low, high, rows = (np.array(each) for each in zip(*told, strict=True))
    return {"value": value, "low": low, "high": high, "rows": rows}


def _share(
    sums: np.ndarray, whole: np.ndarray, settings: Settings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Shares of classes, drawn by one row's weight to the shares of all, and Wilson's interval."""
    counts, total = sums[:settings.classes], sums[:settings.classes].sum()
    overall = whole[:settings.classes] / whole[:settings.classes].sum()
    value = (counts + overall) / (total + 1)
    n = total**2 / sums[-1] if sums[-1] > 0 else 0.0
    share, z2 = counts / max(total, 1e-300), 1.959964**2
    if not n:
        return value, np.zeros_like(value), np.ones_like(value), 0.0
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return value, middle - half, middle + half, float(total)


def _mean(
    sums: np.ndarray, whole: np.ndarray, settings: Settings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The mean with Student's interval."""
    from scipy import special

    mean, spread, n = _moments(sums)
    if n < 2:
        mean = _moments(whole)[0] if not n else mean
        wide = float(np.sqrt(_moments(whole)[1])) * 2
        return np.array([mean]), np.array([mean - wide]), np.array([mean + wide]), float(sums[0])
    half = float(special.stdtrit(n - 1, 0.975)) * np.sqrt(spread / n)
    return np.array([mean]), np.array([mean - half]), np.array([mean + half]), float(sums[0])


def _arrays(rules: list[list[Condition]]) -> dict[str, np.ndarray]:
    flat = [(at, *one) for at, rule in enumerate(rules) for one in rule]
    columns = list(zip(*flat, strict=True)) if flat else [(), (), (), ()]
    kinds = (np.int32, np.int32, np.int8, np.float64)
    names = ("rule", "feature", "test", "bound")
    return {name: np.array(column, dtype=kind)
            for name, column, kind in zip(names, columns, kinds, strict=True)}
