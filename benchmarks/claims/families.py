"""Claims that choose between families of models, on real tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._tools import data_folder
from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim, compared, fitted, table
from wholefit.data import bundled
from wholefit.training import Entry

FAMILIES = ("decision_tree", "svc", "random_forest(n_estimators=100)", "hist_gradient_boosting",
            "logistic", "knn")
_CACHE: dict[str, dict[str, Entry]] = {}


def _tables() -> dict[str, tuple[Any, str]]:
    from sklearn import datasets

    found: dict[str, tuple[Any, str]] = {}
    for name in ("breast_cancer", "wine", "digits"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        found[name] = table(X, y), "y"
    # Part of the rows: the point is who wins, and kernels take time by the square of the rows.
    for name, target in (("telco_churn", "churn"), ("credit_data", "Status")):
        found[name] = _some(bundled.path(name)), target
    return found


def _some(path: Path) -> Any:
    import wholefit as wf

    return wf.read(path).frame.sample(2000, seed=0)


def _boards() -> dict[str, dict[str, Entry]]:
    """Every family on every table, by accuracy: made once."""
    if not _CACHE:
        for name, (source, target) in _tables().items():
            rows = compared(source, target, FAMILIES, metric="accuracy")
            _CACHE[name] = {entry.model: entry for entry in rows}
    return _CACHE


def _leads(board: dict[str, Entry], *names: str) -> bool:
    return any(board[name].best or board[name].tied for name in names)


@claim("AR8", "A tree to be read, a support vector machine in high dimensions, forest or boosting "
       "for accuracy, logistic and k-NN to start with",
       "six families on five tables, accuracy, paired; 'leads' is best or tied with the best")
def by_need() -> Finding:
    boards = _boards()
    leads = {name.partition("(")[0]: sum(_leads(board, name.partition("(")[0])
                                         for board in boards.values()) for name in FAMILIES}
    said = "leads on: " + ", ".join(f"{name} {count} of {len(boards)}"
                                    for name, count in leads.items())
    ensembles = sum(_leads(board, "random_forest", "hist_gradient_boosting")
                    for board in boards.values())
    if ensembles == len(boards) and leads["logistic"] < ensembles and leads["svc"] < ensembles:
        return said, TRUE
    often = [name for name, count in leads.items() if count >= ensembles]
    return said, (f"{PARTLY}: forest or boosting leads on {ensembles} of {len(boards)}; "
                  + (f"as often or more: {', '.join(often)}" if often else "none does so often"))


@claim("B42", "Ensembles beat single models; stacking beats each of its members",
       "three tables: tree, logistic, forest, and a stack of them; log loss, paired")
def stacks() -> Finding:
    members = ["decision_tree(max_depth=5)", "logistic", "random_forest(n_estimators=100)"]
    stack = f"stacking(members={members!r}, final='logistic')"
    won, alone = 0, 0
    said = []
    for name in ("breast_cancer", "telco_churn", "credit_data"):
        source, target = _tables()[name]
        rows = compared(source, target, [*members, stack], metric="log_loss", folds=3)
        *singles, stacked = rows
        won += stacked.best and not any(entry.tied for entry in singles)
        alone += not _leads({entry.model: entry for entry in rows}, "random_forest", "stacking")
        said.append(f"{name}: " + ", ".join(f"{entry.model} {entry.scores['log_loss']}"
                                            for entry in rows))
    if won == 3:
        return "; ".join(said), TRUE
    return "; ".join(said), (f"{PARTLY}: the stack beats all of its members on {won} of 3; a "
                             f"single model beats both ensembles on {alone} of 3")


@claim("B43, AR10", "Boosting reduces bias, bagging variance (for stacking see B42)",
       "Friedman's function, 200 rows, 25 draws: bias squared and variance at 500 points")
def bias_and_variance() -> Finding:
    found = {name: _decomposed(text) for name, text in {
        "stump": "decision_tree(max_depth=1)",
        "boosted stumps": "gradient_boosting(max_depth=1, n_estimators=200)",
        "full tree": "decision_tree(max_depth=None, min_samples_leaf=1)",
        "bagged trees": "bagging(n_estimators=50)",
        "boosted trees": "gradient_boosting(max_depth=3)"}.items()}
    said = ", ".join(f"{name} {bias:.1f} + {variance:.1f}"
                     for name, (bias, variance) in found.items())
    boosting = found["boosted stumps"][0] < 0.5 * found["stump"][0]
    bagging = found["bagged trees"][1] < 0.5 * found["full tree"][1]
    return f"bias squared + variance: {said}", TRUE if boosting and bagging else FALSE


def _decomposed(text: str) -> tuple[float, float]:
    from sklearn.datasets import make_friedman1

    X, truth = make_friedman1(500, noise=0.0, random_state=999)
    answers = []
    for seed in range(25):
        rows, y = make_friedman1(200, noise=1.0, random_state=seed)
        answers.append(fitted(text, rows, y, seed)(X))
    made = np.array(answers)
    return (float(np.mean((made.mean(axis=0) - truth) ** 2)), float(np.mean(made.var(axis=0))))


@claim("BEN-35", "Automatic choice finds a good model in 120 s with few lines (digits)",
       "the default set against a default forest, five folds, paired")
def automatic() -> Finding:
    import wholefit as wf

    source, target = _tables()["digits"]
    result = wf.fit(source, target=target, metric="accuracy", budget="120s", jobs=1)
    forest = compared(source, target, ["random_forest"], metric="accuracy")[0]
    chosen = result.scores["accuracy"]
    said = f"{result.model} {chosen}, default forest {forest.scores['accuracy']}"
    good = chosen.high > forest.scores["accuracy"].value
    best = max(_boards()["digits"].values(), key=lambda entry: entry.scores["accuracy"].value)
    return f"{said}; best family tried apart: {best.model} {best.scores['accuracy']}", (
        TRUE if good else FALSE)


@claim("BEN-27, BEN-20", "20 newsgroups, 4 groups: TF-IDF and a linear machine; TF-IDF beats raw "
       "counts", "the bydate split; multinomial naive Bayes and the machine, both on both",
       data="20newsgroups/train.parquet")
def newsgroups() -> Finding:
    found = {(words, name): _news(words, name) for words in ("counts", "tfidf")
             for name in ("linear_svm", "multinomial_nb")}
    said = ", ".join(f"{name} on {words} {value:.3f}" for (words, name), value in found.items())
    gains = [found["tfidf", name] - found["counts", name]
             for name in ("linear_svm", "multinomial_nb")]
    if min(gains) > 0.005:
        return said, TRUE
    return said, PARTLY + ": for one learner, not the other" if max(gains) > 0.005 else FALSE


def _news(words: str, name: str) -> float:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    made = {"counts": CountVectorizer, "tfidf": TfidfVectorizer}[words](min_df=2)
    (text, y), (new, truth) = _groups("train"), _groups("test")
    answer = fitted(name, made.fit_transform(text), y)(made.transform(new))
    return float((answer.argmax(axis=1) == truth).mean())


def _groups(part: str) -> tuple[list[str], np.ndarray]:
    import polars as pl

    wanted = ["alt.atheism", "comp.graphics", "sci.med", "soc.religion.christian"]
    rows = pl.read_parquet(data_folder() / "20newsgroups" / f"{part}.parquet")
    label, text = _columns(rows)
    rows = rows.filter(pl.col(label).is_in(wanted))
    return rows[text].to_list(), np.array([wanted.index(name) for name in rows[label]])


def _columns(rows: Any) -> tuple[str, str]:
    """The column of group names and the one of texts: the texts are the longer ones."""
    by_length = sorted(rows.columns, key=lambda name: rows[name].str.len_chars().mean())
    return by_length[0], by_length[-1]
