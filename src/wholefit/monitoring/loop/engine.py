"""The loop: collect labels, look, retrain, judge, try out, promote, watch, roll back.

A cycle is a chain of small steps. Each is done, then noted in the journal; whatever it changed in
the registry carries a key, so that a step that was done but not noted is not done twice. So a loop
that is killed anywhere goes on where it was, and what is served is always a promoted version.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from wholefit.artifact.registry import Registry, Version
from wholefit.base.errors import RegistryError, WholefitError
from wholefit.base.events import emit
from wholefit.base.wording import counted
from wholefit.monitoring.loop import trial, watch
from wholefit.monitoring.loop.gate import Verdict, checked, judge
from wholefit.monitoring.loop.hands import Hands
from wholefit.monitoring.loop.journal import Cycle, Journal
from wholefit.monitoring.loop.plan import Plan
from wholefit.monitoring.loop.pool import Pool, without
from wholefit.monitoring.loop.retrain import retrain
from wholefit.monitoring.loop.triggers import Alarms, look, task_of

if TYPE_CHECKING:
    from wholefit.data.predictions import Log

_BY = "the loop"


@dataclass(frozen=True)
class Told:
    """Where the loop stands after a turn: the cycle that it worked on, if any, and what was done.

    `waits` says that nothing more can be done now.
    """

    said: str
    cycle: Cycle | None = None
    waits: bool = True

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"said": self.said, "cycle": None if self.cycle is None else self.cycle.to_json()}

    def __str__(self) -> str:
        return self.said


class Engine:
    """The loop of one model in a registry; `wholefit.api.loop.Loop` is its face."""

    def __init__(
        self, registry: Registry, name: str, hands: Hands, plan: Plan, *, log: Log | None = None,
        base: Callable[[], pl.DataFrame] | None = None, alarms: Alarms | None = None,
        sign: Callable[[Path], Any] | None = None,
    ) -> None:
        self.registry, self.name, self.plan = registry, name, plan
        self._hands, self._log, self._base, self._alarms = hands, log, base, alarms
        self._sign = sign
        served = registry.version(name)
        checked(plan.gate, task_of(served))
        if log is None and (plan.trial.shadow or plan.trial.canary):
            raise RegistryError("a trial in the shadow or as a canary is judged by the log of the "
                                "server: say log=, or leave [trial] out.")
        known = hands.known(served.path)
        self.target = known.target
        self.journal = Journal(registry.folder / "loops" / name)
        self.pool = Pool(self.journal, plan.hold.share, plan.hold.by or known.group)

    # What is told

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def give(self, rows: pl.DataFrame, source: str = "given") -> int:
        """Take labelled rows; how many were new."""
        return self.pool.put(rows, self.target, source)

    def collect(self) -> int:
        """Take the labels that have come to the log since the last turn; how many."""
        if self._log is None:
            return 0
        return trial.collected(self._log, self.name, self.plan, self.journal, self.pool,
                               self.target)

    # What turns

    def turn(self) -> Told:
        """Collect, and do one step: of the cycle under way, else look whether one should begin."""
        with self.journal.alone():
            new = self.collect()
            if new:
                emit("loop", model=self.name, said=f"{counted(new, 'label')} collected")
            cycle = self.journal.under_way()
            told = self._look() if cycle is None else self._step(cycle)
        emit("loop", model=self.name, said=told.said)
        return told

    def run(self) -> Told:
        """Turn until nothing more can be done now."""
        while not (told := self.turn()).waits:
            pass
        return told

    def watch(self, every: float, stop: threading.Event | None = None) -> None:
        """Run again and again, `every` so many seconds, until `stop` is set."""
        stop = stop or threading.Event()
        while not stop.is_set():
            try:
                self.run()
            except WholefitError as error:  # a log that is busy must not end the watch
                emit("warning", message=f"the loop of {self.name}: {error}")
            stop.wait(every)

    def approve(self) -> Told:
        """A person's word: promote the challenger that passed and was tried."""
        with self.journal.alone():
            cycle = self.journal.under_way()
            if cycle is None or cycle.state != "approval":
                raise RegistryError(f"no challenger of {self.name!r} waits for an approval.")
            cycle = self.journal.to(cycle, "approved", said="approved")
        return Told("approved", cycle, waits=False)

    def abandon(self) -> Told:
        """End the cycle under way: its challenger is taken out of shadows and shares."""
        with self.journal.alone():
            cycle = self.journal.under_way()
            if cycle is None:
                return Told("no cycle is under way")
            if cycle.state == "promoted":
                return self._end(cycle, "kept", "its watch was ended by hand")
            return self._end(cycle, "abandoned", "ended by hand")

    # The steps

    def _look(self) -> Told:
        served = self._champion()
        found = look(served, self.plan, self.journal, self.pool, self._hands, self._alarms)
        if not found.reasons:
            return Told(found.said)
        cycle = self.journal.open(served.number, self.pool.last(), list(found.reasons))
        return Told(f"cycle {cycle.number} begins: {found.said}", cycle, waits=False)

    def _step(self, cycle: Cycle) -> Told:
        overruled = self._overruled(cycle)
        if overruled is not None:
            return self._end(cycle, "overruled", overruled)
        steps: dict[str, Callable[[Cycle], Told]] = {
            "opened": self._make, "made": self._add, "added": self._judge, "passed": self._try,
            "shadow": self._tried, "canary": self._tried, "tried": self._ready,
            "approval": lambda cycle: Told("waits for an approval", cycle),
            "approved": self._promote, "promoted": self._watch}
        if cycle.state not in steps:
            raise RegistryError(f"the journal of {self.name!r} is at a step that this wholefit "
                                f"does not know: {cycle.state!r}.")
        return steps[cycle.state](cycle)

    def _make(self, cycle: Cycle) -> Told:
        champion = self.registry.version(self.name, cycle.champion)
        learnt = self._learnt(champion)
        try:
            checked(self.plan.gate, task_of(champion), self._held(cycle).drop(
                self.target, strict=False))
            base = None
            if self._base is not None:
                base = without(self._base(), self.pool.rows(upto=cycle.upto, held=True))
            out = self._draft(cycle)
            out.parent.mkdir(parents=True, exist_ok=True)
            said = retrain(
                self.plan.retrain, self._hands, champion.path, base,
                self.pool.rows(upto=learnt, held=False),
                self.pool.rows(after=learnt, upto=cycle.upto, held=False), cycle.number, out)
        except (WholefitError, OSError) as error:
            return self._end(cycle, "failed", f"no challenger could be made: {error}")
        return Told(said, self.journal.to(cycle, "made", {"how": said}, said=said), waits=False)

    def _add(self, cycle: Cycle) -> Told:
        """Into the registry, not served; what it learnt from stands in its facts."""
        facts = {"loop": {"cycle": cycle.number, "upto": cycle.upto, "journal": self.journal.id,
                          "reasons": list(cycle.reasons)}}
        draft = self._draft(cycle)
        before = self.registry.done(self._key(cycle, "add"))
        if before is None and not draft.is_file():  # somebody cleaned up: make it again
            return Told("the challenger's file is gone and is made again",
                        self.journal.to(cycle, "opened"), waits=False)
        found = self.registry.add(draft, self.name, cycle.champion, facts, by=_BY,
                                  why="; ".join(cycle.reasons)[:2_000],
                                  key=self._key(cycle, "add"))
        if found.number == cycle.champion:
            return self._end(cycle, "refused", "the challenger is the champion, byte for byte")
        cycle = self.journal.to(cycle, "added", {"sha256": found.sha256}, candidate=found.number)
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        return Told(f"added as version {found.number}", cycle, waits=False)

    def _judge(self, cycle: Cycle) -> Told:
        """The gate; its verdict goes into the trail of the registry."""
        key = self._key(cycle, "gate")
        before = self.registry.done(key)
        if before is None:
            try:
                verdict = self._verdict(cycle).to_json()
            except WholefitError as error:
                return self._end(cycle, "refused", f"the gate could not judge it: {error}")
            before = self.registry.note(self.name, self._candidate(cycle), {"gate": verdict}, _BY,
                                        str(verdict["said"])[:2_000], key=key)
        found = before.details.get("gate")
        found = found if isinstance(found, dict) else {}
        said = str(found.get("said", ""))
        if found.get("passed") is not True:
            return self._end(cycle, "refused", said)
        if self._sign is not None:
            self._sign(self.registry.version(self.name, self._candidate(cycle)).path)
        return Told(said, self.journal.to(cycle, "passed", {"gate": found}, said=said),
                    waits=False)

    def _verdict(self, cycle: Cycle) -> Verdict:
        old, new = (self.registry.version(self.name, number)
                    for number in (cycle.champion, cycle.candidate))
        rows = self._held(cycle)
        champion, challenger = (self._hands.side(each.path, str(each), rows)
                                for each in (old, new))
        metric = self.plan.gate.metric or self._hands.known(old.path).metric
        return judge(champion, challenger, metric, self.plan.gate)

    def _try(self, cycle: Cycle) -> Told:
        """Into the shadow, or a share of the requests, where the plan asks for it."""
        number, plan = self._candidate(cycle), self.plan.trial
        if plan.shadow and "shadow" not in self._been(cycle):
            self.registry.set_shadows(
                self.name, [*self.registry.shadows(self.name), number], _BY,
                f"trial of cycle {cycle.number}", key=self._key(cycle, "shadow"))
            return Told(f"version {number} answers in the shadow",
                        self.journal.to(cycle, "shadow"), waits=False)
        if plan.canary is not None and "canary" not in self._been(cycle):
            self.registry.set_shadows(self.name, [each for each in self.registry.shadows(self.name)
                                                  if each != number], _BY, "canary next")
            self.registry.set_traffic(
                self.name, {cycle.champion: 1 - plan.canary, number: plan.canary}, _BY,
                f"trial of cycle {cycle.number}", key=self._key(cycle, "canary"))
            return Told(f"version {number} answers {plan.canary:.0%} of the requests",
                        self.journal.to(cycle, "canary"), waits=False)
        return Told("tried", self.journal.to(cycle, "tried"), waits=False)

    def _tried(self, cycle: Cycle) -> Told:
        """What the log says of the trial so far."""
        assert self._log is not None
        found = trial.judged(self._log, self.name, cycle, self.plan.trial,
                             self._since(cycle, cycle.state))
        if found.ok is None:
            return Told(found.said, cycle)
        if not found.ok:
            return self._end(cycle, "refused", found.said)
        return Told(found.said, self.journal.to(cycle, "passed", {"trial": found.said}),
                    waits=False)

    def _ready(self, cycle: Cycle) -> Told:
        """A person's word, where it is asked for."""
        asked = self.plan.trial.approve
        cycle = self.journal.to(cycle, "approval" if asked else "approved")
        return Told(f"version {cycle.candidate} waits for an approval" if asked else
                    f"version {cycle.candidate} is ready", cycle, waits=asked)

    def _promote(self, cycle: Cycle) -> Told:
        self.registry.promote(self.name, self._candidate(cycle), _BY, cycle.said[:2_000],
                              key=self._key(cycle, "promote"))
        said = f"version {cycle.candidate} is promoted in the place of version {cycle.champion}"
        return Told(said, self.journal.to(cycle, "promoted", said=said), waits=False)

    def _watch(self, cycle: Cycle) -> Told:
        """New labels after the promotion: keep it, or roll back."""
        if self.registry.done(self._key(cycle, "rollback")) is not None:
            return self._end(cycle, "rolled back", "worse on later labels")
        if not self.plan.watch.rows:
            return self._end(cycle, "kept", cycle.said)
        rows = self.pool.rows(after=cycle.upto)
        new, old = (self.registry.version(self.name, number)
                    for number in (cycle.candidate, cycle.champion))
        found = watch.judged(rows, self.plan, self._hands, new, old,
                             self._since(cycle, "promoted"))
        if found.ok is None:
            return Told(found.said, cycle)
        if found.ok:
            return self._end(cycle, "kept", found.said)
        self.registry.rollback(self.name, _BY, found.said[:2_000],
                               key=self._key(cycle, "rollback"))
        return self._end(cycle, "rolled back", found.said)

    # How it is done

    def _champion(self) -> Version:
        found = self.registry.served(self.name)
        if found is None:
            raise RegistryError(f"no version of {self.name!r} is served: promote one first.")
        return found

    def _overruled(self, cycle: Cycle) -> str | None:
        """Why somebody else's promotion or rollback has ended this cycle; None if none has."""
        served = self._champion().number
        promoting = self.registry.done(self._key(cycle, "promote")) is not None
        rolled = self.registry.done(self._key(cycle, "rollback")) is not None
        should = cycle.champion if rolled or not promoting else cycle.candidate
        if served == should:
            return None
        return (f"version {served} is served now, by somebody else's word, and not version "
                f"{should}")

    def _end(self, cycle: Cycle, state: str, said: str) -> Told:
        """Close a cycle; a challenger that was not promoted answers no requests any more."""
        if cycle.candidate is not None and state not in ("kept", "rolled back"):
            trial.withdraw(self.registry, self.name, cycle.candidate, _BY,
                           f"cycle {cycle.number}: {state}")
        with contextlib.suppress(OSError):
            self._draft(cycle).unlink(missing_ok=True)
        cycle = self.journal.to(cycle, state, {"said": said}, said=said, end=True)
        return Told(f"cycle {cycle.number} ends, {state}: {said}", cycle)

    def _learnt(self, champion: Version) -> int:
        """The last batch that the champion has learnt from."""
        facts = champion.facts.get("loop")
        if not isinstance(facts, dict) or facts.get("journal") != self.journal.id:
            return 0
        return int(facts.get("upto", 0))

    def _candidate(self, cycle: Cycle) -> int:
        if cycle.candidate is None:
            raise RegistryError(f"cycle {cycle.number} of {self.name!r} has no challenger: its "
                                "journal was altered.")
        return cycle.candidate

    def _been(self, cycle: Cycle) -> set[str]:
        """The steps that a cycle has been through."""
        return {state for _, state, _ in self.journal.steps(cycle.number)}

    def _since(self, cycle: Cycle, state: str) -> float:
        return max((at for at, each, _ in self.journal.steps(cycle.number) if each == state),
                   default=cycle.opened)

    def _held(self, cycle: Cycle) -> pl.DataFrame:
        """The rows that the gate judges on."""
        return self.pool.held(cycle.upto, self.plan.hold.most)

    def _key(self, cycle: Cycle, step: str) -> str:
        return f"loop/{self.journal.id}/{cycle.number}/{step}"

    def _draft(self, cycle: Cycle) -> Path:
        return self.journal.folder / "work" / f"cycle-{cycle.number}.wf"
