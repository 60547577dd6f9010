"""Labelling by two people, scripted: what to ask first, how far they agree, one label of two.

The answers come from the known labels of text messages, in the folder that WHOLEFIT_DATA names;
a person would use `wholefit label texts.csv --column text --classes ham,spam`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf

DATA = "sms_spam/data.csv.gz"

EXPECTED = {
    "spam found in 150 questions, random order": (12, 32),
    "spam found in 150 questions, least sure first": (45, 95),
    "F1 of the guesses after 150, random order": (0.4, 0.8),
    "F1 of the guesses after 150, least sure first": (0.85, 1.0),
    "Krippendorff's alpha of ann and bob": (0.45, 0.9),
    "items to adjudicate": (3, 30),
    "right after adjudication": (0.98, 1.0),
}
LABELLED = 150


def main() -> dict[str, float]:
    messages = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    messages = messages.unique("text", maintain_order=True).head(2000)
    truth = dict(zip(messages["text"], messages["spam"].replace_strict({0: "ham", 1: "spam"}),
                     strict=True))
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for order, name in (("random", "random order"), ("uncertain", "least sure first")):
            spam, f1 = alone(messages, truth, order, Path(folder) / f"{order}.jsonl")
            found[f"spam found in 150 questions, {name}"] = spam
            found[f"F1 of the guesses after 150, {name}"] = f1
        found |= together(messages, truth, Path(folder) / "two.jsonl")
    return found


def alone(messages: pl.DataFrame, truth: dict[str, str], order: str, store: Path) -> tuple:
    """One annotator, who is always right."""
    with wf.label(messages, column="text", classes="ham,spam", store=store, order=order,
                  background=False) as session:
        for _ in range(LABELLED):
            question = session.next("ann")
            session.answer("ann", question.key, truth[question.shown[0][1]])
        spam = session.progress("ann")["classes"]["spam"]
        # The guesses for the items that nobody has labelled, against the truth.
        rest = np.setdiff1d(np.arange(len(session.items)), session.consensus()[0])
        guess = session.assistant.guesses.proba[rest].argmax(axis=1)
        true = np.array([truth[session.items.shown(i)[0][1]] == "spam" for i in rest])
        f1 = 2 * (guess & true).sum() / (guess.sum() + true.sum())
    return float(spam), float(f1)


def together(messages: pl.DataFrame, truth: dict[str, str], store: Path) -> dict[str, float]:
    """Ann errs once in thirty times, bob once in twelve; a third person settles the splits."""
    chance = np.random.default_rng(0)
    with wf.label(messages, column="text", classes="ham,spam", store=store, order="random",
                  background=False) as session:
        for who, errs in (("ann", 1 / 30), ("bob", 1 / 12)):
            for _ in range(LABELLED):
                question = session.next(who)
                right = truth[question.shown[0][1]]
                wrong = "spam" if right == "ham" else "ham"
                session.answer(who, question.key, wrong if chance.random() < errs else right)
        split = session.disagreements()
        for key in split:
            text = session.question(key).shown[0][1]
            session.adjudicate("eve", key, truth[text])
    agreement = wf.agreement(store)
    print("agreement:", agreement.alpha)
    labelled = wf.labelled(messages, store).frame.filter(pl.col("label").is_not_null())
    right = sum(truth[text] == label for text, label in labelled.select("text", "label").rows())
    return {"Krippendorff's alpha of ann and bob": agreement.alpha.value,
            "items to adjudicate": float(len(split)),
            "right after adjudication": right / labelled.height}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
