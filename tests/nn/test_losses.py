"""Losses against torch's own classes and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.nn import Recipe, layers, losses, train


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


LABELS = torch.tensor([0, 2, 1, 2, 0, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("classes", [None, [1.0, 2.0, 0.5]])
def test_cross_entropy_is_torchs(smoothing: float, classes: Any) -> None:
    loss = losses.make(Recipe(label_smoothing=smoothing), classes=classes)
    theirs = nn.CrossEntropyLoss(None if classes is None else torch.tensor(classes),
                                 label_smoothing=smoothing)
    output = draw(6, 3)
    assert torch.allclose(loss(output, LABELS), theirs(output, LABELS))
    total, mass = loss.total(output, LABELS)
    assert torch.allclose(total / mass, theirs(output, LABELS))


def test_cross_entropy_leaves_padding_out_of_sequences() -> None:
    output, target = draw(2, 4, 5), torch.tensor([[1, 2, -100, -100], [0, 3, 4, -100]])
    loss = losses.make(Recipe())
    seen = target != -100
    expected = nn.functional.cross_entropy(output[seen], target[seen])
    assert torch.allclose(loss(output, target), expected)
    assert float(loss.total(output, target)[1]) == 5
    assert float(loss(output, torch.full((2, 4), -100))) == 0, "nothing but padding costs nothing"


def test_cross_entropy_takes_probabilities_of_classes() -> None:
    output, target = draw(6, 3), torch.softmax(draw(6, 3), -1)
    loss = losses.make(Recipe())
    expected = -(target * torch.log_softmax(output, -1)).sum(-1).mean()
    assert torch.allclose(loss(output, loss.prepare(target)), expected)


@pytest.mark.parametrize(("name", "theirs"), [
    ("squared", nn.MSELoss()), ("absolute", nn.L1Loss()), ("huber", nn.HuberLoss(delta=0.7)),
    ("binary", nn.BCEWithLogitsLoss()), ("multilabel", nn.BCEWithLogitsLoss()),
])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 2)])
def test_losses_of_numbers_are_torchs(name: str, theirs: Any, shape: tuple[int, ...]) -> None:
    output, target = draw(*shape), (draw(*shape) > 0).float()
    loss = losses.make(Recipe(loss=name, huber=0.7))
    assert torch.allclose(loss(output, target), theirs(output, target))
    assert torch.allclose(loss(output, target, torch.ones(6)), theirs(output, target))


def test_a_column_and_a_vector_are_the_same_target() -> None:
    loss = losses.make(Recipe(loss="squared"))
    output, target = draw(6, 1), draw(6) * 2
    assert torch.equal(loss(output, target), loss(output.squeeze(-1), target.unsqueeze(-1)))
    with pytest.raises(ParameterError, match=r"\(6, 2\) and the target has \(6,\)"):
        loss(draw(6, 2), target)


def test_focal_is_its_formula_and_cross_entropy_where_focus_is_nought() -> None:
    output = draw(6, 3)
    p = torch.softmax(output, -1)[torch.arange(6), LABELS]
    found = losses.make(Recipe(loss="focal", focus=1.5))(output, LABELS)
    assert torch.allclose(found, (-(1 - p) ** 1.5 * p.log()).mean())
    plain = losses.make(Recipe(loss="focal", focus=0.0), classes=[1.0, 2.0, 3.0])
    assert torch.allclose(plain(output, LABELS), nn.functional.cross_entropy(
        output, LABELS, torch.tensor([1.0, 2.0, 3.0])))


@pytest.mark.parametrize("name", ["cross_entropy", "squared", "focal"])
def test_a_weight_of_two_is_a_row_twice(name: str) -> None:
    loss = losses.make(Recipe(loss=name))
    output = draw(6, 3) if name != "squared" else draw(6)
    target = LABELS if name != "squared" else draw(6) * 2
    twice = torch.tensor([0, 0, 1, 2, 3, 4, 5])
    weight = torch.tensor([2.0, 1, 1, 1, 1, 1])
    assert torch.allclose(loss(output, target, weight), loss(output[twice], target[twice]))


def test_own_losses_give_rows_or_one_number() -> None:
    rows = losses.make(Recipe(), own=lambda output, target: (output - target) ** 2)
    one = losses.make(Recipe(), own=lambda output, target: ((output - target) ** 2).mean())
    output, target = draw(6), draw(6) * 2
    assert torch.allclose(rows(output, target), one(output, target))
    with pytest.raises(ParameterError, match="one number for each row"):
        one(output, target, torch.ones(6))


def test_class_weights_need_classes() -> None:
    with pytest.raises(ParameterError, match="class_weights"):
        losses.make(Recipe(loss="squared"), classes=np.ones(3))


@pytest.mark.parametrize("loss", ["focal", "squared", "absolute", "huber"])
def test_smoothing_is_refused_where_it_would_do_nothing(loss: str) -> None:
    with pytest.raises(ParameterError, match=rf"label_smoothing .* got 0\.1 with '{loss}'"):
        losses.make(Recipe(loss=loss, label_smoothing=0.1))
    losses.make(Recipe(loss=loss))


def test_own_losses_and_metrics_are_found_by_the_names_they_were_entered_under() -> None:
    layers.add("loss", "cubic error")(lambda output, target: (output - target).abs() ** 3)
    layers.add("metric", "worst error")(lambda output, target: (output - target).abs().max())
    try:
        x = draw(60, 2)
        data, recipe = (x, x.sum(1)), Recipe(loss="squared", epochs=3, batch=20, device="cpu")
        runs = [train(line(), data, recipe, valid=data, loss=loss, metrics=metrics)
                for loss, metrics in (("cubic error", ["worst error", "rmse"]),
                                      (layers.get("loss", "cubic error"), ["rmse"]))]
        first, second = (run.module[0].weight for run in runs)
        assert torch.equal(first, second)
        worst = float((runs[0].module(x) - x.sum(1)).abs().max())
        assert runs[0].history[-1]["valid_worst error"] == pytest.approx(worst, rel=1e-5)
    finally:
        layers.remove("loss", "cubic error")
        layers.remove("metric", "worst error")
    with pytest.raises(UnknownNameError, match="cubic"):
        losses.make(Recipe(), own="cubic error")


def line() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
