"""How a fit without a target is told on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wholefit.cli import _show

if TYPE_CHECKING:
    from wholefit.api.found import FoundResult

_SHOWN = 4


def facts(result: FoundResult, files: dict[str, str]) -> dict[str, Any]:
    """The result as one JSON-able object; `files` are those written."""
    return {
        "task": result.task, "said": result.said, "model": result.model, "metric": result.metric,
        "score": None if result.score is None else result.score.to_json(),
        "leaderboard": [entry.to_json() for entry in result.leaderboard],
        "told": result.told, "split": result.split, "warnings": list(result.warnings),
        "notes": [note.to_json() for note in result.notes], "lineage": result.lineage,
        "saved": files.get("model"), "report": files.get("report"),
    }


def tell(
    result: FoundResult, said: list[str], files: dict[str, str], quiet: bool, as_json: bool
) -> None:
    """Say what was found and where it was written."""
    if as_json:
        _show.as_json(facts(result, files))
        return
    if not quiet:
        for sentence in said:
            _show.say(_show.wrapped(sentence))
        _show.say()
        board(result)
        _show.say()
    for line in result.to_text().splitlines():
        _show.say(_show.wrapped(line))
    if files:
        _show.say()
        _show.say("saved " + " and ".join(files.values()))


def board(result: FoundResult) -> None:
    """The models tried, where more than one was."""
    names = list(dict.fromkeys(name for entry in result.leaderboard for name in entry.scores))
    if not names:
        return
    shown = result.leaderboard
    _show.table(*_show.widest(lambda count: shown.table(names[:count]), min(_SHOWN, len(names))))
