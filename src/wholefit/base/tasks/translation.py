"""Translation: from each text to another, learnt from pairs."""

from __future__ import annotations

from wholefit.base.tasks._task import Task, Verb


class Translation(Task):
    """Learn from pairs of texts to write the second for the first.

    Only the word `task="translation"` asks for it: a target of texts alone is taken for classes.
    """

    name = "translation"
    summary = "for each text another, learnt from pairs: a translation, a reply, another spelling"
    supervised = False
    roles = ("target",)
    knows = ("group",)
    verbs = (Verb("predict", "the text written for each text", "text", ("beams", "length")),)
    baseline = "nearest_pair"
    metrics = ("chrf", "bleu", "exact_match")
    unit = "row"
    stratified = False
    updatable = False
    answer_shape = "a text for each text"
