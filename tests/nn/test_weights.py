"""Weights travel as bytes; what does not fit is refused."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from torch import nn

from wholefit.base.errors import StateError
from wholefit.nn import weights


def header(**entries: object) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


def test_there_and_back() -> None:
    module, other = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    module(torch.randn(9, 3))
    weights.from_bytes(other, weights.to_bytes(module))
    assert all(torch.equal(value, other.state_dict()[name])
               for name, value in module.state_dict().items())


@pytest.mark.parametrize("stored", [
    b"", b"no", struct.pack("<Q", 1 << 60) + b"{}",
    header(weight={"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}),
    header(weight={"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}) + bytes(4),
    weights.to_bytes(nn.Linear(3, 5)), weights.to_bytes(nn.Linear(2, 2, bias=False)),
    weights.to_bytes(nn.Linear(2, 2))[:-1],
], ids=["empty", "words", "long header", "huge", "negative", "other shape", "less", "cut"])
def test_what_does_not_fit_is_refused(stored: bytes) -> None:
    with pytest.raises(StateError, match="do not fit"):
        weights.from_bytes(nn.Linear(2, 2), stored)
