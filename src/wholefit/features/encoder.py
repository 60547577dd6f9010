"""Dataset -> matrix: every statistic is learnt on training rows only.

    encoder = Encoder(for_linear()).fit(dataset, train)
    X, X_new = encoder.transform(dataset, train), encoder.transform(dataset, test)
    encoder.names        # "age", "job=student", "job=(missing)", "sold.month", "review~great"

Features stand in this order: numbers (with parts of datetimes, flags, products), categories,
text. The matrix is dense and C-contiguous, or CSR where that is smaller and the Encoding allows
it; which of the two is settled at `fit`, so that a model always meets the same kind. Where the
Encoding selects features, or projects them on components, what is left stands in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from wholefit.base.errors import DataError, StateError
from wholefit.base.state import State
from wholefit.data.rows import Rows
from wholefit.features import (
    _assemble,
    _custom,
    _images,
    _numeric,
    _pixel_columns,
    _reduce,
    _sequences,
    _text,
    few,
)
from wholefit.features._categories import ONEHOT, ORDINAL, OneHot, Ordinal, learn_categories
from wholefit.features._custom import Applied, Layout
from wholefit.features._numeric import Numeric
from wholefit.features._picked import Picked
from wholefit.features._reduce import Reduction
from wholefit.features._text import Text
from wholefit.features.encoding import Encoding
from wholefit.features.pca import Projection
from wholefit.features.select import Selection
from wholefit.features.spans import Span, runs, series_told

KIND = "encoder"


class Block(Protocol):
    """A run of neighbouring features: some columns of one kind, encoded in one way."""

    @property
    def names(self) -> list[str]:
        """One name a feature."""

    @property
    def sources(self) -> list[str]:
        """The column each feature came from."""

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, features) for a stretch of the picked rows."""

    def filled(self) -> float:
        """Expected number of entries of a row that are not zero."""

    def state(self) -> State:
        """What was learnt, as plain data."""


class Encoder:
    """Encodes the columns of a Dataset as `encoding` says.

    `transformers` are the user's own steps (see `features.custom`); `seed` is used by
    text='svd' and by selection. After `fit`: `names` and `sources`, one a feature (the source of
    a product of columns is "a*b", of a principal component "(pca)"); `categorical`, indices of
    features that hold category codes, and `cardinalities`, the number of codes of each; `sparse`,
    whether `transform` gives CSR. `selection` and `projection` are what was learnt of those, or
    None; `selection.table(encoder.made, encoder.made_of)` says what became of every feature made.
    `spans` says which features are numbers, category codes, pixels or tokens.
    """

    def __init__(
        self, encoding: Encoding | None = None, transformers: Sequence[Any] = (), seed: int = 0
    ) -> None:
        self.encoding = encoding if encoding is not None else Encoding()
        self.transformers = tuple(transformers)
        self.seed = seed
        self._learnt_on: str | None = None
        self._written: few.Few | None = None

    def fit(
        self, dataset: Any, rows: np.ndarray | None = None, y: np.ndarray | None = None
    ) -> Encoder:
        """Learn from these rows (indices or a mask; all when None); DataError if none is left.

        `y`, the encoded target of these rows (int32 class codes or float64), is what supervised
        transformers and selection learn from; nothing else does.
        """
        picked = Picked(dataset, rows)
        _check_rows(picked, y)
        layout = _layout(dataset.schema, self.encoding)
        self._applied = _custom.learn(picked, self.transformers, layout, y)
        crossed = any(step.crossed is not None for step in self._applied)
        self._learnt_on = picked.mark() if crossed else None
        self._settle(_blocks(picked, layout, self.encoding, self.seed), layout.sources)
        self._tell_series(dataset.schema)
        self._thin = self.sparse = not self.encoding.dense and _assemble.pays(self._blocks)
        if self.encoding.reduces:
            self._reduce(_reduce.learn(
                self._encode(picked, training=True), y, self.encoding, sources=self.sources,
                codes=self.categorical, seed=self.seed))
        return self

    def transform(
        self, dataset: Any, rows: np.ndarray | None = None,
        read: dict[tuple[Any, ...], Any] | None = None,
    ) -> Any:
        """Matrix (rows, features) of float64, or float32 if encoding.single; dense or CSR.

        Pictures alone are uint8. Where their pixels are too many for memory it is a
        `features.sheet.Sheet`, which leaves them in their file.

        Encoders that are asked one after the other for the same dataset are spared reading it
        anew where all are given the same `read`, empty at first.
        """
        self._check_fitted()
        if rows is None and isinstance(dataset, Rows) and len(dataset) <= few.MOST:
            written = self._few()
            if written.able:
                return written.csr(dataset) if self._thin else written.dense(dataset)
        return self._encode(Picked(dataset, rows, read), training=False)

    def entries(self, rows: Rows) -> list[tuple[list[int], list[float]]] | None:
        """The places and values that are not zero, of each of a few rows; None if it is not thin.

        They are those of the CSR matrix that `transform` gives.
        """
        self._check_fitted()
        written = self._few()
        if not (self._thin and written.able) or len(rows) > few.MOST:
            return None
        return written.entries(rows)

    def _few(self) -> few.Few:
        """How a few rows are written; never able where anything stands before or after blocks."""
        if self._written is None:
            plain = not self._applied and self._reduction is None
            self._written = few.Few(self._blocks if plain else [None], self.encoding.single)
        return self._written

    def fit_transform(
        self, dataset: Any, rows: np.ndarray | None = None, y: np.ndarray | None = None
    ) -> Any:
        """Fit, then the matrix of the same rows, as `transform_training` gives it."""
        return self.fit(dataset, rows, y).transform_training(dataset, rows)

    def transform_training(self, dataset: Any, rows: np.ndarray | None = None) -> Any:
        """Matrix of the very rows of `fit`, for the model that learns from them.

        It is that of `transform`, but for what cross-fitting transformers made: a column that a
        row's own target helped to make would tell the model that target. StateError if other
        rows are asked for then.
        """
        self._check_fitted()
        picked = Picked(dataset, rows)
        if self._learnt_on is not None and self._learnt_on != picked.mark():
            raise StateError("transform_training gives the rows that fit was given, and got "
                             "others: call transform for those.")
        return self._encode(picked, training=True)

    def _encode(self, picked: Picked, training: bool) -> Any:
        for step in self._applied:
            step.apply(picked, training)
        dtype: type = np.float32 if self.encoding.single else np.float64
        if self._reduction is None and all(getattr(b, "bytewise", False) for b in self._blocks):
            dtype = np.uint8  # pixels only
        if not self._thin:
            sheet = None
            if self._reduction is None:
                sheet = _assemble.sheet(self._blocks, picked, dtype)
            return sheet if sheet is not None else _assemble.dense(
                self._blocks, picked, dtype, self._reduction)
        made = _assemble.csr(self._blocks, picked, dtype)
        return made if self._reduction is None else self._reduction.apply(made)

    def state(self) -> State:
        """Everything `transform` needs; StateError if a user's transformer has no stored form."""
        self._check_fitted()
        steps = {f"step {i}": step.state() for i, step in enumerate(self._applied)}
        blocks = {f"block {i}": block.state() for i, block in enumerate(self._blocks)}
        config = {"encoding": self.encoding.to_dict(), "seed": self.seed, "sparse": self._thin,
                  "steps": len(steps), "blocks": len(blocks), "origins": self._origins}
        last = {} if self._reduction is None else {"reduction": self._reduction.state()}
        return State(KIND, config, parts={**steps, **blocks, **last})

    @classmethod
    def from_state(cls, state: State) -> Encoder:
        """The fitted encoder that `state` describes; its `transform` is bit-identical."""
        config = state.config
        made = cls(Encoding.from_dict(config["encoding"]), (), config["seed"])
        made._applied = [Applied.from_state(state.parts[f"step {i}"])
                         for i in range(config["steps"])]
        parts = (state.parts[f"block {i}"] for i in range(config["blocks"]))
        made._settle([_LOADERS[part.kind](part) for part in parts], config["origins"])
        made._thin = made.sparse = config["sparse"]
        if "reduction" in state.parts:
            made._reduce(Reduction.from_state(state.parts["reduction"]))
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_written": None}  # it holds functions, which cannot travel

    def _check_fitted(self) -> None:
        if not hasattr(self, "_blocks"):
            raise StateError("Encoder must be fitted first: call fit(dataset, rows).")

    def _settle(self, blocks: list[Block], origins: dict[str, str]) -> None:
        self._blocks, self._origins = blocks, origins
        self._written = None
        self._reduction: Reduction | None = None
        self.selection: Selection | None = None
        self.projection: Projection | None = None
        self.names = _distinct([name for block in blocks for name in block.names])
        self.sources = [origins.get(s, s) for block in blocks for s in block.sources]
        if not self.names:
            raise DataError("no column is left to learn from: every one is constant, empty, or "
                            "left out by the encoding; check roles= and the encoding.")
        codes = [block for block in blocks if isinstance(block, Ordinal)]
        self.categorical: tuple[int, ...] = ()
        self.cardinalities: tuple[int, ...] = ()
        if codes:
            at = sum(len(b.names) for b in blocks[:blocks.index(codes[0])])
            self.categorical = tuple(range(at, at + len(codes[0].names)))
            self.cardinalities = codes[0].cardinalities
        self.made, self.made_of = self.names, self.sources
        self.spans = _spans(blocks)

    def _tell_series(self, schema: Any) -> None:
        self.spans = series_told(self.spans, self.names, schema)

    def _reduce(self, reduction: Reduction) -> None:
        """Let `reduction` follow the blocks from now on."""
        self._reduction, self.sparse = reduction, reduction.sparse
        self._written = None
        self.selection, self.projection = reduction.selection, reduction.projection
        self.names, self.sources, self.categorical, self.cardinalities = reduction.settle(
            self.names, self.sources, self.categorical, self.cardinalities)
        self.spans = runs(len(self.names), self.categorical, self.cardinalities)


_LOADERS: dict[str, Any] = {
    _numeric.KIND: Numeric.from_state, ONEHOT: OneHot.from_state, ORDINAL: Ordinal.from_state,
    _text.KIND: Text.from_state, _sequences.KIND: _sequences.Sequences.from_state,
    _images.PIXELS: _images.Pixels.from_state,
    _images.DESCRIPTORS: _images.Descriptors.from_state,
    _pixel_columns.KIND: _pixel_columns.PixelColumns.from_state,
}


def _check_rows(picked: Picked, y: np.ndarray | None) -> None:
    if not picked.size:
        raise DataError("Encoder.fit needs at least one row; got 0.")
    if y is not None and len(y) != picked.size:
        raise DataError(f"Encoder.fit needs one target value for each of the {picked.size:,} "
                        f"rows; got {len(y):,}.")


def _layout(schema: Any, encoding: Encoding) -> Layout:
    """The feature columns by role, in the order of the data."""
    learnt = set(schema.features)
    by_role: dict[str, list[str]] = {}
    for column in schema.columns:
        if column.name in learnt:
            by_role.setdefault(column.role, []).append(column.name)
    booleans = by_role.get("boolean", [])
    numeric = {*booleans, *by_role.get("numeric", [])}
    return Layout(
        [name for name in schema.features if name in numeric], booleans,
        by_role.get("categorical", []), by_role.get("datetime", []), by_role.get("text", []),
    )


def _blocks(picked: Picked, layout: Layout, encoding: Encoding, seed: int) -> list[Block]:
    dates = layout.dates if encoding.dates else []
    drawn = _pixel_columns.learn(picked.dataset.schema, layout.numeric) \
        if encoding.images == "pixels" else None
    taken = set(drawn.columns) if drawn is not None else set()
    numbers = [name for name in layout.numeric if name not in taken]
    found: list[Block | None] = [
        _numeric.learn(picked, numbers, dates, layout.booleans, encoding, seed),
        learn_categories(picked, layout.categories, encoding),
    ]
    if encoding.text == "tokens":
        found += [_sequences.learn(picked, name, encoding) for name in layout.texts]
    elif encoding.text != "drop":
        found += [_text.learn(picked, name, encoding, seed) for name in layout.texts]
    found += [drawn, *_images.learn(picked, encoding)]
    return [block for block in found if block is not None]


def _spans(blocks: Sequence[Block]) -> tuple[Span, ...]:
    """What each block's features are, in order; a block that knows says so itself."""
    found: list[Span] = []
    start = 0
    for block in blocks:
        stop = start + len(block.names)
        known = getattr(block, "span", None)
        found.append(Span("numbers", start, stop) if known is None else known(start))
        start = stop
    return tuple(found)


def _distinct(names: list[str]) -> list[str]:
    """Names made unique: a level that is really called "(other)" must not hide another's."""
    seen: Counter[str] = Counter()
    taken = set(names)
    for i, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            new = f"{name} #{seen[name]}"
            while new in taken:
                new += "'"
            taken.add(new)
            names[i] = new
    return names
