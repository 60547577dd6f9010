"""What a method comes to: scores, price, gaps and rates on unseen rows, and half measures."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.evaluation import conformal, metrics
from wholefit.evaluation.fairness import _measures
from wholefit.training.fairness._disparity import changes
from wholefit.training.fairness._ground import Ground, Made, thresholds
from wholefit.training.fairness.records import Way

_CURVE = np.linspace(0, 1, 11)


def before(ground: Ground) -> Way:
    return _way(ground, "as it was", ground.answer, ground.codes, None)


def priced(ground: Ground, name: str, made: Made, seconds: float) -> Way:
    rows = ground.seen()
    problem, asked = ground.problem, ground.asked
    price = evaluation.compare(
        ground.run.task.name, asked.metric, problem.y[rows], made.answer[rows],
        ground.answer[rows], positive=ground.positive, level=asked.level, seed=asked.seed,
        weights=None if problem.weights is None else problem.weights[rows],
        units=None if problem.plan.units is None else problem.plan.units[rows],
        predicted=(made.codes[rows], ground.codes[rows]))
    made.fitted.calibration = conformal.calibrate(problem.y, made.answer)
    way = _way(ground, name, made.answer, made.codes, price)
    return dataclasses.replace(way, said=made.said, seconds=seconds)


def _way(
    ground: Ground, name: str, answer: np.ndarray, codes: np.ndarray, price: Any
) -> Way:
    rows = ground.seen()
    problem, asked, run = ground.problem, ground.asked, ground.run
    weights = None if problem.weights is None else problem.weights[rows]
    units = None if problem.plan.units is None else problem.plan.units[rows]
    wanted = list(dict.fromkeys([asked.metric, *run.task.metrics]))
    scores = evaluation.score(
        run.task.name, problem.y[rows], answer[rows], metrics=wanted, positive=ground.positive,
        weights=weights, units=units, predicted=codes[rows], level=asked.level, seed=asked.seed)
    said = codes[rows] == ground.positive
    gaps = changes(ground.yes[rows], asked.group[rows], ground.codes[rows] == ground.positive,
                   said, weights, units, thin=asked.thin, level=asked.level, seed=asked.seed)
    return Way(name, scores, price, gaps, _rates(ground, answer, codes),
               _curve(ground, answer, codes))


def _rates(ground: Ground, answer: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    """Each group's rates, of groups with rows enough."""
    asked, problem, found = ground.asked, ground.problem, {}
    for code, name in enumerate(asked.names):
        rows = np.flatnonzero(ground.seen() & (asked.group == code))
        if len(rows) < asked.thin:
            continue
        stats = _measures.stats("classification", _measures.Rows(
            ground.yes[rows], codes[rows] == ground.positive, answer[rows, ground.positive],
            codes[rows] == problem.y[rows],
            None if problem.weights is None else problem.weights[rows],
            None if problem.plan.units is None else problem.plan.units[rows]))
        found[name] = {measure: stats[measure].score(measure, asked.level)
                       for measure in ("selection_rate", "tpr", "fpr")}
    return found


def _curve(
    ground: Ground, answer: np.ndarray, codes: np.ndarray
) -> tuple[tuple[float, float, float], ...]:
    """Score and gap of mixtures: so much of the way from the model as it was.

    What decides is how far a row lies above what it is held against, in both; in between, the
    mean of the two.
    """
    if codes is ground.codes:
        return ()
    asked, problem, rows = ground.asked, ground.problem, ground.seen()
    was = ground.answer[:, ground.positive] - 0.5
    if answer is ground.answer:  # a threshold for each group: the cut moves
        now = _cut_margin(ground, codes)
    else:
        now = answer[:, ground.positive] - 0.5
    weights = None if problem.weights is None else problem.weights[rows]
    metric = metrics.get(ground.run.task.name, asked.metric)
    points = []
    for share in _CURVE:
        said = (1 - share) * was + share * now >= 0
        mixed = np.where(said, ground.positive, 1 - ground.positive)[rows]
        mixed = codes[rows] if share == 1 else ground.codes[rows] if share == 0 else mixed
        sheet = metrics.sheet(ground.run.task.name, problem.y[rows], ground.answer[rows],
                              positive=ground.positive, weights=weights, predicted=mixed)
        gap = ground.gap(mixed == ground.positive, rows)
        points.append((float(share), float(metric.value(sheet, sheet.weights)), gap))
    return tuple(points)


def _cut_margin(ground: Ground, codes: np.ndarray) -> np.ndarray:
    """How far each row lies above its group's threshold, in the fold that held it out."""
    score, asked = ground.answer[:, ground.positive], ground.asked
    margin = score - 0.5
    for _, test in ground.problem.plan.folds:
        others = ground.seen()
        others[test] = False
        margin[test] = score[test] - thresholds(ground, score, others)[asked.group[test]]
    return margin
