"""Classic features of pictures: grey pixels at a coarse size, colours, and which way edges run.

What a linear model or trees can use: they know nothing of neighbouring pixels by themselves.
Histograms of oriented gradients follow Dalal & Triggs (2005): unsigned orientations in nine bins
with linear votes between neighbouring bins, cells of 8 x 8 pixels, blocks of 2 x 2 cells
normalised by L2 with clipping at 0.2.
"""

from __future__ import annotations

import numpy as np

SIDE, CELL, BINS, COARSE, LEVELS = 32, 8, 9, 8, 4
CELLS = SIDE // CELL
_CLIP, _TINY = 0.2, 1e-5
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_POOL = np.repeat(np.eye(CELLS, dtype=np.float32), CELL, axis=0)


def describe(pictures: np.ndarray) -> np.ndarray:
    """Features float32 (n, k) of pictures uint8 (n, 1 or 3, 32, 32).

    64 coarse grey pixels (0 to 1), 16 shares of brightness or 64 of colour, 324 of edges.
    """
    floats = pictures.astype(np.float32)
    grey = floats[:, 0] if pictures.shape[1] == 1 else np.einsum("nchw,c->nhw", floats, _GREY)
    return np.hstack([coarse(grey), colours(pictures), edges(grey)]).astype(np.float32)


def names(channels: int) -> list[str]:
    """One name a feature of `describe`."""
    grey = [f"grey {y + 1}/{x + 1}" for y in range(COARSE) for x in range(COARSE)]
    if channels == 1:
        shades = [f"shade {i + 1}" for i in range(LEVELS * LEVELS)]
    else:
        shades = [f"colour {r}{g}{b}" for r in range(LEVELS) for g in range(LEVELS)
                  for b in range(LEVELS)]
    blocks = CELLS - 1
    runs = [f"edges {by + 1}/{bx + 1}.{cell + 1} {round(180 / BINS * (bin + 0.5))} deg"
            for by in range(blocks) for bx in range(blocks) for cell in range(4)
            for bin in range(BINS)]
    return grey + shades + runs


def coarse(grey: np.ndarray) -> np.ndarray:
    """Means of squares of 4 x 4 pixels (n, 64), 0 to 1."""
    step = SIDE // COARSE
    tiles = grey.reshape(len(grey), COARSE, step, COARSE, step)
    found: np.ndarray = tiles.mean(axis=(2, 4)).reshape(len(grey), -1) / 255
    return found


def colours(pictures: np.ndarray) -> np.ndarray:
    """Share of the pixels in each bin: 16 shades, or 4 x 4 x 4 colours."""
    count, channels = pictures.shape[:2]
    if channels == 1:
        bins, which = LEVELS * LEVELS, (pictures[:, 0] >> 4).astype(np.int64)
    else:
        top = (pictures >> 6).astype(np.int64)
        bins = LEVELS ** 3
        which = (top[:, 0] * LEVELS + top[:, 1]) * LEVELS + top[:, 2]
    at = which.reshape(count, -1) + np.arange(count)[:, None] * bins
    counts = np.bincount(at.ravel(), minlength=count * bins).reshape(count, bins)
    return counts / (SIDE * SIDE)


def edges(grey: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (n, 324) of grey pictures (n, 32, 32)."""
    down, across = np.zeros_like(grey), np.zeros_like(grey)
    down[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    across[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    strength = np.sqrt(down * down + across * across)
    place = np.arctan2(down, across)
    place *= BINS / np.pi
    place -= 0.5
    place += BINS * (place < 0)
    votes = np.empty((len(grey), CELLS, CELLS, BINS), grey.dtype)
    for bin in range(BINS):  # a bin takes from directions up to one bin away, on the circle
        away = np.abs(place - bin)
        away = np.minimum(away, BINS - away, out=away)
        share = np.maximum(1 - away, 0, out=away)
        share *= strength
        columns = (share.reshape(-1, SIDE) @ _POOL).reshape(-1, CELLS, CELL, CELLS)
        votes[..., bin] = columns.sum(axis=2)
    return _blocks(votes / (CELL * CELL))


def _blocks(votes: np.ndarray) -> np.ndarray:
    """Neighbouring 2 x 2 cells side by side, each such block of length one."""
    parts = [votes[:, y:CELLS - 1 + y, x:CELLS - 1 + x] for y in (0, 1) for x in (0, 1)]
    found = np.concatenate(parts, axis=-1).reshape(len(votes), (CELLS - 1) ** 2, 4 * BINS)
    found = np.minimum(_unit(found), _CLIP)
    return _unit(found).reshape(len(votes), -1)


def _unit(blocks: np.ndarray) -> np.ndarray:
    return blocks / np.sqrt((blocks ** 2).sum(axis=-1, keepdims=True) + _TINY ** 2)
