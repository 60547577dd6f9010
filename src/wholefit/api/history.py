"""`wf.history`: what past fits of this user tried, and what won; kept only where a path is stated.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.api._telling import warn
from wholefit.base.errors import ParameterError, WholefitError
from wholefit.base.wording import aligned, counted, plain
from wholefit.data import Dataset
from wholefit.training import Run
from wholefit.training.history import VARIABLE, History, Past, of, path_of


@dataclass(frozen=True)
class Histories:
    """Past runs, the latest first; see `wholefit.training.history.Past` for what is known of each.
    """

    path: str
    runs: tuple[Past, ...]

    def __len__(self) -> int:
        return len(self.runs)

    def wins(self) -> dict[str, int]:
        """How often each model won, the most frequent first."""
        found: dict[str, int] = {}
        for run in self.runs:
            found[run.winner] = found.get(run.winner, 0) + 1
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        header = ["run", "made", "task", "rows", "columns", "metric", "winner", "score", "tried",
                  "seconds"]
        return header, [[
            str(run.number), run.made[:16].replace("T", " "), run.task, f"{run.meta.rows:,}",
            f"{run.meta.columns:,}", run.metric, run.winner, _score(run), str(len(run.tried)),
            "" if run.seconds != run.seconds else f"{run.seconds:,.1f}"] for run in self.runs]

    def to_text(self) -> str:
        """How many runs, what won, and the table."""
        if not self.runs:
            return f"{self.path} holds no runs yet."
        won = ", ".join(f"{name} {times}" for name, times in self.wins().items())
        return "\n".join([f"{counted(len(self.runs), 'run')} in {self.path}; won: {won}.", "",
                          *aligned(*self.table())])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        whole: dict[str, Any] = plain({"path": self.path,
                                       "runs": [run.to_json() for run in self.runs]})
        return whole

    def __str__(self) -> str:
        return self.to_text()


def history(
    path: str | os.PathLike[str] | None = None, *, task: str | None = None, forget: bool = False
) -> Histories:
    """The runs that fits with `history=path` (or WHOLEFIT_HISTORY) have noted, the latest first.

    `task` names the task whose runs are listed; `forget` deletes all of them. Of a table only its
    shape is kept. Raises DataError for a file that is not there, or is no history.
    """
    found = path_of(path)
    if found is None:
        raise ParameterError(f"history needs to know its file: say path=, or set {VARIABLE}; none "
                             "is kept unless one is stated.")
    with History(found, make=False) as kept:
        if forget:
            kept.forget()
        return Histories(str(found), tuple(kept.past(task)))


def remembered(path: str | os.PathLike[str] | None) -> Sequence[Past]:
    """The runs of the history that is stated; none where none is. Makes the file if need be."""
    found = path_of(path)
    if found is None:
        return ()
    with History(found) as kept:
        return kept.past()


def noted(path: str | os.PathLike[str] | None, run: Run, dataset: Dataset) -> None:
    """Note a finished run where a history is stated; what goes wrong must not cost the model."""
    found = path_of(path)
    if found is None:
        return
    try:
        with History(found) as kept:
            kept.add(of(dataset, run.truth, len(getattr(run.codec, "classes", ()))), run)
    except WholefitError as error:
        warn(f"this run could not be noted: {error}")


def _score(run: Past) -> str:
    won = next((each for each in run.tried if each.label == run.winner), None)
    return "" if won is None else f"{won.score:.4g}"
