"""Occlusion of pictures in a picture column: which patch the answer hangs on.

A square is covered with the picture's own mean colour, all else is left, and the model is asked
again (Zeiler & Fergus 2014). A pixel's worth is the mean over the squares that cover it.
"""

from __future__ import annotations

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.data.images import cells, resizing, sizing
from wholefit.explain import occlusion
from wholefit.explain.occlusion import Options
from wholefit.explain.salient import Picture, Saliency, Trial
from wholefit.training import Fitted

_ACROSS, _RANDOM, _SHOWN = 14, 10, 64


def pictures(
    fitted: Fitted, rows: Dataset, column: str, options: Options, output: object = None
) -> Saliency:
    """What each pixel of a picture column is worth to each row's answer.

    Pictures larger than 64 pixels a side are looked at at that size. Squares are
    `options.patch` pixels a side, or a fourteenth of the longer side where that is more.
    DataError for a row without a picture.
    """
    at, codes = occlusion._asked(fitted, rows, output)
    found = tuple(_one(fitted, rows, column, row, float(at[row]), int(codes[row]), options)
                  for row in range(len(rows)))
    return Saliency(str(fitted.schema.target), "picture",
                    "By covering squares with the picture's mean colour, in turn: shapes that only "
                    "matter together show little.", found)


def _one(
    fitted: Fitted, rows: Dataset, column: str, row: int, answer: float, code: int,
    options: Options,
) -> Picture:
    cell = rows.frame.get_column(column)[row]
    if cell is None:
        raise DataError(f"row {row + 1} has no picture in {column!r} that can be used.")
    pixels = cells.unpack(cell)
    high, wide = sizing.usual_size(np.array([[0, *pixels.shape[:2]]]), _SHOWN)
    pixels = resizing.resize(pixels, high, wide)
    mean = np.round(pixels.reshape(-1, pixels.shape[2]).mean(axis=0)).astype(np.uint8)
    masks = _squares(high, wide, options)
    one = rows.take(np.array([row]))
    plain = float(_answers(fitted, one, column, pixels, mean, masks[:1] & False, code)[0])
    lost = plain - _answers(fitted, one, column, pixels, mean, masks, code)
    times = np.maximum(masks.sum(axis=0), 1)
    worth = (masks * lost[:, None, None]).sum(axis=0) / times
    trial = _test(fitted, one, column, pixels, mean, worth, code, row, options)
    shown = pixels[:, :, 0] if pixels.shape[2] == 1 else sizing.grey(pixels)[:, :, 0]
    return Picture(row, (high, wide), occlusion._named(fitted, code), answer,
                   tuple(shown.astype(float).ravel().tolist()), tuple(worth.ravel().tolist()),
                   trial)


def _squares(high: int, wide: int, options: Options) -> np.ndarray:
    """(squares, high, wide) True where a square covers."""
    side = min(max(options.patch, -(-max(high, wide) // _ACROSS)), high, wide)
    step = options.stride or max(1, side // 2)
    tops, lefts = (sorted({*range(0, max(1, size - side + 1), step), max(0, size - side)})
                   for size in (high, wide))
    masks = np.zeros((len(tops) * len(lefts), high, wide), bool)
    for number, (top, left) in enumerate((top, left) for top in tops for left in lefts):
        masks[number, top:top + side, left:left + side] = True
    return masks


def _test(
    fitted: Fitted, one: Dataset, column: str, pixels: np.ndarray, mean: np.ndarray,
    worth: np.ndarray, code: int, row: int, options: Options,
) -> Trial:
    """The answer without the strongest pixels, and without as many at random."""
    flat = worth.ravel()
    count = max(1, round(options.removed * len(flat)))
    random = generator(options.seed, "occlusion", row)
    masks = np.zeros((1 + _RANDOM, len(flat)), bool)
    masks[0, np.argsort(-flat, kind="stable")[:count]] = True
    for draw in masks[1:]:
        draw[random.choice(len(flat), count, replace=False)] = True
    got = _answers(fitted, one, column, pixels, mean, masks.reshape(-1, *worth.shape), code)
    return Trial(count / len(flat), float(got[0]), float(got[1:].mean()))


def _answers(
    fitted: Fitted, one: Dataset, column: str, pixels: np.ndarray, mean: np.ndarray,
    masks: np.ndarray, code: int,
) -> np.ndarray:
    """The explained answer with each mask covered (masks,)."""
    covered = np.where(masks[..., None], mean, pixels[None])
    frame = one.frame[np.zeros(len(masks), dtype=np.intp)]
    frame = frame.with_columns(cells.of_pixels(column, covered.astype(np.uint8)))
    answer = fitted.answer(Dataset(frame, one.schema, source=one.source))
    return occlusion._of(answer, np.full(len(masks), code))
