"""`wf.architecture_search`: find a small network for these rows; the result is one like a fit's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wholefit.api.tuning import Tuned, tune
from wholefit.base.errors import ParameterError
from wholefit.training.nas import KINDS, Asked

_FIXED = ("models", "model")


def architecture_search(
    source: Any, *, target: str, kind: str | None = None, parameters: int | None = None,
    latency: float | None = None, nodes: int = 3, space: Mapping[str, Any] | None = None,
    strategy: str = "architecture", **words: Any,
) -> Tuned:
    """Search for the network that does best on held-out rows, and refit it on all rows.

    A network is one cell, a small graph of operations, repeated (Zoph et al. 2018): dense, gated
    and narrow layers for rows, convolutions and pools for pictures, with shortcuts. The cell, its
    width, how often it is repeated, and how it is trained are searched together.

    Parameters
    ----------
    source, target: as in `wf.fit`.
    kind: "rows" or "pictures"; pictures where left out and the table has a column of them.
    parameters: the most numbers that a network may learn.
    latency: the most seconds in which it may answer 1,000 rows on this machine, the least of
        five times; then what is allowed, and so the result, can differ from run to run.
        What is drawn too large is made smaller until it fits; where `space` says nothing of widths
        (filters), they go down to 4 if a limit asks for it. If even the smallest network is too
        large, the error says what that costs.
    nodes: operations in a cell, at most 3.
    space: changes of what is searched, as in `wf.tune`: {"width": (16, 64), "dropout": 0.1}.
    strategy: "architecture" trains many networks briefly, the promising ones longer, and breeds
        from the best; or any strategy of `wf.tune` ("random", "genetic", ...).
    words: all others as in `wf.tune`: budget, nested, study, folds, metric, seed, jobs, ...

    Returns a `Result` with a `study`, whose model is "cell_mlp" or "cell_cnn" of the catalog:
    `result.study.values` can be fitted again by hand. Raises what `wf.tune` raises, and
    MissingExtraError without torch.
    """
    for word in _FIXED:
        if word in words:
            raise ParameterError(f"architecture_search chooses the model itself: leave {word} out, "
                                 "or say kind='rows' or kind='pictures'.")
    limited = parameters is not None or latency is not None
    if limited and strategy.partition("(")[0].strip() == "grid":
        raise ParameterError("strategy 'grid' tries every combination, also those beyond a limit: "
                             "leave out parameters and latency, or say another strategy.")
    asked: Any = Asked(kind, parameters, latency, nodes, space)
    return tune(source, target=target, models=KINDS[kind or "rows"], space=asked,
                strategy=strategy, **words)
