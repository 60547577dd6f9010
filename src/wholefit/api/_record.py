"""What a Result keeps beside its states: plain facts, to and from the artifact's JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from wholefit._version import __version__
from wholefit.api import _coefficients
from wholefit.base import tasks
from wholefit.base.errors import WholefitError
from wholefit.base.events import emit
from wholefit.base.seeds import some
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.base.tasks import Task
from wholefit.data import Dataset, Note, Schema
from wholefit.data.findings import Finding
from wholefit.data.validate.sketch import MEMBER, Sketch, sketch_of
from wholefit.evaluation import Score, conformal_groups
from wholefit.features.encoder import Encoder
from wholefit.report.exhibits import checked, exhibits
from wholefit.training import Entry, Fitted, Run
from wholefit.training._cleaning import Replay
from wholefit.training.decision import Decision

# Rows and cells of a fit that are looked at for what a report shows of it, at most.
_KEPT_ROWS, _KEPT_CELLS, _FEWEST_KEPT = 4_000, 400_000, 500


@dataclass(frozen=True)
class Facts:
    """Everything about a fit that is neither schema nor state.

    `exhibits` gives what the pictures of a report need, for the rows themselves are not kept;
    it is made when first asked for, so that the budget of a fit does not pay for it. So is
    `marks`: prints of the answers to unseen rows, by which a replay is held against the run.
    """

    said: str
    metric: str
    model: dict[str, Any]
    entries: tuple[Entry, ...]
    split: str
    warnings: tuple[str, ...]
    notes: tuple[Note, ...]
    lineage: dict[str, Any]
    exhibits: Callable[[], dict[str, Any]] = dict
    sketch: Callable[[], Sketch | None] = lambda: None
    findings: tuple[Finding, ...] = ()
    coefficients: _coefficients.Maker = _coefficients.none
    marks: Callable[[], dict[str, Any]] = dict

    @property
    def chosen(self) -> Entry:
        """The leaderboard row of the model that answers."""
        return next(entry for entry in self.entries if entry.recommended)

    def to_json(self, fitted: Fitted) -> dict[str, Any]:
        """The artifact's record."""
        return {
            "task": fitted.task.name,
            "schema": fitted.schema.to_json(),
            "codec": fitted.codec.to_json(),
            "said": self.said, "metric": self.metric, "model": self.model, "split": self.split,
            "leaderboard": [entry.to_json() for entry in self.entries],
            "warnings": list(self.warnings),
            "notes": [note.to_json() for note in self.notes],
            "lineage": self.lineage, "exhibits": self.exhibits(),
            "decision": fitted.decision.to_json() if fitted.decision else None,
            "findings": [finding.to_json() for finding in self.findings],
            "marks": self.marks(),
        }


def of_run(run: Run, said: str, dataset: Dataset) -> Facts:
    """The facts of a finished run."""
    return Facts(
        said=said, metric=run.metric,
        model={"name": run.model.name, "params": run.chosen.params},
        entries=run.leaderboard, split=run.split, warnings=run.warnings,
        notes=tuple(dataset.notes), lineage=run.lineage, exhibits=_exhibits(run, dataset),
        sketch=partial(_same, sketch_of(dataset.frame, dataset.schema)), findings=run.findings,
        coefficients=_coefficients.of_run(run, dataset),
        marks=cache(lambda: _marked(run)),
    )


def _marked(run: Run) -> dict[str, Any]:
    from wholefit.training.replaying.trace import answers_of

    return {"answers": answers_of(run)}


def _same(sketch: Sketch) -> Sketch:
    return sketch


def reference(facts: Facts) -> dict[str, bytes]:
    """What the artifact keeps for later: a sketch of the training rows, coefficients' errors."""
    sketch, known = facts.sketch(), facts.coefficients()
    return {**({} if sketch is None else {MEMBER: sketch.to_bytes()}),
            **({} if known is None else {
                _coefficients.MEMBER: _coefficients.to_bytes(known)})}


def with_reference(facts: Facts, kept: Mapping[str, bytes]) -> Facts:
    """The facts with what the artifact kept, read when it is first asked for."""
    member = _coefficients.MEMBER
    return dataclasses.replace(
        facts,
        sketch=cache(lambda: Sketch.from_bytes(kept[MEMBER]) if MEMBER in kept else None),
        coefficients=cache(
            lambda: _coefficients.from_bytes(kept[member]) if member in kept else None))


def _exhibits(run: Run, dataset: Dataset) -> Callable[[], dict[str, Any]]:
    """What the report shows of the chosen model's out-of-fold answers."""
    answer = run.oof[run.chosen.model]
    pictured = shown(run.task, run.truth, answer, run.codec, weights=dataset.weights(),
                     units=dataset.groups(), predicted=run.predicted(answer))
    # A few rows, not the table: these stay in memory until what they show is asked for.
    seed = run.lineage.get("seed", 0)
    most = min(_KEPT_ROWS, max(_FEWEST_KEPT, _KEPT_CELLS // max(1, dataset.frame.width)))
    picked = some(len(dataset), most, seed, "kept")
    rows = Dataset(dataset.frame[picked], dataset.schema, source=dataset.source,
                   original=dataset.original[picked])
    return cache(lambda: {**pictured(), **_leant_on(run, rows, seed),
                          **_failed(run, rows, run.truth[picked], answer[picked])})


def _failed(run: Run, rows: Dataset, truth: Any, answer: Any) -> dict[str, Any]:
    """Where the answers to unseen rows are wrong; no row in it."""
    from wholefit.api.diagnosing import of_fit

    try:
        found = of_fit(run.fitted, truth, answer, rows)
    except Exception as error:  # no picture may cost the person the model
        emit("warning", message="where the model fails could not be kept with it: "
                                f"{type(error).__name__}: {error}")
        return {}
    return {"failures": found} if found else {}


def _leant_on(run: Run, rows: Dataset, seed: int) -> dict[str, Any]:
    """Which columns move the answer; why that cannot be told, in a sentence."""
    from wholefit.explain import reliance

    rows, seconds = reliance.sample(rows, seed), run.chosen.predict_seconds
    try:
        found = reliance.reliance(run.fitted, rows, seed, seconds)
    except WholefitError as error:
        return {"reliance": {"why_not": str(error)[:400]}}
    return {} if found is None else {"reliance": found.to_json()}


def shown(
    task: Task, truth: Any, answer: Any, codec: Any, **how: Any
) -> Callable[[], dict[str, Any]]:
    """Exhibits of these answers, made when first asked for."""
    return cache(partial(exhibits, task.name, truth, answer, codec, **how))


def of_adopted(
    name: str, task: Task, scores: dict[str, Score], said: str, dataset: Dataset,
    pictured: Callable[[], dict[str, Any]],
) -> Facts:
    """The facts of an estimator fitted elsewhere: a leaderboard of one; `pictured`: exhibits."""
    entry = Entry(model=name, params={}, scores=scores, best=True, recommended=True)
    return Facts(
        said=said, metric=task.metrics[0], model={"name": name, "params": {}}, entries=(entry,),
        split=f"scored on the {len(dataset):,} rows given; honest only if they are new to it",
        warnings=(), notes=tuple(dataset.notes),
        lineage={"wholefit": __version__, "source": dataset.source, "rows": len(dataset),
                 "adopted": name, "parents": []},
        exhibits=pictured,
    )


def of_update(before: Facts, updated: Any, dataset: Dataset) -> Facts:
    """The facts after more rows were learnt: a leaderboard of one, scored on those rows."""
    entry = dataclasses.replace(
        before.chosen, scores=updated.scores, difference=None, tied=False, best=True,
        fit_seconds=updated.seconds,
    )
    return dataclasses.replace(
        before, entries=(entry,), notes=tuple(dataset.notes), lineage=updated.lineage,
        metric=main_metric(before.metric, (entry,)),
        split=f"scored on {len(dataset):,} new rows before they were learnt", exhibits=dict,
        coefficients=_coefficients.none, marks=dict,
    )


def main_metric(metric: str, entries: tuple[Entry, ...]) -> str:
    """The metric that entries are compared by; one that was not scored anew gives way to another.

    What hangs on a decision cannot be scored where no rows are kept, or costs are stated no more.
    """
    chosen = next(entry for entry in entries if entry.recommended)
    return metric if metric in chosen.scores or not chosen.scores else next(iter(chosen.scores))


def from_json(record: dict[str, Any], states: Mapping[str, State]) -> tuple[Facts, Fitted]:
    """The facts and the fitted model of an artifact; ArtifactError if it was altered."""
    with reading("the model file's record cannot be read"):
        task = tasks.get(record["task"])
        kept, marks = checked(record.get("exhibits", {})), _marks(record.get("marks", {}))
        schema = Schema.from_json(record["schema"])
        facts = Facts(
            said=record["said"], metric=record["metric"], model=record["model"],
            entries=tuple(Entry.from_json(entry) for entry in record["leaderboard"]),
            split=record["split"], warnings=tuple(record["warnings"]),
            notes=tuple(Note.from_json(note) for note in record["notes"]),
            lineage=record["lineage"], exhibits=lambda: kept,
            findings=tuple(Finding.from_json(one) for one in record.get("findings", [])),
            marks=lambda: marks,
        )
        # A pipeline that was adopted prepares its columns itself, and has no encoder.
        own = "encoder" not in states and states["model"].kind == "steps"
        encoder = Encoder() if own else Encoder.from_state(states["encoder"])
        codec = task.codec_from_json(record["codec"])
        fitted = Fitted(task, schema, codec, encoder, state=states["model"])
        fitted.decision = Decision.from_json(
            record.get("decision"), len(getattr(codec, "classes", ())))
        if "calibration" in states:
            fitted.calibration = conformal_groups.read(states["calibration"])
            if fitted.calibration.classes != len(getattr(codec, "classes", ())):
                raise ValueError("its calibration is of other classes")
        if "recipe" in states:
            fitted.replay = Replay.from_state(states["recipe"])
        _check(facts, fitted)
        return facts, fitted


def _check(facts: Facts, fitted: Fitted) -> None:
    """Refuse a record whose parts do not belong together, before anything is made of its size."""
    said = {"said": facts.said, "metric": facts.metric, "split": facts.split,
            "a warning": "".join(facts.warnings), "the model's name": facts.model["name"]}
    for name, words in said.items():
        if not isinstance(words, str):
            raise TypeError(f"{name} must be text")
    if not isinstance(facts.lineage, dict) or not isinstance(facts.model["params"], dict):
        raise TypeError("lineage and parameters must be objects")
    chosen = [entry for entry in facts.entries if entry.recommended]
    if len(chosen) != 1 or facts.metric not in chosen[0].scores:
        raise ValueError("its leaderboard recommends no one model with a score")
    if any(entry.scores and not entry.scores.keys() >= chosen[0].scores.keys()
           for entry in facts.entries):
        raise ValueError("a model on its leaderboard lacks a score that another has")
    if (fitted.schema.target or "") not in ("", *fitted.schema.names):
        raise ValueError("its target is none of its columns")
    classes = max(2, len(getattr(fitted.codec, "classes", ())))
    for config in _configs(fitted.state()):
        if isinstance(config.get("n_classes"), (int, float)) and config["n_classes"] > classes:
            raise ValueError(f"a model answers with more classes than the {classes} it knows")


def _marks(kept: Any) -> dict[str, Any]:
    """Prints of answers, as they were written."""
    if not all(isinstance(each, str) for each in kept.get("answers", {}).values()):
        raise TypeError("prints must be text")
    return dict(kept)


def _configs(state: State) -> Iterator[dict[str, Any]]:
    yield state.config
    for part in state.parts.values():
        yield from _configs(part)
