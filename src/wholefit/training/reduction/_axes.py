"""What each axis says: which features rise and fall with it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.models._maps.axes import MAPS, short, spoken

_STRONG, _MOST, _SAME_SIDE = 0.3, 5, 0.85
_SMOOTH = 0.1


def loadings(X: Any, Z: np.ndarray) -> np.ndarray:
    """Correlation (p, d) of each feature of X (n, p), dense or CSR, with each axis of Z (n, d)."""
    n = len(Z)
    Zc = Z - Z.mean(axis=0)
    spread = np.sqrt((Zc * Zc).sum(axis=0))
    if hasattr(X, "tocsr"):
        X = X.astype(np.float64)
        mean = np.asarray(X.mean(axis=0)).ravel()
        square = np.asarray(X.multiply(X).sum(axis=0)).ravel() - n * mean**2
        across = np.asarray(X.T @ Zc)
    else:
        Xc = np.asarray(X, dtype=np.float64) - X.mean(axis=0)
        square, across = (Xc * Xc).sum(axis=0), Xc.T @ Zc
    lengths = np.sqrt(np.maximum(square, 0))[:, None] * spread
    floor = 1e-12 * max(float(lengths.max(initial=0.0)), 1e-300)
    return np.clip(np.divide(across, lengths, out=np.zeros_like(across), where=lengths > floor),
                   -1, 1)


def described(
    model: str, found: np.ndarray, names: Sequence[str], shares: Sequence[float] | None
) -> list[dict[str, Any]]:
    """Every axis: name, label, share of variance or None, words, and its strongest features."""
    return [_axis(model, at, found[:, at], names, None if shares is None else shares[at])
            for at in range(found.shape[1])]


def _axis(
    model: str, at: int, column: np.ndarray, names: Sequence[str], share: float | None
) -> dict[str, Any]:
    order = np.argsort(-np.abs(column), kind="stable")[:_MOST]
    strong = [int(i) for i in order if abs(column[i]) >= _STRONG]
    rising = [(names[i], round(float(column[i]), 3)) for i in strong if column[i] > 0]
    falling = [(names[i], round(float(column[i]), 3)) for i in strong if column[i] < 0]
    return {"name": f"{short(model)}{at + 1}", "label": f"{spoken(model)} {at + 1}",
            "share": None if share is None else float(share),
            "words": _words(model, column, rising, falling),
            "rising": [list(pair) for pair in rising],
            "falling": [list(pair) for pair in falling]}


def _words(
    model: str, column: np.ndarray, rising: list[tuple[str, float]],
    falling: list[tuple[str, float]],
) -> str:
    if not rising and not falling:
        return "no single feature goes with it (no correlation reaches 0.3)"
    strong = column[np.abs(column) >= _STRONG]
    one_way = max((strong > 0).mean(), (strong < 0).mean())
    if model not in MAPS and one_way >= _SAME_SIDE and len(strong) >= max(
            3, 0.5 * len(column)):
        listed = ", ".join(name for name, _ in rising + falling)
        return f"size: nearly all features rise together, {listed} most"
    if rising and falling:
        return f"{_listed(rising)} against {_listed(falling)}"
    return f"{_listed(rising or falling)}" + (" (falling)" if falling else "")


def _listed(pairs: list[tuple[str, float]]) -> str:
    return ", ".join(f"{name} ({value:+.2f})" for name, value in pairs)


def laid_out_by(X: Any, Z: np.ndarray, names: Sequence[str], near: int) -> list[list[Any]]:
    """What changes smoothly across a map: features with the share of their variance that the mean
    of a row's nearest on the map explains, best first; at most five, from 0.1 up.
    """
    from wholefit.evaluation.reduction import distances

    whole = X.toarray() if hasattr(X, "tocsr") else np.asarray(X, dtype=np.float64)
    k = max(1, min(near, len(Z) - 1))
    order = np.argsort(distances(Z), axis=1, kind="stable")[:, 1:k + 1]
    total = ((whole - whole.mean(axis=0)) ** 2).sum(axis=0)
    left = ((whole - whole[order].mean(axis=1)) ** 2).sum(axis=0) if whole.size < 5e6 else total
    kept = 1 - np.divide(left, total, out=np.ones_like(total), where=total > 1e-12)
    best = [i for i in np.argsort(-kept, kind="stable")[:_MOST] if kept[i] >= _SMOOTH]
    return [[names[i], round(float(kept[i]), 3)] for i in best]
