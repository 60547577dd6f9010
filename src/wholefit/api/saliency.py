"""`result.saliency`: which words of a text, or which part of a picture, the answer hangs on.

    result.saliency(rows, column="message")
    result.saliency(rows, shape=(28, 28), kind="shap")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._shown import Noted, as_kind
from wholefit.api.counterfactual import as_rows
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.explain import occlusion, picture_occlusion, salient

if TYPE_CHECKING:
    from wholefit.data import Dataset

KINDS = ("occlusion", "shap")
_MOST_ROWS = 200


@dataclass(frozen=True)
class Saliency(salient.Saliency, Noted):
    """What parts are worth; see `wholefit.explain.salient` for its facts."""

    _topic = "saliency"


def saliency(
    result: Any, rows: Any, kind: str = "occlusion", column: str | None = None,
    shape: Sequence[int] | None = None, output: Any = None, options: dict[str, Any] | None = None,
) -> Saliency:
    """What each word of a text column, or each pixel of a picture, is worth to each row's answer.

    A picture is a table with a column for each pixel: found where names end in running numbers
    and make a square, else `shape=(height, width)`. `kind`: "occlusion" takes parts away; "shap"
    shows, for pixels, the contributions of `result.explain`. `output` names the class that is
    explained; the predicted one where None. `options`: `phrase`, `patch`, `stride`, `baseline`,
    `removed`, `seed`, and those of reading. Raises DataError where there is neither text nor
    picture, UnknownNameError, ParameterError.
    """
    if kind not in KINDS:
        raise unknown("kind of saliency", str(kind), KINDS)
    fitted = result._fitted
    known = [spec.name for spec in occlusion.Options.specs()]
    given = dict(options or {})
    settings = occlusion.Options(**{name: given.pop(name) for name in known if name in given})
    asked = _answers.dataset(fitted, as_rows(rows), given)
    if not 0 < len(asked) <= _MOST_ROWS:
        raise DataError(f"saliency is for 1 to {_MOST_ROWS} rows at a time; got {len(asked):,}.")
    wanted = None if shape is None else _shape(shape)
    drawn = fitted.schema.having("image")
    if column is None and wanted is None:
        column = drawn[0] if drawn else _text_of(asked)
    if column in drawn:
        if kind != "occlusion":
            raise ParameterError("kind must be 'occlusion' for a picture column: contributions by "
                                 "SHAP values are of columns, and the picture is one.")
        found = picture_occlusion.pictures(fitted, asked, str(column), settings, output)
    elif column is not None:
        found = _words(fitted, asked, column, kind, settings, output)
    else:
        found = _pixels(result, asked, rows, wanted, kind, settings, output)
    return as_kind(Saliency, found)


def _words(
    fitted: Any, asked: Dataset, column: str, kind: str, settings: occlusion.Options, output: Any
) -> salient.Saliency:
    texts = [name for name in fitted.schema.features if fitted.schema.role(name) == "text"]
    if column not in texts:
        raise unknown("text column", column, texts or ["(the model has none)"])
    if kind != "occlusion":
        raise ParameterError("kind must be 'occlusion' for text; result.explain says what words "
                             "add by SHAP values.")
    return occlusion.words(fitted, asked, column, settings, output)


def _pixels(
    result: Any, asked: Dataset, rows: Any, shape: tuple[int, int] | None, kind: str,
    settings: occlusion.Options, output: Any,
) -> salient.Saliency:
    fitted = result._fitted
    found = occlusion.grid(fitted.schema, shape)
    if found is None:
        raise DataError("saliency needs a text column, or a picture with a column for each pixel: "
                        "this model has neither in view. Say column= or shape=(height, width).")
    columns, size = found
    usual = occlusion.usual_of(columns, result._facts.sketch())
    if kind == "occlusion":
        return occlusion.pixels(fitted, asked, columns, size, settings, usual=usual, output=output)
    explained = result.explain(asked, method="shap")
    values = np.zeros((len(asked), len(columns)))
    sign = np.ones(len(asked))
    outputs = [str(name) for name in explained.outputs]
    codes = _codes(fitted, asked, output)
    at = np.array([outputs.index(name) if name in outputs else 0 for name in codes])
    if fitted.task.name == "classification" and len(outputs) == 1:
        sign = np.array([1.0 if name == outputs[0] else -1.0 for name in codes])
    places = {name: place for place, name in enumerate(explained.columns)}
    for number, name in enumerate(columns):
        if name in places:
            values[:, number] = sign * explained.values[np.arange(len(asked)), places[name], at]
    drawn = occlusion.picture_of(fitted, asked, columns, size, values, settings, usual=usual,
                                 output=output)
    return salient.Saliency(str(fitted.schema.target), "picture",
                            f"By SHAP values, in {explained.unit}. {explained.how} "
                            f"{explained.compared}.", drawn)


def _codes(fitted: Any, asked: Dataset, output: Any) -> list[str]:
    """The class that is explained of each row, by name."""
    classes = getattr(fitted.codec, "classes", None)
    if classes is None:
        return [str(fitted.schema.target)] * len(asked)
    names = [str(label) for label in classes]
    if output is not None:
        lower = [name.lower() for name in names]
        if str(output).lower() not in lower:
            raise unknown("class", str(output), names)
        return [names[lower.index(str(output).lower())]] * len(asked)
    return [names[code] for code in fitted.answer(asked).argmax(axis=1)]


def _text_of(asked: Dataset) -> str | None:
    """The text column with the most to read, if there is one."""
    texts = [name for name in asked.schema.features if asked.schema.role(name) == "text"]
    return max(texts, key=lambda name: sum(len(t or "") for t in asked.texts(name)), default=None)


def _shape(shape: Sequence[int]) -> tuple[int, int]:
    try:
        high, wide = (int(side) for side in shape)
    except (TypeError, ValueError):
        raise ParameterError(f"shape must be (height, width); got {shape!r}.") from None
    return high, wide
