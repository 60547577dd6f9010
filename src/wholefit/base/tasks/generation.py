"""Generation: new rows, pictures or texts like those that were learnt from."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Generation(Task):
    """Make new rows, pictures or texts that could have been among those learnt from."""

    name = "generation"
    summary = "new rows, pictures or texts like those that were learnt from"
    supervised = False
    roles = ()
    knows = ("label", "time", "group", "weight")
    verbs = (Verb("sample", "new rows", "rows"),)
    baseline = "independent_columns"
    metrics = ("told_apart", "coverage", "precision", "recall", "marginal_distance",
               "nearer_training", "usefulness", "bits_per_character", "perplexity", "copied")
    unit = "row"
    stratified = False
    updatable = False
    answer_shape = "(n, columns) rows of the columns learnt from"
