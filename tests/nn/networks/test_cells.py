"""Networks of cells, held against modules written out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from wholefit.nn.networks import make, parameters


def test_a_cell_of_rows_is_what_its_words_say() -> None:
    torch.manual_seed(0)
    made = make("cell_mlp", inputs=3, outputs=2, width=8, repeat=1, norm="none", dropout=0.0,
                cell=["dense 0", "gated 0 1", "narrow 1", "identity 0"])
    x = torch.randn(5, 3)
    made.prepare(x)
    stem = made.stem(made.features(x, None))
    dense, gated, narrow, _ = made.cells[0].ops
    one = torch.relu(nn.functional.linear(stem, dense[0].weight, dense[0].bias))
    both = nn.functional.linear((stem + one) / math.sqrt(2), gated[0].weight, gated[0].bias)
    two = both[:, :8] * torch.sigmoid(both[:, 8:])
    three = nn.functional.linear(torch.relu(nn.functional.linear(
        one, narrow[0].weight, narrow[0].bias)), narrow[2].weight, narrow[2].bias)
    expected = made.head((two + three + stem) / math.sqrt(3))
    torch.testing.assert_close(made(x), expected)
    assert narrow[0].out_features == 2


def test_parameters_by_hand() -> None:
    made = make("cell_mlp", inputs=3, outputs=2, width=8, repeat=2, cell=["dense 0", "gated 1"],
                norm="layer")
    stem, dense, gated, norm, head = 3 * 8 + 8, 8 * 8 + 8, 8 * 16 + 16, 16, 8 * 2 + 2
    assert parameters(made, trainable=True) == stem + 2 * (dense + gated + 2 * norm) + norm + head


@pytest.mark.parametrize(("op", "count"), [
    ("conv3", 4 * 4 * 9 + 8), ("conv5", 4 * 4 * 25 + 8), ("separable3", 4 * 9 + 4 * 4 + 8),
    ("separable5", 4 * 25 + 4 * 4 + 8), ("identity", 0), ("max3", 0), ("average3", 0)])
def test_operations_on_pictures_keep_their_shape(op: str, count: int) -> None:
    made = make("cell_cnn", channels=1, height=9, width=7, outputs=3, cell=[f"{op} 0"], stages=2,
                filters=2)
    found = [part for part in made.features if hasattr(part, "ends")]
    assert len(found) == 2
    assert parameters(found[1], trainable=True) == count
    x = torch.randn(2, 4, 4, 3)
    assert found[1].eval()(x).shape == x.shape
    if op == "max3":
        torch.testing.assert_close(found[1](x), nn.functional.max_pool2d(x, 3, 1, 1))
    assert made.eval()(torch.randn(2, 1, 9, 7)).shape == (2, 3)


def test_signals_keep_their_scale() -> None:
    torch.manual_seed(0)
    made = make("cell_mlp", inputs=20, outputs=4, width=64, repeat=8,
                cell=["dense 0", "gated 0 1", "identity 0"]).eval()
    x = torch.randn(500, 20)
    made.prepare(x)
    before = made.stem(made.features(x, None)).square().mean()
    after = made.cells(made.stem(made.features(x, None))).square().mean()
    assert 0.2 < float((after / before).detach()) < 5
