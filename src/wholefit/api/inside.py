"""`Result.inside`: what the model is made of, with its page, its pictures, and a row's path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._shown import Paged, as_kind
from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.explain import inside as looking

if TYPE_CHECKING:
    from wholefit.api.understanding import Understood
    from wholefit.training import Fitted


@dataclass(frozen=True)
class Inside(looking.Inside, Paged):
    """What a model is made of; see `wholefit.explain.inside.Inside` for its facts."""

    _topic = "inside"
    _fitted: Any = field(default=None, repr=False, compare=False)

    def path(self, row: Any, **options: Any) -> list[str]:
        """The conditions that one row meets on its way through a tree or a list of rules.

        `row` is a frame or a dict of one row. StateError for other models, DataError for more
        rows than one.
        """
        fitted: Fitted = self._fitted
        asked = _answers.dataset(fitted, _listed(row), options)
        if len(asked) != 1:
            raise DataError(f"a path is of one row; got {len(asked):,}.")
        whole = fitted.encoder.transform(fitted.cleaned(asked))
        dense = whole.toarray() if hasattr(whole, "toarray") else np.asarray(whole)
        return looking.path(fitted, dense[0])


def inside(
    result: Understood, rows: Any = None, bootstrap: int = 0, seed: int = 0,
    options: dict[str, Any] | None = None,
) -> Inside:
    """What `result`'s model is made of.

    `rows` with their target give standard errors to the coefficients of a weighted sum: by formula,
    or with `bootstrap` by that many fits on rows drawn with replacement. StateError for a model
    without a state, ParameterError for a bootstrap without rows or of fewer than 20 fits.
    """
    fitted, facts = result._fitted, result._facts  # type: ignore[attr-defined]
    if bootstrap and rows is None:
        raise ParameterError("bootstrap needs rows to draw from: inside(rows, bootstrap=200).")
    if bootstrap and bootstrap < 20:
        raise ParameterError(f"bootstrap must be 0 or >= 20 fits; got {bootstrap}.")
    known = facts.coefficients() if rows is None else _of_rows(
        result, rows, bootstrap, seed, dict(options or {}))
    found = looking.look(fitted, result.model, known)  # type: ignore[attr-defined]
    return as_kind(Inside, found, _fitted=fitted)


def _of_rows(
    result: Any, rows: Any, bootstrap: int, seed: int, options: dict[str, Any]
) -> looking.Coefficients | None:
    from wholefit.explain.inside.of_rows import of_rows

    fitted, model = result._fitted, result._facts.model
    if bootstrap and not model["params"]:
        raise StateError("a bootstrap fits the model anew, and this one was fitted elsewhere.")
    asked = _answers.dataset(fitted, rows, options, with_target=True)
    y = asked.target(fitted.codec)
    known = np.flatnonzero(y >= 0 if result.classes else np.isfinite(y))
    if len(known) < len(y):
        asked, y = asked.take(known), y[known]
    return of_rows(fitted, model, asked, y, bootstrap=bootstrap, seed=seed)


def _listed(row: Any) -> Any:
    """A dict of single values as a table of one row."""
    if isinstance(row, dict) and not any(isinstance(v, (list, tuple, np.ndarray))
                                         for v in row.values()):
        return {name: [value] for name, value in row.items()}
    return row
