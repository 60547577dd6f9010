"""Is a review of a film for it or against it? A network from scratch, beside counted words.

Sentences out of film reviews, rated by twenty people each; those that are clearly for or against.
Both models are scored on the same folds, so the difference has an interval of its own. Whole
reviews of IMDB by the same words: `python -m benchmarks.neural_accuracy imdb`.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import polars as pl

import wholefit as wf

DATA = "vader_ground_truth"
EXPECTED = {
    "sentences": (3000, 3000),
    "accuracy of the network": (0.70, 0.88),
    "accuracy of counted words": (0.66, 0.88),
    "accuracy of always the same": (0.45, 0.60),
    "'I love this movie!' is for it": (0.5, 1.0),
}


def main() -> dict[str, float]:
    path = Path(os.environ["WHOLEFIT_DATA"]) / DATA / "data.parquet"
    rows = pl.read_parquet(path).filter(
        (pl.col("corpus") == "movie_snippets") & (pl.col("sentiment").abs() > 1.0)
    ).select("text", opinion=pl.when(pl.col("sentiment") > 0).then(pl.lit("for")).otherwise(
        pl.lit("against"))).sample(3000, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(rows, target="opinion", roles={"text": "text"}, metric="accuracy", folds=3,
                        models="text_embedding, logistic, dummy")
        print(result.leaderboard)
        asked = result.predict_proba(pl.DataFrame({"text": ["I love this movie!"]}))
    score = {entry.model: entry.scores["accuracy"].value for entry in result.leaderboard}
    return {
        "sentences": len(rows),
        "accuracy of the network": score["text_embedding"],
        "accuracy of counted words": score["logistic"],
        "accuracy of always the same": score["dummy"],
        "'I love this movie!' is for it": float(asked["p_for"][0]),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
