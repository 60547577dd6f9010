"""Reduction: the rows told in fewer numbers."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Reduction(Task):
    """Tell rows in a few numbers that keep what matters."""

    name = "reduction"
    summary = "each row in fewer numbers"
    supervised = False
    roles = ()
    knows = ("label", "time", "group", "weight")
    verbs = (Verb("transform", "the coordinates of each row", "numbers"),)
    baseline = "pca"
    metrics = ("trustworthiness", "distance_correlation")
    unit = "row"
    stratified = False
    updatable = False
    answer_shape = "(n, d) coordinates"
