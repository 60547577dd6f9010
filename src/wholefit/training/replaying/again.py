"""Doing it again: the rows read as they were, the script given to the same fit, no clock inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wholefit.base.errors import DataError, ParameterError, StateError, unknown
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.features import engineer
from wholefit.training._lineage import data_hash
from wholefit.training.fitting import Options
from wholefit.training.record import Run
from wholefit.training.replaying import machine
from wholefit.training.replaying.asked import Asked
from wholefit.training.replaying.script import Script

# Words that a person may give anew: code, which no file holds, and how many threads.
GIVEN = ("models", "metric", "transformers", "jobs")


def options_of(asked: Asked, script: Script, given: Mapping[str, Any]) -> Options:
    """The options of the fit that does it again, with the script that is to be followed.

    `given` are words of `GIVEN`. Raises StateError that names what is code and was not given.
    """
    for name in given:
        if name not in GIVEN:
            raise unknown("word of a replay", name, GIVEN)
    script = _with_models(script, given.get("models"))
    script.candidates()  # what is missing is said before anything is fitted
    more: dict[str, Any] = {"script": script, "models": None}
    if given.get("jobs") is not None:
        more["jobs"] = given["jobs"]
    if asked.live is not None:
        return dataclasses.replace(asked.live, **more, **{
            name: given[name] for name in ("metric", "transformers") if given.get(name)})
    _refuse_missing(asked, given)
    known = {each.name for each in dataclasses.fields(Options)}
    words = {name: value for name, value in asked.words.items()
             if name in ("features", "balance", "costs", "threshold")}
    steps = given.get("transformers") or engineer.parse(asked.words.get("engineer", ()))
    return Options(**{
        **{name: value for name, value in asked.options.items() if name in known}, **words,
        "metric": given.get("metric", asked.metric), "transformers": tuple(steps), **more})


def _with_models(script: Script, models: Any) -> Script:
    if models is None:
        return script
    if not isinstance(models, Mapping):
        raise ParameterError("models= of a replay are the user's own models by their names on the "
                             f"leaderboard, a dict; got {type(models).__name__}.")
    labels = [turn.label for turn in script.turns]
    for label in models:
        if label not in labels:
            raise unknown("model of the run", str(label), labels)
    return dataclasses.replace(script, own={**script.own, **models})


def _refuse_missing(asked: Asked, given: Mapping[str, Any]) -> None:
    missing = [name for name in asked.own
               if name in ("metric", "transformers") and not given.get(name)]
    if missing:
        raise StateError(
            f"the fit was given {' and '.join(missing)} of the user's own, which no file holds: "
            f"say {', '.join(f'{name}=...' for name in missing)} as it was.")


def place_of(source: str, near: Path | None) -> Path:
    """Where the rows of a run lie: in this folder, or beside the file that tells of the run.

    Only a plain file name is looked for: a file from elsewhere must not have others opened.
    """
    plain = source and "/" not in source and "\\" not in source and source not in ("-", ".", "..")
    folders = [Path.cwd(), *([near.resolve().parent] if near is not None else [])]
    for folder in folders if plain else []:
        if (folder / source).exists():
            return folder / source
    raise DataError(
        f"the rows of the run came from {source!r}, which is not "
        f"{'here' if near is None else f'here nor beside {near.name}'}: say where they are.")


def data_of(dataset: Dataset, task: Task, positive: Any) -> dict[str, Any]:
    """Number and hash of the rows of a fit, before it is run."""
    codec = task.codec(str(dataset.schema.target), dataset.target_values(), positive)
    return {"rows": len(dataset), "hash": data_hash(dataset, dataset.target(codec))}


def noted(run: Run, asked: Asked) -> Run:
    """The run, which from now on knows what was asked of it and what it was made with."""
    used = [str(turn.get("name") or turn["model"]) for turn in run.lineage.get("schedule", ())]
    run.lineage |= {**machine.facts([*used, run.model.name]), "asked": asked.to_json()}
    run.asked = asked
    return run
