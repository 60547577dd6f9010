"""How a matrix is cut and scaled into the inputs of a network; numpy alone.

Inputs stand in this order, each only where there is such a thing: all numbers as one array
(n, numbers); all category codes as one array (n, codes) of int64, -1 for missing or unseen; each
image as (n, channels, height, width) of uint8; each run of tokens as (n, length) of int64. A
network of codes gets numbers too, perhaps none of them; where a network takes no codes they are
0/1 numbers instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, StateError
from wholefit.features.spans import Span

SCALINGS = ("standard", "robust", "quantile", "none")
# Beyond this many standard deviations a number says no more than "huge".
_FAR = 100.0
_QUANTILES = 500
_LEAST = 1e-7
# A spread below this share of the value is rounding: the feature is constant.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Inputs:
    """The cut and the scaling, learnt by `learn` on training rows; see the module's first lines."""

    features: int
    spans: tuple[Span, ...]
    scaling: str
    onehot: bool
    arrays: dict[str, np.ndarray]

    def facts(self) -> dict[str, Any]:
        """What a network must be told: `inputs`, `levels`, image and token sizes."""
        numbers, codes = _places(self.spans, "numbers"), _places(self.spans, "codes")
        levels = [int(level) for level in self._levels()]
        found: dict[str, Any] = {}
        if len(numbers) or len(codes):
            found["inputs"] = len(numbers) + (sum(levels) if self.onehot else 0)
        if len(codes) and not self.onehot:
            found["levels"] = levels
        for span in self.of("image"):
            found.update(zip(("channels", "height", "width"), span.shape, strict=True))
        for span in self.of("tokens"):
            found.update(vocabulary=span.levels[0], length=span.shape[0])
        return found

    def of(self, kind: str) -> list[Span]:
        """Spans of that kind."""
        return [span for span in self.spans if span.kind == kind]

    def split(self, X: np.ndarray, dtype: Any = np.float32) -> list[np.ndarray]:
        """The inputs of a network for the rows of X (n, features); numbers of `dtype`."""
        found: list[np.ndarray] = []
        numbers, codes = _places(self.spans, "numbers"), _places(self.spans, "codes")
        parts = [self._scaled(X[:, numbers]).astype(dtype, copy=False)] \
            if len(numbers) or len(codes) else []
        if len(codes):
            known = self._codes(X[:, codes])
            if self.onehot:
                parts.append(_onehot(known, self._levels(), dtype))
            else:
                found.append(known)
        if parts:
            found.insert(0, np.ascontiguousarray(np.concatenate(parts, axis=1)))
        filed = getattr(X, "pictures", lambda span: None)  # a Sheet leaves them in their file
        for span in self.of("image"):
            pictures = filed(span)
            if pictures is None:
                pictures = _pixels(X[:, span.start:span.stop]).reshape(-1, *span.shape)
            found.append(pictures)
        for span in self.of("tokens"):
            whole = np.nan_to_num(X[:, span.start:span.stop]).astype(np.int64)
            found.append(np.clip(whole, 0, span.levels[0] - 1))
        return found

    def _levels(self) -> np.ndarray:
        return np.array([level for span in self.of("codes") for level in span.levels], np.int64)

    def _codes(self, codes: np.ndarray) -> np.ndarray:
        found = np.where(np.isfinite(codes), codes, -1).astype(np.int64)
        return np.where((found < 0) | (found >= self._levels()), -1, found)

    def _scaled(self, numbers: np.ndarray) -> np.ndarray:
        whole = np.asarray(numbers, dtype=np.float64)
        if self.scaling == "none":
            return whole
        if self.scaling == "quantile":
            return _normal_scores(whole, self.arrays["quantiles"])
        with np.errstate(over="ignore"):
            found = (whole - self.arrays["centre"]) * self.arrays["factor"]
        found = np.clip(found, -_FAR, _FAR)
        if self.scaling == "robust":
            # Holzmüller, Grinsztajn, Steinwart 2024 (RealMLP): outliers bend towards 3.
            found = found / np.sqrt(1.0 + (found / 3.0) ** 2)
        return found

    def config(self) -> dict[str, Any]:
        """Everything but the arrays, as JSON."""
        spans = [{"kind": span.kind, "start": span.start, "stop": span.stop,
                  "shape": list(span.shape), "levels": list(span.levels)} for span in self.spans]
        return {"features": self.features, "spans": spans, "scaling": self.scaling,
                "onehot": self.onehot}

    @classmethod
    def of_config(cls, config: Any, arrays: dict[str, np.ndarray]) -> Inputs:
        """What `config` and `arrays` describe; StateError unless they belong together."""
        try:
            spans = tuple(
                Span(str(span["kind"]), int(span["start"]), int(span["stop"]),
                     tuple(map(int, span["shape"])), tuple(map(int, span["levels"])))
                for span in config["spans"])
            made = cls(int(config["features"]), spans, str(config["scaling"]),
                       bool(config["onehot"]), arrays)
            made._check()
        except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(f"the inputs of a network do not belong together: {error}") from error
        return made

    def _check(self) -> None:
        check(self.spans, self.features)
        numbers = len(_places(self.spans, "numbers"))
        wanted = {"standard": ("centre", "factor"), "robust": ("centre", "factor"),
                  "quantile": ("quantiles",), "none": ()}[self.scaling]
        for name in wanted:
            if self.arrays[name].ndim < 1 or self.arrays[name].shape[-1] != numbers:
                raise ValueError(f"{name} is not of {numbers} features")


def learn(
    X: np.ndarray, spans: Sequence[Span] | None, scaling: str, onehot: bool
) -> Inputs:
    """The cut of X (n, features) and its scaling; `spans` None means that all are numbers."""
    spans = tuple(spans) if spans else (Span("numbers", 0, X.shape[1]),)
    check(spans, X.shape[1])
    numbers = np.asarray(X[:, _places(spans, "numbers")], dtype=np.float64)
    made = Inputs(X.shape[1], spans, scaling, onehot, _scale(numbers, scaling))
    return made


def pixel_figures(images: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and standard deviation of each channel of images (n, C, H, W), from 1,000 of them."""
    found = []
    for image in images:
        some = image[::max(1, len(image) // 1000)].astype(np.float64)
        spread = some.std(axis=(0, 2, 3))
        found.append((some.mean(axis=(0, 2, 3)), np.where(spread > _LEAST, spread, 1.0)))
    return found


def check(spans: Sequence[Span], features: int) -> None:
    """DataError unless the spans lie within the features, each of a known and fitting kind."""
    for span in spans:
        width = span.stop - span.start
        fits = 0 <= span.start <= span.stop <= features and {
            "numbers": not span.shape, "codes": len(span.levels) == width,
            "image": len(span.shape) == 3 and int(np.prod(span.shape, dtype=object)) == width,
            "tokens": span.shape == (width,) and len(span.levels) == 1,
        }.get(span.kind, False)
        if not fits or min((*span.shape, *span.levels), default=1) < 1:
            raise DataError(f"spans must lie within the {features} features and have a shape that "
                            f"fits their kind; got {span}.")


def _places(spans: Sequence[Span], kind: str) -> np.ndarray:
    runs = [np.arange(span.start, span.stop) for span in spans if span.kind == kind]
    return np.concatenate(runs) if runs else np.zeros(0, dtype=np.intp)


def _scale(numbers: np.ndarray, scaling: str) -> dict[str, np.ndarray]:
    if not numbers.shape[1] or scaling == "none":
        empty = np.zeros(numbers.shape[1])
        return {} if scaling == "none" else {"quantiles": np.zeros((2, 0))} \
            if scaling == "quantile" else {"centre": empty, "factor": empty}
    if scaling == "quantile":
        at = np.linspace(0, 1, max(2, min(_QUANTILES, len(numbers))))
        return {"quantiles": np.quantile(numbers, at, axis=0)}
    if scaling == "robust":
        low, centre, high = np.quantile(numbers, [0.25, 0.5, 0.75], axis=0)
        spread = high - low
        reach = (numbers.max(axis=0) - numbers.min(axis=0)) / 2
        spread = np.where(spread > _ROUNDING * np.abs(centre), spread, reach)
    else:
        centre, spread = numbers.mean(axis=0), numbers.std(axis=0)
    constant = ~(spread > _ROUNDING * np.abs(centre))
    factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
    return {"centre": centre, "factor": factor}


def _normal_scores(numbers: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Numbers to the normal quantile of their rank among training rows."""
    from scipy.special import ndtri

    at = np.linspace(0, 1, len(quantiles))
    found = np.empty_like(numbers)
    for feature in range(numbers.shape[1]):
        known = quantiles[:, feature]
        # The middle of the ranks on both sides, so that ties get one score.
        low = np.interp(numbers[:, feature], known, at)
        high = 1 - np.interp(-numbers[:, feature], -known[::-1], at)
        found[:, feature] = ndtri(np.clip((low + high) / 2, _LEAST, 1 - _LEAST))
    return found


def _onehot(codes: np.ndarray, levels: np.ndarray, dtype: Any) -> np.ndarray:
    ends = np.cumsum(levels)
    out = np.zeros((len(codes), int(ends[-1])), dtype=dtype)
    rows, columns = np.nonzero(codes >= 0)
    out[rows, codes[rows, columns] + (ends - levels)[columns]] = 1
    return out


def _pixels(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    return np.clip(np.rint(np.nan_to_num(values)), 0, 255).astype(np.uint8)
