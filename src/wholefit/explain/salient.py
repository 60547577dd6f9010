"""Saliency: what parts of texts and pictures are worth to an answer, and how it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wholefit.base.stored import typed
from wholefit.base.wording import plain


@dataclass(frozen=True)
class Trial:
    """The answer after the strongest share of the parts is gone, and after as many random ones."""

    share: float
    strongest: float
    random: float

    def said(self, answer: float, parts: str) -> str:
        """In a sentence."""
        matter = ("they matter" if answer - self.strongest > 1.5 * abs(answer - self.random) + 1e-9
                  else "they matter no more than others do")
        return (f"Without the {self.share:.0%} of the {parts} that speak for it most the answer "
                f"is {_number(self.strongest)}, without as many random ones "
                f"{_number(self.random)}: {matter}.")


@dataclass(frozen=True)
class Text:
    """A text with what each part is worth: `spans` of (start, end, worth), in order."""

    row: int
    column: str
    text: str
    output: str
    answer: float
    empty: float
    spans: tuple[tuple[int, int, float], ...]
    test: Trial | None

    def to_text(self) -> str:
        """The words that matter most, for and against."""
        worth: dict[str, float] = {}
        for start, end, value in self.spans:
            worth[self.text[start:end].lower()] = value
        ranked = sorted(worth.items(), key=lambda pair: -abs(pair[1]))
        heard = [(word, value) for word, value in ranked if abs(value) > 1e-9]
        said = f"Row {self.row + 1}: {self.output} {_number(self.answer)}"
        if not heard:
            return f"{said}; no word of {self.column} matters."
        lines = [f"{said}; without any word {_number(self.empty)}."]
        for name, sign in (("for", 1), ("against", -1)):
            chosen = [f"{' '.join(word.split())!r} ({value:+.3f})"
                      for word, value in heard if value * sign > 0]
            if chosen:
                lines.append(f"  Speaks {name} it: {', '.join(chosen[:8])}.")
        if self.test is not None:
            lines.append(f"  {self.test.said(self.answer, 'words')}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Picture:
    """A picture with what each pixel is worth; `pixels` and `worth` row by row, `shape` (h, w)."""

    row: int
    shape: tuple[int, int]
    output: str
    answer: float
    pixels: tuple[float, ...]
    worth: tuple[float, ...]
    test: Trial | None

    def to_text(self) -> str:
        """Where the answer hangs, in words."""
        worth = np.array(self.worth).reshape(self.shape)
        said = f"Row {self.row + 1}: {self.output} {_number(self.answer)}"
        if not np.abs(worth).max(initial=0.0) > 1e-9:
            return f"{said}; no part of the picture matters by itself."
        where = [f"  Speaks {name} it most: {_place(worth * sign)}."
                 for name, sign in (("for", 1), ("against", -1))
                 if (worth * sign).max() > 0.05 * np.abs(worth).max()]
        test = [] if self.test is None else [f"  {self.test.said(self.answer, 'pixels')}"]
        return "\n".join([f"{said}.", *where, *test])


@dataclass(frozen=True)
class Saliency:
    """What parts of texts or pictures are worth to the answers; `how` says how it was found."""

    target: str
    kind: str
    how: str
    found: tuple[Text | Picture, ...]

    def to_text(self) -> str:
        """Plain sentences."""
        return "\n".join([*(each.to_text() for each in self.found), self.how])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return plain(asdict(self))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Saliency:
        """Back from `to_json`."""
        return typed(cls(**{**stored, "found": tuple(_back(each) for each in stored["found"])}))


def _place(worth: np.ndarray) -> str:
    """Where in the picture the largest worth lies."""
    y, x = np.unravel_index(int(worth.argmax()), worth.shape)
    down = ("the upper", "the middle", "the lower")[min(2, int(3 * y / worth.shape[0]))]
    across = ("left", "centre", "right")[min(2, int(3 * x / worth.shape[1]))]
    return f"{down} {across}, around row {int(y) + 1}, column {int(x) + 1} ({worth.max():.3f})"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def _back(stored: dict[str, Any]) -> Text | Picture:
    test = None if stored["test"] is None else typed(Trial(**stored["test"]))
    if "spans" in stored:
        spans = tuple((int(a), int(b), float(v)) for a, b, v in stored["spans"])
        return Text(**{**stored, "spans": spans, "test": test})
    shape = tuple(stored["shape"])
    return typed(Picture(**{**stored, "shape": shape, "pixels": tuple(stored["pixels"]),
                            "worth": tuple(stored["worth"]), "test": test}))
