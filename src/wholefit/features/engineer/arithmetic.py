"""Ratios, differences and products of columns, and logarithms that take any number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.features.engineer._step import Step

_LARGEST = 1e100


@dataclass(eq=False, repr=False)
class Ratio(Step):
    """The first column divided by each of the others; a division by zero is never infinite."""

    kind: ClassVar[str] = "ratio"
    summary: ClassVar[str] = "the first column divided by each of the others"
    least: ClassVar[int] = 2

    at_zero: str = param("missing", "What a division by zero gives: a missing value, 0 or 1.",
                         choices=("missing", "zero", "one"))

    def _make(self, values: np.ndarray) -> np.ndarray:
        below = values[:, 1:]
        zero = below == 0
        with np.errstate(over="ignore", invalid="ignore"):
            found = values[:, :1] / np.where(zero, 1.0, below)
        held = np.clip(found, -_LARGEST, _LARGEST)
        instead = {"missing": np.nan, "zero": 0.0, "one": 1.0}[self.at_zero]
        known = zero & ~np.isnan(values[:, :1])
        return np.where(known, instead, held)

    def _called(self, names: list[str]) -> list[str]:
        return [f"{names[0]}/{name}" for name in names[1:]]


@dataclass(eq=False, repr=False)
class Difference(Step):
    """The first column minus each of the others."""

    kind: ClassVar[str] = "difference"
    summary: ClassVar[str] = "the first column minus each of the others"
    least: ClassVar[int] = 2

    absolute: bool = param(False, "Give the size of the difference without its sign.")

    def _make(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            found = values[:, :1] - values[:, 1:]
        return np.abs(found) if self.absolute else found

    def _called(self, names: list[str]) -> list[str]:
        made = [f"{names[0]}-{name}" for name in names[1:]]
        return [f"|{name}|" for name in made] if self.absolute else made


@dataclass(eq=False, repr=False)
class Product(Step):
    """All columns multiplied together."""

    kind: ClassVar[str] = "product"
    summary: ClassVar[str] = "all columns multiplied together"
    least: ClassVar[int] = 2

    def _make(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.clip(values.prod(axis=1, keepdims=True), -_LARGEST, _LARGEST)

    def _called(self, names: list[str]) -> list[str]:
        return ["*".join(names)]


@dataclass(eq=False, repr=False)
class SignedLog(Step):
    """sign(x) log(1 + |x| / unit): linear near zero, a logarithm far from it, for any number."""

    kind: ClassVar[str] = "log"
    summary: ClassVar[str] = "sign(x) log(1 + |x|), for long tails on either side"
    beside: ClassVar[bool] = False

    unit: float = param(1.0, "Size below which numbers change little.", above=0)

    def _make(self, values: np.ndarray) -> np.ndarray:
        return np.sign(values) * np.log1p(np.abs(values) / self.unit)

    def _called(self, names: list[str]) -> list[str]:
        return [f"log({name})" for name in names]
