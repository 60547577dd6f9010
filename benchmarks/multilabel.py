"""`python -m benchmarks.multilabel [TABLE ...]`: several labels at once, beside scikit-learn.

Two thirds of the rows are learnt from, one third judged. scikit-learn gets the same rows encoded
as a careful user would: numbers scaled, categories as columns of 0 and 1, texts as TF-IDF.

    baskets     a supermarket's baskets: which of the 20 most frequent departments a basket holds,
                from the other departments in it
    services    a telephone company's customers: which of six services each has, from the rest
    two_topics  two posts of two newsgroups, the first 60 words of each: which two groups
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmarks import _tools

_ASKED = ("log_loss", "f1_macro", "f1_micro", "roc_auc", "exact_match", "ranking_precision")


def baskets() -> tuple[pl.DataFrame, list[str]]:
    """A row a basket, a column a department that 46 baskets or more hold."""
    lines = pl.read_parquet(_tools.data_folder() / "supermarket_baskets" / "data.parquet")
    counts = lines["item"].value_counts(sort=True)
    kept = counts.filter(pl.col("count") >= 46)["item"].to_list()
    wide = lines.filter(pl.col("item").is_in(kept)).unique().with_columns(held=1).pivot(
        on="item", index="basket", values="held").fill_null(0).drop("basket")
    return wide.select(sorted(wide.columns)), kept[:20]


def services() -> tuple[pl.DataFrame, list[str]]:
    """A row a customer; a service is held or not."""
    table = pl.read_csv(_tools.data_folder() / "telco_churn" / "data.csv.gz")
    names = ["online_security", "online_backup", "device_protection", "tech_support",
             "streaming_tv", "streaming_movies"]
    return table.with_columns(
        (pl.col(name).str.to_lowercase() == "yes").cast(pl.Int64) for name in names), names


def two_topics() -> tuple[pl.DataFrame, list[str]]:
    """Posts glued in pairs, drawn by chance, each post once."""
    posts = pl.read_parquet(_tools.data_folder() / "20newsgroups" / "train.parquet")
    label, text = sorted(posts.columns, key=lambda name: posts[name].n_unique())
    order = np.random.default_rng(0).permutation(len(posts))[:8000].reshape(-1, 2)
    words = [" ".join(str(cell).split()[:60]) for cell in posts[text].to_list()]
    groups = posts[label].cast(pl.String).to_list()
    names = sorted(set(groups))
    pairs = [{groups[a], groups[b]} for a, b in order]
    return pl.DataFrame({"text": [f"{words[a]} {words[b]}" for a, b in order],
                         **{name: [int(name in pair) for pair in pairs] for name in names}}), names


TABLES: dict[str, Callable[[], tuple[pl.DataFrame, list[str]]]] = {
    "baskets": baskets, "services": services, "two_topics": two_topics}


def _ours(train: pl.DataFrame, test: pl.DataFrame, labels: list[str]) -> tuple[Any, str]:
    import wholefit as wf

    made = wf.fit(train, target=labels, jobs=2, budget="280s",
                  roles={"text": "text"} if "text" in train.columns else None)
    answer = made.predict_proba(test)
    score = made.score
    return (answer.select([f"p_{name}" for name in labels]).to_numpy(),
            f"{made.model}; said {score}" if score is not None else made.model)


def _encoded(train: pl.DataFrame, test: pl.DataFrame, labels: list[str]) -> tuple[Any, Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    a, b = train.drop(labels).to_pandas(), test.drop(labels).to_pandas()
    if list(a.columns) == ["text"]:
        made: Any = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2))
        return made.fit_transform(a["text"]), made.transform(b["text"])
    words = [name for name in a.columns if a[name].dtype.kind not in "ifb"]
    made = ColumnTransformer([
        ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()),
         [name for name in a.columns if name not in words])])
    return made.fit_transform(a), made.transform(b)


def _peer(name: str) -> Callable[..., tuple[Any, str]]:
    def run(train: pl.DataFrame, test: pl.DataFrame, labels: list[str]) -> tuple[Any, str]:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.multioutput import ClassifierChain

        X, X_test = _encoded(train, test, labels)
        Y = train.select(labels).to_numpy()
        strength = 10.0 if "text" in train.columns else 1.0
        line = LogisticRegression(max_iter=2000, C=strength)
        made: Any = {
            "one against the rest": OneVsRestClassifier(line),
            "chain": ClassifierChain(line, order="random", random_state=0),
            "forest": RandomForestClassifier(300, n_jobs=2, random_state=0, min_samples_leaf=2),
        }[name].fit(X, Y)
        found = made.predict_proba(X_test)
        return (np.column_stack([each[:, 1] for each in found])
                if isinstance(found, list) else np.asarray(found)), ""

    return run


TOOLS: dict[str, Callable[..., tuple[Any, str]]] = {
    "wholefit": _ours, **{name: _peer(name) for name in (
        "one against the rest", "chain", "forest")}}


def section(name: str) -> str:
    """One table, every tool in turn."""
    from wholefit import evaluation

    table, labels = TABLES[name]()
    order = np.random.default_rng(1).permutation(len(table))
    cut = 2 * len(table) // 3
    train, test = table[order[:cut]], table[order[cut:]]
    truth = test.select(labels).to_numpy().astype(float)
    rows, answers = [], {}
    for tool, run in TOOLS.items():
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers[tool], said = run(train, test, labels)
        seconds = time.perf_counter() - start
        scores = evaluation.score("multilabel", truth, np.clip(answers[tool], 0, 1),
                                  metrics=_ASKED)
        rows.append([tool, *(str(scores[each]) for each in _ASKED), f"{seconds:.0f}", said])
    ties = evaluation.ties("multilabel", "log_loss", truth,
                           {tool: np.clip(each, 0, 1) for tool, each in answers.items()})
    told = "; ".join(f"{tool} {diff.value:+.4f} ({diff.low:+.4f} to {diff.high:+.4f})"
                     for tool, diff in ties.items() if diff.value)
    return "\n\n".join([
        f"## {name}: {cut:,} rows learnt from, {len(test):,} judged, {len(labels)} labels",
        _tools.markdown(["tool", *_ASKED, "seconds", "what answers, and what it said of itself"],
                        rows),
        f"Log loss against the best, row by row: {told}."])


def main(words: Sequence[str] | None = None) -> None:
    """Every table, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    asked = parser.parse_args(words)
    made = [section(name) for name in asked.tables or TABLES]
    text = "\n\n".join([
        "# Several labels at once", *made,
        "Seconds are those of the whole call: of wholefit with five folds of every model, the "
        "mixture and the map between labels; of the others one fit without a score.",
        f"{_tools.machine('scikit-learn', 'lightgbm', 'torch')}",
        "Made by `python -m benchmarks.multilabel`."])
    print(text)
    if set(asked.tables or TABLES) == set(TABLES):
        _tools.save("multilabel", text)


if __name__ == "__main__":
    main()
