"""Rows without a target, for models that learn from rows before they learn from targets.

They are nobody's test rows: no fold ever asks about them. But where rows belong to groups, or come
one after the other in time, they may tell of what a fold holds out; there they stay left out, and
so they do where a recipe cleans rows, which is learnt from rows that have a target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wholefit.base.events import emit
from wholefit.data.dataset import Dataset
from wholefit.data.notes import Note
from wholefit.models import Model


def why_not(dataset: Dataset, cleaned: bool) -> str:
    """Why rows without a target stay left out; nothing where they need not."""
    if dataset.schema.having("group"):
        return "groups= keeps groups apart, and they may be of any"
    if dataset.schema.having("time"):
        return "time= lets models learn from the past alone, and they may be of any time"
    return "clean= learns how rows are cleaned from those that have one" if cleaned else ""


def noted(dataset: Dataset, models: Sequence[Model] | None, cleaned: bool) -> list[Note]:
    """The notes on the data, of which that on rows without a target says who learns from them."""
    names = list(dict.fromkeys(model.name for model in models or () if model.unlabelled))
    if not names or dataset.without_target is None:
        return dataset.notes
    who, why = " and ".join(names), why_not(dataset, cleaned)
    told = f"{who} cannot learn from them either, for {why}." if why else (
        f"{who} learns from them what rows are like, before any target (pretrain=), and nothing "
        "else does.")
    return [replace(note, message=f"{note.message} {told}", severity="info" if not why else
                    note.severity) if note.kind == "target_missing" else note
            for note in dataset.notes]


def given(problem: Any, model: Model, encoder: Any) -> dict[str, Any]:
    """The option of `fit` that hands them to the model, encoded as its rows are; or none."""
    dataset = problem.dataset
    if not model.unlabelled or why_not(dataset, problem.clean is not None):
        return {}
    rows = dataset.unlabelled()
    if rows is None:
        return {}
    emit("unlabelled", model=model.name, rows=len(rows))
    return {"unlabelled": encoder.transform(rows)}
