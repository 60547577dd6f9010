"""Tables of runs: beside a second writing by dictionaries, sums of one, what is stored."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wholefit import models
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError, StateError
from wholefit.base.state import same
from wholefit.models import Context, scorer
from wholefit.models._generators.writers import _discount, apart
from wholefit.models._kernels.writers import Runs

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat", "oh", "the mat sat", "x"]


def fitted(texts: list[str] = TEXTS, **params: Any) -> Any:
    model = replace(models.make("ngram_language_model"), **params)
    context = Context(rows=len(texts), features=1)
    task = tasks.get("generation")
    return model.state(model.build(task, context).fit(texts), task, context)


def by_hand(texts: list[str], order: int, end: str, vocabulary: int) -> Any:
    """Interpolated Kneser-Ney as the paper writes it: dictionaries of runs, and recursion."""
    streams = [[end, *text, end] for text in texts]
    counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(order + 1)]
    for stream in streams:
        for k in range(1, order + 1):
            for at in range(len(stream) - k + 1):
                if k > 1 or at > 0:
                    counts[k][tuple(stream[at:at + k])] += 1
    used: list[dict[tuple[str, ...], int]] = [{}, *({} for _ in range(order))]
    for k in range(1, order + 1):
        before: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for run in counts[k + 1] if k < order else ():
            before[run[1:]].add(run[0])
        for run, count in counts[k].items():
            begins = k > 1 and run[0] == end
            used[k][run] = count if k == order or begins else len(before[run])
    taken = []
    for k in range(1, order + 1):
        usual = np.array([n for run, n in used[k].items() if k == 1 or run[0] != end])
        taken.append({n: float(_discount(np.array([n]), usual)[0]) for n in set(used[k].values())})

    def chance(past: tuple[str, ...], sign: str) -> float:
        k = len(past) + 1
        lower = 1 / vocabulary if k == 1 else chance(past[1:], sign)
        after = {run: n for run, n in used[k].items() if run[:-1] == past}
        if not after:
            return lower
        whole = sum(after.values())
        own = max(after.get((*past, sign), 0) - taken[k - 1].get(after.get((*past, sign), 0), 0), 0)
        left = sum(taken[k - 1][n] for n in after.values())
        return own / whole + left / whole * lower

    return chance


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_chances_are_those_of_the_paper(order: int) -> None:
    state = fitted(order=order)
    runs = Runs(state)
    chance = by_hand(TEXTS, order, "$", runs.vocabulary)
    asked = ["the cat", "a dog sat", "zebra", "mat", "x"]
    found, tokens = runs.nats(asked)
    for text, nats, count in zip(asked, found, tokens, strict=True):
        past, by = ("$",), 0.0
        signs = [*text, "$"]
        known = [sign if sign in {*"".join(TEXTS), "$"} else None for sign in signs]
        if None in known:  # a sign never seen is spelt in bytes, which no run holds
            assert nats > 5 * len(text) ** 0.5
            continue
        for sign in signs:
            by -= np.log(chance(past[-(order - 1):] if order > 1 else (), sign))
            past = (*past, sign)
        assert count == len(signs) and abs(nats - by) < 1e-5


def test_what_comes_next_adds_up_to_one() -> None:
    runs = Runs(fitted(order=4))
    for tokens in ([runs.end], runs.tokenizer.encode(["the c"]).numbers.tolist(), [5, 9, 9]):
        found = runs._next([np.array([each]) for each in runs._runs(tokens)])
        assert abs(found.sum() - 1) < 1e-5 and (found > 0).all()


def test_discounts_by_hand() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [10, 6, 4, 2, 1])
    y = 10 / (10 + 2 * 6)
    wanted = {1: 1 - 2 * y * 6 / 10, 2: 2 - 3 * y * 4 / 6, 3: 3 - 4 * y * 2 / 4}
    found = _discount(np.array([0, 1, 2, 3, 9]), counts)
    assert np.allclose(found, [0, wanted[1], wanted[2], wanted[3], wanted[3]])
    assert _discount(np.array([1, 7]), np.array([1, 7])).tolist() == [0.5, 0.5]


def test_it_writes_what_it_read_and_the_same_by_the_same_seed() -> None:
    writer: Any = scorer(fitted(order=5))
    made = writer.sample(50, 3, length=40)
    assert made == writer.sample(50, 3, length=40) != writer.sample(50, 4, length=40)
    words = {word for text in TEXTS for word in text.split()}
    shares = np.mean([word in words for text in made for word in text.split()])
    assert shares > 0.7 and all(len(text) <= 40 for text in made)
    assert all(text.startswith("the d") for text in writer.sample(5, 0, prompt="the d"))
    assert writer.sample(3, 0, prompt="é!", length=5)[0].startswith("é!")
    assert writer.sample(0, 0) == []


def test_longer_runs_foretell_better_until_they_are_rare() -> None:
    """Where two letters say the next in nine of ten cases."""
    rng = np.random.default_rng(0)

    def drawn() -> str:
        signs = [0, 1]
        for _ in range(60):
            signs.append(int(sum(signs[-2:]) + 3) % 7 if rng.random() < 0.9 else rng.integers(7))
        return "".join("abcdefg"[at] for at in signs)

    texts, held = [drawn() for _ in range(60)], [drawn() for _ in range(20)]
    lost = [float(scorer(fitted(texts, order=order)).nats(held)[0].sum())
            for order in (1, 2, 3, 8)]
    assert lost[0] > 1.3 * lost[2] and lost[1] > 1.3 * lost[2] and lost[3] < 1.5 * lost[2]
    best = -(0.9 + 0.1 / 7) * np.log(0.9 + 0.1 / 7) - 6 * 0.1 / 7 * np.log(0.1 / 7)
    assert lost[2] / (20 * 60) < 1.35 * best


def test_short_texts_have_short_runs() -> None:
    state = fitted(["a", "b", "a"], order=6)
    assert state.config["order"] == 3 and Runs(state).sample(20, 0, length=5) != []
    with pytest.raises(DataError, match="at least one token"):
        fitted([""])


def test_more_than_it_may_read_is_said() -> None:
    model = replace(models.make("ngram_language_model"), most=100)
    learnt = model.build(tasks.get("generation"), Context(rows=6, features=1)).fit(TEXTS * 20)
    assert "the first 100 tokens" in learnt.warnings_[0]


def test_a_state_is_plain_and_a_damaged_one_refused() -> None:
    state = fitted(order=3)
    assert same(state, fitted(order=3))
    arrays = dict(state.arrays)
    for name, spoilt in (("keys 2", arrays["keys 2"][::-1]), ("rest 3", arrays["rest 3"][:-1]),
                         ("shares 1", arrays["shares 1"][:-1]),
                         ("keys 3", arrays["keys 3"] + 10**9),
                         ("shares 2", np.full_like(arrays["shares 2"], np.nan)),
                         ("shares 2", -arrays["shares 2"]), ("rest 1", 5 * arrays["rest 1"]),
                         ("keys 1", arrays["keys 1"].astype(np.int8)),
                         ("rest 2", arrays["rest 2"][:, None])):
        with pytest.raises(StateError, match="damaged"):
            Runs(replace(state, arrays={**arrays, name: spoilt}))
    with pytest.raises(StateError, match="tokenizer"):
        Runs(replace(state, parts={}))
    for order in (0, None, 10**9, "3"):
        with pytest.raises(StateError, match="order"):
            Runs(replace(state, config={"order": order}))
    told = state.parts["tokenizer"]
    for words in (["a" * 1000], ["a", "a"], [""]):
        with pytest.raises(StateError, match="differ"):
            Runs(replace(state, parts={"tokenizer": replace(told, config={
                **told.config, "words": words})}))


def test_the_clock_says_how_much_is_read() -> None:
    draw = np.random.default_rng(0)
    texts = ["".join(draw.choice(list("abcdefgh "), 1000)) for _ in range(1500)]
    learnt = models.make("ngram_language_model").build(
        tasks.get("generation"), Context(rows=1500, features=1))
    learnt.clock = Clock(Budget(seconds=1.0))
    began = time.perf_counter()
    learnt.fit(texts)
    assert time.perf_counter() - began < 4 and "time would not carry" in learnt.warnings_[0]


def test_what_says_when_to_stop_is_not_learnt_from() -> None:
    assert apart(["ab"] * 10) == (["ab"] * 10, [])
    texts = [f"{at:04d}" * 50 for at in range(40)]
    kept, held = apart(texts)
    assert "".join(kept) + "".join(held) == "".join(texts)
    assert sum(map(len, held)) == 400
    assert apart(["x" * 10_000]) == (["x" * 9_500], ["x" * 500])
