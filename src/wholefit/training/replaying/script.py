"""The script of a run: what was done, by count; and how a search is told to do it again.

A search under a clock decides by the clock: which models had a turn, how many folds of each, how
long a network learnt, which model was fitted on all rows. Those decisions are few and small, and a
run records them (`lineage["schedule"]`). A script is that record read back: a search that is given
one asks it instead of the clock, and everything else follows from the rows and the seed.

>>> script = Script((Turn("dummy", "dummy", 5), Turn("ridge", "ridge", 3)), "ridge")
>>> script.folds("ridge")
(3, '')
>>> script.folds("lasso")
(0, 'it had no turn in the run')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from wholefit import models
from wholefit.base.budget import Budget
from wholefit.base.errors import ArtifactError, StateError, WholefitError
from wholefit.models import Model
from wholefit.training.record import Entry, labels

_MOST_TURNS, _MOST_COUNTED = 100_000, 4_096


@dataclass(frozen=True)
class Turn:
    """One configuration of a run: its leaderboard name, how it is written, and how far it came.

    `model` is text that `models.make` reads, None where the model is the user's own. `folds` were
    finished; `status` and `reason` are those of the leaderboard. `rounds` of each fold were found
    by early stopping. `counted` is what each fold of a model that a clock may end did, by count,
    and last what the fit on all rows did; nothing where no clock cut it short. `kept` says whether
    the folds' models could become members of a blend.
    """

    label: str
    model: str | None
    folds: int
    status: str = "ok"
    reason: str = ""
    rounds: tuple[int, ...] = ()
    counted: tuple[Any, ...] = ()
    kept: bool = True


@dataclass(frozen=True)
class Script:
    """The turns of a run in order, and the label of what answers in the end.

    `decided` holds what else a clock decided, as the search wrote it (`lineage["decided"]`): how
    many rows and threads a trial had, say. `own` are models that cannot be written, by label:
    those of the run itself, or given anew.
    """

    turns: tuple[Turn, ...]
    chosen: str
    decided: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    def candidates(self) -> list[Model]:
        """A model for every turn, in order, also for those that were not run: labels count them.

        StateError names the models that are the user's own and were not given.
        """
        missing = [turn.label for turn in self.turns
                   if turn.model is None and turn.folds and turn.label not in self.own]
        if missing:
            raise StateError(
                f"{' and '.join(missing)} cannot be made from the file, which holds no code: give "
                f"{'them' if len(missing) > 1 else 'it'} as models={{{missing[0]!r}: ...}}.")
        return [self._made(turn) for turn in self.turns]

    def models(self) -> dict[str, Model]:
        """Leaderboard name to model, as the run called them."""
        return dict(zip((turn.label for turn in self.turns), self.candidates(), strict=True))

    def _made(self, turn: Turn) -> Model:
        if turn.label in self.own:
            return models.make(self.own[turn.label])
        if turn.model is None:
            return _absent(turn.label)
        return models.make(turn.model)

    def turn(self, label: str) -> Turn | None:
        """The turn of that label, if it had one."""
        return next((turn for turn in self.turns if turn.label == label), None)

    def folds(self, label: str) -> tuple[int, str]:
        """How many folds a search does of it; with 0 the reason."""
        turn = self.turn(label)
        if turn is None:
            return 0, "it had no turn in the run"
        return turn.folds, turn.reason if not turn.folds else ""

    def status(self, label: str) -> str:
        """What became of a model that had no fold: "skipped", "stopped", "failed"."""
        turn = self.turn(label)
        return "skipped" if turn is None or turn.status == "ok" else turn.status

    def kept(self, label: str) -> bool:
        """Whether the models of its folds were kept, so that a blend could have them."""
        turn = self.turn(label)
        return turn is not None and turn.kept

    def by_configuration(self) -> dict[str, dict[str, Any]]:
        """What fits that a clock ended did: by `key` of the model, and by fold or "all", the refit.

        StateError where two of the user's own models have one name: nothing tells them apart.
        """
        ended = [turn for turn in self.turns if any(turn.counted)]
        keys = [turn.model or key(self._made(turn)) for turn in ended]
        own = [turn for turn in self.turns if turn.model is None and turn.folds]
        for turn, each in zip(ended, keys, strict=True):
            twins = [other.label for other in own if turn.model is None and other is not turn
                     and key(self._made(other)) == each]
            if twins:
                raise StateError(f"{turn.label} was ended by the clock and has one name with "
                                 f"{twins[0]}, so what each did cannot be told apart: fit them "
                                 "again under names of their own.")
        return {each: {("all" if at >= turn.folds else str(at)): done
                       for at, done in enumerate(turn.counted) if done}
                for each, turn in zip(keys, ended, strict=True)}


def _absent(label: str) -> Model:
    """Holds the place of a user's own model that had no fold: it is counted, never built."""

    class Absent(Model):
        name: ClassVar[str] = label
        family: ClassVar[str] = "guest"
        summary: ClassVar[str] = "a model that was not run"
        tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    return Absent()


def written(model: Model) -> str | None:
    """A catalog model as text that `models.make` reads back equal; None where there is none.

    A user's own estimator has none: to read its import path from a file would run its code.
    """
    changed = {spec.name: getattr(model, spec.name) for spec in model.specs()
               if getattr(model, spec.name) != spec.default
               or type(getattr(model, spec.name)) is not type(spec.default)}
    inside = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    text = f"{model.name}({inside})" if inside else model.name
    try:
        same = models.get(model.name) is type(model) and models.make(text) == model
    except WholefitError:
        return None
    return text if same else None


def key(model: Model) -> str:
    """By what the counts of a model's fits are found: its text, or, of a user's own, its name."""
    return written(model) or f"own {model.name}"


def of_run(
    schedule: Sequence[Mapping[str, Any]], entries: Sequence[Entry], chosen: str,
    decided: Mapping[str, Any] | None = None, live: Any = None,
) -> Script:
    """The script of a schedule and its leaderboard; ArtifactError if they do not go together.

    `live` are the options of the fit, where they are at hand: they hold the models themselves.
    """
    by_label = {entry.model: entry for entry in entries}
    if len(schedule) > _MOST_TURNS:
        raise ArtifactError(f"a schedule of {len(schedule):,} turns is not one of wholefit's.")
    turns = []
    for one in schedule:
        if "model" not in one:  # the blend of the others: it follows from them
            continue
        try:
            label = str(one["model"])
            turns.append(_turn(label, one, by_label.get(label)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"the schedule of the run cannot be read ({error}).") from error
    try:
        settled = _decided(decided or {})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"what the clock decided cannot be read ({error}).") from error
    return Script(tuple(turns), chosen, settled, _own(turns, live))


def _decided(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the clock of a race decided, checked; of another run, what share of rows judged.

    And whether folds in order of time asked no later one, which older runs did.
    """
    forward = {"forward": True} if stored.get("forward") is True else {}
    if not stored.get("race"):
        judged = float(stored.get("judged", 1.0))
        if not 0 < judged <= 1:
            raise ValueError("the share of rows that judged is out of bounds")
        return {**({"judged": judged} if judged < 1 else {}), **forward}
    counts = {name: int(stored[name]) for name in ("folds", "workers", "threads")}
    share = None if stored.get("share") is None else float(stored["share"])
    if min(counts.values()) < 1 or max(counts.values()) > _MOST_COUNTED \
            or not (share is None or 0 < share <= 1):
        raise ValueError("a count or a share is out of bounds")
    limits = {name: {str(label): float(each) for label, each in stored[name].items()}
              for name in ("cost", "size") if name in stored}
    layer = {name: [str(each) for each in stored[name]]
             for name in ("second", "beside", "dear") if name in stored}
    whole = {"whole": {str(label): [int(each) for each in numbers]
                       for label, numbers in stored["whole"].items()}} if "whole" in stored else {}
    if any(numbers not in ([], [0], [1], [0, 1]) for numbers in whole.get("whole", {}).values()):
        raise ValueError("a member is learnt from all rows twice at most")
    return {"race": True, **counts, **whole, "share": share,
            "lent": stored.get("lent") is True,
            "said": [str(each) for each in stored["said"]], **limits, **layer, **forward}


def _own(turns: Sequence[Turn], live: Any) -> dict[str, Any]:
    """The models of the fit at hand that cannot be written, by label."""
    given = [models.make(each) for each in getattr(live, "models", None) or ()]
    found = dict(zip(labels(given), given, strict=True))
    before = getattr(getattr(live, "script", None), "own", {})
    return {turn.label: model for turn in turns if turn.model is None
            and (model := before.get(turn.label, found.get(turn.label))) is not None}


def _turn(label: str, one: Mapping[str, Any], entry: Entry | None) -> Turn:
    if "configuration" in one:
        text = safe(one["configuration"])
    else:
        text = _from_params(label, one.get("params", entry.params if entry else {}))
    folds = int(one.get("folds", 0))
    status = str(one.get("status", entry.status if entry else "ok"))
    return Turn(label, text, folds, status, entry.reason if entry else "",
                tuple(int(each) for each in one.get("rounds") or ()),
                tuple(one.get("counted") or ()), bool(one.get("kept", True)))


def safe(text: Any) -> str | None:
    """Text of a catalog model; an import path of a file is not followed."""
    return text if isinstance(text, str) and ":" not in text.partition("(")[0] else None


def _from_params(label: str, params: Mapping[str, Any]) -> str | None:
    """The text of a model from its leaderboard name and parameters, if the catalog has it."""
    name = label if label in models.names() else label.rpartition("_")[0]
    if name not in models.names():
        return None
    try:
        return written(models.get(name).from_dict(dict(params)))
    except WholefitError:
        return None


def by_count(budget: Budget) -> bool:
    """True where a fit must not look at a clock: its budget is a count and no time."""
    return budget.trials is not None and budget.seconds is None


def counted(
    candidates: Sequence[Model], budget: Budget, baseline: str
) -> tuple[list[Model], list[Entry]]:
    """The first candidates that a budget of trials allows, and entries for the others.

    "20 trials" are at most 20 configurations cross-validated beside the baseline, which costs
    nothing and is what they are measured by.
    """
    if budget.trials is None:
        return list(candidates), []
    kept: list[Model] = []
    left: list[Entry] = []
    tried = 0
    for label, model in zip(labels(candidates), candidates, strict=True):
        tried += model.name != baseline
        if tried > budget.trials:
            left.append(Entry(model=label, params={}, status="skipped",
                              reason="the budget of trials was spent before its turn"))
        else:
            kept.append(model)
    return kept, left
