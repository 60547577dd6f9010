"""How fast a stress test is, and whether two defences against made-to-fool inputs help.

The defences: teaching with a noised copy of every row, on wholefit's own models; and defensive
distillation (Papernot and others, 2016) on a small network, attacked in the way that it was made
against, by its logits (Carlini and Wagner, 2016), and by the changes that fool another network.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.default_tables import table as read
from wholefit import data, evaluation
from wholefit.evaluation import metrics
from wholefit.explain import stress as stressing
from wholefit.explain.stress._versions import _spread
from wholefit.models import make
from wholefit.training import fit_plain

TABLES = ("spambase", "telco_churn", "credit_data", "shuttle", "california_housing")
MODELS = {"classification": ("logistic", "hist_gradient_boosting"),
          "regression": ("ridge", "hist_gradient_boosting")}
NOISE, SIZES = 0.25, (0.05, 0.1, 0.25, 0.5)


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of the page."""
    warnings.simplefilter("ignore")
    names = TABLES[1:2] if short else TABLES
    found = [row for name in names for row in _defended(name)]
    return [*_speed(found), "", *_noised(found), "", *_distilled(2 if short else 5)]


# ---- speed, and teaching with noise --------------------------------------------------------


def _defended(name: str) -> list[dict[str, Any]]:
    from wholefit.api.fitting import choose_task

    frame, target = read(name)
    held, learnt = frame[:5000 if len(frame) > 12_000 else len(frame) // 3], None
    learnt = frame[len(held):len(held) + 8000]
    rows = data.load(learnt, target=target)
    task, _ = choose_task(rows, target, None)
    whole = data.load(pl.concat([learnt, held]), target=target)
    asked = whole.take(np.arange(len(learnt), len(whole)))
    own = whole.take(np.arange(len(learnt)))
    found = []
    for model in MODELS[task.name]:
        plain = fit_plain(own, task, make(model))
        hard = fit_plain(_with_noise(own), task, make(model))
        truth = asked.target(plain.codec)
        metric = metrics.get(task.name, task.metrics[0])
        start = time.perf_counter()
        before = stressing.stress(plain, asked, truth, metric, sizes=SIZES)
        seconds = time.perf_counter() - start
        after = stressing.stress(hard, asked, truth, metric, sizes=SIZES)
        price = evaluation.compare(task.name, metric, truth, hard.answer(asked),
                                   plain.answer(asked))
        found.append({"table": name, "model": model, "metric": metric.name, "seconds": seconds,
                      "rows": before.rows, "columns": len(own.schema.features),
                      "trials": len(before.trials), "before": before, "after": after,
                      "price": price})
        print(name, model, f"{seconds:.1f} s", file=sys.stderr, flush=True)
    return found


def _with_noise(rows: Any) -> Any:
    """The rows, and a copy of each with noise in all of its numbers."""
    rng = np.random.default_rng(0)
    frame = rows.frame
    noised = []
    for name in rows.schema.features:
        if rows.schema.role(name) == "numeric":
            values = np.array(rows.numeric(name))
            spread = _spread(values)
            noised.append(pl.Series(name, values + NOISE * spread * rng.normal(size=len(values)),
                                    nan_to_null=True))
    plain = frame.with_columns([pl.col(each.name).cast(pl.Float64) for each in noised])
    both = pl.concat([plain, plain.with_columns(noised)])
    return data.Dataset(both, rows.schema, source=rows.source)


def _speed(found: list[dict[str, Any]]) -> list[str]:
    rows = [[row["table"], row["model"], f"{row['rows']:,}", str(row["columns"]),
             str(row["trials"]), f"{row['seconds']:.1f}"] for row in found]
    return ["## How long it takes", "", _tools.markdown(
        ["table", "model", "rows asked", "columns", "trials", "seconds"], rows)]


def _noised(found: list[dict[str, Any]]) -> list[str]:
    rows = []
    for row in found:
        before, after, price = row["before"], row["after"], row["price"]
        cells = [row["table"], row["model"], row["metric"],
                 f"{price.value:+.4f} [{price.low:+.4f}, {price.high:+.4f}]"]
        for size in (0.1, 0.25):
            cells.append(" → ".join(_reach(each, size) for each in (before, after)))
        noise = [next(t for t in each.group("noise") if t.words == "noise of 0.5 sd in all numbers")
                 for each in (before, after)]
        cells.append(" → ".join(f"{each.cost:+.4f}" for each in noise))
        rows.append(cells)
    return ["## Teaching with noise", "",
            f"A copy of every row with noise of {NOISE:g} standard deviations in all numbers is "
            "learnt too. The price is the paired difference of the score on clean held-out rows "
            "(all metrics here: lower is better). Rows fooled: the share the search fools, before "
            "→ after; the search is no proof that others are safe.", "",
            _tools.markdown(["table", "model", "metric", "price on clean rows",
                             "fooled within 0.1 sd", "fooled within 0.25 sd",
                             "cost of noise of 0.5 sd"], rows)]


def _reach(found: Any, size: float) -> str:
    if found.attack is None:
        return "–"
    each = next(each for each in found.attack.reaches if each.eps == size)
    return f"{each.flipped.value:.0%} [{each.flipped.low:.0%}, {each.flipped.high:.0%}]"


# ---- defensive distillation ----------------------------------------------------------------


class _Network:
    """One hidden layer, softmax at a temperature, Adam; as small as it can be."""

    def __init__(self, inputs: int, classes: int, seed: int, hidden: int = 64) -> None:
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.parts = [rng.normal(size=(inputs, hidden)) * np.sqrt(2 / inputs), np.zeros(hidden),
                      rng.normal(size=(hidden, classes)) * np.sqrt(2 / hidden), np.zeros(classes)]

    def logits(self, X: np.ndarray) -> np.ndarray:
        a, b, c, d = self.parts
        return np.maximum(X @ a + b, 0) @ c + d

    def fit(self, X: np.ndarray, Y: np.ndarray, heat: float, epochs: int = 60) -> _Network:
        """Cross-entropy to soft labels Y (n, classes) at a temperature."""
        first = [np.zeros_like(part) for part in self.parts]
        second = [np.zeros_like(part) for part in self.parts]
        step = 0
        for _ in range(epochs):
            for rows in np.array_split(self.rng.permutation(len(X)), max(1, len(X) // 64)):
                step += 1
                for at, slope in enumerate(self._slopes(X[rows], Y[rows], heat)):
                    first[at] = 0.9 * first[at] + 0.1 * slope
                    second[at] = 0.999 * second[at] + 0.001 * slope**2
                    self.parts[at] -= 0.003 * (first[at] / (1 - 0.9**step)) / (
                        np.sqrt(second[at] / (1 - 0.999**step)) + 1e-8)
        return self

    def _slopes(self, X: np.ndarray, Y: np.ndarray, heat: float) -> list[np.ndarray]:
        a, b, c, _ = self.parts
        inner = np.maximum(X @ a + b, 0)
        # Papernot's loss grows by the square of the temperature, so that steps keep their size.
        off = (_soft(self.logits(X), heat) - Y) * heat / len(X)
        back = (off @ c.T) * (inner > 0)
        return [X.T @ back, back.sum(axis=0), inner.T @ off, off.sum(axis=0)]

    def pull(self, X: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Gradient of sum(out * logits) with respect to the inputs."""
        a, b, c, _ = self.parts
        return ((out @ c.T) * (X @ a + b > 0)) @ a.T


def _soft(logits: np.ndarray, heat: float) -> np.ndarray:
    z = logits / heat
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _by_loss(net: _Network, X: np.ndarray, Y: np.ndarray, eps: float) -> np.ndarray:
    """The fast gradient sign method on the loss as deployed, in single precision as is usual."""
    off = (_soft(net.logits(X).astype(np.float32), 1.0) - Y).astype(np.float32)
    return X + eps * np.sign(net.pull(X, off.astype(np.float64)))


def _by_logits(net: _Network, X: np.ndarray, Y: np.ndarray, eps: float) -> np.ndarray:
    """The same on the difference of the best other logit and the right one."""
    logits = net.logits(X)
    other = np.where(Y > 0, -np.inf, logits).argmax(axis=1)
    return X + eps * np.sign(net.pull(X, np.eye(Y.shape[1])[other] - Y))


def _distilled(times: int) -> list[str]:
    rows = []
    for name, X, y in _numbers():
        for eps in (0.1, 0.25):
            found = np.array([_one_distillation(X, y, seed, eps) for seed in range(times)])
            mean, reach = found.mean(axis=0), 2 * found.std(axis=0, ddof=1) / np.sqrt(times)
            rows.append([name, f"{eps:g}", *(f"{m:.3f} ± {r:.3f}" for m, r in
                                             zip(mean, reach, strict=True))])
    header = ["data", "eps (sd)", "plain, clean", "distilled, clean", "plain, by loss",
              "distilled, by loss", "plain, by logits", "distilled, by logits",
              "distilled, by the plain one's changes"]
    return ["## Defensive distillation", "",
            "A network of 64 hidden units; teacher and student at temperature 20, deployed at 1. "
            f"Accuracy on held-out rows, mean of {times} splits ± two standard errors; changes of "
            "at most eps standard deviations in each number. By loss: the attack it was made "
            "against. By logits: the same with the gradient of the logits, which does not vanish. "
            "The last column: changes that were made to fool the plain network.", "",
            _tools.markdown(header, rows), "", _told(rows)]


def _told(rows: list[list[str]]) -> str:
    values = [[float(cell.partition(" ")[0]) for cell in row[2:]] for row in rows]
    hidden = sum(v[3] > v[2] + 0.02 for v in values)
    real = sum(v[5] > v[4] + 0.02 for v in values)
    return (f"Distillation looks better under the attack by loss in {hidden} of {len(values)} "
            f"cases, and is better under the one by logits in {real} of {len(values)}. What it "
            "hides is the gradient; where the second number is smaller, it hides more than it "
            "heals.")


def _one_distillation(X: np.ndarray, y: np.ndarray, seed: int, eps: float) -> list[float]:
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[: 2 * len(y) // 3], order[2 * len(y) // 3:]
    Y = np.eye(int(y.max()) + 1)[y]
    plain = _Network(X.shape[1], Y.shape[1], seed).fit(X[train], Y[train], 1.0)
    teacher = _Network(X.shape[1], Y.shape[1], seed).fit(X[train], Y[train], 20.0)
    soft = _soft(teacher.logits(X[train]), 20.0)
    student = _Network(X.shape[1], Y.shape[1], seed + 1).fit(X[train], soft, 20.0)
    A, B = X[test], Y[test]

    def right(net: _Network, rows: np.ndarray) -> float:
        return float((net.logits(rows).argmax(axis=1) == y[test]).mean())

    return [right(plain, A), right(student, A),
            right(plain, _by_loss(plain, A, B, eps)), right(student, _by_loss(student, A, B, eps)),
            right(plain, _by_logits(plain, A, B, eps)),
            right(student, _by_logits(student, A, B, eps)),
            right(student, _by_logits(plain, A, B, eps))]


def _numbers() -> list[tuple[str, np.ndarray, np.ndarray]]:
    from sklearn import datasets

    found = []
    for name in ("digits", "breast_cancer"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        found.append((name, _standard(X), y))
    frame, target = read("spambase")
    y = np.unique(frame[target].to_numpy(), return_inverse=True)[1]
    found.append(("spambase", _standard(frame.drop(target).to_numpy().astype(float)), y))
    return found


def _standard(X: np.ndarray) -> np.ndarray:
    sd = X.std(axis=0)
    return np.clip((X - X.mean(axis=0)) / np.where(sd > 0, sd, 1), -5, 5)
