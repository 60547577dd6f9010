"""Pictures as features: the pixels at one size, or classic features of them.

The size is learnt on training rows: the commonest size of the pictures, else the median one, at
most 64 a side, unless the encoding says another. Pictures are grey where every training picture
is. A picture that is missing is the mean colour of the training pictures throughout.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from wholefit.base.cores import cores
from wholefit.base.spool import Filed
from wholefit.base.state import State
from wholefit.data.images.sizing import usual_size
from wholefit.features import _hog
from wholefit.features._picked import Picked
from wholefit.features.encoding import Encoding
from wholefit.features.spans import Span

PIXELS, DESCRIPTORS = "encoder.pixels", "encoder.picture_features"
_LOOKED_AT, _NEARLY_GREY, _STRETCH, _THREADS = 500, 2, 64, 8


class Pixels:
    """One picture column as pixels 0..255 of `shape` (channels, height, width), row by row."""

    bytewise = True

    def __init__(
        self, column: str, shape: tuple[int, int, int], fit: str, usual: np.ndarray
    ) -> None:
        self.column, self.shape, self.fit, self.usual = column, shape, fit, usual
        channels, high, wide = shape
        marks = [""] if channels == 1 else [".r", ".g", ".b"]
        self._names = [f"{column}[{y},{x}]{mark}" for mark in marks for y in range(high)
                       for x in range(wide)]

    @property
    def names(self) -> list[str]:
        """ "photo[3,5].r": row 3, column 5 of the red of "photo", from 0."""
        return self._names

    @property
    def sources(self) -> list[str]:
        """The picture column, once a feature."""
        return [self.column] * len(self._names)

    def span(self, start: int) -> Span:
        """One image of the block's shape."""
        return Span("image", start, start + len(self._names), self.shape, column=self.column)

    def filed(self, picked: Picked) -> Filed | None:
        """The picked rows' pictures, where those of the dataset lie in a file."""
        whole = picked.pictures(self.column, self.shape, self.fit)
        if not isinstance(whole, Filed):
            return None
        where = picked.where(slice(0, picked.size))
        lost = picked.picture_sizes(self.column)[where, 1] == 0
        found = whole.take(where)
        return found.with_blanks(lost, self.usual[:, None, None]) if lost.any() else found

    def filled(self) -> float:
        """All of them: pixels are never sparse."""
        return float(len(self._names))

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, pixels)."""
        where = picked.where(span)
        out[:] = picked.pictures(self.column, self.shape, self.fit)[where].reshape(len(where), -1)
        lost = picked.picture_sizes(self.column)[where, 1] == 0
        if lost.any():
            out[lost] = np.repeat(self.usual, self.shape[1] * self.shape[2])

    def state(self) -> State:
        """Shape and fit as config, the mean colour as an array."""
        return State(PIXELS, {"column": self.column, "shape": list(self.shape), "fit": self.fit},
                     {"usual": self.usual})

    @classmethod
    def from_state(cls, state: State) -> Pixels:
        """The block that `state` describes."""
        return cls(*_stored(state))


class Descriptors:
    """One picture column as classic features; see `_hog`. They learn nothing but the size."""

    def __init__(
        self, column: str, shape: tuple[int, int, int], fit: str, usual: np.ndarray
    ) -> None:
        self.column, self.shape, self.fit, self.usual = column, shape, fit, usual
        self._names = [f"{column} {name}" for name in _hog.names(shape[0])]

    @property
    def names(self) -> list[str]:
        """ "photo edges 2/1.3 30 deg"."""
        return self._names

    @property
    def sources(self) -> list[str]:
        """The picture column, once a feature."""
        return [self.column] * len(self._names)

    def filled(self) -> float:
        """Expected number that are not zero: all."""
        return float(len(self._names))

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, features)."""
        where = picked.where(span)
        out[:] = self._whole(picked)[where]
        lost = picked.picture_sizes(self.column)[where, 1] == 0
        if lost.any():
            blank = np.empty((1, *self.shape), np.uint8)
            blank[:] = self.usual[:, None, None]
            out[lost] = _hog.describe(blank)[0]

    def _whole(self, picked: Picked) -> np.ndarray:
        """The features of all the dataset's pictures, found once: folds and models share them."""
        key = ("picture features", self.column, self.shape, self.fit)
        return np.asarray(picked.once(key, lambda: self._made(picked)))

    def _made(self, picked: Picked) -> np.ndarray:
        pictures = picked.pictures(self.column, self.shape, self.fit)
        out = np.empty((len(pictures), len(self._names)), np.float32)

        def fill(at: int) -> None:
            out[at:at + _STRETCH] = _hog.describe(pictures[at:at + _STRETCH])

        with ThreadPoolExecutor(min(cores(), _THREADS)) as pool:
            list(pool.map(fill, range(0, len(pictures), _STRETCH)))
        return out

    def state(self) -> State:
        """Shape and fit as config, the mean colour as an array."""
        return State(DESCRIPTORS,
                     {"column": self.column, "shape": list(self.shape), "fit": self.fit},
                     {"usual": self.usual})

    @classmethod
    def from_state(cls, state: State) -> Descriptors:
        """The block that `state` describes."""
        return cls(*_stored(state))


def learn(picked: Picked, encoding: Encoding) -> list[Pixels | Descriptors]:
    """A block for each picture column of the dataset."""
    columns = [c.name for c in picked.dataset.schema.columns if c.role == "image"]
    if encoding.images == "drop":
        return []
    return [_block(picked, name, encoding) for name in columns]


def _block(picked: Picked, name: str, encoding: Encoding) -> Pixels | Descriptors:
    rows = picked.where(slice(0, picked.size))
    sizes = picked.picture_sizes(name)[rows]
    if encoding.images == "descriptors":
        high = wide = _hog.SIDE
    elif encoding.image_size is not None:
        high = wide = encoding.image_size
    else:
        high, wide = usual_size(sizes)
    channels = _channels(picked, name, rows, sizes, (high, wide), encoding)
    shape = (channels, high, wide)
    usual = _usual(picked.pictures(name, shape, encoding.image_fit), rows[sizes[:, 1] > 0])
    made: Any = Descriptors if encoding.images == "descriptors" else Pixels
    block: Pixels | Descriptors = made(name, shape, encoding.image_fit, usual)
    return block


def _channels(
    picked: Picked, name: str, rows: np.ndarray, sizes: np.ndarray, size: tuple[int, int],
    encoding: Encoding,
) -> int:
    """1 where grey is asked for, or where the training pictures have no colour."""
    if encoding.image_colour != "auto":
        return 1 if encoding.image_colour == "grey" else 3
    if sizes[:, 0].max(initial=0) <= 1:
        return 1
    coloured = rows[sizes[:, 0] == 3]
    some = coloured[:: max(1, len(coloured) // _LOOKED_AT)]
    found = picked.pictures(name, (3, *size), encoding.image_fit)[some].astype(np.int16)
    apart = max(int(np.abs(found[:, 0] - found[:, c]).max(initial=0)) for c in (1, 2))
    return 1 if apart <= _NEARLY_GREY else 3


def _usual(pictures: np.ndarray | Filed, rows: np.ndarray) -> np.ndarray:
    """The mean colour uint8 (channels,) of these rows; mid-grey where there is none."""
    if not len(rows):
        return np.full(pictures.shape[1], 128, np.uint8)
    sums = np.zeros(pictures.shape[1])
    for at in range(0, len(rows), _STRETCH):
        sums += pictures[rows[at:at + _STRETCH]].mean(axis=(2, 3)).sum(axis=0)
    return np.round(sums / len(rows)).astype(np.uint8)


def _stored(state: State) -> tuple[str, tuple[int, int, int], str, np.ndarray]:
    channels, high, wide = (int(side) for side in state.config["shape"])
    return (state.config["column"], (channels, high, wide), state.config["fit"],
            state.arrays["usual"])
