"""Standard errors of coefficients, kept with a result: made from its rows, read from its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wholefit.base.stored import reading
from wholefit.data import Dataset
from wholefit.training import Run

if TYPE_CHECKING:
    from wholefit.explain.inside.record import Coefficients

MEMBER = "coefficients.json"
_PLAIN = ("linear", "ridge", "polynomial", "logistic")

Maker = Callable[[], "Coefficients | None"]


def none() -> Coefficients | None:
    """Of a result that has none."""
    return None


def of_run(run: Run, dataset: Dataset) -> Maker:
    """The coefficients of the model refitted on all rows, made when they are first asked for.

    Only a plain weighted sum that learnt from the rows as they are has them; no other result
    keeps its rows waiting.
    """
    treated = run.imbalance is not None and run.imbalance.treatment is not None
    if run.model.name not in _PLAIN or treated or run.fitted.replay is not None:
        return none
    return _Once(run, dataset)


class _Once:
    """Makes the coefficients once, and lets go of the rows then."""

    def __init__(self, run: Run, dataset: Dataset) -> None:
        self._rows: tuple[Run, Dataset] | None = (run, dataset)
        self._found: Coefficients | None = None

    def __call__(self) -> Coefficients | None:
        if self._rows is not None:
            from wholefit.explain.inside.of_rows import of_rows

            run, dataset = self._rows
            model = {"name": run.model.name, "params": run.model.to_dict()}
            self._found = of_rows(run.fitted, model, dataset, run.truth, quick=True)
            self._rows = None
        return self._found


def to_bytes(found: Coefficients) -> bytes:
    """JSON, in as few characters as it takes."""
    return json.dumps(found.to_json(), separators=(",", ":"), ensure_ascii=False).encode()


def from_bytes(stored: bytes) -> Coefficients:
    """Back from `to_bytes`; ArtifactError for anything else."""
    from wholefit.explain.inside.record import Coefficients

    with reading("the model file's reference coefficients cannot be read"):
        whole: dict[str, Any] = json.loads(stored)
        return Coefficients.from_json(whole)
