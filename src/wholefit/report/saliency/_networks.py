"""What was found inside a network, drawn: maps, marked tokens, attention, activations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wholefit.explain.attention import CAUTION, Attention
from wholefit.explain.gradients import Attribution
from wholefit.report._html import Html, data, el, join, table, text
from wholefit.report.saliency._maps import grey, signed, tokens
from wholefit.report.saliency._words import style

_MOST_ROWS, _MOST_TILES, _MOST_HEADS, _SHADES = 8, 32, 12, 6


def attribution(
    record: Attribution, inputs: np.ndarray | None = None, names: Sequence[str] | None = None
) -> Html:
    """Each of the first rows: a map of a picture, marked tokens, or a table of inputs."""
    drawn = [_row(record, row, inputs, names) for row in range(min(_MOST_ROWS, len(record.values)))]
    return join([*drawn, *(el("p", line, cls="small") for line in record.to_text().splitlines()[
        -1:])])


def attention(record: Attention, names: Sequence[str], row: int = 0) -> Html:
    """Each layer's heads as squares of tokens by tokens, the rollout first, and the caution."""
    parts: list[Html] = [el("p", CAUTION)]
    if record.rollout is not None:
        title = "Attention followed through all layers (rollout)"
        parts.append(el("figure", tokens(record.rollout[row], names, title),
                        el("figcaption", title, ": a row looks, a column is looked at.")))
    for layer, weights in record.weights.items():
        for head in range(min(_MOST_HEADS, weights.shape[1])):
            title = f"Layer {layer}, head {head + 1}"
            parts.append(el("figure", tokens(weights[row, head], names, title),
                            el("figcaption", data(title)), style="display:inline-block"))
    return join(parts)


def tiles(arrays: np.ndarray, what: str) -> Html:
    """Activations (channels, h, w) or filters, side by side, in shades of grey."""
    shown = arrays.reshape(-1, *arrays.shape[-2:])[:_MOST_TILES]
    pictures = (grey(each, f"{what} {at + 1}") for at, each in enumerate(shown))
    more = f" ({len(shown)} of {int(np.prod(arrays.shape[:-2]))})" if len(shown) < int(
        np.prod(arrays.shape[:-2])) else ""
    return el("figure", el("div", *pictures, style="display:grid;gap:.4rem;"
                           "grid-template-columns:repeat(auto-fill,minmax(90px,1fr))"),
              el("figcaption", f"{what}{more}: the darker, the larger."))


def _row(
    record: Attribution, row: int, inputs: np.ndarray | None, names: Sequence[str] | None
) -> Html:
    worth = record.values[row]
    head = f"Row {row + 1}: output {int(record.outputs[row])} is {record.answers[row]:.4g}."
    title = f"What the inputs of row {row + 1} are worth to output {int(record.outputs[row])}"
    if names is not None and worth.ndim <= 2 and worth.shape[0] == len(names):
        each = worth.sum(axis=1) if worth.ndim == 2 else worth
        return el("figure", el("figcaption", el("b", head)), el("p", *_marked(each, names),
                                                               style="line-height:2"))
    if worth.ndim >= 2 and min(worth.shape[-2:]) > 1:
        flat = worth.reshape(-1, *worth.shape[-2:]).sum(axis=0)
        drawn = [signed(flat, title)]
        if inputs is not None and inputs.ndim >= 3:
            seen = inputs[row].reshape(-1, *inputs.shape[-2:]).mean(axis=0)
            drawn.insert(0, grey(seen, f"Picture of row {row + 1}"))
        return el("figure", el("div", *drawn, style="display:flex;flex-wrap:wrap;gap:1rem"),
                  el("figcaption", el("b", head), " Blue speaks for the output, orange against it."
                     ))
    order = np.argsort(-np.abs(worth).ravel(), kind="stable")[:15]
    flat = worth.ravel()
    rows = [[data(names[at], 60) if names is not None and at < len(names) else f"input {at}",
             f"{flat[at]:+.4g}"] for at in order.tolist()]
    return join([el("p", el("b", head)), table(["input", "worth"], rows, title, numbers=(1,))])


def _marked(worth: np.ndarray, names: Sequence[str]) -> list[Html]:
    most = float(np.abs(worth).max(initial=0.0))
    found = []
    for name, value in zip(names, worth.tolist(), strict=True):
        level = round(_SHADES * abs(value) / most) if most > 0 else 0
        found.append(el("mark", name, title=f"{value:+.4f}", style=style(value, level / _SHADES))
                     if level else text(name))
        found.append(text(" "))
    return found
