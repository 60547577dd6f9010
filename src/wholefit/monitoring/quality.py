"""Do rows keep what the model file says of them: columns, types, levels, ranges, missing cells?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from wholefit.base.errors import DataError
from wholefit.data.validate import check
from wholefit.data.validate._chance import chance
from wholefit.data.validate.of_schema import of_schema
from wholefit.data.validate.validation import Validation, Violation
from wholefit.monitoring.case import Case, Side
from wholefit.monitoring.record import Check


def checks(case: Case, new: Side, level: float) -> Iterator[Check]:
    """Each expectation that a window breaks; those that leave room for chance do so at `level`.

    What is certain, or less likely than the level among all expectations, has p = 0: it alarms.
    """
    if new.frame is None:
        return
    own = of_schema(case.subject.schema, case.subject.learnt, case.subject.name)
    sets = [own] if case.rules is None else [own, case.rules]
    for expected in sets:
        asked = dataclasses.replace(expected, confidence=1 - level / len(sets), min_rows=0,
                                    max_rows=None)
        frame = case.within(new.frame) if expected is own else new.frame
        try:
            yield from _violations(case, check(frame, asked), level)
        except DataError as error:
            yield Check("quality", "rows", str(error), p=0.0, distance=1.0)


def _violations(case: Case, found: Validation, level: float) -> Iterator[Check]:
    for each in found.violations:
        if each.check in ("row count", "extra column"):
            continue
        certain = each.severity == "error" and not _usual(case, each, level)
        values = f": {', '.join(each.values[:3])}" if each.values else ""
        yield Check("quality", f"{', '.join(each.columns)} ({each.check})",
                    f"{each.said}{values}", value=each.share, before=0.0,
                    distance=each.share if each.of else 1.0, p=0.0 if certain else math.nan,
                    matters=certain, verdict="slight")


def _usual(case: Case, found: Violation, level: float) -> bool:
    """Whether levels that are new may be as many as rare ones always were.

    Rows learnt from have no new level, by definition; but a column of many rare levels brings new
    ones for ever. What rare levels the sketch counts together bounds how often (Good 1953: it is
    the share of levels seen once).
    """
    sketch = case.subject.sketch
    if found.check != "allowed" or sketch is None or len(found.columns) != 1:
        return False
    column = sketch.column(found.columns[0])
    if column is None or column.kind != "category" or not column.other:
        return False
    return chance(found.count, found.of, column.other, column.rows) > level
