"""The judge: plain arithmetic on the outer rows, none of wholefit's own.

Each outer row has a loss: minus the logarithm of the probability given to its class, or the
squared error. The metric is the mean of these (for numbers its root); standard errors, of a score
and of the difference of two on the same rows, come from the spread of each row's pull on it.
"""

from __future__ import annotations

import math

import numpy as np

# No tool is charged more for a class that it thought impossible.
_LEAST = 1e-15
LEVEL = 1.96


def row_losses(task: str, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The loss of each row. `answer` is (n, classes) probabilities or (n,) numbers."""
    if answer.shape[0] != len(truth) or not np.isfinite(answer).all():
        raise ValueError("the answer has missing rows or numbers")
    if task == "regression":
        return (truth - answer) ** 2
    shares = answer / answer.sum(axis=1, keepdims=True)
    return -np.log(np.clip(shares[np.arange(len(truth)), truth], _LEAST, 1.0))


def metric(task: str, losses: np.ndarray) -> float:
    """Log loss, or the root of the mean squared error."""
    mean = float(losses.mean())
    return math.sqrt(mean) if task == "regression" else mean


def pulls(task: str, losses: np.ndarray) -> np.ndarray:
    """What each row adds to the metric, to first order: its spread makes the standard error."""
    if task == "regression":
        return (losses - losses.mean()) / (2 * max(metric(task, losses), 1e-300))
    return losses - losses.mean()


def error(task: str, losses: np.ndarray) -> float:
    """The standard error of the metric."""
    return float(pulls(task, losses).std(ddof=1) / math.sqrt(len(losses)))


def compare(task: str, a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """The metric of a minus that of b on the same rows, with its 95 % interval."""
    value = metric(task, a) - metric(task, b)
    spread = pulls(task, a) - pulls(task, b)
    half = LEVEL * float(spread.std(ddof=1)) / math.sqrt(len(a))
    return value, value - half, value + half
