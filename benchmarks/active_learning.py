"""Labels needed when the least sure is asked first, against a random order.

    python -m benchmarks.active_learning [--seeds 5]

Real texts with known labels play the annotator. A third of the items is never asked and judges;
both orders use the same model, the same first questions and the same journal.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t as student
from sklearn.metrics import f1_score

from benchmarks import _tools
from wholefit.data import read
from wholefit.data.labels import Store, items_of
from wholefit.training.labelling import Options, Session
from wholefit.training.prelabels import Learner

MOST = 500
MARKS = (50, 100, 200, 500)
SHARE = 0.95
TOPICS = ("rec.autos", "sci.med", "sci.space", "talk.politics.guns")
WAYS = {"random": {"order": "random"},
        "least sure (margin)": {"order": "uncertain", "random_share": 0.2},
        "least sure, no random share": {"order": "uncertain", "random_share": 0.0}}


def sets() -> dict[str, pl.DataFrame]:
    """Name to text and label."""
    folder = _tools.data_folder()
    sms = read(folder / "sms_spam/data.csv.gz").frame
    food = read(folder / "fine_food_reviews/data.parquet").frame
    news = pl.concat([read(folder / f"20newsgroups/{part}.parquet").frame
                      for part in ("train", "test")], how="vertical_relaxed")
    label, text = sorted(news.columns, key=lambda name: news[name].n_unique())
    news = news.filter(pl.col(label).is_in(TOPICS))
    return {"sms_spam (2 classes, 13 % spam)": _two(sms, "text", "spam"),
            "fine_food_reviews (2 classes)": _two(food, "review", "score"),
            "20newsgroups (4 of its classes)": _two(news, text, label)}


def _two(frame: pl.DataFrame, text: str, label: str) -> pl.DataFrame:
    found = frame.select(text=pl.col(text), label=pl.col(label).cast(pl.String))
    return found.drop_nulls().unique("text", maintain_order=True)


@dataclass
class Runs:
    """Of each seed: macro F1 at the marks, and labels until the goal was kept."""

    at: list[list[float]] = field(default_factory=list)
    needed: list[float] = field(default_factory=list)


def one(frame: pl.DataFrame, way: dict, seed: int) -> tuple[dict[int, float], float]:
    """F1 by number of labels, and F1 when the whole pool is learnt."""
    frame = frame.sample(min(frame.height, 4500), shuffle=True, seed=seed)
    pool = frame.height * 2 // 3
    classes = sorted(frame["label"].unique())
    y = frame["label"].replace_strict(classes, range(len(classes))).to_numpy()
    items = items_of(frame[:pool], ["text"])
    assert len(items) == pool
    learner = Learner(frame.select("text"), len(classes))  # the items first, then who judges

    def judge(proba: np.ndarray) -> float:
        return float(f1_score(y[pool:], proba[pool:].argmax(axis=1), average="macro"))

    scores = {}
    with tempfile.TemporaryDirectory() as folder, \
            Store.open(Path(folder) / "l.jsonl", items, classes=classes) as store, \
            Session(items, store, Options(**way, seed=seed), learner=learner,
                    background=False) as session:
        seen = None
        for count in range(1, MOST + 1):
            question = session.next("ann")
            session.answer("ann", question.key, frame["label"][question.item])
            guesses = session.assistant.guesses
            if guesses is not None and guesses is not seen:
                seen, scores[count] = guesses, judge(guesses.proba)
    return scores, judge(learner.fit(np.arange(pool), y[:pool]))


def reached(scores: dict[int, float], goal: float) -> float:
    """Labels from which the score never falls below the goal again; MOST if it never does."""
    below = [count for count, score in scores.items() if score < goal]
    later = [count for count in scores if not below or count > max(below)]
    return float(min(later)) if later else float(MOST)


def at(scores: dict[int, float], count: int) -> float:
    return next((scores[c] for c in sorted(scores, reverse=True) if c <= count), float("nan"))


def interval(values: list[float], digits: int) -> str:
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return f"{mean:.{digits}f}"
    half = student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return f"{mean:.{digits}f} [{mean - half:.{digits}f}, {mean + half:.{digits}f}]"


def study(seeds: int) -> str:
    rows, start = [], time.perf_counter()
    for name, frame in sets().items():
        kept = {way: Runs() for way in WAYS}
        for seed in range(seeds):
            for way, words in WAYS.items():
                scores, whole = one(frame, words, seed)
                kept[way].at.append([at(scores, mark) for mark in MARKS])
                kept[way].needed.append(reached(scores, SHARE * whole))
        for way, runs in kept.items():
            saved = [r / u for r, u in zip(kept["random"].needed, runs.needed, strict=True)]
            shown = [interval([run[i] for run in runs.at], 3) for i in range(len(MARKS))]
            never = sum(count >= MOST for count in runs.needed)
            note = f" ({never} of {seeds} never)" if never else ""
            rows.append([name, way, *shown, interval(runs.needed, 0) + note,
                         "" if way == "random" else interval(saved, 1)])
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    header = ["set", "order", *(f"F1 at {mark}" for mark in MARKS),
              f"labels to {SHARE:.0%} of all", "random / this"]
    return _tools.markdown(header, rows)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=5)
    asked = words.parse_args()
    warnings.simplefilter("ignore")
    found = study(asked.seeds)
    _tools.save("active_learning", f"""# Active learning: labels needed

`python -m benchmarks.active_learning --seeds {asked.seeds}` on
{_tools.machine("scikit-learn", "numpy")}.

Macro F1 on a third of the items, which is never asked; at most 3,000 items to ask, {MOST} labels.
Mean over {asked.seeds} seeds with its 95 % interval (Student). "Labels to {SHARE:.0%} of all":
from which on the score stays above {SHARE:.0%} of what learning every label of the pool gives;
{MOST} where it does not get there, so the ratio in the last column, taken seed by seed, is then a
low guess.

{found}
""")


if __name__ == "__main__":
    main()
