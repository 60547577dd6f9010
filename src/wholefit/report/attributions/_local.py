"""Local surrogates of rows: what leans which way around a row, and how far that is to believe."""

from __future__ import annotations

from collections.abc import Iterator

from wholefit.explain import _told
from wholefit.explain.local_explanations import LocalExplanations
from wholefit.report._html import Html, bullets, data, el, join, table

_PARTS = 10


def one(found: LocalExplanations, at: int) -> Html:
    """A row: its answer, what each column adds in the surrogate, its weights, and its fidelity."""
    return join([el("p", data(found.headline(at), 400), cls="lead"), *_weights(found, at),
                 el("p", data(found.surrogates[at].said(), 600))])


def reading() -> Html:
    """What a surrogate is, and is not."""
    return el("p", "A surrogate is a weighted sum that answers like the model near one row. It "
              "tells which way the answer leans there, and does not add up to the answer.",
              cls="small")


def _weights(found: LocalExplanations, at: int) -> Iterator[Html]:
    surrogate = found.surrogates[at]
    parts = [part for part in found.parts(at) if part.adds][:_PARTS]
    if surrogate.refused is not None or not parts:
        return
    rows = [[data(part.column, 60), data(_told.cell(part.value), 80), _told.signed(part.adds),
             _told.number(1.96 * part.error)] for part in parts]
    yield table(["column", "its value", "adds here", "±"], rows,
                f"What each column adds around row {found.numbers[at] + 1}", numbers=(2, 3))
    yield bullets(data(f"{said}: {_told.signed(weight)}", 200)
                  for said, weight in surrogate.named()[:_PARTS])
