"""Replay: a run done again by count, and held against what it left; runs as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit import data, training
from wholefit.api import _record
from wholefit.api._answers import check_options
from wholefit.api._tables import cleaned
from wholefit.api._telling import tell
from wholefit.artifact import opening
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import StateError
from wholefit.base.events import emit
from wholefit.base.wording import aligned, counted
from wholefit.training.replaying import Asked, Part, Trace, again, compare, reasons, run_file, trace
from wholefit.training.replaying.compare import rows
from wholefit.training.replaying.reasons import HASHES

if TYPE_CHECKING:
    from wholefit.api.result import Result

_WORDS = {True: "equal", False: "differs", None: "not known"}


@dataclass(frozen=True)
class Replayed:
    """A run held against itself: `parts` in the order in which they came to be.

    A part is `equal` to the last bit, or not (then `said` says where), or it is not known (None):
    the run did not keep it. `reasons` say what is otherwise than it was, and may be the cause.
    `result` is the run made again; None if the rows were others, and nothing was run.
    """

    parts: tuple[Part, ...]
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    result: Result | None = field(default=None, repr=False)

    @property
    def equal(self) -> bool:
        """True if all that is known of the run is bit-equal."""
        return all(part.equal is not False for part in self.parts) and any(
            part.equal for part in self.parts)

    @property
    def first(self) -> Part | None:
        """The first part that differs."""
        return next((part for part in self.parts if part.equal is False), None)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        first = self.first
        return {"equal": self.equal, "first": None if first is None else first.name,
                "parts": [{"name": part.name, "equal": part.equal, "said": part.said}
                          for part in self.parts],
                "reasons": list(self.reasons), "ran": self.result is not None,
                "seconds": round(self.seconds, 3)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows, a part each."""
        return ["part", "", "how"], [[part.name, _WORDS[part.equal], part.said]
                                     for part in self.parts]

    def verdict(self) -> str:
        """What came of it, in a sentence."""
        same = sum(part.equal is True for part in self.parts)
        unknown = sum(part.equal is None for part in self.parts)
        not_known = f"; {counted(unknown, 'part')} the run did not keep" if unknown else ""
        if self.equal:
            return f"bit-equal: {same} of {counted(len(self.parts), 'part')}{not_known}."
        first = self.first
        if first is None:
            return "nothing of the run could be compared."
        return (f"not equal: it first differs in {first.name} ({first.said}); "
                f"{same} of {counted(len(self.parts), 'part')} are bit-equal{not_known}.")

    def causes(self) -> tuple[str, ...]:
        """What may be the cause, in sentences; none where all is equal."""
        if self.equal:
            return ()
        first = self.first
        if first is not None and first.name == "rows":
            theirs = [each for each in self.reasons if each.startswith(f"{HASHES} ")]
            return ("the rows are not those that the run learnt from.", *(
                f"{each} With another version equal rows may hash otherwise." for each in theirs))
        return self.reasons or (
            "rows, words, versions, threads and processor are those of the run: a model of it may "
            "not be repeatable.",)

    def __str__(self) -> str:
        header, lines = self.table()
        return "\n".join([*aligned(header, lines), "", self.verdict(), *self.causes()])


def replay(
    model: Any, source: Any = None, *, anyway: bool = False, models: Any = None,
    metric: Any = None, transformers: Sequence[Any] = (), jobs: int | None = None,
    **reading: Any,
) -> Replayed:
    """Do a run again, by count and without a clock, and say what of it is bit-equal.

    Parameters
    ----------
    model: a Result, or the path of a model file (.wf) or of a run file (.toml).
    source: the rows it learnt from; where left out, the file that it names, looked for here and
        beside `model`.
    anyway: run it too where the rows are not those of the run.
    models, metric, transformers: code of the user's own that the run was given, which no file
        holds; models by their names on the leaderboard.
    jobs: threads; as many as the run had.
    reading: passed to `wf.read` beside what the run was read with.

    DataError where the rows cannot be found, StateError where the run cannot be done again,
    ArtifactError for a damaged file.
    """
    check_options(reading)
    before, near = _before(model)
    given = {name: value for name, value in (
        ("models", models), ("metric", metric), ("transformers", tuple(transformers)),
        ("jobs", jobs)) if value is not None and value != ()}
    options = again.options_of(before.asked, before.script, given)
    if source is None:
        source = before.asked.path or again.place_of(str(before.data.get("source", "")), near)
    return _again(before, source, options, reading, anyway)


def write_run_file(model: Any, path: str | Path, *, force: bool = False) -> Path:
    """Write what was asked of a run, its script, and prints of what came out, as a text file."""
    from wholefit.base.errors import ArtifactError

    target = Path(path)
    if target.suffix.lower() != ".toml":
        raise ArtifactError(f"a run file is written as .toml; got {target.name!r}.")
    if target.exists() and not force:
        raise ArtifactError(f"{target.name} exists; pass force=True / --force to replace it.")
    text = run_file.text(_before(model)[0])
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"{path} cannot be written: {error.strerror or error}.") from error
    return target


def asked_of(
    options: Any, run: Any, dataset: data.Dataset, given: tuple[Any, dict[str, Any]], roles: Any,
    recipe: Any, budget: Budget,
) -> Asked:
    """What was asked of a fit, for its lineage; `given` are its source and options of reading."""
    from wholefit.training.replaying.asked import of_fit

    source, reading = given
    by_hand = data.load_roles(roles) if isinstance(roles, (str, Path)) else dict(roles or {})
    schema = dataset.schema
    special: dict[str, str | None] = {
        role: next(iter(schema.having(role)), None)
        for role in ("target", "time", "group", "weight")}
    path = str(Path(source).absolute()) if isinstance(source, (str, Path)) and \
        Path(source).exists() else None
    return of_fit(options, run.task.name, special, by_hand, reading, recipe=recipe, path=path,
                  budget=str(budget), imbalance=run.imbalance)


def _before(model: Any) -> tuple[Trace, Path | None]:
    """The trace that a result, a model file or a run file holds; and the file."""
    from wholefit.api.result import Result

    if isinstance(model, Result):
        return _of_result(model), None
    if not isinstance(model, (str, Path)):
        raise StateError("a replay takes a Result of wf.fit, a model file or a run file; got "
                         f"{type(model).__name__}, which has no schedule of trials.")
    path = Path(model)
    if path.suffix.lower() == ".toml":
        return run_file.read(path), path
    package = opening.opened(path)
    named = str(package.record.get("task"))
    if named in tasks.names(supervised=False):
        raise StateError(f"{path.name} is a model of {named}, which has no schedule of trials: "
                         "fit it again with the same words and seed.")
    facts, fitted = _record.from_json(package.record, package.states)
    return _of_result(Result(fitted, _record.with_reference(facts, package.reference))), path


def _of_result(result: Result) -> Trace:
    from wholefit.training.replaying.asked import of_record

    run, facts, fitted = result._run, result._facts, result._fitted
    if "tuning" in facts.lineage:
        raise StateError("a tuned result is not replayed: call wf.tune again with the same words, "
                         "seed and number of trials, which gives the same bits.")
    if run is not None and run.asked is not None and run.fitted is fitted:
        return trace.of_run(run, run.asked)
    positive = getattr(fitted.codec, "classes", (None, None))[getattr(fitted.codec, "positive", 1)]
    asked = of_record(facts.lineage, fitted.schema, fitted.task.name, facts.metric, positive)
    return trace.of_saved(fitted, facts.lineage, facts.entries, facts.metric, facts.split, asked,
                          facts.marks().get("answers", {}))


def _again(
    before: Trace, source: Any, options: Any, reading: dict[str, Any], anyway: bool
) -> Replayed:
    """The rows read, the fit done by its script, and both held side by side."""
    from wholefit.api.result import Result
    from wholefit.data.clean import Recipe

    asked, clock = before.asked, Clock(Budget())
    task, special = tasks.get(asked.task), dict(asked.special)
    recipe = asked.recipe or (
        Recipe.from_dict(asked.words["clean"]) if "clean" in asked.words else None)
    words = {**asked.reading, **reading}
    source, options, words = cleaned(source, options, recipe, _by_role(special), words)
    dataset = data.load(
        source, target=special.get("target"), roles=dict(asked.roles), time=special.get("time"),
        groups=special.get("group"), weights=special.get("weight"), **words)
    found = again.data_of(dataset, task, options.positive)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width,
         said=f"{task.name}: as the run", seconds=clock.spent())
    tell(dataset.notes)
    same = rows(before.data, found)
    if same.equal is False and not anyway:
        return Replayed((same,), reasons(before.lineage, _here(before)), clock.spent())
    run = again.noted(training.fit(dataset, task, options, clock), asked)
    after = trace.of_run(run, asked)
    parts = compare(before, after)
    result = Result._of_run(run, f"{task.name}: as the run that was replayed", dataset)
    why = reasons(before.lineage, run.lineage)
    return Replayed(parts, why, clock.spent(), result)


def _by_role(special: dict[str, str]) -> dict[str, str | None]:
    return {"target": special.get("target"), "time": special.get("time"),
            "group": special.get("group"), "weight": special.get("weight")}


def _here(before: Trace) -> dict[str, Any]:
    """What a run made here and now would rest on."""
    import platform

    from wholefit._version import __version__
    from wholefit.training.replaying import machine

    used = [(turn.model or turn.label).partition("(")[0] for turn in before.script.turns]
    return {"wholefit": __version__, "python": platform.python_version(),
            "platform": platform.platform(), "jobs": before.lineage.get("jobs", cores()),
            **machine.facts(used)}
