"""Which words make a message spam: each one left out in turn, and held against chance.

The words found to speak for spam are taken away together, and as many random ones beside them. On
messages that the model was not fitted on, the first take away far more of the probability.
"""

from __future__ import annotations

import os
import statistics
from collections import Counter
from pathlib import Path

import polars as pl

import wholefit as wf

DATA = "sms_spam/data.csv.gz"
EXPECTED = {
    "probability before": (0.6, 1),
    "without the words found": (0, 0.45),
    "without random words": (0.5, 1),
    "'call', 'free' or 'txt' among the ten words that speak most": (1, 3),
}


def main() -> dict[str, float]:
    messages = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    train, new = messages[:4000], messages[4000:]
    result = wf.fit(train, target="spam", models="logistic", folds=3)
    caught = new.filter(pl.col("spam") == 1)
    caught = caught.filter(pl.Series(result.predict(caught)["prediction"] == 1))[:60]

    found = result.saliency(caught)
    print("\n".join(found.to_text().splitlines()[:8]))
    told = [each for each in found.found if each.test is not None]
    worth: Counter[str] = Counter()
    for each in told:
        for word, value in {each.text[a:b].lower(): v for a, b, v in each.spans}.items():
            worth[word] += value
    first = [word for word, _ in worth.most_common(10)]
    print("Speak most for spam, over all messages:", ", ".join(first))
    return {
        "probability before": statistics.mean(each.answer for each in told),
        "without the words found": statistics.mean(each.test.strongest for each in told),
        "without random words": statistics.mean(each.test.random for each in told),
        "'call', 'free' or 'txt' among the ten words that speak most":
            len({"call", "free", "txt"} & set(first)),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
