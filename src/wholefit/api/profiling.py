"""`wf.profile`: a profile that writes its own page and shows itself in a notebook."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit import data
from wholefit.api._shown import as_kind


@dataclass(frozen=True)
class Profile(data.Profile):
    """What is in a table; see `wholefit.data.Profile` for its facts.

    It writes itself as a page (`report`) and shows itself in a notebook.
    """

    def report(
        self, path: str | os.PathLike[str], *, force: bool = False, values: bool = True
    ) -> Path:
        """Write one self-contained HTML page to `path`; returns it.

        Without `values` it shows no cell of the data. An existing file is replaced only with
        `force`; ArtifactError says what cannot be written.
        """
        from wholefit.report import profile as pages

        return pages.write(self, path, force=force, values=values)

    def _repr_html_(self) -> str:
        from wholefit.report import profile as pages

        return pages.snippet(self)


def profile(
    source: Any, target: str | None = None, *, against: Any = None, out: Any = None,
    force: bool = False, values: bool = True, **options: Any,
) -> Profile:
    """What is in a table: a profile of each column, of how they go together, and what is wrong.

    `source` is a Dataset or anything that `read` reads; `target` the column to predict;
    `against` a second source to lay beside it, such as new data beside training data. With
    `out` the page is written there too (`force` replaces a file, `values=False` shows no cell).
    Figures of columns come from at most `most` rows (a million), drawn with `seed`; other
    `options` are those of `read`. Raises UnknownNameError for a misspelt target, DataError for
    what cannot be read.
    """
    found = data.profile(source, target, against=against, **options)
    shown = as_kind(Profile, found)
    if out is not None:
        shown.report(out, force=force, values=values)
    return shown
