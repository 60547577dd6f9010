"""A network learns to write like Jane Austen, letter by letter.

Two minutes of reading would make words, an hour sentences; this small form reads 150,000 letters
in seconds. It is scored on text it has not read: how many letters it wavers between, beside one
that knows only how frequent each letter is. What it writes gets stranger with the temperature.
"""

from __future__ import annotations

import gzip
import os
from collections import Counter
from pathlib import Path

import numpy as np

from wholefit.nn.sequences.language import LanguageModel

DATA = "jane_austen"
EXPECTED = {
    "letters wavered between": (4.0, 10.0),
    "by frequency alone": (15.0, 25.0),
    "share of written words that she uses": (0.15, 1.0),
    "the same when hot": (0.0, 0.6),
    "kinds of letters when cold, over hot": (0.1, 1.0),
}


def main() -> dict[str, float]:
    packed = (Path(os.environ["WHOLEFIT_DATA"]) / DATA / "prideprejudice.txt.gz").read_bytes()
    text = " ".join(gzip.decompress(packed).decode().split())
    read, unread = text[:150_000], text[400_000:408_000]
    model = LanguageModel("lstm", {"hidden": 128, "width": 32}, tokens="character", length=64,
                          recipe={"epochs": 5, "batch": 16, "rate": 5e-3, "device": "cpu"})
    model.fit([read])
    perplexity = model.perplexity([unread])
    cold, hot = (model.sample(1, length=300, prompt="She ", temperature=heat)[0]
                 for heat in (0.5, 1.5))
    print(f"{perplexity}\n\ncold: {cold}\n\nhot: {hot}")
    counts = np.array(list(Counter(read).values())) / len(read)
    return {
        "letters wavered between": perplexity.value,
        "by frequency alone": float(np.exp(-(counts * np.log(counts)).sum())),
        "share of written words that she uses": known(cold, text),
        "the same when hot": known(hot, text),
        "kinds of letters when cold, over hot": len(set(cold)) / len(set(hot)),
    }


def known(written: str, text: str) -> float:
    """Share of the words written that stand in the novel; the last may be cut off."""
    words = set(text.split())
    made = written.split()[1:-1]
    return sum(word in words for word in made) / max(1, len(made))


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
