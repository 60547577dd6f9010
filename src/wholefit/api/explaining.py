"""`result.explain`: why rows get their answers, shown in a notebook and written as a page."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._shown import as_kind
from wholefit.base.errors import ParameterError, unknown
from wholefit.data import Dataset
from wholefit.explain import attributions, background, explanations, local_explanations
from wholefit.explain.background import Background

if TYPE_CHECKING:
    from wholefit.api.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Explanations(explanations.Explanations):
    """Why rows get their answers; see `wholefit.explain.explanations.Explanations` for its facts.

    It writes itself as a page (`report`) and shows itself in a notebook.
    """

    def report(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write one self-contained HTML page to `path`; returns it.

        It shows values of the rows. An existing file is replaced only with `force`; ArtifactError
        says what cannot be written.
        """
        from wholefit.report import attributions as pages

        return pages.write(self, path, force=force)

    def _repr_html_(self) -> str:
        from wholefit.report import attributions as pages

        return pages.snippet(self)


@dataclass(frozen=True, eq=False, repr=False)
class LocalExplanations(local_explanations.LocalExplanations):
    """Local surrogates of rows; see `wholefit.explain.local_explanations.LocalExplanations`.

    They write themselves as a page (`report`) and show themselves in a notebook.
    """

    report = Explanations.report
    _repr_html_ = Explanations._repr_html_


def explain(
    result: Result, rows: Any, method: str = "auto", given: Any = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Why each of these rows gets its answer.

    `given` are rows to compare with. `options`: those of `wholefit.explain.attributions.Options`
    (`compared`, `evaluations`, `precision`, `details`, `seed`), `only`: positions, from 0, of the
    rows to explain among those given, and policies and options of `wf.read`. With method="lime"
    also those of the local surrogate. Raises ParameterError, DataError, SchemaError.
    """
    if method not in attributions.METHODS:
        raise unknown("method of explaining", str(method), attributions.METHODS)
    own, others = _parted(dict(options or {}))
    only = others.pop("only", None)
    surrogate = _surrogates(others)
    if surrogate and method != "lime":
        known = [spec.name for spec in attributions.Options.specs()]
        raise unknown("option of explaining", next(iter(surrogate)), [*known, "only"])
    fitted = result._fitted
    asked = _answers.dataset(fitted, rows, others)
    explanations.checked_rows(len(asked))
    picked = _picked(only, len(asked))
    shown = asked if picked is None else asked.take(picked)
    settings = attributions.Options.from_dict(own)
    behind = _behind(result, given, asked, settings, others)
    if method == "lime":
        local = _lime(result, shown, behind, {"seed": settings.seed, **surrogate})
        return _shown(LocalExplanations, local, picked)
    return _shown(Explanations, attributions.explained(
        fitted, shown, behind, given=given is not None, method=method, options=settings), picked)


def _shown(kind: Any, found: Any, picked: np.ndarray | None) -> Any:
    """The record as the kind that shows itself, its rows numbered as the user's."""
    return as_kind(kind, found, **({} if picked is None else {"numbers": tuple(picked.tolist())}))


def _behind(
    result: Result, given: Any, asked: Dataset, settings: attributions.Options,
    reading: dict[str, Any],
) -> Callable[[], Background]:
    """The rows to compare with: those given, else made up from what the fit or the file kept."""
    fitted, most, seed = result._fitted, settings.compared, settings.seed
    if given is not None:
        lent = background.of_rows(_answers.dataset(fitted, given, reading), most, seed)
        return lambda: lent

    def made() -> Background:
        sketch = result._facts.sketch()
        if sketch is None:
            return background.of_asked(asked, most, seed)
        return background.of_sketch(fitted.schema, sketch, asked, most, seed)

    return made


def _lime(
    result: Result, asked: Dataset, behind: Callable[[], Background], options: dict[str, Any]
) -> Any:
    from wholefit.explain import local_surrogate
    from wholefit.explain.pool import Pool

    pool = Pool(result._fitted, asked)
    return local_surrogate.explain_rows(
        pool, range(len(asked)), Pool(result._fitted, behind().dataset), options)


def _parted(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of explaining, and the others."""
    known = [spec.name for spec in attributions.Options.specs()]
    return ({name: options[name] for name in known if name in options},
            {name: value for name, value in options.items() if name not in known})


def _surrogates(others: dict[str, Any]) -> dict[str, Any]:
    """Options that are none of reading: taken out, for the local surrogate to judge."""
    import inspect

    from wholefit import data

    known = {*inspect.signature(data.read).parameters,
             *(spec.name for spec in data.Policies.specs())}
    return {name: others.pop(name) for name in [*others] if name not in known}


def _picked(only: int | Sequence[int] | None, rows: int) -> np.ndarray | None:
    """Positions of the rows to explain; ParameterError for one that is not there."""
    if only is None:
        return None
    at = np.atleast_1d(np.asarray(only))
    if at.dtype.kind not in "iu" or not len(at) or at.min() < 0 or at.max() >= rows:
        raise ParameterError(f"only must be positions >= 0 and < {rows:,}; got {only!r}.")
    return at.astype(np.intp)
