"""Audits and mitigation: false alarms, agreement and speed beside fairlearn, real prices."""

from __future__ import annotations

import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import data_folder, markdown, median
from wholefit import data, models
from wholefit.base import tasks
from wholefit.evaluation.fairness import audit, disparities
from wholefit.evaluation.fairness._measures import stats
from wholefit.evaluation.fairness.audit import Answers
from wholefit.features.encoder import Encoder
from wholefit.training.fairness._reductions import exponentiated_gradient, settled

_PEER = Path(__file__).with_name("_fairlearn.py")
# Table, target, outcome, columns of groups, and bands. The loans and their states say nothing of
# persons: they stand for groups.
TABLES: dict[str, tuple[str, str, str, list[str], dict[str, list[float]]]] = {
    "adult": ("adult/data.parquet", "income", ">50K", ["gender"], {}),
    "german_credit": ("german_credit/data.csv.gz", "class", "good", ["age"], {"age": [26]}),
    "credit_data": ("credit_data/data.csv.gz", "Status", "good", ["Age"], {"Age": [30, 45]}),
    "attrition": ("attrition/data.csv.gz", "Attrition", "Yes", ["Gender"], {}),
    "lending_club": ("lending_club/data.csv.gz", "Class", "bad", ["verification_status"], {}),
}


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of the page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [*_alarms(30 if short else 300), "", *_agreement(peer, short), "",
                *_games(peer, short), "", *_prices(short)]


def read(name: str, rows: int) -> pl.DataFrame:
    """A table, at most so many rows, shuffled."""
    path = data_folder() / TABLES[name][0]
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(
        path, infer_schema_length=None, null_values=["NA"])
    return frame.sample(min(rows, frame.height), shuffle=True, seed=0)


# ---- false alarms -------------------------------------------------------------------------


def _alarms(draws: int) -> list[str]:
    """Audits of groups that were drawn at random: what is found then is chance."""
    random = np.random.default_rng(0)
    p = random.beta(2, 4, 20_000)
    truth = (random.random(len(p)) < p).astype(np.int32)
    rows = []
    for n in (300, 1_000, 10_000):
        for groups in (2, 5):
            gaps = criteria = impact = 0
            for _ in range(draws):
                picked = random.choice(len(p), n, replace=False)
                group = pl.Series(random.integers(0, groups, n).astype(str))
                found = audit(Answers(
                    "classification", truth[picked],
                    np.column_stack([1 - p[picked], p[picked]]), classes=("no", "yes")),
                    {"group": group}, positive=1).parts[0]
                gaps += any(gap.verdict in ("higher", "lower") for each in found.groups
                            for gap in each.against.values())
                criteria += any(each.verdict == "unequal" for each in found.criteria)
                impact += found.criterion("disparate impact").verdict == "below 0.8"
            rows.append([f"{n:,}", str(groups), f"{gaps / draws:.3f}",
                         f"{criteria / draws:.3f}", f"{impact / draws:.3f}"])
    return ["## Groups drawn at random", "",
            f"Share of {draws} audits that call something unequal where nothing is; 5 % is what "
            "is stated, for an audit as a whole: for its groups, and for its criteria.", "",
            markdown(["rows", "groups", "any group differs (Holm)", "any criterion fails (Holm)",
                      "impact below 0.8"], rows)]


# ---- agreement ----------------------------------------------------------------------------


def _agreement(peer: str | None, short: bool) -> list[str]:
    title = ["## Rates, beside fairlearn", ""]
    if peer is None:
        return [*title, "Not run: needs --peer-python with fairlearn."]
    rows = []
    for name, n in (("adult", 5_000 if short else 48_842), ("german_credit", 1_000)):
        answers, group = _answered(name, n)
        told = _ours(answers, group)
        theirs = _ask(peer, "rates", truth=answers.truth == 1,
                      said=answers.answer[:, 1] > 0.5, group=group)
        far = max(abs(told[0][str(each)][measure].value - theirs[f"rate_{measure}"][at])
                  for at, each in enumerate(theirs["groups"])
                  for measure in ("selection_rate", "tpr", "fpr", "fnr"))
        ours = disparities(told[0])
        far = max(far, abs(ours["selection"] - float(theirs["selection"])),
                  abs(ours["odds"] - float(theirs["odds"])))
        rows.append([name, f"{len(group):,}", f"{far:.1e}", f"{1e3 * told[1]:.1f}",
                     f"{1e3 * float(theirs['seconds']):.1f}", f"{1e3 * told[2]:.1f}"])
    return [*title, markdown(["data", "rows", "largest difference of any rate or gap",
                              "ours, ms (11 measures)", "fairlearn, ms (4 measures)",
                              "ours with intervals, tests, AUC, ms"], rows)]


def _answered(name: str, n: int) -> tuple[Answers, np.ndarray]:
    """Answers of a logistic model to the half of the rows that it has not seen, and groups."""
    _, target, positive, by, bands = TABLES[name]
    frame = read(name, n)
    result = wf.fit(frame[: n // 2], target=target, positive=positive, models="logistic",
                    jobs=1, folds=3, checks=False)
    held = frame[n // 2:]
    code = list(map(str, result.classes or ())).index(positive)
    p = result.predict_proba(held)[f"p_{positive}"].to_numpy()
    truth = (held[target].cast(pl.String) == positive).to_numpy().astype(np.int32)
    assert code in (0, 1)
    column = held[by[0]]
    group = (column >= bands[by[0]][0]).cast(pl.String) if by[0] in bands else column
    return Answers("classification", truth, np.column_stack([1 - p, p]),
                   classes=("other", positive)), group.cast(pl.String).to_numpy().astype(str)


def _ours(answers: Answers, group: np.ndarray) -> tuple[dict[str, Any], float, float]:
    start = time.perf_counter()
    rows = next(iter(answers.outcomes(1)))[1]
    found = {str(each): stats("classification", rows.take(np.flatnonzero(group == each)))
             for each in np.unique(group)}
    middle = time.perf_counter()
    audit(answers, {"group": pl.Series(group)}, positive=1)
    return found, middle - start, time.perf_counter() - middle


# ---- the game -----------------------------------------------------------------------------


def _games(peer: str | None, short: bool) -> list[str]:
    title = ["## Constrained training, beside fairlearn's exponentiated gradient", ""]
    if peer is None:
        return [*title, "Not run: needs --peer-python with fairlearn."]
    rows = [row for name, n in (("adult", 3_000 if short else 20_000), ("german_credit", 1_000))
            for goal in ("selection", "odds")
            for row in _game(peer, name, n, goal, 1 if short else 3)]
    return [*title,
            "The same encoded matrix, the same logistic regression (scikit-learn's), bound 0.01, "
            "fitted on half of the rows and judged on the other half. \"Drawn\" is the mixture as "
            "a lottery (what the theory speaks of), \"as answered\" the mean of a few of the "
            "classifiers, cut at a half, which gives a row always the same answer; fairlearn "
            "draws. Seconds: medians of runs that took turns.", "",
            markdown(["data", "goal", "who", "accuracy", "gap", "fits", "members", "seconds"],
                     rows)]


def _game(peer: str, name: str, n: int, goal: str, repeats: int) -> Iterator[list[str]]:
    X, yes, group, test_X, test_yes, test_group = _encoded(name, n)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        game, members = _play(X, yes, group, goal)
        ours.append(time.perf_counter() - start)
        found = _ask(peer, "reductions", X=X, y=yes.astype(np.int32), group=group,
                     test_X=test_X, goal=np.array(goal), bound=np.array(0.01))
        theirs.append(float(found["seconds"]))
    free = members[0].predict_proba(test_X)[:, 1]
    each = np.stack([members[at].predict_proba(test_X)[:, 1] for at in game.members])
    weights = np.array(game.weights)
    drawn = weights @ (each >= 0.5)
    final = settled(game, [member.predict_proba(X)[:, 1] for member in members], yes,
                    lambda said: _gap(said.astype(float), yes, group, goal), 0.01)
    answered = sum(weight * members[at].predict_proba(test_X)[:, 1]
                   for at, weight in final.items()) >= 0.5
    for who, said, more in (
            ("unconstrained", free >= 0.5, ["1", "1", ""]),
            ("ours, drawn", drawn, [str(game.rounds), str(len(weights)), f"{median(ours):.2f}"]),
            ("ours, as answered", answered, ["", str(len(final)), ""]),
            ("fairlearn, drawn", found["chance"], [str(int(found["fits"])),
                                                   str(int(found["members"])),
                                                   f"{median(theirs):.2f}"])):
        right = np.where(test_yes, said, 1 - np.asarray(said, float)).mean()
        gap = _gap(np.asarray(said, float), test_yes, test_group, goal)
        yield [name, goal, who, f"{right:.4f}", f"{gap:.4f}", *more]


def _play(X: np.ndarray, yes: np.ndarray, group: np.ndarray, goal: str) -> tuple[Any, list[Any]]:
    from sklearn.linear_model import LogisticRegression

    members: list[Any] = []

    def learn(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        members.append(LogisticRegression(max_iter=1000).fit(X, labels, sample_weight=weights))
        return np.asarray(members[-1].predict(X))

    return exponentiated_gradient(learn, group, yes, goal, 0.01, 50), members


def _encoded(name: str, n: int) -> tuple[np.ndarray, ...]:
    _, target, positive, by, bands = TABLES[name]
    frame = read(name, n)
    dataset = data.load(frame, target=target)
    half = len(dataset) // 2
    task = tasks.get("classification")
    codec = task.codec(target, dataset.target_values(), positive)
    y = dataset.target(codec) == codec.positive  # type: ignore[attr-defined]
    encoder = Encoder(models.make("logistic").encoding(task)).fit(
        dataset, np.arange(half), y[:half].astype(np.int32))
    X = encoder.transform(dataset)
    X = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=np.float64)
    column = dataset.original[by[0]]
    group = np.unique((column >= bands[by[0]][0]).to_numpy() if by[0] in bands
                      else column.to_numpy().astype(str), return_inverse=True)[1]
    return X[:half], y[:half], group[:half], X[half:], y[half:], group[half:]


def _gap(said: np.ndarray, yes: np.ndarray, group: np.ndarray, goal: str) -> float:
    events = {"selection": [np.ones(len(yes), bool)], "odds": [yes, ~yes]}[goal]
    return max(max(rates) - min(rates) for event in events
               for rates in [[said[event & (group == g)].mean() for g in np.unique(group)]])


def _ask(peer: str, what: str, **arrays: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, **{name: np.asarray(value) for name, value in arrays.items()})
        subprocess.run([peer, str(_PEER), what, str(given), str(found)], check=True,
                       capture_output=True)
        with np.load(found, allow_pickle=False) as kept:
            return dict(kept)


# ---- prices -------------------------------------------------------------------------------


def _prices(short: bool) -> list[str]:
    rows = []
    for name, (_, target, positive, by, bands) in TABLES.items():
        frame = read(name, 1_500 if short else 20_000)
        found = wf.mitigate(frame, target=target, by=by, positive=positive, bands=bands,
                            models="logistic", jobs=1, checks=False)
        for way in (found.before, *found.ways):
            if way.reason:
                continue
            price, gap = way.price, way.gaps["selection"]
            rows.append([
                name, way.method, str(way.scores["accuracy"]), "" if price is None else
                f"{price.value:+.3f} [{price.low:+.3f}, {price.high:+.3f}]", str(gap.after),
                "" if price is None else f"{gap.difference.value:+.3f} "
                f"[{gap.difference.low:+.3f}, {gap.difference.high:+.3f}]",
                str(way.gaps["odds"].after),
                "" if price is None else f"{way.seconds:.1f}"])
    return ["## The price of equal selection on real tables", "",
            "Logistic regression, five folds, at most 20,000 rows; on rows that no model had seen, "
            "with paired intervals. Loans by whether the income was verified are no groups of "
            "people; they stand for them.", "",
            markdown(["data", "method", "accuracy", "price", "gap in selection", "change",
                      "gap in odds", "seconds"], rows)]



