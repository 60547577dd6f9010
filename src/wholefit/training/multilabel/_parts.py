"""The fitted models of all labels together: rows in, the probability of each label out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder
from wholefit.models import Scorer, scorer
from wholefit.training.multilabel import _stack

_CHUNK = 20_000


@dataclass(frozen=True)
class Part:
    """One model: its scorer, which encoder it reads by, and the labels that it answers.

    `weight` is what its answers count for beside those of other models of the same labels. One
    label: its answers are probabilities (n, 2) of no and yes; several: (n, labels) of yes.
    """

    scorer: Scorer
    encoder: int
    labels: tuple[int, ...]
    weight: float = 1.0

    def answer(self, X: Any, dataset: Dataset) -> np.ndarray:
        """Probabilities (n, labels) of the part's own labels."""
        wants = getattr(self.scorer, "wants", None)
        asked = X if wants is None else (dataset if wants == "rows" else dataset.original)
        found = np.asarray(self.scorer.answer(asked), dtype=np.float64)
        if found.shape != (len(dataset), max(2, len(self.labels))):
            raise ValueError(f"its model gives answers of shape {found.shape} for {len(dataset)} "
                             f"rows and {len(self.labels)} labels")
        return found[:, 1:] if len(self.labels) == 1 else found


class Parts:
    """Encoders and models of all labels; `stack` corrects them together, where there is one."""

    def __init__(
        self, encoders: Sequence[Encoder], states: Sequence[State],
        told: Sequence[Mapping[str, Any]], stack: _stack.Stack | None = None,
    ) -> None:
        self.encoders, self._states, self.stack = list(encoders), list(states), stack
        self._parts = [
            Part(scorer(state), int(each["encoder"]), tuple(map(int, each["labels"])),
                 float(each["weight"])) for state, each in zip(states, told, strict=True)]
        self.width = 1 + max(label for part in self._parts for label in part.labels)
        whole = np.zeros(self.width)
        for part in self._parts:
            if not (0 < part.weight <= 1 and 0 <= part.encoder < len(self.encoders)
                    and min(part.labels) >= 0 and len(set(part.labels)) == len(part.labels)):
                raise ValueError("one of its models answers no labels, or by no encoder")
            whole[list(part.labels)] += part.weight
        if not np.allclose(whole, 1.0):
            raise ValueError("what its models count for does not come to 1 for each label")
        if stack is not None and stack.width != self.width:
            raise ValueError("what corrects its labels does not fit their number")

    def probabilities(self, dataset: Dataset) -> np.ndarray:
        """The probability of each label in each conforming row, (n, labels)."""
        rows = len(dataset)
        if rows <= _CHUNK:
            return self._answered(dataset)
        return np.concatenate([
            self._answered(dataset.take(np.arange(at, min(at + _CHUNK, rows))))
            for at in range(0, rows, _CHUNK)])

    def _answered(self, dataset: Dataset) -> np.ndarray:
        encoded: dict[int, Any] = {}
        found = np.zeros((len(dataset), self.width))
        for part in self._parts:
            if part.encoder not in encoded and getattr(part.scorer, "wants", None) is None:
                encoded[part.encoder] = self.encoders[part.encoder].transform(dataset, None)
            found[:, part.labels] += part.weight * part.answer(encoded.get(part.encoder), dataset)
        found = np.clip(found, 0.0, 1.0)
        return found if self.stack is None else self.stack.answer(found)

    def states(self) -> dict[str, State]:
        """All that must be saved, by name."""
        kept = {f"encoder {at}": each.state() for at, each in enumerate(self.encoders)}
        kept |= {f"model {at}": each for at, each in enumerate(self._states)}
        return kept if self.stack is None else {**kept, "stack": self.stack.state()}

    def told(self) -> list[dict[str, Any]]:
        """Which model answers which labels by which encoder, as JSON."""
        return [{"encoder": part.encoder, "labels": list(part.labels), "weight": part.weight}
                for part in self._parts]

    @classmethod
    def of(cls, states: Mapping[str, State], told: Sequence[Mapping[str, Any]]) -> Parts:
        """Read back what `states` and `told` gave; ValueError where they do not fit together."""
        encoders = sorted((name for name in states if name.startswith("encoder ")), key=_number)
        stack = None if "stack" not in states else _stack.Stack.from_state(states["stack"])
        return cls([Encoder.from_state(states[name]) for name in encoders],
                   [states[f"model {at}"] for at in range(len(told))], told, stack)


def _number(name: str) -> int:
    return int(name.rpartition(" ")[2])
