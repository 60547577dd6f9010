"""`wf.monitor`: a log of answers judged, once or again and again beside a server."""

from __future__ import annotations

import dataclasses
import os
import threading
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wholefit import data
from wholefit import monitoring as rooms
from wholefit.api import _answers
from wholefit.api._shown import as_kind
from wholefit.api.logging_answers import answers_of, sketch_of, stem_of
from wholefit.api.result import Result, load
from wholefit.base.errors import DataError, ParameterError, WholefitError, unknown
from wholefit.base.seeds import some
from wholefit.data.predictions import Log, moment, open_log
from wholefit.data.predictions.record import Cipher
from wholefit.data.validate import Expectations
from wholefit.monitoring import Options, Side, Subject
from wholefit.monitoring.options import span

# Reference rows that are looked at, and answers that are read, at most.
_MOST_REFERENCE, _MOST = 5_000, 500_000


@dataclass(frozen=True)
class Monitored(rooms.Monitored):
    """A log judged window by window; see `wholefit.monitoring.Monitored` for what it holds.

    It writes itself as a page (`report`) and shows itself in a notebook.
    """

    def report(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write one self-contained HTML page to `path`; returns it.

        An existing file is replaced only with `force`; ArtifactError says what cannot be written.
        """
        from wholefit.report import monitoring as pages

        return pages.write(self, path, force=force)

    def _repr_html_(self) -> str:
        from wholefit.report import monitoring as pages

        return pages.snippet(self)


def monitor(
    model: Any, log: Any, reference: Any = None, *, name: str | None = None,
    version: str | None = None, since: Any = None, until: Any = None,
    unseal: Cipher | None = None, rolled: str | Path | None = None, command: str | None = None,
    webhook: str | None = None, rules: Expectations | str | Path | None = None,
    reading: Mapping[str, Any] | None = None, most: int = _MOST,
    **options: Any,
) -> Monitored:
    """Judge the answers that a model gave: drift, quality, strange rows, scores, latency.

    `model` is a Result or a model file, `log` an open log, its path or its URL. `reference` are
    rows that the model should be asked about and was not fitted on (anything that `wf.read`
    reads; `reading` are its options), with the target where it is known: without them columns are
    compared with the sketch in the model file, and answers with the first window.

    `name` and `version` say which answers, where the log has several. `since` (a time, or a
    stretch such as "24h") passes over windows that ended before it. `unseal` decrypts. `command`
    and `webhook` are told each alarm once, as JSON. `rules` are expectations (`wf.expect`), or a
    TOML file of them, for rows beside what the model file says. `options` are those of
    `wholefit.monitoring.Options`: window, level, control, threshold, loss, metric, by, protected,
    unsure, latency, together, anomalies, least, last, seed.
    """
    asked = Options.from_dict({key: tuple(value) if isinstance(value, list) else value
                               for key, value in options.items()})
    if webhook is not None:
        from wholefit.monitoring.hooks import check_address

        check_address(webhook)
    result = load(Path(model)) if isinstance(model, (str, os.PathLike)) else model
    own = isinstance(log, Log)
    opened = log if own else open_log(str(log), unseal=unseal, create=False)
    try:
        name, version = _which(opened, stem_of(model, name), name, version)
        logged = opened.read(name, version, until=until, shadow=False, most=most, rolled=rolled)
        kept = any(column.startswith("row.") for column in logged.columns)
        found = rooms.watch(
            subject_of(result, name, version), logged, asked,
            reference=None if reference is None else
            reference_of(result, reference, dict(reading or {}), asked.seed),
            counts=None if kept else opened.counted(name, version), log=opened.name,
            since=_since(since), now=clock.time() if until is None else moment(until),
            rules=Expectations.load(rules) if isinstance(rules, (str, Path)) else rules)
        made = as_kind(Monitored, found, notes=(*found.notes, *_cut(logged.height, most)))
        return _tell(made, opened, command, webhook)
    finally:
        if not own:
            opened.close()


class Live:
    """The newest verdict on a log as Prometheus text, made again in a thread every so often.

    For a server that shows drift beside its own numbers: `text()` never waits. `options` are
    those of `monitor`. A fault is told by `fault`, and the last text stays.
    """

    def __init__(self, model: Any, log: str, every: float = 60.0, **options: Any) -> None:
        self._asked = (model, log, options)
        self._every, self._stop, self._text = every, threading.Event(), ""
        self.fault = ""
        self._thread = threading.Thread(target=self._run, name="wholefit-monitor", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Gauges of the newest window; empty until the first are made."""
        return self._text

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        model, log, options = self._asked
        while True:
            try:
                if isinstance(model, (str, os.PathLike)):
                    options = {"name": stem_of(model, options.get("name")), **options}
                    model = load(Path(model))
                self._text = monitor(model, log, **{"last": 1, **options}).to_prometheus()
                self.fault = ""
            except WholefitError as error:
                self.fault = str(error)
            except Exception as error:  # the thread must outlive one bad moment
                self.fault = f"{type(error).__name__}: {error}"
            if self._stop.wait(self._every):
                return


def subject_of(result: Any, name: str, version: str) -> Subject:
    """What monitoring needs to know of a Result, or of that of a task without a target."""
    rows = result.lineage.get("rows")
    learnt = rows if isinstance(rows, int) and "adopted" not in result.lineage else 0
    supervised = isinstance(result, Result)
    return Subject(name, version, result.task, result.schema, sketch_of(result), learnt,
                   result.score if supervised else None,
                   result._fitted.codec if supervised else None)


def reference_of(
    result: Any, source: Any, reading: dict[str, Any], seed: int = 0
) -> Side:
    """Reference rows with the model's answers, and truths where the target is there."""
    _answers.check_options(reading)
    frame = data.read(source, **reading).frame
    frame = frame[some(frame.height, _MOST_REFERENCE, seed, "reference")]
    said, sure = answers_of(result, frame)
    target = result.schema.target
    truth = frame.get_column(target) if target in frame.columns else None
    inputs = frame.drop([target]) if truth is not None else frame
    return Side(frame.height, inputs, None, said, sure, None, truth)


def _which(log: Log, guess: str | None, asked: str | None, version: str | None) -> tuple[str, str]:
    """Name and version of the answers to judge: as asked, else the only model, the newest one."""
    there = log.versions()
    if not there:
        raise DataError(f"the log {log.name} holds no answers yet.")
    names = list(dict.fromkeys(each[0] for each in there))
    name = guess if guess in names else names[0] if asked is None and len(names) == 1 else None
    if name is None:
        raise unknown(f"model in the log {log.name}", str(asked or guess), names)
    versions = [each[1] for each in there if each[0] == name]
    if version is not None and str(version) not in versions:
        raise unknown(f"version of {name} in the log {log.name}", str(version), versions)
    return name, versions[-1] if version is None else str(version)


def _since(given: Any) -> float | None:
    if isinstance(given, str):
        try:
            kind, size = span(given)
        except ParameterError:
            return moment(given)
        if kind == "seconds":
            return clock.time() - size
    return None if given is None else moment(given)


def _cut(rows: int, most: int) -> tuple[str, ...]:
    return () if rows < most else (f"only the newest {most:,} answers were read.",)


def _told(noted: str | None) -> float:
    """Up to when alarms were told; what cannot be read counts as never."""
    try:
        return float(noted or "-inf")
    except ValueError:
        return float("-inf")


def _tell(
    found: Monitored, log: Log, command: str | None, webhook: str | None
) -> Monitored:
    """Tell alarms that were not told before; what could not be told is noted, and told again."""
    if command is None and webhook is None:
        return found
    from wholefit.monitoring import hooks

    mark = f"told:{found.model}:{found.version}"[:200]
    told = _told(log.noted(mark))
    fresh = [judged for judged in found.windows if judged.alarms and judged.window.end > told]
    if not fresh:
        return found
    value = {"model": found.model, "version": found.version, "log": found.log,
             "said": found.said,
             "windows": [{**judged.window.to_json(), "alarms": [
                 check.to_json() for check in judged.alarms]} for judged in fresh]}
    faults = []
    for hook, where in ((hooks.command, command), (hooks.webhook, webhook)):
        try:
            if where is not None:
                hook(where, value)
        except DataError as error:
            faults.append(str(error))
    if not faults:
        log.note(mark, repr(fresh[-1].window.end))
    return dataclasses.replace(found, notes=(*found.notes, *faults))
