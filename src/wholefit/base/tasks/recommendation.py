"""Recommendation: what a user may like."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Recommendation(Task):
    """Learn from ratings or uses what each user may like next."""

    name = "recommendation"
    summary = "what a user may like"
    supervised = False
    roles = ("user", "item")
    knows = ("rating", "time", "amount")
    verbs = (Verb("recommend", "the best items for each user, those seen left out", "items"),
             Verb("predict", "the rating expected of each pair of user and item", "number"))
    baseline = "popularity"
    metrics = ("ndcg@10", "recall@10", "rmse")
    unit = "user"
    stratified = False
    updatable = True
    answer_shape = "predict: (n,) ratings or preferences; recommend: (n, k) items and their scores"
