"""What tokens and n-grams tell of a target, and the bag that is weighed by it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from wholefit.base.errors import ParameterError  # noqa: E402
from wholefit.nn import Recipe, predict, train  # noqa: E402
from wholefit.nn.networks import make, prepare_by  # noqa: E402
from wholefit.nn.sequences.ngrams import hashed  # noqa: E402
from wholefit.nn.sequences.telling import telling  # noqa: E402


def texts(rows: int = 300, length: int = 12, vocabulary: int = 30, seed: int = 0) -> Any:
    """Token numbers, padded; the label hangs on 5 standing right before 6."""
    draw = np.random.default_rng(seed)
    tokens = draw.integers(1, vocabulary, (rows, length))
    label = draw.integers(0, 2, rows)
    for row, yes in enumerate(label):
        at = draw.integers(0, 6)
        tokens[row, at:at + 2] = (5, 6) if yes else (6, 5)
        tokens[row, draw.integers(8, length + 1):] = 0
    return torch.from_numpy(tokens), torch.from_numpy(label)


def by_hand(tokens: Any, target: np.ndarray) -> dict[int, float]:
    """The same definition over sets and means, one number at a time."""
    held = defaultdict(list)
    for row, numbers in enumerate(tokens.tolist()):
        for number in set(numbers) - {0}:
            held[number].append(row)
    wide = target.reshape(len(target), -1).astype(float)
    wide = wide - wide.mean(0)
    spread = wide.var(0).sum()
    return {number: math.sqrt(((wide[rows].sum(0) / (len(rows) + 20)) ** 2).sum() / spread)
            if len(rows) > 1 else 0.0 for number, rows in held.items()}


@pytest.mark.parametrize("kind", ["classes", "numbers", "labels"])
def test_what_tokens_tell_is_the_shrunken_move_of_the_mean(kind: str) -> None:
    tokens, label = texts()
    draw = np.random.default_rng(1)
    target = {"classes": label, "numbers": torch.from_numpy(draw.normal(size=300)),
              "labels": torch.from_numpy(draw.integers(0, 2, (300, 3)).astype(np.float32))}[kind]
    found = telling(lambda rows: rows, tokens, target, 40)
    wide = np.eye(2)[label.numpy()] if kind == "classes" else target.numpy()
    for number, wanted in by_hand(tokens, wide).items():
        assert found[number] == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert found[0] == 0 and (found[30:] == 0).all(), "padding and what is not there tell nothing"


def test_a_token_of_one_text_tells_nothing_and_a_common_one_of_all_texts_neither() -> None:
    tokens, label = texts()
    tokens[:, 7] = 33
    tokens[0, 0] = 34
    found = telling(lambda rows: rows, tokens, label, 40)
    assert found[34] == 0 and found[33] == pytest.approx(0, abs=1e-6)


def test_many_classes_are_told_by_their_signs_about_as_well() -> None:
    draw = np.random.default_rng(0)
    label = torch.from_numpy(draw.integers(0, 40, 4000))
    tokens = torch.from_numpy(draw.integers(50, 99, (4000, 3)))
    tokens[:, 0] = label + 1  # tells the class
    found = telling(lambda rows: rows, tokens, label, 100)
    assert found[1:41].min() > 5 * found[50:].max()


def bag(**options: Any) -> Any:
    torch.manual_seed(0)
    return make("embedding", **{"vocabulary": 30, "outputs": 2, "ngrams": 2, "buckets": 5000,
                                "kept": 40, **options})


def test_runs_that_tell_most_have_the_vectors() -> None:
    tokens, label = texts()
    made = prepare_by(bag(), label, tokens)
    right, wrong = (int(hashed(torch.tensor([pair]), 2, 5000, 1)) for pair in ((5, 6), (6, 5)))
    rows = made.places[[right, wrong]].tolist()
    assert set(rows) == {30, 31}, "the first two rows behind the vocabulary"
    assert int((made.places > 0).sum()) == 40
    assert (made.told[rows] > 2 * made.told[:30].max()).all()


@pytest.mark.parametrize("options", [{}, {"ngrams": 1, "buckets": 0, "kept": 0}, {"ngrams": 3}])
def test_the_sum_is_that_of_what_a_text_holds_each_once(options: dict[str, Any]) -> None:
    tokens, label = texts()
    made = prepare_by(bag(**options), label, tokens).eval()
    for row in tokens[:20]:
        held = set(row[row > 0].tolist())
        if made.ngrams > 1:
            runs = hashed(row[None], made.ngrams, made.buckets, 1)[0]
            held |= set(made.places[runs].tolist())
        rows = torch.tensor(sorted(held - {0}))
        told = made.told[rows]
        wanted = (made.table.weight[rows] * told[:, None]).sum(0) / told.norm()
        assert torch.allclose(made.features_of(row[None])[0], wanted, atol=1e-5)


def test_training_and_answering_read_the_same_and_rows_do_not_hang_on_each_other() -> None:
    tokens, label = texts()
    made = prepare_by(bag(), label, tokens)
    taught, asked = made.train()(tokens), made.eval()(tokens)
    assert torch.allclose(taught, asked, atol=1e-5)
    alone = torch.cat([made(tokens[at:at + 1]) for at in range(20)])
    assert torch.allclose(alone, asked[:20], atol=1e-6)
    assert torch.isfinite(made(torch.zeros(2, 12, dtype=torch.long))).all(), "empty texts"
    made.train().skip = 0.5
    assert not torch.allclose(made(tokens), taught)


def test_a_pair_decides_and_is_learnt() -> None:
    tokens, label = texts(600)
    made = prepare_by(bag(), label[:400], tokens[:400])
    recipe = Recipe(optimizer="adamw", rate=1e-2, epochs=10, batch=20)
    trained = train(made, (tokens[:400], label[:400]), recipe)
    answer = predict(trained.module, (tokens[400:],)).argmax(1)
    assert (answer == label[400:].numpy()).mean() > 0.94


def test_what_was_kept_is_stored_with_the_weights() -> None:
    tokens, label = texts()
    made = prepare_by(bag(), label, tokens).eval()
    again = make(**made.made_of).eval()
    assert not torch.allclose(again(tokens), made(tokens))
    again.load_state_dict(made.state_dict(), strict=True)
    assert torch.equal(again(tokens), made(tokens))


def test_more_kept_than_there_are_is_refused() -> None:
    with pytest.raises(ParameterError, match="kept must lie between 0 and the 5000 buckets"):
        bag(kept=5001)
