"""The report as one JSON value: the same facts as the page, for machines.

What is not a finite number is null, so that any reader of JSON can read it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from wholefit.report import _command, words
from wholefit.report._facts import Reported
from wholefit.report.understood import NOTHING, Understanding
from wholefit.training.found import Found

VERSION = 1


def facts(result: Reported, known: Understanding = NOTHING) -> dict[str, Any]:
    """Everything that the page of a result tells."""
    decision = getattr(result, "decision", None)
    return {
        "report": VERSION, "task": result.task, "target": result.target,
        "classes": None if result.classes is None else [str(name) for name in result.classes],
        "question": result.said, "answer": words.whole_answer(result, known.scores, known.rows),
        "model": result.model, "metric": result.leaderboard.metric,
        "decision": None if decision is None else decision.said(result.classes or ()),
        "columns": result.schema.to_json(), **_common(result),
        "findings": [one.to_json() for one in result.findings],
        "metrics": {name: score.to_json() for name, score in result.scores.items()},
        "unseen_rows": result.exhibits, "understanding": known.to_json(),
        "limits": words.limits(result),
        "reproduce": {"shell": _command.shell(result), "python": _command.python(result)},
        "next": words.steps(result),
    }


def found_facts(found: Found, said: list[str], command: str) -> dict[str, Any]:
    """Everything that the page of a fit without a target tells; `said` are its sentences."""
    score = found.score
    return {
        "report": VERSION, "task": found.task.name, "question": found.said, "answer": said,
        "model": found.model["name"], "parameters": found.model["params"], "metric": found.metric,
        "score": None if score is None else score.to_json(),
        "columns": found.schema.to_json(), **_common(found),
        "metrics": {name: each.to_json() for name, each in found.chosen.scores.items()},
        "told": found.told, "reproduce": {"shell": command},
    }


def _common(source: Any) -> dict[str, Any]:
    return {"leaderboard": [entry.to_json() for entry in source.leaderboard],
            "split": source.split, "warnings": list(source.warnings),
            "notes": [note.to_json() for note in source.notes], "made_with": source.lineage}


def text(result: Reported, known: Understanding = NOTHING) -> str:
    """The facts of a result as a text of JSON."""
    return written(facts(result, known))


def written(value: Mapping[str, Any]) -> str:
    """Strict JSON, indented for those who look inside."""
    return json.dumps(_strict(value), indent=1, ensure_ascii=False, allow_nan=False,
                      default=str).encode("utf-8", "replace").decode() + "\n"


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        return _strict(value.item())
    return value
