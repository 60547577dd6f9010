"""Metrics summed up over batches are scikit-learn's over all rows."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn import metrics as theirs

from wholefit.base.errors import UnknownNameError
from wholefit.nn import metrics

DRAW = torch.Generator().manual_seed(0)
OUTPUT = torch.randn(50, 3, generator=DRAW)
LABELS = torch.randint(0, 3, (50,), generator=DRAW)


def over(name: str, output: torch.Tensor, target: torch.Tensor) -> float:
    metric = metrics.make([name])[0]
    for part in range(0, len(output), 7):
        metric.add(output[part:part + 7], target[part:part + 7])
    return metric.result()


def test_of_classes() -> None:
    guess = OUTPUT.argmax(1)
    assert over("accuracy", OUTPUT, LABELS) == theirs.accuracy_score(LABELS, guess)
    assert over("f1", OUTPUT, LABELS) == pytest.approx(
        theirs.f1_score(LABELS, guess, average="macro"))
    wide = torch.randn(50, 9, generator=DRAW)
    assert over("top5", wide, LABELS) == pytest.approx(
        theirs.top_k_accuracy_score(LABELS, wide, k=5, labels=range(9)))


def test_of_two_classes_and_several_labels() -> None:
    truth = (OUTPUT[:, 0] > 0.3).float()
    assert over("accuracy", OUTPUT[:, :1], truth) == theirs.accuracy_score(truth, OUTPUT[:, 0] > 0)
    several = (OUTPUT > 0.5).float()
    assert over("accuracy", OUTPUT, several) == ((OUTPUT > 0) == several.bool()).double().mean()


def test_of_sequences_without_padding() -> None:
    output = torch.randn(4, 5, 3, generator=DRAW)
    target = torch.randint(0, 3, (4, 5), generator=DRAW)
    target[:, 3:] = -100
    assert over("accuracy", output, target) == theirs.accuracy_score(
        target[:, :3].flatten(), output[:, :3].argmax(-1).flatten())


def test_of_numbers() -> None:
    truth, guess = OUTPUT[:, 0], OUTPUT[:, 1:2]
    assert over("rmse", guess, truth) == pytest.approx(
        theirs.root_mean_squared_error(truth, guess))
    assert over("mae", guess, truth) == pytest.approx(theirs.mean_absolute_error(truth, guess))
    assert over("r2", guess, truth) == pytest.approx(theirs.r2_score(truth, guess), abs=1e-6)


def test_none_and_misspelt() -> None:
    assert math.isnan(metrics.make(["accuracy"])[0].result())
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        metrics.make(["acuracy"])
