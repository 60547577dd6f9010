"""Single detectors of anomalies on labelled tables, whose labels nobody learns from.

    WHOLEFIT_DATA=... python -m benchmarks.detectors_alone [--short]

The tables are those of `benchmarks.unlabelled` (kdd04_homology is not among them); all rows are
fitted on, anomalies among them, and the same rows are ranked. Seed 0, one thread. Writes
benchmarks/results/detectors_alone.md. What is measured is kept in detectors_alone.jsonl beside it,
and a run goes on from there: remove that file to measure anew. --short keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.unlabelled import _anomaly_tables as cut

DETECTORS = ("knn_distance", "isolation_forest", "variational_outliers",
             'variational_outliers(how="reconstruction")', "autoencoder_outliers", "pca_outliers")
SHORT = ("german", "kdd_land_vs_portsweep", "credit reversed")
Figures = tuple[float, float, float]
KEPT = _tools.RESULTS / "detectors_alone.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detectors_alone")
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    folder = _tools.data_folder()
    found = [measured(made, short) for made in (cut.tables(folder), cut.confirming(folder))]
    text = "\n".join(["# Detectors alone", "", *_page(found), "", _tools.machine(
        "wholefit", "numpy", "scikit-learn", "torch"), "",
        "Made by `python -m benchmarks.detectors_alone`."])
    if short:
        print(text)
    else:
        _tools.save("detectors_alone", text)


def measured(made: Any, short: bool) -> dict[str, dict[str, Figures]]:
    """Of each table and detector: AUROC, average precision, and seconds to fit and score."""
    found: dict[str, dict[str, Figures]] = {}
    kept = {} if short else _kept()
    for name, (frame, truth) in made:
        if short and name not in SHORT:
            continue
        found[name] = {}
        for text in DETECTORS:
            figures = kept.get((name, text)) or ranked(text, frame, truth)
            found[name][text] = figures
            if not short and (name, text) not in kept:
                with KEPT.open("a") as file:
                    file.write(json.dumps([name, text, *figures]) + "\n")
        print(name, found[name], file=sys.stderr, flush=True)
    return found


def _kept() -> dict[tuple[str, str], Figures]:
    """What earlier runs measured, by table and detector."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return {(name, text): (area, precision, seconds)
            for name, text, area, precision, seconds in map(json.loads, lines)}


def ranked(text: str, frame: Any, truth: np.ndarray) -> Figures:
    """One detector, fitted on all rows, on the same rows."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    from wholefit.base import tasks
    from wholefit.data import dataset_of
    from wholefit.features.encoder import Encoder
    from wholefit.models import Context, make, scorer

    task, model, dataset = tasks.get("anomaly"), make(text), dataset_of(frame)
    encoder = Encoder(model.encoding(task)).fit(dataset)
    X = encoder.transform(dataset)
    context = Context(*X.shape, categorical=tuple(encoder.categorical), seed=0)
    start = time.perf_counter()
    estimator = model.build(task, context).fit(X)
    scores = scorer(model.state(estimator, task, context)).answer(X)
    seconds = time.perf_counter() - start
    return (float(roc_auc_score(truth, scores)), float(average_precision_score(truth, scores)),
            seconds)


def _page(found: list[dict[str, dict[str, Figures]]]) -> list[str]:
    heads = ["detector"]
    for tables in found:
        heads += [f"AUROC, {len(tables)} tables", "average precision", "seconds"]
    means = [[text, *(f"{value:.3f}" if at < 2 else f"{value:.0f}" for tables in found
                      for at, value in enumerate(_means(tables, text)))] for text in DETECTORS]
    each = [[name, *(f"{figures[text][0]:.3f}" for text in DETECTORS)]
            for tables in found for name, figures in tables.items()]
    return ["Means over tables; seconds are of all of them.", "", _tools.markdown(heads, means),
            "", "AUROC of each table.", "", _tools.markdown(["table", *DETECTORS], each)]


def _means(tables: dict[str, dict[str, Figures]], text: str) -> list[float]:
    values = np.array([figures[text] for figures in tables.values()])
    return [*values[:, :2].mean(axis=0), values[:, 2].sum()]


if __name__ == "__main__":
    main()
