"""The run file: what was asked of a run, its script, and prints of what came out, as text.

It is TOML, one fact a line, always in the same order, and without a time of day or a duration:
two runs that did the same, and got the same, have the same file, and `diff` shows where two part.

    format = 1

    [asked]
    task = "classification"
    special.target = "churn"
    ...
    [[turn]]
    label = "lightgbm"
    model = "lightgbm(max_leaf_nodes=15)"
    folds = 5
    scores.log_loss = [0.4137, 0.4, 0.4275]
    answers = "9f86d081884c..."
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wholefit.base.errors import ArtifactError, DataError
from wholefit.training.replaying.asked import Asked
from wholefit.training.replaying.script import Script, Turn, of_run, safe
from wholefit.training.replaying.trace import Trace

FORMAT = 1
_LARGEST = 20_000_000
_HEAD = "# A run of wholefit. Do it again, by count: wholefit replay THIS [DATA]\n"
_MADE = ("wholefit", "python", "platform", "jobs", "libraries", "threads", "machine")
_NOTHING = "none"


def text(trace: Trace) -> str:
    """The run file of a trace."""
    lines = [_HEAD, *_facts({"format": FORMAT}), ""]
    for name, table in (("asked", trace.asked.to_json()), ("rows", trace.data),
                        ("columns", trace.columns), ("decided", trace.script.decided)):
        lines += [f"[{name}]", *_facts(table), ""]
    labels = [turn.label for turn in trace.script.turns]
    for turn in trace.script.turns:
        lines += ["[[turn]]", *_facts(_turn(turn, trace)), ""]
    for label in trace.scores:
        if label not in labels:
            lines += ["[[blend]]", *_facts({"label": label, **_came_out(label, trace)}), ""]
    out = {"folds": trace.split, "metric": trace.metric, "chosen": trace.script.chosen,
           "decision": None if trace.decision is None else json.dumps(trace.decision)}
    lines += ["[came_out]", *_facts(out), "", "[parts]", *_facts(trace.parts), "",
              "[made_by]", *_facts({name: trace.lineage.get(name) for name in _MADE})]
    return "\n".join(lines) + "\n"


def read(path: Path) -> Trace:
    """The trace of a run file; DataError if there is none, ArtifactError if it is not one."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ArtifactError(f"{path.name} has {path.stat().st_size:,} bytes; a run file has at "
                                f"most {_LARGEST:,}.")
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path.name} is not a run file: {str(error)[:200]}.") from error
    if stored.get("format") != FORMAT:
        raise ArtifactError(f"{path.name} is of format {stored.get('format')!r}; this version of "
                            f"wholefit reads run files of format {FORMAT}.")
    try:
        return _trace(stored)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path.name} is not a whole run file ({type(error).__name__}: "
                            f"{error}); write it anew.") from error


def _turn(turn: Turn, trace: Trace) -> dict[str, Any]:
    return {"label": turn.label, "model": turn.model, "folds": turn.folds, "status": turn.status,
            "reason": turn.reason or None, "rounds": list(turn.rounds) or None,
            "counted": [list(each or ()) for each in turn.counted] or None,
            "kept": False if trace.script.decided and not turn.kept else None,
            **_came_out(turn.label, trace)}


def _came_out(label: str, trace: Trace) -> dict[str, Any]:
    scores = {f"scores.{_key(metric)}": [_NOTHING if each is None else each for each in numbers]
              for metric, numbers in trace.scores.get(label, {}).items()}
    return {**scores, "answers": trace.answers.get(label)}


def _trace(stored: Mapping[str, Any]) -> Trace:
    turns = stored.get("turn", [])
    whole = [*turns, *stored.get("blend", [])]
    out = stored["came_out"]
    found = of_run([{"model": one["label"], **{name: one[name] for name in (
        "folds", "status", "rounds", "counted", "kept") if name in one},
        "configuration": safe(one.get("model"))} for one in turns], (), str(out["chosen"]),
        stored.get("decided"))
    more = {one["label"]: one for one in turns}
    found = Script(tuple(_with(turn, more[turn.label]) for turn in found.turns), found.chosen,
                   found.decided)
    decision = out.get("decision")
    return Trace(
        asked=Asked.from_json(stored["asked"]), script=found, lineage=stored["made_by"],
        data=dict(stored["rows"]), columns=dict(stored["columns"]), split=out["folds"],
        metric=out["metric"], parts=dict(stored["parts"]),
        scores={one["label"]: {metric: [None if each == _NOTHING else float(each)
                                        for each in numbers]
                               for metric, numbers in one["scores"].items()}
                for one in whole if "scores" in one},
        answers={one["label"]: one["answers"] for one in whole if "answers" in one},
        decision=None if decision is None else json.loads(decision))


def _with(turn: Turn, one: Mapping[str, Any]) -> Turn:
    return dataclasses.replace(turn, reason=str(one.get("reason", "")))


def _facts(table: Mapping[str, Any]) -> Iterator[str]:
    """A line for each fact; what is None has none. Keys that hold a dot are written already."""
    for name, value in table.items():
        if value is None:
            continue
        key = name if name.startswith("scores.") else _key(name)
        if isinstance(value, Mapping):
            yield from (f"{key}.{_key(str(inner))} = {_value(each)}"
                        for inner, each in value.items() if each is not None)
        else:
            yield f"{key} = {_value(value)}"


def _value(value: Any, *, within: bool = False) -> str:
    """A value as TOML; a list of tables has a line for each, unless it is `within` another."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else (
            "nan" if value != value else "inf" if value > 0 else "-inf")
    if isinstance(value, (list, tuple)):
        several = any(isinstance(each, (Mapping, list)) for each in value) and len(value) > 1
        inside = [_value(each, within=True) for each in value if each is not None]
        return "[\n" + "".join(f"  {each},\n" for each in inside) + "]" \
            if several and not within else f"[{', '.join(inside)}]"
    if isinstance(value, Mapping):
        inside = [f"{_key(name)} = {_value(each, within=True)}" for name, each in value.items()
                  if each is not None]
        return f"{{{', '.join(inside)}}}"
    return _quoted(str(value))


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if plain else _quoted(name)


def _quoted(given: str) -> str:
    # JSON's escapes are TOML's too, but for the one control that JSON leaves as it is.
    return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")
