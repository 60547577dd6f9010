"""History: what past fits of this user tried and what won, kept in one local SQLite file.

Nothing is kept unless a path is stated (`wf.fit(..., history=...)`, or the environment variable
WHOLEFIT_HISTORY). What is kept of a table is its shape (rows, columns, shares of kinds), never a
cell, a name of a column, or a path.

    meta = of(dataset, task.name, y, classes)
    with History(path) as kept:
        kept.add(meta, run)                        # after a fit
        order = warmed(models, meta, kept.past(task.name))  # before the next one
"""

from __future__ import annotations

from wholefit.training.history.meta import Meta, of
from wholefit.training.history.store import VARIABLE, History, Past, Tried, path_of
from wholefit.training.history.warm import warmed

__all__ = ["VARIABLE", "History", "Meta", "Past", "Tried", "of", "path_of", "warmed"]
