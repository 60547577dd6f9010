"""Multilabel classification: which of several labels a row holds, any number of them at once."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Multilabel(Task):
    """Predict for each of several labels whether a row holds it, and how likely that is.

    It has no one target: the columns of its labels, or one column of sets, have the role "labels".
    """

    name = "multilabel"
    summary = "which of several labels each row holds, with a probability for each label"
    supervised = False
    roles = ("labels",)
    knows = ("time", "group", "weight")
    borrows = "classification"
    verbs = (
        Verb("predict", "the labels that each row holds", "label or labels"),
        Verb("predict_proba", "the probability of each label", "number per label"),
    )
    baseline = "dummy"
    metrics = ("log_loss", "f1_macro", "f1_micro", "roc_auc", "average_precision", "exact_match",
               "hamming_loss", "jaccard", "ranking_precision")
    unit = "row"
    stratified = True
    updatable = False
    answer_shape = ("(n, labels) probabilities, each for itself; truth (n, labels) 0 and 1, NaN "
                    "where not known")
