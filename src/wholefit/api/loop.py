"""`wf.Loop`, `wf.gate`: labels come, the model is retrained, judged, promoted, and rolled back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit.api import _answers
from wholefit.api._loop_hands import ApiHands, check_rows, side_of, supervised
from wholefit.artifact.registry import Registry, folder_of
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.monitoring.loop import Cycle, Engine, Gate, Plan, Told, Verdict, judge
from wholefit.monitoring.loop.plan import seconds

if TYPE_CHECKING:
    from wholefit.data.predictions import Log


class Loop:
    """The loop of one model of a registry: collect, look, retrain, judge, try, promote, watch.

    Parameters
    ----------
    registry: a Registry, or its folder; of `name` a version must be served.
    plan: a dict of dicts, a TOML file, or a `Plan`; the defaults where left out.
    log: the log of the server's answers, with its rows and the labels that came; a path or URL.
    data: the rows that the first model was fitted on, any source that `wf.read` reads; needed to
        fit anew and to replay old rows.
    fit: words for `wf.fit` beside those that the model was fitted by, for `how = "full"`.
    alarms: options of `wf.monitor`, a dict: its alarms about the served version, in the log, since
        the last cycle are reasons to retrain; or a function that gives such sentences.
    unseal: decrypts the log, a function of bytes.
    sign: signs the file of a challenger that passed the gate, a function of its path, for servers
        that answer with signed models alone.
    reading: options of `wf.read`, for `data`.

    Each `turn` does one step and notes it, so that a loop that was killed goes on where it was.
    """

    def __init__(
        self, registry: Registry | str | os.PathLike[str] | None, name: str, *, plan: Any = None,
        log: Any = None, data: Any = None, fit: Mapping[str, Any] | None = None,
        alarms: Mapping[str, Any] | Callable[[], Sequence[str]] | None = None,
        unseal: Callable[[bytes], bytes] | None = None,
        sign: Callable[[Path], Any] | None = None, **reading: Any,
    ) -> None:
        _answers.check_options(reading)
        self._mine = not isinstance(registry, Registry)
        self.registry = registry if isinstance(registry, Registry) else \
            Registry(folder_of(registry), make=False)
        self._log = _log(log, unseal)
        if isinstance(alarms, Mapping) and self._log is None:
            raise ParameterError("alarms of monitoring are about a log: say log=.")
        self._asked = dict(alarms) if isinstance(alarms, Mapping) else {}
        base = None if data is None else lambda: check_rows(data, reading)
        self._engine = Engine(self.registry, name, ApiHands(dict(fit or {})), Plan.of(plan),
                              log=self._log, base=base, sign=sign,
                              alarms=self._alarms if isinstance(alarms, Mapping) else alarms)

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Loop of {self.name!r} in {str(self.registry.folder)!r}>"

    @property
    def name(self) -> str:
        """Name of the model in the registry."""
        return self._engine.name

    @property
    def plan(self) -> Plan:
        """What the loop does when."""
        return self._engine.plan

    @property
    def cycles(self) -> list[Cycle]:
        """Every turn of the loop so far: why it began, where it stands, how it ended."""
        return self._engine.journal.cycles()

    def steps(self, cycle: int) -> list[tuple[float, str, dict[str, Any]]]:
        """The steps of a cycle: when (seconds since 1970), which, and what was found."""
        return self._engine.journal.steps(cycle)

    def give(self, rows: Any, **reading: Any) -> int:
        """Take labelled rows, any source that `wf.read` reads; how many were new to the loop."""
        source = str(rows) if isinstance(rows, (str, Path)) else "given"
        return self._engine.give(check_rows(rows, reading), source)

    def turn(self) -> Told:
        """Do one step: of the cycle under way, else look whether one should begin."""
        return self._engine.turn()

    def run(self) -> Told:
        """Turn until nothing more can be done now."""
        return self._engine.run()

    def watch(self, every: str | float = "60s", stop: threading.Event | None = None) -> None:
        """Run again and again until `stop` is set."""
        self._engine.watch(seconds(every) if isinstance(every, str) else float(every), stop)

    def approve(self) -> Told:
        """Let the challenger that waits for a person's word be promoted."""
        self._engine.approve()
        return self._engine.run()

    def abandon(self) -> Told:
        """End the cycle under way; its challenger answers no requests any more."""
        return self._engine.abandon()

    def _alarms(self) -> Sequence[str]:
        """What monitoring says of the served version since the last cycle."""
        from wholefit.api.monitoring import monitor

        served, cycles = self.registry.version(self.name), self.cycles
        since = {"since": cycles[-1].closed or cycles[-1].opened} if cycles else {}
        try:
            return monitor(served.path, self._log, name=self.name, version=str(served.number),
                           **{**since, **self._asked}).sentences
        except DataError as error:  # too few answers yet, say
            emit("warning", message=f"the loop of {self.name} asked monitoring: {error}")
            return ()

    def close(self) -> None:
        """Close the journal, and the registry if it was opened here."""
        self._engine.close()
        if self._mine:
            self.registry.close()


def gate(
    champion: Any, challenger: Any, held_out: Any, **options: Any,
) -> Verdict:
    """May `challenger` take the place of `champion`? A verdict, with every check and its numbers.

    Both are Results or model files; a `champion` of None holds the challenger against limits
    alone. `held_out` are labelled rows that neither has learnt. `options` are those of
    `wholefit.monitoring.loop.Gate` (metric, rule, margin, parts, latency, size, floor, least, ...)
    and of `wf.read`.
    """
    known = [spec.name for spec in Gate.specs()]
    limits = Gate.from_dict({name: value for name, value in options.items() if name in known})
    reading = {name: value for name, value in options.items() if name not in known}
    _answers.check_options(reading, known)
    rows = check_rows(held_out, reading)
    new = supervised(challenger)
    old = None if champion is None else supervised(champion)
    metric = limits.metric or (new if old is None else old)._facts.metric
    return judge(
        None if old is None else side_of(old, _called(champion, "the champion"), rows,
                                         _size(champion)),
        side_of(new, _called(challenger, "the challenger"), rows, _size(challenger)),
        metric, limits)


def _called(model: Any, otherwise: str) -> str:
    return Path(model).name if isinstance(model, (str, Path)) else otherwise


def _size(model: Any) -> int:
    """Bytes of the file; of a Result those that its states hold."""
    if isinstance(model, (str, Path)):
        return Path(model).stat().st_size
    return sum(state.nbytes for state in model._fitted.states().values())


def _log(given: Any, unseal: Callable[[bytes], bytes] | None) -> Log | None:
    from wholefit.data.predictions import Log, open_log

    if given is None or isinstance(given, Log):
        return given
    if not isinstance(given, (str, Path)):
        raise ParameterError(f"log must be the path or URL of a log of answers; got {given!r}.")
    return open_log(given, unseal=unseal, create=False)
