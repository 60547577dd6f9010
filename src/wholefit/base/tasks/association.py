"""Association: what is bought, done or found together."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Association(Task):
    """Find what goes together in baskets, and say it as rules."""

    name = "association"
    summary = "what goes together in baskets"
    supervised = False
    roles = ()
    knows = ("basket", "item", "amount", "time", "group")
    verbs = (Verb("complete", "what else each basket may hold", "items"),)
    baseline = "eclat"
    metrics = ("lift", "confidence", "support", "lift_ratio", "confirmed", "hit_rate@10")
    unit = "basket"
    stratified = False
    updatable = False
    answer_shape = "rules: sets of items with support, confidence and lift"
