"""The variational autoencoder as detector: equal to torch's own formulas, and what it is for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

import wholefit as wf  # noqa: E402
from wholefit.base import tasks  # noqa: E402
from wholefit.base.errors import ArtifactError  # noqa: E402
from wholefit.base.state import State  # noqa: E402
from wholefit.models import Context, make, scorer  # noqa: E402

TASK = tasks.get("anomaly")


def fitted(text: str, X: np.ndarray, seed: int = 0) -> Any:
    model = make(text)
    context = Context(len(X), X.shape[1], seed=seed)
    estimator = model.build(TASK, context).fit(X)
    return estimator, scorer(model.state(estimator, TASK, context))


def together(rows: int, seed: int = 0) -> np.ndarray:
    """Five numbers that follow one, with a little noise."""
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, 1)) @ np.linspace(1, 2, 5)[None] + 0.3 * random.normal(
        size=(rows, 5))


@pytest.fixture(scope="module")
def state() -> State:
    found: State = fitted("variational_outliers(epochs=1)", together(60))[0].state_
    return found


@pytest.mark.parametrize("how", ["reconstruction", "bound"])
def test_scores_are_those_of_torchs_distributions(how: str) -> None:
    """The network itself, normal densities and divergence as torch has them, draw by draw."""
    X = np.vstack([together(200), [[50.0, -3, 0, 0, 9]]])
    estimator, made = fitted(f"variational_outliers(epochs=4, draws=6, how={how!r})", X[:200])
    module = estimator.learner_.double()
    Z = estimator.columns_.prepare(X)
    with torch.no_grad():
        mean, spread = module.encode(torch.from_numpy(np.clip(Z, -5, 5)))
        code = torch.distributions.Normal(mean, torch.exp(0.5 * spread))
        costs = torch.zeros(len(Z), 5, dtype=torch.float64)
        for draw in estimator.state_.arrays["noise"]:
            raw = module.raw(mean + torch.from_numpy(draw) * code.scale)
            scale = torch.exp(0.5 * raw[:, 5:]).clamp(0.1, np.e)
            costs -= torch.distributions.Normal(raw[:, :5], scale).log_prob(torch.from_numpy(Z))
        told = torch.distributions.kl_divergence(
            code, torch.distributions.Normal(torch.zeros(()), 1.0)).sum(dim=1)
    costs = costs.numpy() / 6
    assert np.allclose(made.parts(X), costs, rtol=1e-8)
    whole = costs.sum(axis=1) + (told.numpy() if how == "bound" else 0.0)
    assert np.allclose(made.answer(X), whole, rtol=1e-8)


def test_the_draws_are_even_about_nothing_and_the_same_for_every_row() -> None:
    X = together(150)
    estimator, made = fitted("variational_outliers(epochs=3, draws=8)", X)
    assert np.abs(estimator.state_.arrays["noise"].mean(axis=0)).max() < 1e-12
    whole = made.answer(X)
    assert np.allclose([made.answer(X[at:at + 1])[0] for at in range(20)], whole[:20], rtol=1e-9)
    assert fitted("variational_outliers(epochs=3, draws=7)", X)[0].state_.arrays[
        "noise"].shape[0] == 7


def test_more_draws_come_nearer_to_the_mean_over_all() -> None:
    X = together(200)
    estimator, _ = fitted("variational_outliers(epochs=10, draws=2)", X)
    state = estimator.state_

    def drawn(count: int, seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=(count, state.arrays["noise"].shape[1]))
        arrays = {**state.arrays, "noise": noise}
        return scorer(State(state.kind, state.config, arrays, {}, state.parts)).answer(X)

    truth = drawn(2000, 0)
    gaps = [np.abs(drawn(count, 1) - truth).mean() for count in (4, 64)]
    assert gaps[1] < gaps[0] / 2


def test_what_wavers_anyway_counts_little() -> None:
    """One number is calm where another is low, and wild where it is high.

    The same value of it is then strange on the calm side alone; an autoencoder without spreads
    sees the same error on both.
    """
    random = np.random.default_rng(0)
    side = random.normal(size=3000)
    value = random.normal(size=3000) * np.where(side > 0, 1.5, 0.1)
    X = np.column_stack([side, value])
    asked = np.array([[-1.0, 1.2], [1.0, 1.2]])
    _, made = fitted("variational_outliers(code=1, epochs=30)", X)
    calm, wild = made.answer(asked)
    usual = made.answer(X)
    assert calm > np.quantile(usual, 0.99)
    assert wild < np.quantile(usual, 0.9)


def test_one_wild_row_does_not_move_the_others() -> None:
    X = together(300)
    spoilt = X.copy()
    spoilt[0] = [1e6, -1e6, 1e6, -1e6, 1e6]
    text = "variational_outliers(epochs=40)"
    found = fitted(text, spoilt)[1].answer(spoilt)
    assert found.argmax() == 0
    assert np.isfinite(found).all()


def test_the_same_seed_gives_the_same_scores_and_torch_is_left_as_it_was() -> None:
    X = together(120)
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    first, again, other = (fitted("variational_outliers(epochs=3)", X, seed)[1].answer(X)
                           for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(before, torch.get_rng_state()) and torch.get_num_threads() == threads


@pytest.mark.parametrize(("name", "value"), [
    ("how", "guess"), ("how", None), ("least", 0.0), ("least", 3.0), ("reach", -1.0),
    ("widest", "wide"), ("widest", 1e-3)])
def test_altered_words_of_a_state_are_refused(state: State, name: str, value: Any) -> None:
    with pytest.raises(ArtifactError, match="altered"):
        scorer(State(state.kind, {**state.config, name: value}, state.arrays, {}, state.parts))


def test_layers_that_do_not_fit_are_refused(state: State) -> None:
    for name, values in state.arrays.items():
        fewer = values[:0] if name == "noise" else values[:-1]
        for wrong in (fewer, values[..., :-1], np.stack([values, values])):
            arrays = {**state.arrays, name: wrong}
            with pytest.raises(ArtifactError):
                scorer(State(state.kind, state.config, arrays, {}, state.parts))


def test_a_file_answers_without_torch_and_a_fit_again_says_the_same(tmp_path: Path) -> None:
    rows = pl.DataFrame(together(200), schema=list("abcde")).with_columns(
        kind=pl.Series(["x", "y"] * 100))
    alarms = wf.fit(rows, task="anomaly", models="variational_outliers(epochs=5)", seed=0, jobs=1)
    path = tmp_path / "m.wf"
    alarms.save(path)
    rows.write_csv(tmp_path / "rows.csv")
    expected = alarms.score_samples(rows)["score"].to_numpy()
    asked = ("import sys; sys.modules['torch'] = None; import wholefit as wf; "
             f"found = wf.load({str(path)!r}).score_samples({str(tmp_path / 'rows.csv')!r}); "
             "print(*map(repr, map(float, found['score'])))")
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert np.allclose([float(each) for each in done.stdout.split()], expected, rtol=1e-9)
    again = wf.fit(rows, task="anomaly", models="variational_outliers(epochs=5)", seed=0, jobs=1)
    assert again.to_text() == alarms.to_text()
