"""What is said of pictures that cannot be used, and of classes with too few that can."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from wholefit.data.images import cells
from wholefit.data.images.decode import Bad
from wholefit.data.images.workers import Found
from wholefit.data.notes import Note, some, warning

FEW = 10
_NAMED = 5


def settle(
    name: str, found: Sequence[Found], called: Sequence[str]
) -> tuple[pl.Series, list[Note]]:
    """The column of what was decoded, missing where it was not, and a note that names those."""
    bad = {at: str(each) for at, each in enumerate(found) if isinstance(each, Bad)}
    column = cells.column(name, [each if isinstance(each, bytes) else None for each in found])
    if not bad:
        return column, []
    said = some([f"{called[at]} ({why})" for at, why in bad.items()], _NAMED)
    word = "picture" if len(bad) == 1 else "pictures"
    note = warning(
        "bad_pictures", f"{len(bad):,} of {len(found):,} {word} of {name!r} cannot be used: "
        f"{said}: not learnt from, and answered with nothing.", column=name,
        rows=[at + 1 for at in bad], count=len(bad))
    return column, [note]


def thin_classes(column: pl.Series, labels: pl.Series) -> list[Note]:
    """A warning for classes of which fewer than ten pictures can be used."""
    frame = pl.DataFrame({"there": column.is_not_null(), "label": labels})
    counts = frame.group_by("label").agg(pl.col("there").sum()).sort("label")
    few = counts.filter(pl.col("there") < FEW)
    if not few.height:
        return []
    said = some([f"{label!r} ({there})" for label, there in few.iter_rows()], _NAMED)
    word = "class has" if few.height == 1 else "classes have"
    return [warning("few_pictures", f"{few.height} {word} fewer than {FEW} pictures that can be "
                    f"used: {said}: too few to learn or to be judged by.", count=few.height)]
