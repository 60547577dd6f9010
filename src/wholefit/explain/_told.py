"""An explanation in plain sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from wholefit.base import wording
from wholefit.base.wording import aligned, counted
from wholefit.data.images import cells
from wholefit.explain._additive import LOG, NUMBER, ONE_AGAINST_REST, PROBABILITY

if TYPE_CHECKING:
    from wholefit.explain.explanations import Explanations, Part

_LONGEST = 40
# A column that adds less than this share of the largest is not worth a word.
_TRIFLE = 0.02


def text(found: Explanations, most: int, rows: int) -> str:
    """Each of the first rows in a paragraph, then all together where they are many."""
    parts = [row(found, at, most) for at in range(min(rows, len(found)))]
    if len(found) > rows:
        parts.append(f"... and {counted(len(found) - rows, 'row')} more.")
    if len(found) > 1:
        parts.append(overall(found, max(most, 8)))
    parts.append("\n".join(footing(found)))
    return "\n\n".join(parts)


def row(found: Explanations, at: int, most: int) -> str:
    """One row: its answer, the start, and what raised and lowered it most."""
    parts = found.parts(at)
    kept, rest = split(parts, most)
    lines = [headline(found, at)]
    for word, sign in (("raised", 1), ("lowered", -1)):
        chosen = [part for part in kept if part.adds * sign > 0]
        if chosen:
            said = ", ".join(f"{named(part)} ({amount(found, part)})" for part in chosen)
            lines.append(f"  What {word} it most: {said}.")
    if rest:
        total = sum(part.adds for part in rest)
        lines.append(f"  The other {counted(len(rest), 'column')} together: {signed(total)}.")
    lines += [f"  Within {part.column}: {said}." for part in kept
              if (said := within(found, part.column, at))]
    return "\n".join(lines)


def headline(found: Explanations, at: int) -> str:
    """What is answered, and what the start is."""
    output = int(found.chosen[at])
    name = f"{found.target} = {found.outputs[output]}" if found.of_classes else found.target
    answer, start = found.told[at, output], found.told_base[output]
    verb = "is put at"
    said = f"Row {found.numbers[at] + 1}: {name} {verb} {number(answer)}"
    if found.scale in (PROBABILITY, NUMBER):
        return f"{said}; the common start is {number(start)}."
    unit = "log" if found.scale == LOG else found.unit.removeprefix("points of ")
    return (f"{said} ({unit} {number(found.answers[at, output])}); the common start is "
            f"{number(start)} ({number(found.base[output])}).")


def overall(found: Explanations, most: int) -> str:
    """Mean absolute contributions, as a table."""
    pairs = found.importance()
    lines = [f"How far columns move the answer over these {len(found):,} rows, on average "
             f"(in {found.unit}):"]
    shown = [[name_of(column), number(size)] for column, size in pairs[:most] if size > 0]
    lines += ["  " + line for line in aligned(["column", "mean size"], shown)]
    if not shown:
        return lines[0].rstrip(":") + ": none moves it at all."
    left = sum(size > 0 for _, size in pairs) - len(shown)
    return "\n".join([*lines, *([f"  and {counted(left, 'column')} that move it less"]
                                if left > 0 else [])])


def footing(found: Explanations) -> list[str]:
    """What the numbers are: scale, start, method, and who shares."""
    lines = [f"In {found.unit}: {scale_said(found)}", f"{found.how}, {found.compared}."]
    for a, b, rank in found.together[:3]:
        lines.append(f"{name_of(a)} and {name_of(b)} go together (rank correlation {rank:.2f}): "
                     "they share the credit, and neither's part is its own alone.")
    return [*lines, *found.notes]


def scale_said(found: Explanations) -> str:
    """How contributions add up."""
    if found.scale == ONE_AGAINST_REST:
        return ("the start plus what all columns add is each class's log-odds against the rest; "
                "the probabilities are those, brought to sum to 1.")
    if found.scale in (PROBABILITY, NUMBER):
        return "the start plus what all columns add is the answer."
    if found.scale == LOG:
        return f"the start plus what all columns add is the logarithm of {found.target}."
    if found.values.shape[2] > 1:
        return ("the start plus what all columns add is each class's score; probabilities are "
                "their softmax.")
    return "the start plus what all columns add is the log-odds of the answer; +0.7 doubles odds."


def split(parts: list[Part], most: int) -> tuple[list[Part], list[Part]]:
    """The parts worth a word, at most `most`, and the others that are not nothing."""
    largest = abs(parts[0].adds) if parts else 0.0
    kept = [part for part in parts[:most] if abs(part.adds) > _TRIFLE * largest]
    return kept, [part for part in parts[len(kept):] if part.adds]


def within(found: Explanations, column: str, at: int, most: int = 4) -> str:
    """The finer parts of a column, where there are several."""
    detail = found.details.get(column)
    parts = [] if detail is None else [
        part for part in detail.row(at, int(found.chosen[at])) if part[1]]
    if len(parts) < 2:
        return ""
    return ", ".join(f"{cut(name)} {signed(adds)}" for name, adds in parts[:most])


def named(part: Part) -> str:
    """A column with the row's own value of it."""
    return f"{name_of(part.column)} = {cell(part.value)}"


def cell(value: Any) -> str:
    """A cell in words."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "(missing)"
    if isinstance(value, bytes):
        return _picture(value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"
    return cut(str(value)) or '""'


def amount(found: Explanations, part: Part) -> str:
    """A contribution with its standard error, where it has one."""
    return signed(part.adds) + (f" ± {number(1.96 * part.error)}" if part.error else "")


def signed(value: float) -> str:
    """A number with its sign."""
    said = number(value)
    return said if said.startswith("-") else f"+{said}"


def number(value: float) -> str:
    """A number with about three digits that count."""
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size and size < 1e-3:
        return f"{value:.1e}"
    return f"{value:.{3 if size < 1 else 2 if size < 100 else 1}f}"


def name_of(column: str) -> str:
    """A column's name on one line."""
    return cut(column) or '""'


def _picture(value: bytes) -> str:
    """A cell of bytes in words: the size of a picture, which has no others."""
    if not cells.is_cell(value):
        return f"{len(value):,} bytes"
    channels, high, wide = cells.size(value)
    return f"a picture of {wide} x {high}" + (", grey" if channels == 1 else "")


def cut(words: str) -> str:
    """Words on one line, cut where they are long."""
    line = " ".join(words.split())
    return wording.cut(line, _LONGEST)
