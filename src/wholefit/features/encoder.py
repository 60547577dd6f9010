"""Dataset -> matrix: every statistic is learnt on training rows only.

    encoder = Encoder(for_linear()).fit(dataset, train)
    X, X_new = encoder.transform(dataset, train), encoder.transform(dataset, test)
    encoder.names        # "age", "job=student", "job=(missing)", "sold.month", "review~great"

Features stand in this order: numbers (with parts of datetimes, flags, products), categories,
text. The matrix is dense and C-contiguous, or CSR where that is smaller and the Encoding allows
it; which of the two is settled at `fit`, so that a model always meets the same kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from wholefit.base.errors import DataError, StateError
from wholefit.base.state import State
from wholefit.features import _assemble, _custom, _numeric, _text
from wholefit.features._categories import ONEHOT, ORDINAL, OneHot, Ordinal, learn_categories
from wholefit.features._custom import Applied, Layout
from wholefit.features._numeric import Numeric
from wholefit.features._picked import Picked
from wholefit.features._text import Text
from wholefit.features.encoding import Encoding

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
    text='svd' alone. After `fit`: `names` and `sources`, one a feature (the source of a
    product of columns is "a*b"); `categorical`, indices of features that hold category codes,
    and `cardinalities`, the number of codes of each; `sparse`, whether `transform` gives CSR.
    """

    def __init__(
        self, encoding: Encoding | None = None, transformers: Sequence[Any] = (), seed: int = 0
    ) -> None:
        self.encoding = encoding if encoding is not None else Encoding()
        self.transformers = tuple(transformers)
        self.seed = seed

    def fit(self, dataset: Any, rows: np.ndarray | None = None) -> Encoder:
        """Learn from these rows (indices or a mask; all when None); DataError if none is left."""
        picked = Picked(dataset, rows)
        if not picked.size:
            raise DataError("Encoder.fit needs at least one row; got 0.")
        layout = _layout(dataset.schema, self.encoding)
        self._applied = _custom.learn(picked, self.transformers, layout)
        self._settle(_blocks(picked, layout, self.encoding, self.seed), layout.sources)
        self.sparse = not self.encoding.dense and _assemble.pays(self._blocks)
        return self

    def transform(self, dataset: Any, rows: np.ndarray | None = None) -> Any:
        """Matrix (rows, features) of float64, or float32 if encoding.single; dense or CSR."""
        self._check_fitted()
        picked = Picked(dataset, rows)
        for step in self._applied:
            step.apply(picked)
        dtype = np.float32 if self.encoding.single else np.float64
        give = _assemble.csr if self.sparse else _assemble.dense
        return give(self._blocks, picked, dtype)

    def state(self) -> State:
        """Everything `transform` needs; StateError if a user's transformer has no stored form."""
        self._check_fitted()
        steps = {f"step {i}": step.state() for i, step in enumerate(self._applied)}
        blocks = {f"block {i}": block.state() for i, block in enumerate(self._blocks)}
        config = {"encoding": self.encoding.to_dict(), "seed": self.seed, "sparse": self.sparse,
                  "steps": len(steps), "blocks": len(blocks), "origins": self._origins}
        return State(KIND, config, parts={**steps, **blocks})

    @classmethod
    def from_state(cls, state: State) -> Encoder:
        """The fitted encoder that `state` describes; its `transform` is bit-identical."""
        config = state.config
        made = cls(Encoding.from_dict(config["encoding"]), (), config["seed"])
        made._applied = [Applied.from_state(state.parts[f"step {i}"])
                         for i in range(config["steps"])]
        parts = (state.parts[f"block {i}"] for i in range(config["blocks"]))
        made._settle([_LOADERS[part.kind](part) for part in parts], config["origins"])
        made.sparse = config["sparse"]
        return made

    def _check_fitted(self) -> None:
        if not hasattr(self, "_blocks"):
            raise StateError("Encoder must be fitted first: call fit(dataset, rows).")

    def _settle(self, blocks: list[Block], origins: dict[str, str]) -> None:
        self._blocks, self._origins = blocks, origins
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


_LOADERS: dict[str, Any] = {
    _numeric.KIND: Numeric.from_state, ONEHOT: OneHot.from_state, ORDINAL: Ordinal.from_state,
    _text.KIND: Text.from_state,
}


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
    found: list[Block | None] = [
        _numeric.learn(picked, layout.numeric, dates, layout.booleans, encoding),
        learn_categories(picked, layout.categories, encoding),
    ]
    if encoding.text != "drop":
        found += [_text.learn(picked, name, encoding, seed) for name in layout.texts]
    return [block for block in found if block is not None]


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
