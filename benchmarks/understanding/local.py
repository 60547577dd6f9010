"""Why one row: local surrogates beside lime, counterfactuals, nearest examples, networks."""

from __future__ import annotations

import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import markdown, run
from wholefit.data import bundled

_HERE = Path(__file__).parent
_MODELS = ("logistic", "random_forest", "hist_gradient_boosting")


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part; `peer` has lime, captum and torch."""
    lines = ["## Counterfactuals", "", *_counterfactuals(10 if short else 100), "",
             "## Nearest examples", "", *_nearest(50 if short else 400), "",
             "## Local surrogates", ""]
    if peer is None:
        return [*lines, "Not run: no environment with lime was named (--peer-python)."]
    return [*lines, *_lime(peer, 4 if short else 30), "", "## Networks", "", *_captum(peer)]


def _fitted(name: str, model: str) -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    target = {"credit_data": "Status", "telco_churn": "churn"}[name]
    frame = pl.read_csv(bundled.path(name), null_values="NA", infer_schema_length=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(frame[:3000], target=target, models=[model], choose="best",
                        metric="roc_auc", jobs=1, folds=2)
    assert result._fitted.state().kind != "constant", f"{model} lost to the baseline on {name}"
    return frame[:3000], frame[3000:], result


def _counterfactuals(rows: int) -> list[str]:
    """Rows of the rarer prediction, asked for the other: alone, and among the training rows."""
    lines = []
    for name in ("credit_data", "telco_churn"):
        for model in _MODELS:
            train, new, result = _fitted(name, model)
            said = result.predict(new)["prediction"]
            rarer = said.value_counts().sort("count")[said.name][0]
            asked = new.filter(said == rarer)[:rows]
            for among in (None, train):
                found, seconds = [], []
                for at in range(len(asked)):
                    start = time.perf_counter()
                    found.append(result.counterfactuals(asked[at:at + 1], among=among))
                    seconds.append(time.perf_counter() - start)
                first = [each.alternatives[0] for each in found if each.alternatives]
                near = [each.alternatives[0].nearest <= each.usual for each in found
                        if each.alternatives and each.usual is not None]
                lines.append([
                    name, model, "no" if among is None else "yes", f"{len(asked)}",
                    f"{len(first) / max(len(asked), 1):.0%}",
                    f"{statistics.mean(len(each.changes) for each in first):.2f}",
                    f"{statistics.mean(each.distance for each in first):.2f}",
                    f"{statistics.mean(len(each.alternatives) for each in found):.1f}",
                    f"{np.mean(near):.0%}" if near else "-",
                    f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"])
    head = ["table", "model", "among rows", "rows", "with a way", "columns changed",
            "distance", "alternatives", "as near as real rows", "s a row", "slowest"]
    return ["Every way told was asked of the model as a whole row and is as wanted; the first "
            "alternative is measured.", "", markdown(head, lines)]


def _nearest(rows: int) -> list[str]:
    lines = []
    for name in ("credit_data", "telco_churn"):
        for model in (*_MODELS, "knn", "gaussian_nb"):
            train, new, result = _fitted(name, model)
            start = time.perf_counter()
            found = result.examples(new[:rows], among=train, k=5)
            each = (time.perf_counter() - start) / rows * 1000
            lines.append([name, model, found.measure, f"{found.agreement:.1%}",
                          f"{found.chance:.1%}", f"{each:.2f}"])
    head = ["table", "model", "alike by", "had the predicted outcome", "random rows that had it",
            "ms a row"]
    return [f"Five of 3,000 training rows for each of {rows} new ones.", "",
            markdown(head, lines)]


def _lime(peer: str, rows: int) -> list[str]:
    lines = []
    for name in ("iris", "wine", "breast_cancer"):
        case = json.dumps({"table": name, "rows": rows})
        got = json.loads(run([peer, str(_HERE / "_lime_beside.py"), case],
                             {"OMP_NUM_THREADS": "1"}).out.strip().splitlines()[-1])
        ratio = statistics.median(a / b for a, b in zip(
            got["lime_time"], got["our_time"], strict=True))
        lines.append([
            name, str(len(got["our_time"])), _spread(got["lime_score"]),
            _spread(got["lime_fidelity"]), _spread(got["our_fidelity"]),
            f"{statistics.mean(got['our_refused']):.0%}",
            f"{statistics.mean(got['lime_same']):.2f}",
            f"{statistics.mean(got['our_same']):.2f}" if got["our_same"] else "-",
            f"{statistics.mean(got['our_stable']):.0%}", f"{ratio:.2f}"])
    head = ["table", "rows", "lime's own score", "lime, R2 on fresh points",
            "ours, R2 on fresh points", "ours refused (R2 below 0.5)",
            "lime: same columns under another seed", "ours, of those explained",
            "ours that says it is stable", "lime's time over ours"]
    return ["A forest of 100 trees, new rows, four columns told; median and range. Each side is "
            "measured on points of its own neighbourhood: lime's are independent normal numbers.",
            "", markdown(head, lines)]


def _captum(peer: str) -> list[str]:
    got = json.loads(run([peer, str(_HERE / "_captum_beside.py")],
                         {"OMP_NUM_THREADS": "1"}).out.strip().splitlines()[-1])
    lines = [[name, f"{each['apart']:.1e}",
              f"{each['ratio']:.2f} ({each['low']:.2f} to {each['high']:.2f})"]
             for name, each in got.items()]
    return ["A convolutional network of two layers, 16 pictures of 28 x 28, float64, one thread.",
            "", markdown(["method", "largest difference from captum", "captum's time over ours"],
                         lines)]


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.2f} ({min(known):.2f} to {max(known):.2f})" if known else (
        "-")
