"""`result.audit(rows, by=...)`: whether groups of people are treated alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from wholefit.api import _answers
from wholefit.api._shown import as_kind
from wholefit.base.cores import cores
from wholefit.base.errors import ParameterError, StateError, unknown
from wholefit.data import Dataset
from wholefit.evaluation import fairness
from wholefit.evaluation.fairness.audit import Answers

_WORDS = ("positive", "reference", "together", "level", "thin", "shrink", "bands", "seed")


@dataclass(frozen=True)
class Audit(fairness.Audit):
    """How groups of people fare; see `wholefit.evaluation.fairness.Audit` for what it holds.

    It writes itself as a page (`report`) and shows itself in a notebook.
    """

    def report(
        self, path: str | os.PathLike[str], *, force: bool = False, small: bool = False
    ) -> Path:
        """Write one self-contained HTML page to `path`; returns it.

        `small` also tells groups of fewer than five people. An existing file is replaced only
        with `force`; ArtifactError says what cannot be written.
        """
        from wholefit.report import fairness as pages

        return pages.write(self, path, force=force, small=small)

    def _repr_html_(self) -> str:
        from wholefit.report import fairness as pages

        return pages.snippet(self)


def audit(
    result: Any, held_out: Any, by: str | Sequence[str], options: dict[str, Any]
) -> Audit:
    """How groups of people fare, by each column of `by` and by all together.

    `by` names columns of the rows, learnt from or not. Options: `positive` the outcome that is
    judged (of two classes the positive one; of more, each, where none is named), `reference`
    ("largest", "rest", or {"sex": "Male"}), `together=False` for no intersections, `level`,
    `thin` rows below which nothing is judged, `shrink=True` for rates drawn towards all groups',
    `bands={"age": [25, 40, 60]}`, `proxies=False`, `seed`; others are those of
    `Result.predict`. Raises UnknownNameError for a column or a class that is not there.
    """
    names = _names(by)
    words = {name: options[name] for name in _WORDS if name in options}
    asks_proxies = bool(options.get("proxies", True))
    rest = {name: value for name, value in options.items()
            if name not in (*_WORDS, "proxies")}
    fitted = result._fitted
    if fitted.task.name not in fairness.JUDGED:
        raise StateError(f"an audit is of classes or numbers that are predicted; got a model of "
                         f"{fitted.task.name}.")
    asked = _answers.dataset(fitted, held_out, rest, with_target=True)
    columns = protected(asked, names)
    truth, answer = _answers.truth_and_answer(fitted, asked)
    classes = tuple(map(str, getattr(fitted.codec, "classes", ())))
    answers = Answers(
        fitted.task.name, truth, answer, fitted.codes(answer, asked),
        classes, asked.weights(), asked.groups())
    positive = _positive(fitted.codec, classes, words.pop("positive", None))
    found = fairness.audit(answers, columns, target=str(fitted.schema.target), positive=positive,
                           **words)
    told = _proxies(asked, columns, words) if asks_proxies else ()
    return as_kind(Audit, found, proxies=told, notes=_notes(asked))


def protected(asked: Dataset, names: Sequence[str]) -> dict[str, pl.Series]:
    """The columns by which groups are told, from the rows as they were given."""
    rows = asked.original
    for name in names:
        if name not in rows.columns:
            raise unknown("column", name, rows.columns)
        if name == asked.schema.target:
            raise ParameterError(f"groups cannot be told by {name!r}: it is what is predicted.")
    return {name: rows.get_column(name) for name in names}


def _names(by: str | Sequence[str]) -> list[str]:
    names = [by] if isinstance(by, str) else list(by)
    if not names:
        raise ParameterError("by must name at least one column to tell groups by; got none.")
    return list(dict.fromkeys(names))


def _positive(codec: Any, classes: tuple[str, ...], wanted: Any) -> int | None:
    """The code of the outcome that is judged; None for each of several classes, or a number."""
    if not classes:
        if wanted is not None:
            raise ParameterError("positive= names a class, and the target is a number: leave it "
                                 "out.")
        return None
    if wanted is not None:
        if str(wanted) not in classes:
            raise unknown("class", str(wanted), classes)
        return classes.index(str(wanted))
    return int(getattr(codec, "positive", 1)) if len(classes) == 2 else None


def _proxies(
    asked: Dataset, columns: dict[str, pl.Series], words: dict[str, Any]
) -> tuple[fairness.Proxy, ...]:
    from wholefit.evaluation.fairness._groups import labelled
    from wholefit.training.fairness import proxies

    return proxies(asked, labelled(columns, words.get("bands") or {}),
                   seed=words.get("seed", 0), jobs=cores())


def _notes(asked: Dataset) -> tuple[str, ...]:
    if asked.groups() is None:
        return ()
    return ("Rows of one unit go together in the intervals; where units belong to several groups, "
            "differences between groups are known a little better than their intervals say.",)
