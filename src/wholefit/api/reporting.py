"""`result.report`: one page that people can read, a model card, or all its facts as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit.base.errors import ParameterError
from wholefit.report import writing

if TYPE_CHECKING:
    from wholefit.api.result import Result


def report(
    result: Result, path: str | Path, rows: Any, protected: str | Sequence[str], values: bool,
    force: bool, options: dict[str, Any],
) -> Path:
    """Write the report of `result` to `path`, of the kind that its ending names; returns it.

    What the path allows is looked at first: asking the model takes its time.
    """
    writing.check_place(path, force)
    writing.ending(path)
    from wholefit.api._understood import understood

    names = [protected] if isinstance(protected, str) else list(protected)
    if rows is None and (names or options):
        given = "protected" if names else next(iter(options))
        raise ParameterError(f"{given} needs held-out rows to look at: give rows= (--rows) too.")
    if rows is None and values:
        raise ParameterError("values=True shows single rows, and none are given: give rows= "
                             "(--rows) too.")
    known = understood(result, rows, names, values, options)
    return writing.write(result, path, force=force, known=known)
