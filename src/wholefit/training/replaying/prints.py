"""Prints: a checksum for each thing that a run leaves, so that two runs can be held side by side.

The same numbers give the same print whether they come from memory or from a file, on any machine
and with any version: what is hashed is the bytes of arrays in C order and JSON with sorted keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from wholefit.base.state import State


def of_array(array: np.ndarray) -> str:
    """Of dtype, shape and values; NaNs of one kind are equal."""
    array = np.ascontiguousarray(array).reshape(np.shape(array))
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def of_json(value: Any) -> str:
    """Of anything JSON can say; a tuple is a list."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def of_states(states: Mapping[str, State]) -> dict[str, str]:
    """A print for every part of what was fitted: "encoder", "model", "model/ridge 1" ..."""
    found: dict[str, str] = {}
    for name in sorted(states):
        state = states[name]
        inside = members(state) if name == "model" else {}
        found[name] = _own(state) if inside else _whole(state)
        found |= {f"{name}/{shown}": _whole(state.parts[part]) for shown, part in inside.items()}
    return found


def members(state: State) -> dict[str, str]:
    """The parts of a state, by the name they are shown by: a blend's are called by their models.

    Of a blend, "ridge 1" is the first of the models of ridge, and so on.
    """
    plain = {name: name for name in sorted(state.parts, key=_by_number)}
    listed = state.config.get("members")
    if state.kind != "blend" or not isinstance(listed, list):
        return plain
    times: dict[str, int] = {}
    for at, member in enumerate(listed):
        label = str(member.get("model", "member"))
        times[label] = times.get(label, 0) + 1
        if plain.pop(f"model {at}", None) is not None:
            plain[f"{label} {times[label]}"] = f"model {at}"
    return plain


def part_of(states: Mapping[str, State], path: str) -> State | None:
    """The state that a name of `of_states` is the print of; None if it is not there."""
    name, _, shown = path.partition("/")
    state = states.get(name)
    if state is None or not shown:
        return state
    return state.parts.get(members(state).get(shown, ""))


def _by_number(name: str) -> tuple[str, int]:
    word, _, number = name.rpartition(" ")
    return (word, int(number)) if number.isdigit() else (name, -1)


def _own(state: State) -> str:
    """Of a state without its members."""
    return of_json([
        state.kind, of_json(state.config),
        {name: of_array(array) for name, array in state.arrays.items()},
        {name: hashlib.sha256(data).hexdigest() for name, data in state.blobs.items()}])


def _whole(state: State) -> str:
    """Of a state with all its members."""
    parts = {name: _whole(part) for name, part in state.parts.items()}
    return _own(state) if not parts else of_json([_own(state), parts])
