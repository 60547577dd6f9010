"""The next token: what is drawn among, beside a second writing in torch, and that it is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.base.errors import ParameterError
from wholefit.features.next_token import Choice, choose, shares_of

CHOICES = [Choice(), Choice(temperature=1e-320), Choice(temperature=0.5), Choice(top_k=3),
           Choice(top_p=0.6), Choice(temperature=1.7, top_k=5, top_p=0.8), Choice(top_k=50)]


def chances(n: int = 40, vocabulary: int = 12) -> np.ndarray:
    found = np.random.default_rng(0).dirichlet(np.full(vocabulary, 0.4), size=n)
    found[:, 3] = 0.0
    return found / found.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("choice", CHOICES)
def test_shares_are_those_of_torch(choice: Choice) -> None:
    torch = pytest.importorskip("torch")
    from wholefit.nn.sequences import decoding

    other = decoding.shares_of(torch.from_numpy(np.log(np.maximum(chances(), 1e-300))), choice)
    assert np.abs(shares_of(chances(), choice) - other.numpy()).max() < 1e-12


@pytest.mark.parametrize("choice", CHOICES)
def test_draws_follow_the_shares(choice: Choice) -> None:
    one = np.repeat(chances(1), 20_000, axis=0)
    drawn = np.bincount(choose(one, choice, np.random.default_rng(1)), minlength=12) / 20_000
    assert np.abs(drawn - shares_of(one[:1], choice)[0]).max() < 0.015
    assert drawn[3] == 0


def test_at_temperature_nothing_the_likeliest_is_taken() -> None:
    found = choose(chances(), Choice(temperature=0), np.random.default_rng(0))
    assert (found == chances().argmax(axis=1)).all()


def test_the_likeliest_is_never_barred() -> None:
    one = np.array([[0.0, 0.99, 0.01]])
    assert shares_of(one, Choice(top_p=0.01)).tolist() == [[0.0, 1.0, 0.0]]
    with pytest.raises(ParameterError, match="top_p"):
        Choice(top_p=0.0)
