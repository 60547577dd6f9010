"""Every option of a recipe does what it says."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, DataError, ParameterError, WholefitWarning
from wholefit.base.events import listen
from wholefit.nn import Loop, Recipe, predict, train

DRAW = torch.Generator().manual_seed(0)
X, Y = torch.randn(120, 5, generator=DRAW), torch.randint(0, 3, (120,), generator=DRAW)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3))


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def fitted(**options: Any) -> Any:
    keywords = {name: options.pop(name) for name in list(options) if name in (
        "valid", "weights", "callbacks", "clock", "steps", "metrics", "class_weights", "loss",
        "change", "groups", "plan")}
    recipe = Recipe(**{"epochs": 3, "batch": 20, **options})
    return train(network(), (X, Y), recipe, **keywords)


def by_hand(
    epochs: int = 3, batch: int = 20, clip: float | None = None, order: list[Any] | None = None,
) -> torch.Tensor:
    """The same training written out."""
    module = network()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.0, fused=True)
    for rows in order or []:
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(X[rows]), Y[rows]).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        optimizer.step()
    return weights(module)


def orders(epochs: int, batch: int) -> list[torch.Tensor]:
    """The rows of each step, as a run with the same seed sees them."""
    seen: list[torch.Tensor] = []

    def change(parts: Any, generator: Any) -> Any:
        seen.append(parts[0].long())
        return (X[parts[0].long()], parts[1])

    train(network(), (torch.arange(120), Y), Recipe(epochs=epochs, batch=batch), change=change)
    return seen


@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_run_is_the_loop_written_by_hand(clip: float | None) -> None:
    expected = by_hand(clip=clip, order=orders(3, 20))
    assert torch.equal(weights(fitted(clip=clip).module), expected)


def test_every_row_is_seen_once_an_epoch_in_a_new_order() -> None:
    seen = torch.cat(orders(2, 50))
    assert sorted(seen[:120].tolist()) == sorted(seen[120:].tolist()) == list(range(120))
    assert seen[:120].tolist() != seen[120:].tolist()


def test_the_same_seed_gives_the_same_bits_and_leaves_torch_alone() -> None:
    before = torch.get_rng_state()
    first = weights(fitted(seed=4).module)
    torch.manual_seed(99)
    torch.set_rng_state(before)
    assert torch.equal(first, weights(fitted(seed=4).module))
    assert not torch.equal(first, weights(fitted(seed=5).module))
    torch.manual_seed(3)
    held = torch.get_rng_state()
    fit = train(nn.Linear(5, 3), (X, Y), Recipe(epochs=1))
    assert fit.steps
    torch.manual_seed(3)
    assert torch.equal(held, torch.get_rng_state())


@pytest.mark.parametrize("with_weights", [False, True])
def test_accumulated_batches_are_the_large_batch(with_weights: bool) -> None:
    weight = np.random.default_rng(0).random(120) + 0.1 if with_weights else None
    parts = fitted(batch=20, accumulate=3, weights=weight, optimizer="sgd", rate=0.5)
    whole = fitted(batch=60, weights=weight, optimizer="sgd", rate=0.5)
    assert torch.allclose(weights(parts.module), weights(whole.module), atol=1e-6)
    assert not torch.allclose(weights(parts.module), weights(network()), atol=1e-3)


def test_the_last_batches_of_an_epoch_make_a_step_of_their_own() -> None:
    parts = fitted(batch=20, accumulate=4, epochs=1, optimizer="sgd", rate=0.5)  # 80 and 40 rows
    whole = train(network(), (X, Y), Recipe(epochs=1, batch=80, optimizer="sgd", rate=0.5))
    assert torch.allclose(weights(parts.module), weights(whole.module), atol=1e-6)


def test_full_batch_is_one_step_an_epoch() -> None:
    assert fitted(batch=10_000).steps == 3


def test_lbfgs_reaches_the_least_squares_answer() -> None:
    module = nn.Linear(5, 1)
    y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]) + 0.7
    fit = train(module, (X, y), Recipe(optimizer="lbfgs", rate=1.0, batch=120, loss="squared",
                                       epochs=10))
    assert torch.allclose(fit.module.weight.detach()[0],
                          torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]), atol=1e-3)
    assert fit.module.bias.item() == pytest.approx(0.7, abs=1e-3)


def test_the_best_weights_come_back() -> None:
    valid = (X[:40] + 1, Y[:40])
    fit = fitted(epochs=60, patience=4, rate=0.05, valid=valid)
    judged = [row["valid_loss"] for row in fit.history]
    output = torch.from_numpy(predict(fit.module, (valid[0],)))
    assert float(nn.functional.cross_entropy(output, valid[1])) == pytest.approx(min(judged))
    assert len(judged) == judged.index(min(judged)) + 1 + 4
    assert "put back" in fit.stopped


def test_a_metric_is_watched_where_larger_is_better() -> None:
    fit = fitted(epochs=40, patience=3, rate=0.05, watch="accuracy", valid=(X, Y))
    best = max(row["valid_accuracy"] for row in fit.history)
    assert float((predict(fit.module, (X,)).argmax(1) == Y.numpy()).mean()) == pytest.approx(best)


def test_the_mean_of_weights_is_the_answer() -> None:
    states: list[torch.Tensor] = []

    def keep(event: str, loop: Any) -> None:
        if event == "step":
            states.append(weights(loop.work.module))

    fit = fitted(ema=0.9, callbacks=[keep])
    mean = weights(network())
    for number, state in enumerate(states, 1):
        decay = min(0.9, (1 + number) / (10 + number))
        mean = decay * mean + (1 - decay) * state
    assert torch.allclose(weights(fit.module), mean, atol=1e-6)


def test_rows_of_no_weight_are_not_learnt_from() -> None:
    weight = np.ones(120)
    weight[60:] = 0
    wrong = Y.clone()
    wrong[60:] = (wrong[60:] + 1) % 3
    fit = train(network(), (X, wrong), Recipe(epochs=2, batch=120), weights=weight)
    other = train(network(), (X, Y), Recipe(epochs=2, batch=120), weights=weight)
    assert torch.equal(weights(fit.module), weights(other.module))


def test_a_loss_that_is_no_number_ends_the_run_with_the_last_good_weights() -> None:
    bad = X.clone()
    start = weights(network())

    def spoil(batch: Any, generator: Any) -> Any:
        calls.append(1)
        return (batch[0] * (float("inf") if len(calls) > 8 else 1), batch[1])

    calls: list[int] = []
    with pytest.warns(WholefitWarning, match="weights of epoch 1 are put back. Try a lower rate"):
        fit = train(network(), (bad, Y), Recipe(epochs=9, batch=20), change=spoil)
    assert "not a finite number" in fit.stopped
    assert torch.isfinite(weights(fit.module)).all()
    assert not torch.equal(weights(fit.module), start)
    assert len(fit.history) == 2


def test_half_precision_stays_near() -> None:
    half = fitted(precision="bfloat16", rate=0.01, epochs=10).history[-1]["loss"]
    assert half == pytest.approx(fitted(rate=0.01, epochs=10).history[-1]["loss"], rel=0.05)
    with pytest.raises(ParameterError, match="float16' needs a GPU"):
        fitted(precision="float16", device="cpu")


def test_auto_says_what_was_decided() -> None:
    fit = fitted(precision="auto", compiled="auto")
    assert "bfloat16" in fit.decided["precision"]
    assert fit.decided["compiled"].startswith("not compiled")


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_limit_of_time_is_kept(schedule: str) -> None:
    clock = Clock(Budget(seconds=1.5))
    fit = fitted(epochs=1_000_000, schedule=schedule, clock=clock, valid=(X, Y), replay="no")
    assert 1.0 < clock.spent() < 2.5
    assert fit.stopped == "the time is up"
    assert "valid_loss" in fit.history[-1]


def test_a_run_under_a_clock_is_repeated_by_count() -> None:
    clock = Clock(Budget(seconds=0.8))
    first = fitted(epochs=1_000_000, schedule="cosine", clock=clock, seed=2)
    again = fitted(epochs=1_000_000, schedule="cosine", seed=2, steps=first.steps,
                   plan=first.decided["plan"])
    assert torch.equal(weights(first.module), weights(again.module))


def test_a_limit_of_memory_cuts_steps_in_parts_that_give_the_same() -> None:
    torch.manual_seed(0)
    deep = nn.Sequential(nn.Linear(5, 32), *[nn.Tanh() for _ in range(50)], nn.Linear(32, 3))
    state = {name: value.clone() for name, value in deep.state_dict().items()}
    recipe = Recipe(epochs=2, batch=120, optimizer="sgd", rate=0.5)
    whole = weights(train(deep, (X, Y), recipe).module)
    deep.load_state_dict(state)
    small = train(deep, (X, Y), recipe, clock=Clock(Budget(bytes=500_000)))
    assert "at a time" in small.decided["parts"]
    assert torch.allclose(weights(small.module), whole, atol=1e-5)
    with pytest.raises(BudgetError, match=r"more than the 0\.006 MB"):
        train(deep, (X, Y), recipe, clock=Clock(Budget(bytes=6_000)))


def test_own_loss_metric_and_groups() -> None:
    def count(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output.argmax(-1) == target).float()

    module = network()
    fit = train(module, (X, Y), Recipe(epochs=2), valid=(X, Y), metrics=[count, "accuracy", "f1"],
                loss=lambda output, target: nn.functional.cross_entropy(
                    output, target, reduction="none"),
                groups=[{"params": module[2].parameters(), "lr": 0.1}])
    assert fit.history[-1]["valid_count"] == fit.history[-1]["valid_accuracy"]
    assert torch.equal(module[0].weight, network()[0].weight), "what is in no group stays"


def test_progress_is_told() -> None:
    seen: list[Any] = []
    with listen(lambda event, facts: seen.append((event, facts["epoch"]))):
        fitted()
    assert seen == [("epoch_done", 1), ("epoch_done", 2), ("epoch_done", 3)]


def test_the_loop_drives_anything() -> None:
    class Countdown:
        def __init__(self) -> None:
            self.left = 3

        def next_batch(self) -> Any:
            self.left -= 1
            return self.left if self.left >= 0 else self.reset()

        def reset(self) -> None:
            self.left = 3

        def step(self, batch: int) -> dict[str, float]:
            return {"loss": float(batch)}

        def judge(self) -> dict[str, float]:
            return {}

        def state_dict(self) -> dict[str, Any]:
            return {"left": self.left}

        def load_state_dict(self, state: Any) -> None:
            self.left = state["left"]

    history = Loop(Countdown(), epochs=2).run()
    assert [row["loss"] for row in history] == [1.0, 1.0]
    assert len(Loop(Countdown(), steps=5).run()) == 2


@pytest.mark.parametrize(("data", "message"), [
    ((X, Y[:7]), "120, 7 rows"), ((X[:0], Y[:0]), "no rows"),
    ((np.array([["a"]]), np.array([1])), "numbers"),
])
def test_bad_rows_are_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        train(network(), data, Recipe())


@pytest.mark.parametrize("weight", [np.full(120, np.nan), -np.ones(120), np.ones(3), np.zeros(120)])
def test_bad_weights_are_refused(weight: np.ndarray) -> None:
    with pytest.raises(DataError, match="weights must"):
        fitted(weights=weight)


def test_one_row_and_one_class_train() -> None:
    fit = train(network(), (X[:1], Y[:1] * 0), Recipe(epochs=2), valid=(X[:1], Y[:1] * 0))
    assert fit.steps == 2
    assert predict(fit.module, (X[:0],)).shape == (0, 3)


def test_threads_come_back() -> None:
    before, began = torch.get_num_threads(), time.perf_counter()
    fitted(epochs=1)
    assert torch.get_num_threads() == before
    assert time.perf_counter() > began


def test_a_loss_that_is_no_number_leaves_the_last_good_weights_and_no_mean() -> None:
    kept: list[torch.Tensor] = []

    def spoil(batch: Any, generator: Any) -> Any:
        calls.append(1)
        return (batch[0] * (float("nan") if len(calls) > 8 else 1), batch[1])

    def note(event: str, loop: Any) -> None:
        if event == "epoch" and loop.epoch == 1:
            kept.append(weights(loop.work.module))

    calls: list[int] = []
    with pytest.warns(WholefitWarning, match="weights of epoch 1 are put back"):
        fit = fitted(epochs=9, ema=0.9, change=spoil, callbacks=[note])
    assert torch.equal(weights(fit.module), kept[0])


def test_a_batch_norm_is_never_given_a_single_row() -> None:
    module = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    fit = train(module, (X[:41], Y[:41]), Recipe(epochs=2, batch=20))
    assert fit.steps == 4, "two batches of 21 and 20 rows an epoch"
    assert torch.isfinite(weights(fit.module)).all()
    assert fitted(batch=17, epochs=1).steps == 8, "others keep what was asked for (119 = 7 x 17)"


def test_rows_held_out_that_all_weigh_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="not all zero"):
        train(network(), (X, Y), Recipe(epochs=1), valid=(X[:9], Y[:9]), valid_weights=np.zeros(9))


def test_a_run_cut_short_goes_on_within_the_epoch() -> None:
    """What a loop says of itself after a part of an epoch is where another goes on."""
    class Count:
        def __init__(self) -> None:
            self.place = 0

        def next_batch(self) -> Any:
            self.place = (self.place + 1) % 6
            return self.place or None

        def step(self, batch: int) -> dict[str, float]:
            return {"loss": float(batch)}

        def judge(self) -> dict[str, float]:
            return {}

        def state_dict(self) -> dict[str, Any]:
            return {"place": self.place}

        def load_state_dict(self, state: Any) -> None:
            self.place = state["place"]

    for cut in (3, 5, 7, 10, 13):
        short = Loop(Count(), epochs=3, steps=cut)
        assert [row["steps"] for row in short.run()] == [5, 5, 5][:cut // 5] + [cut % 5] * (
            cut % 5 > 0)
        longer = Loop(Count(), epochs=3)
        longer.load_state_dict(short.state_dict())
        assert [(row["steps"], row["loss"]) for row in longer.run()] == [(5, 3.0)] * 3, cut
        assert longer.step == 15
        short.stopped, short.steps = None, None
        assert [(row["steps"], row["loss"]) for row in short.run()] == [(5, 3.0)] * 3, cut
