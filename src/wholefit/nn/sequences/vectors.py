"""Word vectors that others have learnt, put into a network's table of tokens.

GloVe's and word2vec's text format, a word and its numbers a line (Pennington et al. 2014; the
latter's first line of two counts is passed over); or JSON, {word: [numbers, ...]}, either directly
or under the key "vectors" beside other facts.

    vectors = read("glove.6B.100d.txt", words=tokenizer.words)
    coverage = place(module.table, vectors, tokenizer.words, first=2, frozen=True)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.errors import DataError


@dataclass(frozen=True)
class Coverage:
    """How many of a vocabulary's words have a vector, and which of the most frequent have none."""

    words: int
    found: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the words that have one."""
        return self.found / self.words if self.words else 0.0


def read(path: str | Path, words: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Word to vector (width,) of float32; only of `words` where given. DataError if unreadable."""
    wanted, path = None if words is None else set(words), Path(path)
    try:
        found = _json(path, wanted) if path.suffix == ".json" else _lines(path, wanted)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise DataError(f"word vectors cannot be read from {path}: {error}; they are lines of a "
                        "word and its numbers, or JSON of words and lists.") from error
    widths = {vector.shape for vector in found.values()}
    if len(widths) > 1:
        raise DataError(f"word vectors in {path} must be equally long; got "
                        f"{sorted(shape[0] for shape in widths)} numbers.")
    if any(not np.isfinite(vector).all() for vector in found.values()):
        raise DataError(f"word vectors in {path} must be finite numbers.")
    return found


def _lines(path: Path, wanted: set[str] | None) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with path.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines):
            word, _, numbers = line.rstrip().partition(" ")
            if place == 0 and len(numbers.split()) == 1:
                continue  # word2vec's counts of words and of numbers
            if word and (wanted is None or word in wanted):
                found.setdefault(word, np.array(numbers.split(), dtype=np.float32))
    return found


def _json(path: Path, wanted: set[str] | None) -> dict[str, np.ndarray]:
    whole = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(whole, dict):
        raise ValueError("it holds no words")
    table = whole.get("vectors")
    table = table if isinstance(table, dict) else whole
    width = whole.get("dimensions") if table is not whole else None
    return {word: _vector(numbers, width) for word, numbers in table.items()
            if (wanted is None or word in wanted) and isinstance(numbers, list)}


def _vector(numbers: list[Any], width: Any) -> np.ndarray:
    """The first `width` numbers: some files keep a length and a place behind them."""
    return np.array(numbers[:width] if isinstance(width, int) else numbers, dtype=np.float32)


def place(
    table: nn.Module, vectors: Mapping[str, np.ndarray], words: Sequence[str], *, first: int = 2,
    frozen: bool = False,
) -> Coverage:
    """Write vectors into rows `first`.. of `table` (Embedding or EmbeddingBag), one a word.

    They are multiplied by one number, so that they spread as widely as what the table was drawn
    from. A word without a vector is looked up in small letters, and else keeps what it was drawn
    as. `frozen`: the table learns no more. DataError where the widths differ or words are too many.
    """
    weight = table.weight
    if first + len(words) > len(weight):
        raise DataError(f"the table has {len(weight):,} rows and cannot hold {len(words):,} words "
                        f"from row {first} on.")
    width = next((len(vector) for vector in vectors.values()), weight.shape[1])
    if width != weight.shape[1]:
        raise DataError(f"word vectors have {width} numbers and the network's table has "
                        f"{weight.shape[1]}: make the network with width={width}.")
    missing = []
    spread = float(np.std(np.stack(list(vectors.values())))) if vectors else 1.0
    scale = float(weight.detach()[first:].std()) / spread if spread > 0 else 1.0
    with torch.no_grad():
        for row, word in enumerate(words, first):
            vector = vectors.get(word, vectors.get(word.lower()))
            if vector is None:
                missing.append(word)
            else:
                weight[row] = torch.from_numpy(np.asarray(vector * scale, dtype=np.float32))
    weight.requires_grad_(not frozen)
    return Coverage(len(words), len(words) - len(missing), tuple(missing[:20]))
