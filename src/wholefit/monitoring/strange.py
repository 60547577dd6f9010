"""Are more rows strange than in the reference: an isolation forest, calibrated on other rows.

The forest learns half of the reference; the score that 2 % of the other half exceed is the edge
(as in Bates, Candes, Lei, Romano and Sesia 2023, that makes each alarm of a row a valid test).
Whether more of a window's rows lie beyond it is Fisher's exact test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import WholefitError
from wholefit.base.seeds import derive, generator
from wholefit.base.wording import percent
from wholefit.data import Dataset
from wholefit.data.validate._chance import chance
from wholefit.features.encoder import Encoder
from wholefit.models import Context, scorer
from wholefit.monitoring.record import Check

_SHARE, _FEWEST, _MOST = 0.02, 100, 5_000


@dataclass(frozen=True, eq=False)
class Usual:
    """What rows usually score: the `edge`, and how many of `rows` held-out ones lie beyond it."""

    score: Callable[[Dataset], np.ndarray]
    edge: float
    beyond: int
    rows: int


def learnt(old: Dataset, seed: int) -> Usual | None:
    """The forest and the edge of reference rows; None where they are too few to learn from."""
    if len(old) < _FEWEST:
        return None
    order = generator(seed, "strange").permutation(len(old))[:_MOST]
    half = len(order) // 2
    model, task = models.make("isolation_forest"), tasks.get("anomaly")
    try:
        encoder = Encoder(model.encoding(task), seed=seed)
        X = encoder.fit_transform(old, np.sort(order[:half]))
        context = Context(rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
                          seed=derive(seed, "strange"))
        estimator = model.build(task, context)
        estimator.fit(X)
        made = scorer(model.state(estimator, task, context))
        held = made.answer(encoder.transform(old, np.sort(order[half:])))
    except WholefitError:
        return None
    edge = float(np.quantile(held, 1 - _SHARE))
    return Usual(lambda rows: made.answer(encoder.transform(rows)), edge,
                 int((held > edge).sum()), len(held))


def check(usual: Usual, new: Dataset, threshold: float) -> Check:
    """The share of strange rows in a window, and the strangest of them."""
    scores = usual.score(new)
    found, before = int((scores > usual.edge).sum()), usual.beyond / usual.rows
    share = found / len(scores)
    top = np.argsort(-scores)[:3]
    named = ", ".join(f"{row + 1}" for row in top if scores[row] > usual.edge)
    return Check("anomalies", "rows",
                 f"{percent(before)} -> {percent(share)} of rows are strange"
                 + (f"; the strangest of the window: {named}" if named else ""),
                 value=share, before=before, distance=max(share - before, 0.0),
                 p=chance(found, len(scores), usual.beyond, usual.rows),
                 matters=share - before >= threshold / 2)
