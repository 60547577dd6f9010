"""Planted label errors found: the hit rate, beside cleanlab where it is installed.

Labels of real tables are damaged on purpose, and the list is judged by how many of the damaged
rows stand at its top. The tables have errors of their own, which count here as misses; so the
figures are low guesses.

    python -m benchmarks.label_errors [--seeds 2] [--sets sms_spam,titanic]

Two comparisons: the same out-of-fold probabilities given to both tools (the method alone), and
each tool as it comes (its own default models too). `pip install cleanlab` brings the peer.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import _tools
from wholefit.base import tasks
from wholefit.data import dataset_of, read
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import for_linear
from wholefit.training import label_errors as ours
from wholefit.training._confident import confident

SETS = {
    "adult": ("adult/data.parquet", "income"), "letter": ("letter_recognition/data.parquet",
                                                          "lettr"),
    "shuttle": ("shuttle/data.parquet", "Class"), "spambase": ("spambase/data.csv.gz", "type"),
    "telco_churn": ("telco_churn/data.csv.gz", "churn"), "titanic": ("titanic/data.csv.gz",
                                                                    "survived"),
    "sms_spam (text)": ("sms_spam/data.csv.gz", "spam"),
}
NUMBERS = {"ames_housing": ("ames_housing/data.csv.gz", "Sale_Price"),
           "california": ("california_housing/data.parquet", "MedHouseVal"),
           "diamonds": ("diamonds/data.parquet", "price")}
RATES = (0.05, 0.10, 0.20)
ROWS = 3000
HAVE_PEER = importlib.util.find_spec("cleanlab") is not None


@dataclass
class Hits:
    """Average precision, AUROC, precision among as many rows as were damaged; flags' worth."""

    ap: float
    auroc: float
    at_k: float
    flagged: float = float("nan")
    precision: float = float("nan")
    recall: float = float("nan")


def hits(suspect: np.ndarray, damaged: np.ndarray, flagged: np.ndarray | None = None) -> Hits:
    k = int(damaged.sum())
    top = np.argsort(-suspect, kind="stable")[:k]
    found = Hits(average_precision_score(damaged, suspect), roc_auc_score(damaged, suspect),
                 float(damaged[top].mean()))
    if flagged is not None:
        found.flagged = float(flagged.sum()) / k
        found.precision = float(damaged[flagged].mean()) if flagged.any() else float("nan")
        found.recall = float(flagged[damaged].mean())
    return found


def damage(codes: np.ndarray, k: int, rate: float, kind: str, rng: np.random.Generator):
    """Other labels for a share of the rows.

    "uniform": any row, any other class. "by class": each class is damaged at its own rate
    (0.2 to 1.8 times `rate`), always into the same other class.
    """
    if kind == "uniform":
        hit = rng.random(len(codes)) < rate
        new = (codes + rng.integers(1, k, len(codes))) % k
    else:
        own = rate * rng.permutation(np.linspace(0.2, 1.8, k))
        hit = rng.random(len(codes)) < own[codes]
        new = (codes + 1 + rng.permutation(k)[codes] % (k - 1)) % k
    return np.where(hit, new, codes), hit


def table(name: str, sets: dict[str, tuple[str, str]]) -> tuple[pl.DataFrame, str]:
    file, target = sets[name]
    frame = read(_tools.data_folder() / file).frame
    frame = frame.filter(~frame[target].is_null())
    return frame.sample(min(ROWS, frame.height), seed=1), target


def of_classes(name: str, rate: float, kind: str, seed: int) -> dict[str, Hits]:
    frame, target = table(name, SETS)
    rng = np.random.default_rng([seed, int(rate * 100), kind == "uniform"])
    names = np.array(sorted(frame[target].cast(pl.String).unique()))
    codes = np.searchsorted(names, frame[target].cast(pl.String).to_numpy())
    rare = np.bincount(codes, minlength=len(names)) < 15  # five folds could not learn them
    keep = ~rare[codes]
    frame, codes = frame.filter(keep), np.unique(codes[keep], return_inverse=True)[1]
    names = names[~rare]
    noisy, damaged = damage(codes, len(names), rate, kind, rng)
    dataset = dataset_of(frame.with_columns(pl.Series(target, [f"c {n}" for n in names[noisy]])),
                         target=target)
    found = ours.out_of_fold(dataset, tasks.get("classification"), seed=seed)
    y, proba = found.y, found.answer
    own = confident(y, proba, score="self_confidence")
    margin = confident(y, proba, score="normalised_margin")
    answer = {"wholefit": hits(-margin.score, damaged, margin.flagged),
              "wholefit, self-confidence": hits(-own.score, damaged, own.flagged)}
    if HAVE_PEER:
        answer |= peer(dataset, y, proba, damaged)
    return answer


def peer(dataset, y, proba, damaged) -> dict[str, Hits]:
    from cleanlab.classification import CleanLearning
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    flagged = find_label_issues(y, proba, n_jobs=1)
    same = hits(-get_label_quality_scores(y, proba), damaged, flagged)
    X = Encoder(for_linear()).fit(dataset).transform(dataset)
    issues = CleanLearning(seed=0).find_label_issues(X, y)
    default = hits(-issues["label_quality"].to_numpy(), damaged,
                   issues["is_label_issue"].to_numpy())
    return {"cleanlab, same probabilities": same, "cleanlab, as it comes": default}


def of_numbers(name: str, rate: float, seed: int) -> dict[str, Hits]:
    """A share of the rows gets the target of another row."""
    frame, target = table(name, NUMBERS)
    rng = np.random.default_rng([seed, int(rate * 100)])
    y = frame[target].cast(pl.Float64).to_numpy()
    damaged = rng.random(len(y)) < rate
    noisy = np.where(damaged, rng.permutation(y), y)
    dataset = dataset_of(frame.with_columns(pl.Series(target, noisy)), target=target)
    task = tasks.get("regression")
    own = ours.label_errors(dataset, task, seed=seed)
    found = ours.out_of_fold(dataset, task, seed=seed)
    once = ours.judge(target, task, found.codec, found.y, found.answer)
    plain = -np.abs(found.y - found.answer)
    answer = {"wholefit": hits(-own.score, damaged, own.flagged),
              "wholefit, one round": hits(-once.score, damaged, once.flagged),
              "plain residual, one round": hits(-plain, damaged)}
    if HAVE_PEER:
        from cleanlab.regression.learn import CleanLearning
        from cleanlab.regression.rank import get_label_quality_scores

        same = get_label_quality_scores(found.y, found.answer)
        X = Encoder(for_linear(dense=True)).fit(dataset).transform(dataset)
        issues = CleanLearning(seed=0).find_label_issues(X, noisy)
        answer |= {"cleanlab, predictions of one round": hits(-same, damaged),
                   "cleanlab, as it comes": hits(-issues["label_quality"].to_numpy(), damaged,
                                                 issues["is_label_issue"].to_numpy())}
    return answer


def mean(many: list[Hits]) -> Hits:
    return Hits(*(float(np.mean([getattr(one, field) for one in many]))
                  for field in Hits.__dataclass_fields__))


def line(first: list[str], found: Hits) -> list[str]:
    flags = ("" if np.isnan(found.flagged) else
             f"{found.flagged:.2f} x planted: precision {found.precision:.2f}, "
             f"recall {found.recall:.2f}")
    return [*first, f"{found.ap:.3f}", f"{found.auroc:.3f}", f"{found.at_k:.3f}", flags]


def study(seeds: int, sets: list[str] | None) -> str:
    header = ["damage", "tool", "average precision", "AUROC", "precision at k", "flagged"]
    every: dict[tuple[str, float, str], list[Hits]] = {}
    by_set: dict[tuple[str, str], list[Hits]] = {}
    start = time.perf_counter()
    for name in [name for name in SETS if sets is None or name in sets]:
        for kind in ("uniform", "by class"):
            for rate in RATES:
                for seed in range(seeds):
                    for tool, found in of_classes(name, rate, kind, seed).items():
                        every.setdefault((kind, rate, tool), []).append(found)
                        by_set.setdefault((name, tool), []).append(found)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    numbers: dict[tuple[str, float, str], list[Hits]] = {}
    for name in [name for name in NUMBERS if sets is None or name in sets]:
        for rate in RATES:
            for seed in range(seeds):
                for tool, found in of_numbers(name, rate, seed).items():
                    numbers.setdefault((name, rate, tool), []).append(found)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    parts = ["## Classes: mean over the sets", _tools.markdown(header, [
        line([f"{kind}, {rate:.0%}", tool], mean(found))
        for (kind, rate, tool), found in every.items()])]
    parts += ["", "## Classes: each set, mean over the kinds and rates of damage",
              _tools.markdown(["set", *header[1:]], [
                  line([name, tool], mean(found)) for (name, tool), found in by_set.items()])]
    parts += ["", "## Numbers: targets swapped with another row's",
              _tools.markdown(["set", *header[1:]], [
                  line([f"{name}, {rate:.0%}", tool], mean(found))
                  for (name, rate, tool), found in numbers.items()])]
    return "\n".join(parts)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=2)
    words.add_argument("--sets", default=None)
    asked = words.parse_args()
    warnings.simplefilter("ignore")
    found = study(asked.seeds, asked.sets.split(",") if asked.sets else None)
    peers = ("cleanlab",) if HAVE_PEER else ()
    _tools.save("label_errors", f"""# Planted label errors: how many are found

`python -m benchmarks.label_errors --seeds {asked.seeds}` on
{_tools.machine("scikit-learn", "numpy", *peers)}.

At most {ROWS:,} rows of each set; {asked.seeds} seeds. "Precision at k" is the share of damaged
rows among the first k of the list, k being the number damaged. "Flagged" is how many rows the
tool says to read, beside the number planted. Sets have errors of their own, which count as
misses here. wholefit as it comes: the mean of logistic and extra_trees (ridge and extra_trees
for numbers), 5 folds, ranked by the normalised margin (cleanlab by self-confidence, its own
default; for two classes the two orders are the same). cleanlab as it comes: CleanLearning with its
own model, on the matrix that wholefit makes for linear models.

{found}
""")


if __name__ == "__main__":
    main()
