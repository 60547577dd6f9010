"""Counts and times of a server, in Prometheus' text format (0.0.4).

Written here and not with prometheus-client: a request costs three or four additions, and nothing
is locked, for only the server's own thread counts.
"""

from __future__ import annotations

import os
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MEDIA = b"text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
           2.5, 5.0, 10.0)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_MOST_CLASSES = 50


class Histogram:
    """Counts of values up to each bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count one value; each bucket holds what is at most its bound."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str, labels: str) -> Iterable[str]:
        """The lines of its buckets, sum and count."""
        so_far = 0
        inner = labels[:-1] + "," if labels else "{"
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            word = "+Inf" if bound == float("inf") else f"{bound:g}"
            yield f'{name}_bucket{inner}le="{word}"}} {so_far}'
        yield f"{name}_sum{labels} {self.total:.9g}"
        yield f"{name}_count{labels} {so_far}"


class Meter:
    """What one verb of one version of a model was asked and answered."""

    __slots__ = ("classes", "confidence", "labels", "model_seconds", "rows", "seconds", "statuses",
                 "unsure")

    def __init__(self, model: str, version: str, verb: str) -> None:
        self.labels = {"model": model, "version": version, "verb": verb}
        self.statuses: dict[int, int] = {}
        self.seconds, self.model_seconds = Histogram(), Histogram()
        self.confidence = Histogram(SHARES)
        self.classes: dict[str, int] = {}
        self.rows = self.unsure = 0

    def asked(self, status: int, seconds: float, rows: int) -> None:
        """Count a request that ended."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.add(seconds)
        self.rows += rows

    def answered(self, answers: Mapping[str, list[Any]], seconds: float) -> None:
        """Count what was answered: the model's time, how sure it was, which classes it said."""
        self.model_seconds.add(seconds)
        sure = answers.get("confidence")
        if sure is None:
            return
        for value in sure:
            if value is not None:
                self.confidence.add(value)
        self.unsure += sum(map(bool, answers.get("low_confidence", ())))
        for said in answers.get("prediction", ()):
            word = str(said)
            if word in self.classes or len(self.classes) < _MOST_CLASSES:
                self.classes[word] = self.classes.get(word, 0) + 1


class Metrics:
    """All that a server counts; `text` writes it."""

    def __init__(self) -> None:
        self.started = time.time()
        self.other: dict[int, int] = {}
        self.refused: dict[str, int] = {}
        self.feedback = self.shadows = self.shadows_dropped = 0
        self._meters: dict[tuple[str, str, str], Meter] = {}
        self.gauges: list[tuple[str, str, Callable[[], float]]] = []
        self.more: list[Callable[[], str]] = []

    def meter(self, model: str, version: str, verb: str) -> Meter:
        """The meter of a verb of a version, made when it is first asked for."""
        key = (model, version, verb)
        found = self._meters.get(key)
        if found is None:
            found = self._meters[key] = Meter(*key)
        return found

    def refuse(self, reason: str) -> None:
        """Count a request that was turned away."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def elsewhere(self, status: int) -> None:
        """Count a request that no model was asked by."""
        self.other[status] = self.other.get(status, 0) + 1

    def text(self, models: Iterable[Mapping[str, str]] = ()) -> str:
        """Everything in Prometheus' text format; `models` are labels of what is served."""
        lines: list[str] = []
        meters = list(self._meters.values())
        _counter(lines, "wholefit_requests_total", "Requests that models were asked by.", [
            ({**m.labels, "status": str(status)}, count)
            for m in meters for status, count in sorted(m.statuses.items())])
        _counter(lines, "wholefit_other_requests_total", "Requests that asked no model.", [
            ({"status": str(status)}, count) for status, count in sorted(self.other.items())])
        _counter(lines, "wholefit_rows_total", "Rows asked.", [(m.labels, m.rows) for m in meters])
        _counter(lines, "wholefit_low_confidence_total", "Rows less sure than the server's limit.",
                 [(m.labels, m.unsure) for m in meters if sum(m.confidence.counts)])
        _counter(lines, "wholefit_predictions_total", "Rows by the class that was said.", [
            ({**m.labels, "class": name}, count)
            for m in meters for name, count in sorted(m.classes.items())])
        for name, what, pick in (
                ("wholefit_request_seconds", "From a request's arrival to its answer.", "seconds"),
                ("wholefit_model_seconds", "In the model alone.", "model_seconds"),
                ("wholefit_confidence", "Probability of the class that was said.", "confidence")):
            _histograms(lines, name, what, [(m.labels, getattr(m, pick)) for m in meters])
        _counter(lines, "wholefit_refused_total", "Requests turned away, by reason.", [
            ({"reason": reason}, count) for reason, count in sorted(self.refused.items())])
        _counter(lines, "wholefit_feedback_total", "Truths taken.", [({}, self.feedback)])
        _counter(lines, "wholefit_shadow_requests_total", "Requests that shadows answered.",
                 [({}, self.shadows)])
        _counter(lines, "wholefit_shadow_dropped_total", "Requests that shadows had no time for.",
                 [({}, self.shadows_dropped)])
        _gauge(lines, "wholefit_model_info", "What is served.", [(each, 1) for each in models])
        for name, what, value in self.gauges:
            _gauge(lines, name, what, [({}, value())])
        _process(lines, self.started)
        return "\n".join(lines) + "\n" + "".join(_safe(each) for each in self.more)


def _safe(more: Callable[[], str]) -> str:
    """Text of somebody else's metrics; their fault must not hide ours."""
    try:
        text = more()
    except Exception as error:
        return f"# {type(error).__name__} in metrics that were added\n"
    return text if not text or text.endswith("\n") else text + "\n"


Samples = list[tuple[Mapping[str, str], float]]


def _counter(lines: list[str], name: str, what: str, samples: Samples, kind: str = "counter"
             ) -> None:
    if samples:
        lines += [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in samples]


def _gauge(lines: list[str], name: str, what: str, samples: Samples) -> None:
    _counter(lines, name, what, samples, "gauge")


def _histograms(
    lines: list[str], name: str, what: str, samples: list[tuple[Mapping[str, str], Histogram]]
) -> None:
    kept = [(labels, histogram) for labels, histogram in samples if sum(histogram.counts)]
    if kept:
        lines += [f"# HELP {name} {what}", f"# TYPE {name} histogram"]
        for labels, histogram in kept:
            lines += histogram.lines(name, _labels(labels))


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + inner + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def _process(lines: list[str], started: float) -> None:
    times = os.times()
    _counter(lines, "process_cpu_seconds_total", "Seconds of processor time used.",
             [({}, times.user + times.system)])
    _gauge(lines, "process_start_time_seconds", "When the process started, since 1970.",
           [({}, round(started, 3))])
    resident = _resident()
    if resident is not None:
        _gauge(lines, "process_resident_memory_bytes", "Memory in use.", [({}, resident)])


def _resident() -> int | None:
    """Bytes of memory in use; None where the system has no cheap way to tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        pass
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
