"""What the later half of a search's models added, on answers whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.training.progress import Progress, progress

N = 3_000


def answers(noise: list[float], seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Each model answers the truth with noise of its own, of the given size."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=N)
    return {f"m{at}": truth + size * rng.normal(size=N) for at, size in enumerate(noise)}, truth


def of(noise: list[float], **words: object) -> Progress | None:
    found, truth = answers(noise)
    return progress(found, list(found), truth, np.arange(N) % 5, "regression", **words)


def test_models_that_err_apart_go_on_gaining() -> None:
    told = of([1.0] * 8)
    assert told is not None and told.grows and told.earlier == 4 and told.models == 8
    # Means of four and of eight answers whose errors are independent; greedy shares are not quite
    # equal ones.
    assert told.gain == pytest.approx(0.5 - 1 / np.sqrt(8), abs=0.05)


def test_copies_gain_nothing() -> None:
    found, truth = answers([1.0] * 3)
    copies = {f"{name}{at}": answer for at in range(3) for name, answer in found.items()}
    told = progress(copies, list(copies), truth, np.arange(N) % 5, "regression")
    assert told is not None and not told.grows and abs(told.gain) < 0.01


def test_classes_are_told_by_log_loss() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, N)
    shares = {f"m{at}": 1 / (1 + np.exp(-(2 * truth - 1) - 1.5 * rng.normal(size=N)))
              for at in range(8)}
    told = progress({name: np.column_stack([1 - share, share]) for name, share in shares.items()},
                    list(shares), truth, np.arange(N) % 5, "classification", waiting=3)
    assert told is not None and told.metric == "log_loss" and told.grows and told.waiting == 3


def test_too_little_to_tell_is_none() -> None:
    found, truth = answers([1.0] * 3)
    fold = np.arange(N) % 5
    assert progress(found, list(found), truth, fold, "regression") is None
    assert progress({}, [], truth, fold, "regression") is None
    found, truth = answers([1.0] * 6)
    found["m2"][:] = np.nan  # answered no row at all
    assert progress(found, list(found), truth, fold, "regression") is None
    assert progress(found, list(found), truth, np.full(N, -1), "regression") is None


def test_it_is_kept_and_read_back() -> None:
    told = of([1.0] * 6)
    assert told is not None and Progress.from_json(told.to_json()) == told
    for damaged in ({}, {**told.to_json(), "gain": None}, {**told.to_json(), "models": "x"}):
        assert Progress.from_json(damaged) is None


def test_the_same_seed_tells_the_same() -> None:
    assert of([1.0] * 6, seed=3) == of([1.0] * 6, seed=3)
