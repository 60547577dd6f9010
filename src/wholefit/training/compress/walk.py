"""Into a State: the members that can be compressed, and what rows each of them is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder

Feed = Callable[[], Any]


def kinds(state: State) -> set[str]:
    """Kinds of all members that answer."""
    inner = _members(state)
    return {state.kind} if not inner else {kind for name in inner
                                           for kind in kinds(state.parts[name])}


def changed(state: State, wanted: tuple[str, ...], change: Callable[[State, Feed | None], State],
            feed: Feed | None) -> State:
    """The state with every member of a wanted kind changed; the same object where there is none.

    `change(member, feed)` is given a way to the features that the member is asked, None where
    they are not known. `feed` is that of the whole: features, or of a blend the rows.
    """
    if state.kind in wanted:
        return change(state, feed)
    parts = dict(state.parts)
    for name, inner in _feeds(state, feed):
        parts[name] = changed(parts[name], wanted, change, inner)
    if all(parts[name] is state.parts[name] for name in parts):
        return state
    return State(state.kind, state.config, state.arrays, state.blobs, parts)


def _members(state: State) -> list[str]:
    """Names of the parts that answer."""
    if state.kind == "blend":
        return [name for name in state.parts if name.startswith("model ")]
    if state.kind in ("mean", "stack"):
        return [name for name in state.parts if name.isdigit()]
    if state.kind in ("calibrated", "shifted"):
        return ["base"]
    return ["model"] if state.kind == "steps" else []


def _feeds(state: State, feed: Feed | None) -> Iterator[tuple[str, Feed | None]]:
    """Each member that answers, and the way to its features."""
    for at, name in enumerate(_members(state)):
        if feed is None or state.kind == "steps":
            yield name, None
        elif state.kind == "blend":
            yield name, _encoded(state, name, feed)
        elif "columns" in state.arrays:
            yield name, _picked(feed, state.arrays["columns"][at])
        else:
            yield name, feed


def _encoded(state: State, name: str, feed: Feed) -> Feed:
    number = int(state.config["members"][int(name.split()[1])]["encoder"])

    def features() -> Any:
        rows: Dataset = feed()
        return Encoder.from_state(state.parts[f"encoder {number}"]).transform(rows)

    return features


def _picked(feed: Feed, columns: np.ndarray) -> Feed:
    return lambda: feed()[:, columns]
