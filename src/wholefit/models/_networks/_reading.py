"""Estimators whose tables of words begin with vectors that others have learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.features.spans import Span
from wholefit.models._networks._estimators import NetworkClassifier, NetworkRegressor
from wholefit.nn.sequences import vectors as wordvectors

Vectors = tuple[str, bool, Sequence[Sequence[str]]]


class _Started:
    """Puts vectors into the tables before the first step, and says how many words have one.

    `vectors` is (path of the file, whether they stay as they are, the words of each text column in
    the order of their numbers).
    """

    coverage_: list[wordvectors.Coverage]

    def __init__(
        self, network: Mapping[str, Any] | None = None, recipe: Mapping[str, Any] | None = None,
        spans: Sequence[Span] | None = None, scaling: str = "standard", augment: Any = (),
        validation: float = 0.15, class_weight: Any = None, seconds: float | None = None,
        jobs: int | None = None, random_state: Any = 0, vectors: Vectors | None = None,
        pretrain: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            network, recipe, spans, scaling, augment, validation, class_weight, seconds, jobs,
            random_state, pretrain)
        self.vectors = vectors

    def _teach(self, module: Any, *given: Any, later: bool = False, **more: Any) -> Any:
        if not later:
            self._begin(module)
        return super()._teach(module, *given, later=later, **more)  # type: ignore[misc]

    def _begin(self, module: nn.Module) -> None:
        if self.vectors is None:
            return
        path, frozen, columns = self.vectors
        tables = [each for each in module.modules()
                  if isinstance(each, (nn.Embedding, nn.EmbeddingBag)) and each.padding_idx == 0]
        if len(tables) != len(columns):
            raise DataError(f"word vectors need one table of words for each of the "
                            f"{len(columns)} text columns; the network has {len(tables)}.")
        known = {word for words in columns for word in words}
        found = wordvectors.read(path, {*known, *(word.lower() for word in known)})
        self.coverage_ = [wordvectors.place(table, found, words, frozen=frozen)
                          for table, words in zip(tables, columns, strict=True)]
        for coverage in self.coverage_:
            emit("vectors_placed", words=coverage.words, found=coverage.found)


class ReadingClassifier(_Started, NetworkClassifier):
    """NetworkClassifier whose word tables begin with `vectors`."""


class ReadingRegressor(_Started, NetworkRegressor):
    """NetworkRegressor whose word tables begin with `vectors`."""


def width_of(path: str, words: Sequence[str]) -> int | None:
    """Numbers in each vector of the file, or None where it has none for these words."""
    return next(map(len, wordvectors.read(path, words).values()), None)
