"""Clustering: which rows belong together, if any do."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Clustering(Task):
    """Find groups of rows that are alike, or say that there are none."""

    name = "clustering"
    summary = "which rows belong together, if any do"
    supervised = False
    roles = ()
    knows = ("label", "time", "group", "weight")
    verbs = (Verb("predict", "the cluster of each row, -1 where it belongs to none", "category"),)
    baseline = "one_cluster"
    metrics = ("separation", "silhouette", "stability")
    unit = "row"
    stratified = False
    updatable = False
    answer_shape = "(n, k) memberships, rows sum to 1; all zero where a row belongs to no cluster"
