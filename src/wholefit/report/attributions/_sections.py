"""What stands beside the pictures of explanations."""

from __future__ import annotations

from wholefit.base.wording import counted
from wholefit.explain import _told
from wholefit.explain.explanations import Explanations
from wholefit.explain.local_explanations import LocalExplanations
from wholefit.report._html import Html, data, el, join, table
from wholefit.report._notebook import note
from wholefit.report.attributions import _local, _pictures

_BARS, _SWARMS, _STEPS = 12, 12, 10
_ROWS = 3
_FEW = 10  # rows below which a swarm shows no more than their own pictures


def section(found: Explanations | LocalExplanations) -> Html | None:
    """The part of a report: all rows together, and the first of them one by one."""
    if not len(found):
        return None
    whole = [together(found)] if len(found) > 1 and isinstance(found, Explanations) else []
    rows = [join([el("h3", f"Row {found.numbers[at] + 1:,}"), one(found, at)])
            for at in range(min(len(found), _ROWS))]
    return join([*whole, *rows, reading(found)])


def snippet(found: Explanations | LocalExplanations) -> str:
    """For a notebook: the picture and its sentences, in letters and colours that fit it."""
    inner = together(found) if isinstance(found, Explanations) and len(found) > 1 else join(
        one(found, at) for at in range(min(len(found), _ROWS)))
    return note(el("div", inner, reading(found), cls="wf-why"))


def together(found: Explanations) -> Html:
    """Bars of mean sizes, and a swarm of the rows' contributions for each column."""
    bars = _pictures.bars(found, _BARS)
    if bars is None:
        return el("p", "No column moves the answer of any of these rows.")
    left = sum(size > 0 for _, size in found.importance()) - _BARS
    pieces = [
        el("p", f"How far each column moves the answer away from the start, on average over "
           f"{counted(len(found), 'row')}, in {found.unit}."), bars,
        el("p", f"{counted(left, 'more column')} move it less.", cls="small") if left > 0 else None]
    for output in _outputs(found) if len(found) >= _FEW else ():
        name = f" for {found.outputs[output]}" if len(found.outputs) > 1 else ""
        pieces += [
            el("p", "Each dot is a row: to the right, the column raised its answer", data(name),
               "; the darker, the larger the row's own value (grey where it is no number)."),
            _pictures.swarm(found, output, _SWARMS)]
    return join(pieces)


def one(found: Explanations | LocalExplanations, at: int) -> Html:
    """A row's waterfall, and its contributions as a table; of a surrogate, its weights."""
    if isinstance(found, LocalExplanations):
        return _local.one(found, at)
    parts = found.parts(at)
    kept, rest = _told.split(parts, _STEPS)
    rows = [[part.column, _told.cell(part.value), _told.signed(part.adds),
             _error(part.error, found.exact), _told.within(found, part.column, at)]
            for part in kept]
    if rest:
        rows.append([f"{counted(len(rest), 'other column')}", "", _told.signed(
            sum(part.adds for part in rest)), "", ""])
    header = ["column", "its value", f"adds ({found.unit})", "±", "within it"]
    kept_columns = [column for column in range(5)
                    if column < 3 or any(row[column] for row in rows)]
    return join([
        el("p", data(_told.headline(found, at), 400), cls="lead"),
        _pictures.waterfall(found, at, kept, rest),
        table([header[each] for each in kept_columns],
              [[data(row[each], 300) for each in kept_columns] for row in rows],
              f"What each column adds to row {found.numbers[at] + 1}", numbers=(2, 3)),
    ])


def reading(found: Explanations | LocalExplanations) -> Html:
    """What the numbers are, and are not."""
    if isinstance(found, LocalExplanations):
        return _local.reading()
    lines = _told.footing(found)
    caution = ("A contribution says what moved this model's answer. It does not say what would "
               "happen if the value were changed in the world.")
    return join(el("p", data(line, 900), cls="small") for line in [*lines, caution])


def _outputs(found: Explanations) -> list[int]:
    """The outputs that get a swarm of their own: the first three."""
    return list(range(min(3, len(found.outputs))))


def _error(error: float, exact: bool) -> str:
    return "" if exact or not error else _told.number(1.96 * error)
