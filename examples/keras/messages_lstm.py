"""Spam or not, read word by word by a Keras LSTM: words to numbers in each fold, padding masked.

The textbook's recurrent programs are taught three rows, judged by the same three, padded with a
number that means something, and cut texts by a tool that Keras has retired. Here the messages are
real, rows of the rare class count more, and the vocabulary is learnt from training rows alone.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import keras
import polars as pl
from keras import layers

import wholefit as wf
from wholefit.models import brought

DATA = "sms_spam"
EXPECTED = {
    "messages": (1500, 1500), "average precision": (0.75, 1.0), "always the same": (0.05, 0.25),
    "a prize is spam": (0.5, 1.0), "dinner is spam": (0.0, 0.5), "same after loading": (1, 1),
}


def main() -> dict[str, float]:
    keras.utils.set_random_seed(0)
    path = Path(os.environ["WHOLEFIT_DATA"]) / DATA / "data.csv.gz"
    messages = pl.read_csv(path).sample(1500, seed=0).select(
        "text", kind=pl.when(pl.col("spam") == 1).then(pl.lit("spam")).otherwise(pl.lit("ham")))
    guest = brought(network(), epochs=6, batch=32, patience=2)
    result = wf.fit(messages, target="kind", positive="spam", folds=2,
                    roles={"text": "text"}, metric="average_precision", balance="weights",
                    models=[guest], budget="10m")
    print(result.leaderboard)
    asked = pl.DataFrame({"text": [
        "You have won a free prize! Call now to claim 1000 pounds cash",
        "ok see you at home for dinner then"]})
    found = result.predict_proba(asked)["p_spam"]
    with tempfile.TemporaryDirectory() as folder:
        result.save(f"{folder}/messages.wf")
        same = wf.load(f"{folder}/messages.wf").predict_proba(asked)["p_spam"].equals(found)
    score = {each.model: each.scores["average_precision"].value for each in result.leaderboard}
    return {"messages": len(messages), "average precision": score["lstm"],
            "always the same": score["dummy"], "a prize is spam": found[0],
            "dinner is spam": found[1], "same after loading": float(same)}


def network() -> keras.Model:
    """2,000 words, 30 of each message; 0 is the end, which is masked and read by no layer."""
    made = keras.Sequential([
        keras.Input((30,)), layers.Embedding(2000, 16, mask_zero=True),
        layers.Bidirectional(layers.LSTM(16)), layers.Dense(1, activation="sigmoid")], name="lstm")
    made.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", weighted_metrics=["AUC"])
    return made


if __name__ == "__main__":
    numbers = main()
    print(numbers)
    assert all(EXPECTED[name][0] <= value <= EXPECTED[name][1] for name, value in numbers.items())
