"""How a network learnt, in plain words: what the lineage of a result keeps of its training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wholefit.report import words
from wholefit.report._html import Html, bullets, data

_PLACES = {"cpu": "on the processor", "cuda": "on a GPU (cuda)", "mps": "on a GPU (mps)"}
_NUMBERS = {"float32": "in 32-bit numbers", "bfloat16": "in 16-bit numbers (bfloat16)",
            "float16": "in 16-bit numbers (float16)"}
_RATES = {"found": "found by trying rates on the training rows before learning",
          "given": "which was kept: the sweep that looks for a better one had too little time",
          "set": "as set"}
_FIRST = {"autoencoder": "to rebuild rows", "denoising": "to rebuild spoilt rows",
          "masked": "to tell what was left out of rows"}
_MOST_FIGURES = 6


def sentences(lineage: Mapping[str, Any]) -> list[str]:
    """What `lineage["learning"]` tells of the training on all rows; nothing where it has none.

    The lineage comes out of a file: what is not of the kind that was written is passed over.
    """
    learning = lineage.get("learning")
    if not isinstance(learning, Mapping):
        return []
    why = learning.get("why")
    found = [_before(learning), _course(learning), _rate(learning),
             *_chosen(why if isinstance(why, Mapping) else {}), _ended(learning), _last(learning)]
    return [sentence for sentence in found if sentence]


def section(result: Any) -> Html | None:
    """The sentences as a list; None where there are none."""
    said = sentences(result.lineage)
    return bullets(data(sentence, 400) for sentence in said) if said else None


def _before(learning: Mapping[str, Any]) -> str:
    """A first lesson without targets: how, of how many rows, in how many steps."""
    first = learning.get("pretrained")
    if not isinstance(first, Mapping) or str(first.get("how")) not in _FIRST:
        return ""
    rows, steps = _count(first.get("rows")), _count(first.get("steps"))
    if rows is None or steps is None:
        return ""
    without = _count(first.get("without_target"))
    beside = f", {without:,} of them without a target" if without else ""
    what = _FIRST[str(first["how"])]
    return (f"Before any target it learnt {what}: {_counted(rows, 'row')}{beside}, in "
            f"{_counted(steps, 'step')}.")


def _course(learning: Mapping[str, Any]) -> str:
    """Epochs, steps, batch, optimizer, place, numbers, compilation: as much of it as is known."""
    epochs, most = _count(learning.get("epochs")), _count(learning.get("planned"))
    if epochs is None:
        return ""
    of = f" of {most:,} planned" if most is not None and most > epochs else ""
    said = [f"It learnt in {_counted(epochs, 'epoch')}{of}"]
    steps, batch = _count(learning.get("steps")), _count(learning.get("batch"))
    if steps is not None:
        rows = f" of {_counted(batch, 'row')}" if batch is not None else ""
        said[0] += f" ({_counted(steps, 'step')}{rows})"
    if isinstance(learning.get("optimizer"), str):
        said.append(f"by {learning['optimizer']}")
    said += [known[str(learning.get(name))] for name, known in
             (("device", _PLACES), ("precision", _NUMBERS)) if str(learning.get(name)) in known]
    if learning.get("compiled") is True:
        said.append("with compiled steps")
    return f"{', '.join(said)}."


def _rate(learning: Mapping[str, Any]) -> str:
    rate, how = _number(learning.get("rate")), _RATES.get(str(learning.get("rate_from")))
    if rate is None:
        return ""
    return f"Its rate at the largest was {rate:.3g}{f', {how}' if how else ''}."


def _chosen(why: Mapping[str, Any]) -> list[str]:
    """What was left open, and what decided it."""
    named = {"precision": "Numbers were chosen by measuring", "compiled": "Compilation"}
    return [f"{named[name]}: {why[name].rstrip('.')}." for name in named
            if isinstance(why.get(name), str)]


def _ended(learning: Mapping[str, Any]) -> str:
    stopped = learning.get("stopped")
    return f"It ended before its plan did: {stopped.rstrip('.')}." \
        if isinstance(stopped, str) and stopped else ""


def _last(learning: Mapping[str, Any]) -> str:
    """Each figure's last value, where the training logged figures epoch by epoch."""
    history = learning.get("history")
    if not isinstance(history, Mapping):
        return ""
    last = {str(name): _number(values[-1]) for name, values in history.items()
            if isinstance(values, list) and values}
    said = [f"{words.pretty(name)} {value:.4g}" for name, value in last.items()
            if value is not None][:_MOST_FIGURES]
    return f"After its last epoch: {', '.join(said)}." if said else ""


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    """A finite number; JSON may hold any other thing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
