"""Anomaly detection: which rows are unlike the others."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Anomaly(Task):
    """Find the rows that are unlike the others."""

    name = "anomaly"
    summary = "which rows are unlike the others"
    supervised = False
    roles = ()
    knows = ("label", "time", "group")
    verbs = (Verb("score_samples", "how strange each row is, the higher the stranger", "number"),
             Verb("predict", "whether a row is stranger than the alert budget allows", "boolean"))
    baseline = "isolation_forest"
    metrics = ("roc_auc", "average_precision")
    unit = "row"
    stratified = False
    updatable = False
    answer_shape = "(n,) scores, the higher the stranger"
