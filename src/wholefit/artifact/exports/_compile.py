"""From the states of an artifact to a program; numpy and the standard library alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wholefit.artifact.exports import _boosters, _lower_columns, _lower_model, _sound
from wholefit.artifact.exports._program import Cell, Program, Reg
from wholefit.base.errors import StateError
from wholefit.base.state import State

_KINDS = {"numeric": "number", "boolean": "truth", "categorical": "level", "datetime": "time",
          "text": "text"}


def compiled(
    columns: Sequence[Mapping[str, Any]], model: State, encoder: State | None, *,
    task: str = "", target: str | None = None, codec: Mapping[str, Any] | None = None,
    decision: Mapping[str, Any] | None = None,
) -> Program:
    """The program of a model; StateError for what has no form, with the reason.

    `columns` are those of a schema's JSON; `codec` and `decision` as an artifact's record has
    them. Columns that nothing reads are left out.
    """
    program = Program(task=task, target=str(target or ""))
    program.columns = [Cell(str(column["name"]), _KINDS[column["role"]],
                            tuple(column.get("levels") or ()))
                       for column in columns if column["role"] in _KINDS]
    if model.kind == "blend":
        program.answer = _lower_model.blended(program, plain_blend(model))
    elif encoder is None:
        raise StateError(f"models of kind {model.kind!r} read columns by themselves, and have no "
                         "form in this runtime.")
    else:
        x = _lower_columns.encoded(program, encoder)
        program.answer = _lower_model.answered(program, plain(model, encoder), x)
    program.classes = tuple((codec or {}).get("classes", ()))
    if program.classes and program.answer.width == 1:
        program.answer = program.do("pair", 2, program.answer)
    program.rule = rule_of(decision)
    _sound.check(program)
    return _tidied(program)


def rule_of(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How probabilities become a label, as a program has it."""
    if decision is None:
        return None
    if decision.get("groups") is not None:
        raise StateError("a decision that differs by group has no form in this runtime: export "
                         "the Result of with_threshold() and decide from its probabilities.")
    if decision.get("threshold") is not None:
        return {"positive": int(decision["positive"]), "threshold": float(decision["threshold"])}
    return {"costs": [[float(each) for each in row] for row in decision["costs"]]}


def plain(state: State, encoder: State | None) -> State:
    """The state with boosters of other libraries read as plain trees, members included."""
    levels = _levels(encoder)
    return _plain(state, max(levels, default=0))


def plain_blend(state: State) -> State:
    """The same for a blend, each of whose models has an encoder of its own."""
    parts = dict(state.parts)
    for at, member in enumerate(state.config["members"]):
        name = f"model {at}"
        parts[name] = plain(parts[name], parts[f"encoder {int(member['encoder'])}"])
    for name, part in state.parts.items():
        if name.startswith("second "):
            parts[name] = _plain(part, 0)
    return State(state.kind, state.config, state.arrays, state.blobs, parts)


def _plain(state: State, levels: int) -> State:
    if state.kind in _READERS:
        config = {**state.config, "levels": [levels]}
        if "model" not in state.blobs:
            return State("constant", config, {"value": np.asarray(config["constant"], float)})
        return _READERS[state.kind](State(state.kind, config, state.arrays, state.blobs))
    if not state.parts:
        return state
    parts = {name: _plain(part, levels) for name, part in state.parts.items()}
    return State(state.kind, state.config, state.arrays, state.blobs, parts)


def _catboost(state: State) -> State:
    try:
        from wholefit.artifact.exports import _catboost
    except ImportError:  # the numpy runtime: CatBoost's own format is read where it is exported
        raise StateError("a CatBoost model must be exported to numpy to be answered without "
                         "CatBoost.") from None
    return _catboost.read(state)


_READERS = {"lightgbm": _boosters.lightgbm, "xgboost": _boosters.xgboost, "catboost": _catboost}


def _levels(encoder: State | None) -> list[int]:
    """How many codes the category features of an encoder can have."""
    if encoder is None:
        return []
    return [len(levels["kept"]) + bool(levels["folded"])
            for part in encoder.parts.values() if part.kind == "encoder.ordinal"
            for levels in part.config["columns"]]


def _tidied(program: Program) -> Program:
    """Without the columns that no operation reads, nor operations whose result nobody reads."""
    needed, kept = {program.answer.at}, []
    for op in reversed(program.ops):
        if op.out.at in needed:
            kept.append(op)
            needed |= {arg.at for arg in op.args if isinstance(arg, Reg)}
    program.ops = kept[::-1]
    return program
