"""Wrong labels in a table of text messages: planted, found, and what it costs to leave them in.

The 4,837 messages lie in the folder that WHOLEFIT_DATA names.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf

DATA = "sms_spam/data.csv.gz"

EXPECTED = {
    "labels made wrong": (170, 240),
    "rows to read": (150, 280),
    "wrong ones among the first 100 of the list": (85, 100),
    "estimated share of wrong labels": (0.08, 0.15),
    "share of the wrong ones found by reading the list": (0.65, 0.95),
    "log loss with the labels as they are": (0.18, 0.26),
    "log loss after mending what the list found": (0.1, 0.17),
}


def main() -> dict[str, float]:
    messages = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    messages = messages.unique("text", maintain_order=True).head(3000)
    learn, held = messages[:2000], messages[2000:]
    truth = learn["spam"].to_numpy()

    # One label in ten is turned round, as a tired annotator might.
    wrong = np.random.default_rng(0).random(len(truth)) < 0.1
    damaged = learn.with_columns(spam=pl.Series(np.where(wrong, 1 - truth, truth)))

    # No row is judged by a model that learnt it; the list begins with the most suspect.
    doubts = wf.label_errors(damaged, target="spam", jobs=1)
    print(doubts.ranked(5))
    print(doubts.noise, "of the labels are wrong, it seems")

    # A person reads the flagged rows, and mends those that are wrong indeed.
    read = doubts.ranked()["row"].to_numpy() - 1
    mended = damaged["spam"].to_numpy().copy()
    mended[read] = truth[read]

    def loss(labels: np.ndarray) -> float:
        frame = learn.with_columns(spam=pl.Series(labels))
        result = wf.fit(frame, target="spam", models="logistic", jobs=1)
        return result.evaluate(held)["log_loss"].value

    return {
        "labels made wrong": float(wrong.sum()),
        "rows to read": float(len(doubts)),
        "wrong ones among the first 100 of the list": float(wrong[read[:100]].sum()),
        "estimated share of wrong labels": doubts.noise.value,
        "share of the wrong ones found by reading the list": float(wrong[read].sum() / wrong.sum()),
        "log loss with the labels as they are": loss(damaged["spam"].to_numpy()),
        "log loss after mending what the list found": loss(mended),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
