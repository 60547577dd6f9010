"""Texts alone: `text_embedding` as it comes, a plain bag of pairs, and two linear models.

    python -m benchmarks.texts [SET ...]

Every set is cut once, a quarter of its rows judged (20newsgroups by its own test rows, IMDB by
other films); all models learn from the same rows. The linear models are scikit-learn's: TF-IDF of
one and two words (at least two texts), and Wang & Manning's (2012) ratios of one to three words,
for two classes.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import data_folder, machine, markdown, save
from benchmarks.neural_accuracy import _data

PLAIN = "text_embedding(ngrams=2,buckets=500000,kept=None,skip=0.5,width=8,learning_rate=0.01)"
_WORDS = r"(?u)\b\w+(?:'\w+)?\b|[!?]"


@dataclass(frozen=True)
class Cut:
    """Texts and targets to learn from, and to be judged by; classes are codes."""

    texts: list[str]
    y: np.ndarray
    asked: list[str]
    truth: np.ndarray
    classes: int


def _cut(frame: pl.DataFrame, text: str, target: str, classes: bool = True) -> Cut:
    frame = frame.drop_nulls([text, target])
    order = np.random.default_rng(0).permutation(len(frame))
    held = len(frame) // 4
    return _of(*(frame[np.sort(rows)].select(text=text, y=target)
                 for rows in (order[held:], order[:held])), classes)


def _of(learnt: pl.DataFrame, judged: pl.DataFrame, classes: bool) -> Cut:
    known = sorted(learnt["y"].unique().to_list()) if classes else []
    y, truth = (np.array([known.index(value) for value in part["y"]] if classes
                         else part["y"].to_numpy()) for part in (learnt, judged))
    return Cut(learnt["text"].to_list(), y, judged["text"].to_list(), truth, len(known))


def _read(name: str, file: str = "data.parquet") -> pl.DataFrame:
    return pl.read_parquet(data_folder() / name / file)


def _imdb() -> Cut:
    split = _data.imdb()
    return Cut(list(split.x), split.y, list(split.x_test), split.y_test, 2)


def _newsgroups() -> Cut:
    parts = (_read("20newsgroups", f"{part}.parquet").rename({"category": "y"})
             for part in ("train", "test"))
    return _of(*parts, classes=True)


SETS: dict[str, Callable[[], Cut]] = {
    "imdb": _imdb,
    "20newsgroups": _newsgroups,
    "sms_spam": lambda: _cut(pl.read_csv(data_folder() / "sms_spam" / "data.csv.gz"), "text",
                             "spam"),
    "clothing, recommended": lambda: _cut(_read("womens_clothing_reviews"), "Review Text",
                                          "Recommended IND"),
    "clothing, first 1,500": lambda: _cut(_read("womens_clothing_reviews")[:1500], "Review Text",
                                          "Recommended IND"),
    "clothing, stars": lambda: _cut(_read("womens_clothing_reviews").with_columns(
        pl.col("Rating").cast(pl.Float64)), "Review Text", "Rating", classes=False),
    "food": lambda: _cut(_read("fine_food_reviews"), "review", "score"),
    "vader, feeling": lambda: _cut(_read("vader_ground_truth"), "text", "sentiment",
                                   classes=False),
}


def _fitted(words: str, cut: Cut) -> np.ndarray:
    task = "classification" if cut.classes else "regression"
    result = wf.fit(pl.DataFrame({"text": cut.texts, "y": cut.y}), target="y", task=task,
                    models=words, roles={"text": "text"}, folds=2, seed=0, jobs=2, budget="3h")
    asked = pl.DataFrame({"text": cut.asked})
    if not cut.classes:
        return result.predict(asked)["prediction"].to_numpy()
    found = result.predict_proba(asked)
    places = [next(at for at, column in enumerate(found.columns)
                   if column == str(code) or column.endswith(f"_{code}"))
              for code in range(cut.classes)]
    return found.to_numpy()[:, places]


def _tfidf(cut: Cut) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    if not cut.classes:
        return make_pipeline(words, Ridge()).fit(cut.texts, cut.y).predict(cut.asked)
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=500))
    return model.fit(cut.texts, cut.y).predict_proba(cut.asked)


def _ratios(cut: Cut) -> np.ndarray:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    words = CountVectorizer(ngram_range=(1, 3), binary=True, min_df=2, token_pattern=_WORDS)
    held = words.fit_transform(cut.texts).astype(np.float32)
    sums = [np.asarray(held[cut.y == code].sum(0)).ravel() + 1 for code in (0, 1)]
    ratio = np.log(sums[1] / sums[1].sum()) - np.log(sums[0] / sums[0].sum())
    model = LogisticRegression(C=0.3, solver="liblinear", dual=True, max_iter=300)
    model.fit(held.multiply(ratio).tocsr(), cut.y)
    return model.predict_proba(words.transform(cut.asked).multiply(ratio).tocsr())


MODELS: dict[str, Callable[[Cut], np.ndarray]] = {
    "text_embedding": lambda cut: _fitted("text_embedding", cut),
    "plain bag of pairs": lambda cut: _fitted(PLAIN, cut),
    "TF-IDF, linear": _tfidf,
    "ratios, linear": _ratios,
}


def _score(answer: np.ndarray, cut: Cut) -> str:
    """Share right and log loss, or RMSE."""
    if not cut.classes:
        return f"{np.sqrt(np.mean((answer - cut.truth) ** 2)):.4f}"
    own = np.clip(answer[np.arange(len(answer)), cut.truth], 1e-9, 1)
    return f"{np.mean(answer.argmax(1) == cut.truth):.2%}, {-np.log(own).mean():.4f}"


def _rows(names: list[str]) -> Iterator[list[str]]:
    for name in names:
        cut = SETS[name]()
        row = [name, f"{len(cut.y):,} / {len(cut.truth):,}"]
        for model, answer in MODELS.items():
            if answer is _ratios and cut.classes != 2:
                row.append("")
                continue
            began = time.perf_counter()
            found = _score(answer(cut), cut)
            row.append(f"{found} ({time.perf_counter() - began:.0f} s)")
            print(name, model, row[-1], flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.texts")
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    names: Any = parser.parse_args().sets or list(SETS)
    if wrong := set(names) - set(SETS):
        parser.error(f"no set is named {', '.join(sorted(wrong))}; sets: {', '.join(SETS)}")
    warnings.simplefilter("ignore")
    found = markdown(["set", "learnt / judged", *MODELS], list(_rows(names)))
    if names == list(SETS):
        save("texts", "# Texts alone\n\nShare right and log loss, RMSE for numbers; seconds of the "
             "whole, wholefit's with its two folds.\n\n" + found + "\n\n"
             + machine("wholefit", "torch", "scikit-learn")
             + "; two threads, one seed.\n\nMade by `python -m benchmarks.texts`.")


if __name__ == "__main__":
    main()
