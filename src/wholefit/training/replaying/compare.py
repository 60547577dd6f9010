"""Two traces side by side: the rows, each model's answers and scores, each part of what answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.base.wording import figures
from wholefit.training.replaying import prints
from wholefit.training.replaying.trace import Trace

# A longer line of text is not worth showing, only where it is.
_LONGEST_LINE = 200


@dataclass(frozen=True)
class Part:
    """One thing that was compared: `equal` to the last bit, or not, or None: it is not known."""

    name: str
    equal: bool | None
    said: str = ""


def rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> Part:
    """Whether the rows are those of the run, by their number and hash."""
    if not before.get("hash"):
        return Part("rows", None, "the run kept no hash of its rows")
    if before["hash"] == after["hash"]:
        return Part("rows", True, f"{after['rows']:,} rows, the same hash")
    if before["rows"] != after["rows"]:
        return Part("rows", False, f"{before['rows']:,} rows then, {after['rows']:,} now")
    return Part("rows", False, f"{after['rows']:,} rows as then, but their cells, order or target "
                "differ (another hash)")


def compare(before: Trace, after: Trace) -> tuple[Part, ...]:
    """Every part of the run, in the order in which it came to be."""
    return (rows(before.data, after.data), _columns(before, after),
            _same("folds", before.split, after.split), *_models(before, after),
            _same("choice", before.script.chosen, after.script.chosen),
            *_fitted(before, after),
            *([_same("decision", before.decision, after.decision)]
              if before.decision or after.decision else []))


def _columns(before: Trace, after: Trace) -> Part:
    for name in (*before.columns, *after.columns):
        was, now = before.columns.get(name), after.columns.get(name)
        if was != now:
            return Part("columns", False, f"{name!r} was {was or 'absent'} and is "
                        f"{now or 'absent'}")
    return Part("columns", True, f"{len(after.columns)} columns, the same roles")


def _same(name: str, was: Any, now: Any) -> Part:
    if was == now:
        return Part(name, True, str(now) if isinstance(now, str) else "")
    return Part(name, False, f"was {was!r} and is {now!r}")


def _models(before: Trace, after: Trace) -> Iterator[Part]:
    turns = [turn.label for turn in (*before.script.turns, *after.script.turns)]
    scored = [*before.scores, *after.scores]
    for label in dict.fromkeys([*(label for label in turns if label in scored), *scored]):
        yield _folds(label, before, after)
        yield _answers(label, before, after)
        yield _scores(label, before, after)


def _folds(label: str, before: Trace, after: Trace) -> Part:
    was, now = before.script.turn(label), after.script.turn(label)
    name = f"{label}: folds"
    if was is None or now is None:
        blended = was is None and now is None and label in before.scores and label in after.scores
        return Part(name, blended, "those of its members" if blended else
                    "it had a turn in one of the two only")
    if was.folds != now.folds:
        why = f": {now.reason}" if now.reason else ""
        return Part(name, False, f"{was.folds} then, {now.folds} now{why}")
    if was.rounds != now.rounds:
        return Part(name, False, f"stopped early after {list(was.rounds)} rounds then, "
                    f"{list(now.rounds)} now")
    rounds = f", stopped after {', '.join(map(str, now.rounds))} rounds" if now.rounds else ""
    return Part(name, True, f"{now.folds}{rounds}")


def _answers(label: str, before: Trace, after: Trace) -> Part:
    name = f"{label}: answers to unseen rows"
    was, now = before.answers.get(label), after.answers.get(label)
    if was is None:
        return Part(name, None, "the run kept no print of them")
    if was == now:
        return Part(name, True)
    a, b = before.oof.get(label), after.oof.get(label)
    return Part(name, False, _apart(a, b) if a is not None and b is not None else "another print")


def _scores(label: str, before: Trace, after: Trace) -> Part:
    name = f"{label}: scores"
    was, now = before.scores.get(label), after.scores.get(label)
    if was is None or now is None:
        return Part(name, False, "it has no score in one of the two")
    for metric, numbers in was.items():
        if metric not in now:
            return Part(name, False, f"{metric} was not scored again")
        for what, old, new in zip(("", "low end of ", "high end of "), numbers, now[metric],
                                  strict=False):
            if old != new:
                return Part(name, False, f"{what}{metric} was {old!r} and is {new!r}")
    return Part(name, True, f"{len(was)} metrics with their intervals")


def _fitted(before: Trace, after: Trace) -> Iterator[Part]:
    if not before.parts or not after.parts:
        yield Part("model", None, "a model of one's own without a stored form")
        return
    for path in [*before.parts, *(path for path in after.parts if path not in before.parts)]:
        was, now = before.parts.get(path), after.parts.get(path)
        if was == now:
            yield Part(path, True)
        elif was is None or now is None:
            yield Part(path, False, f"it is there {'now' if was is None else 'then'} only")
        else:
            a, b = prints.part_of(before.states, path), prints.part_of(after.states, path)
            yield Part(path, False, _where(a, b, deep=path != "model" or not prints.members(b))
                       if a and b else "another print")


def _where(a: State, b: State, deep: bool = True) -> str:
    """Where two states first differ, in words; members too if it is to go `deep`."""
    if a.kind != b.kind:
        return f"{a.kind} then, {b.kind} now"
    for name in sorted({*a.config, *b.config}):
        if a.config.get(name) != b.config.get(name):
            return f"{name} was {_short(a.config.get(name))} and is {_short(b.config.get(name))}"
    for name in sorted({*a.arrays, *b.arrays}):
        if name not in a.arrays or name not in b.arrays:
            return f"{name} is there {'now' if name in b.arrays else 'then'} only"
        if a.arrays[name].tobytes() != b.arrays[name].tobytes():
            return f"{name}: {_apart(a.arrays[name], b.arrays[name])}"
    for name in sorted({*a.blobs, *b.blobs}):
        if a.blobs.get(name) != b.blobs.get(name):
            return f"{name}: {_first_byte(a.blobs.get(name, b''), b.blobs.get(name, b''))}"
    for name in sorted({*a.parts} & {*b.parts}) if deep else ():
        inner = _where(a.parts[name], b.parts[name])
        if inner:
            return f"{name}: {inner}"
    return "" if {*a.parts} == {*b.parts} else "it has other members"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _apart(a: np.ndarray, b: np.ndarray) -> str:
    """How far two arrays lie apart."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype} {a.shape} then, {b.dtype} {b.shape} now"
    if a.dtype.kind not in "fiu":
        return f"{int((a != b).sum()):,} of {a.size:,} values differ"
    differ = (a != b) & ~(np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a != b
    if not differ.any():
        return "zeros of another sign, or NaNs of another kind"
    first = tuple(int(at) for at in np.argwhere(differ)[0])
    by = np.abs(a[differ].astype(np.float64) - b[differ].astype(np.float64))
    known = by[~np.isnan(by)]
    far = f", by {figures(float(known.max()), 3)} at most" if len(known) else " (a NaN in one)"
    return (f"{int(differ.sum()):,} of {a.size:,} values differ{far}; "
            f"the first at {first[0] if len(first) == 1 else first}")


def _first_byte(a: bytes, b: bytes) -> str:
    """Where two byte strings part: the line, where they are text."""
    with contextlib.suppress(UnicodeDecodeError):
        for at, (one, other) in enumerate(zip(a.decode().split("\n"), b.decode().split("\n"),
                                              strict=False), 1):
            if one != other and max(len(one), len(other)) <= _LONGEST_LINE:
                return f"line {at:,} was {_short(one)} and is {_short(other)}"
    if len(a) != len(b):
        return f"{len(a):,} bytes then, {len(b):,} now"
    at = next(at for at, (one, other) in enumerate(zip(a, b, strict=True)) if one != other)
    return f"{len(a):,} bytes, the first that differs is number {at:,}"
