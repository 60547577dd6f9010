"""A blend as plain source text: every member, and the weighted mean of all.

Members learnt all rows, or each of their models the rows of all folds but one. Which rows a fold's
models learnt from follows from the rows and the seed by way of wholefit's own dealing of rows into
folds, which keeps classes in proportion and copies together. That is no matter for a script to do
again: it holds, for the rows of the fit, the number of each row's fold.
"""

from __future__ import annotations

import base64
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit import models
from wholefit.artifact.eject._estimators import Lesson, learner
from wholefit.artifact.eject._linked import Part
from wholefit.artifact.eject._pieces import Pieces, columns_of
from wholefit.base import seeds
from wholefit.base.errors import ExportError, ParameterError
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder
from wholefit.models._network_entry import NetworkModel
from wholefit.training import Fitted
from wholefit.training._folds import Problem
from wholefit.training._lineage import data_hash
from wholefit.training._search import asked_before, settled
from wholefit.training.automl._scale import scaled
from wholefit.training.fitting import Options, prepared
from wholefit.training.replaying import Script

_MOST_FOLDS = 100


def folds_of(
    dataset: Dataset, task: Task, options: Options, script: Script, lineage: Mapping[str, Any]
) -> np.ndarray:
    """The fold (rows,) that held each row out in the race of that script; -1 of rows unused.

    ExportError where the rows are not those of the fit.
    """
    problem = prepared(dataset, task, replace(options, checks=False)).problem
    if lineage.get("data_hash") != data_hash(dataset, problem.y):
        raise _refusal("is a blend, whose folds are drawn from the rows that it learnt from, and "
                       "the rows given are others: give those of the fit, with all their columns "
                       "and in their order")
    if script.decided.get("race"):
        problem = scaled(problem, models.make(task.baseline), math.inf, 1, 1, script).problem
    return _numbered(problem)


def _numbered(problem: Problem) -> np.ndarray:
    """Folds as one number a row."""
    folds = problem.plan.folds
    found = np.full(len(problem.y), -1, dtype=np.int8)
    if len(folds) == 1:
        found[folds[0][0]] = 1
    for number, (_, test) in enumerate(folds[:_MOST_FOLDS]):
        found[test] = number
    for number, (train, _) in enumerate(folds):
        if not np.array_equal(train, np.flatnonzero((found >= 0) & (found != number))):
            raise _refusal("is a blend whose folds are repeated or in order of time; fit with "
                           "repeats=1 and no time=")
    return found


def parts_of(fitted: Fitted, lineage: Mapping[str, Any], folds: np.ndarray | None) -> list[Part]:
    """The members' pieces, and last those of the blend; ExportError with the reason."""
    state = fitted.state()
    if state.config.get("seconds"):
        raise _refusal("is a blend with a second layer, models that learnt from other models' "
                       "answers; fit with preset='balanced' and eject that")
    if not folded(state):
        return _of_all_rows(fitted, lineage)
    if folds is None:
        raise _refusal("is a blend, whose folds are drawn from the rows that it learnt from: give "
                       "them (rows=, --rows)")
    labels = list(dict.fromkeys(member["model"] for member in state.config["members"]))
    shares, count = _shares(state.config["members"])
    members = [_member(fitted, lineage, label, folds) for label in labels]
    for label, part in zip(labels, members, strict=True):
        part.pieces.facts["counts"] = repr(shares[label])
    return [*members, Part(_on_folds(state, count, folds), "all")]


def folded(state: State) -> bool:
    """True if a member of the blend answers by models that each lack a fold's rows."""
    return any("whole" not in each for each in state.config["members"])


def _of_all_rows(fitted: Fitted, lineage: Mapping[str, Any]) -> list[Part]:
    """The pieces where every member learnt all rows, and last those of the blend."""
    state, parts = fitted.state(), []
    whole = sum(float(each["share"]) for each in state.config["members"])
    jobs = int(lineage.get("decided", {}).get("threads", lineage.get("jobs", 1)))
    for each in state.config["members"]:
        label, number = str(each["model"]), int(each["whole"])
        model, turn = _model(lineage, label)
        model = settled(model, turn.get("rounds") or (), asked_before(lineage))
        seed = int(lineage.get("seed", 0))
        encoder = Encoder.from_state(state.parts[f"encoder {each['encoder']}"])
        counted = next((dict(fold[0]) for fold in turn.get("counted") or () if fold), None)
        lesson = Lesson(
            fitted.task, encoder, int(lineage["rows"]), len(getattr(fitted.codec, "classes", ())),
            seeds.derive(seed, "whole", number) if number else seed, jobs,
            None if counted is None else [counted])
        with _named(label):
            pieces = _pieces(fitted, model, encoder, lesson)
        pieces.facts["counts"] = repr(float(each["share"]) / whole)
        parts.append(Part(pieces, re.sub(r"\W", "_", label) + (f"_{number + 1}" if number else "")))
    return [*parts, Part(Pieces({"blend_whole"}, {}, facts=_ending(state)), "all")]


@contextmanager
def _named(label: str) -> Iterator[None]:
    """What cannot be said of a member is said with its name."""
    try:
        yield
    except ExportError as error:
        raise ExportError(f"{error} That is member {label} of the blend: leave it out, or fit one "
                          "model by itself (models=['lightgbm']).") from error


def _model(lineage: Mapping[str, Any], label: str) -> tuple[Any, Mapping[str, Any]]:
    """A member's model, and what the schedule says of it."""
    turn: Mapping[str, Any] = next(
        (turn for turn in lineage.get("schedule", ()) if turn.get("model") == label), {})
    try:
        model = models.make(str(turn.get("name"))).replace(**turn.get("params", {}))
    except ParameterError as error:
        raise _refusal(f"has a member, {label}, without a plain form ({error})") from error
    return model, turn


def _member(fitted: Fitted, lineage: Mapping[str, Any], label: str, folds: np.ndarray) -> Part:
    """One member: how it reads the columns, how it learns on each fold."""
    state = fitted.state()
    model, turn = _model(lineage, label)
    encoders = [Encoder.from_state(state.parts[f"encoder {each['encoder']}"])
                for each in state.config["members"] if each["model"] == label]
    with _named(label):
        found = [_pieces(fitted, model, encoder, _lesson(fitted, lineage, turn, encoder, folds, at))
                 for at, encoder in enumerate(encoders)]
    if any((each.names, each.constants, each.facts["transform"], each.facts.get("categorical"))
           != (found[0].names, found[0].constants, found[0].facts["transform"],
               found[0].facts.get("categorical")) for each in found):
        raise _refusal(f"is a blend, whose member {label} reads its columns otherwise from fold to "
                       "fold (a column is constant, or a category rare, in one of them)")
    return Part(found[0], re.sub(r"\W", "_", label))


def _pieces(fitted: Fitted, model: Any, encoder: Encoder, lesson: Lesson) -> Pieces:
    found = columns_of(fitted.schema, encoder.state(), isinstance(model, NetworkModel))
    found.add(learner(model, lesson))
    found.names.add("features")
    return found


def _lesson(
    fitted: Fitted, lineage: Mapping[str, Any], turn: Mapping[str, Any], encoder: Encoder,
    folds: np.ndarray, fold: int,
) -> Lesson:
    counted = [dict(each[0]) if each else {} for each in turn.get("counted") or ()]
    jobs = int(lineage.get("decided", {}).get("threads", lineage.get("jobs", 1)))
    rows = int(((folds >= 0) & (folds != fold)).sum())
    return Lesson(fitted.task, encoder, rows, len(getattr(fitted.codec, "classes", ())),
                  int(lineage.get("seed", 0)), jobs, counted or None,
                  list(turn.get("rounds") or ())[:int(turn["folds"])], folded=True)


def _on_folds(state: State, count: int, folds: np.ndarray) -> Pieces:
    """The folds, and what is done with the mean of the members."""
    letters = base64.b64encode(zlib.compress(folds.tobytes(), 9)).decode()
    packed = "\n".join(letters[at:at + 96] for at in range(0, len(letters), 96))
    return Pieces({"blend"}, {"FOLDS": count}, {"import base64", "import zlib"},
                  facts={"packed": packed, **_ending(state)})


def _ending(state: State) -> dict[str, str]:
    """How one member is asked, and what becomes of the mean."""
    config = state.config
    bounds, one = config.get("bounds"), "ask(model, encoded[columns])"
    offset, slope = (float(each) for each in config["line"])
    return {
        "one": one if bounds is None else
        f"np.clip({one}, {float(bounds[0])!r}, {float(bounds[1])!r})",
        "ended": _ended(bool(config["n_classes"]), float(config["temperature"]), offset, slope)}


def _shares(members: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], int]:
    """What each member's model of one fold counts in the mean, and on how many folds it is."""
    whole = float(sum(float(each["share"]) for each in members))
    found: dict[str, float] = {}
    counts: dict[str, int] = {}
    for each in members:
        found[each["model"]] = float(each["share"]) / whole
        counts[each["model"]] = counts.get(each["model"], 0) + 1
    if len(set(counts.values())) > 1:
        raise _refusal("is a blend of which some members learnt all rows and others answer by "
                       "the models of their folds; fit with more time, and eject that")
    return found, next(iter(counts.values()))


def _ended(classes: bool, temperature: float, offset: float, slope: float) -> str:
    """What becomes of the mean, as lines of the script."""
    if not classes:
        plain = (offset, slope) == (0.0, 1.0)
        return "    return found" if plain else f"    return {offset!r} + {slope!r} * found"
    if temperature == 1.0:
        return "    return found"
    return ("    # Brought to the sureness that rows held out bore out (Guo and others 2017).\n"
            f"    logs = np.log(np.maximum(found, np.finfo(float).tiny)) / {temperature!r}\n"
            "    found = np.exp(logs - logs.max(axis=1, keepdims=True))\n"
            "    return found / found.sum(axis=1, keepdims=True)")


def called(parts: Sequence[Part]) -> str:
    """The members as lines of the script's list, by what they are called there."""
    return "".join(
        f"    ({part.pieces.facts['counts']}, {part.names['Features']}, {part.names['train']}, "
        f"{part.names['ask']}),  # {part.suffix}\n" for part in parts)


def _refusal(why: str) -> ExportError:
    return ExportError(f"this model cannot be ejected as a plain script: it {why}.")
