"""The newest window in Prometheus's text exposition format, version 0.0.4."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

_HELP = {
    "wholefit_monitor_alarms": "Alarms in the newest window.",
    "wholefit_monitor_alarms_recent": "Alarms in all windows that are told.",
    "wholefit_monitor_window_rows": "Answers in the newest window.",
    "wholefit_monitor_window_labels": "Truths that came for the newest window.",
    "wholefit_monitor_window_end_seconds": "When the newest window ended, since 1970.",
    "wholefit_drift_distance": "Distance of the newest window from the reference, a share of rows.",
    "wholefit_drift_p_adjusted": "Chance of such a distance in a stable window, corrected.",
    "wholefit_score": "Score of the newest window by the truths that came.",
    "wholefit_score_low": "Lower end of the score's interval.",
    "wholefit_score_high": "Upper end of the score's interval.",
    "wholefit_estimated_score": "Score of the newest window, estimated without truths.",
    "wholefit_anomalous_share": "Share of strange rows in the newest window.",
    "wholefit_unsure_share": "Share of answers low in confidence in the newest window.",
    "wholefit_answer_seconds": "Time that answers of the newest window took, by quantile.",
}
_DRIFT = ("input", "missing", "prediction", "confidence", "together")


def text(found: Any) -> str:
    """Gauges of the newest window; what is not known is left out."""
    base = {"model": found.model, "version": found.version}
    lines: list[str] = []
    for name, samples in _gauges(found, base).items():
        known = [(labels, value) for labels, value in samples if math.isfinite(value)]
        if known:
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
            lines += [f"{name}{_labels(labels)} {value:.17g}" for labels, value in known]
    return "\n".join(lines) + "\n" if lines else ""


def _gauges(
    found: Any, base: dict[str, str]
) -> dict[str, list[tuple[dict[str, str], float]]]:
    made: dict[str, list[tuple[dict[str, str], float]]] = {
        "wholefit_monitor_alarms_recent": [(base, float(len(found.alarms)))]}
    if not found.windows:
        return made
    newest = found.windows[-1]
    made["wholefit_monitor_alarms"] = [(base, float(len(newest.alarms)))]
    made["wholefit_monitor_window_rows"] = [(base, float(newest.window.rows))]
    made["wholefit_monitor_window_labels"] = [(base, float(newest.labels))]
    made["wholefit_monitor_window_end_seconds"] = [(base, newest.window.end)]
    for check in newest.checks:
        _add(made, check, base)
    return made


def _add(made: dict[str, Any], check: Any, base: dict[str, str]) -> None:
    named = {**base, "kind": check.kind, "what": check.what}
    if check.kind in _DRIFT:
        made.setdefault("wholefit_drift_distance", []).append((named, check.distance))
        made.setdefault("wholefit_drift_p_adjusted", []).append((named, check.p_adjusted))
    elif check.kind == "score":
        metric = {**base, "metric": check.what}
        for name, value in (("wholefit_score", check.value), ("wholefit_score_low", check.low),
                            ("wholefit_score_high", check.high)):
            made.setdefault(name, []).append((metric, value))
    elif check.kind == "estimate":
        made.setdefault("wholefit_estimated_score", []).append(
            ({**base, "metric": check.what}, check.value))
    elif check.kind == "anomalies":
        made["wholefit_anomalous_share"] = [(base, check.value)]
    elif check.kind == "unsure":
        made["wholefit_unsure_share"] = [(base, check.value)]
    elif check.kind == "latency":
        made.setdefault("wholefit_answer_seconds", []).append(
            ({**base, "quantile": check.what}, check.value))


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    kept = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return "".join(_kept(kept))


def _kept(value: Iterable[str]) -> Iterable[str]:
    """Letters that a line of text may hold: a control would end it."""
    return (letter if letter.isprintable() else "\ufffd" for letter in value)
