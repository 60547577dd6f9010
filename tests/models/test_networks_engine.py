"""What the training loop can do, reached from the catalog and the estimators of networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import ParameterError, WholefitWarning
from wholefit.models import Context, scorer
from wholefit.models._network_entry import NetworkModel, Trained

torch = pytest.importorskip("torch")
from wholefit.features.spans import Span  # noqa: E402
from wholefit.models._networks import NetworkClassifier, NetworkRegressor  # noqa: E402
from wholefit.nn import finders  # noqa: E402

TASK = tasks.get("classification")
ROWS = np.random.default_rng(0).normal(size=(300, 5))
CLASSES = (ROWS[:, 0] + ROWS[:, 1] ** 2 > 0.7).astype(int)
CONTEXT = Context(300, 5, n_classes=2)
SMALL = "epochs=6,width=16,layers=1,batch=32"


def fitted(word: str, context: Context = CONTEXT) -> Any:
    return models.make(word).build(TASK, context).fit(ROWS, CLASSES)


def here(monkeypatch: pytest.MonkeyPatch, *, gpu: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)


def test_every_network_of_the_catalog_has_the_loops_options_behind_its_own() -> None:
    shared = [spec.name for spec in Trained.specs()]
    assert shared == ["find_rate", "device", "precision", "compiled"]
    networks = [models.get(name) for name in models.names()
                if issubclass(models.get(name), NetworkModel)]
    assert len(networks) >= 14
    for kind in networks:
        assert [spec.name for spec in kind.specs()][-4:] == shared, kind.name
    # None of them makes a search try machines: it would measure the same model several times.
    assert all(len(spec.search.choices) == 1 for spec in Trained.specs() if spec.search)


@pytest.mark.parametrize("word", ["mlp", "real_mlp", "tabm", "series_network", "text_recurrent"])
def test_a_device_that_is_not_there_is_said_with_the_way_out(
    word: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    here(monkeypatch, gpu=False)
    with pytest.raises(ParameterError, match=r"device 'cuda' is not on this machine.*'auto'"):
        fitted(f"{word}(device='cuda',epochs=1)")


def test_the_cpu_where_there_is_nothing_else_is_what_auto_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here(monkeypatch, gpu=False)
    auto, cpu = (fitted(f"mlp({SMALL}{more})").predict_proba(ROWS)
                 for more in ("", ",device='cpu'"))
    assert np.array_equal(auto, cpu)


def test_a_model_of_another_device_answers_and_learns_on_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here(monkeypatch, gpu=False)
    made = fitted(f"mlp({SMALL})")
    model = models.make(f"mlp({SMALL},device='cuda')")
    state = model.state(made, TASK, CONTEXT)
    assert scorer(state).answer(ROWS) == pytest.approx(made.predict_proba(ROWS), abs=1e-9)
    with pytest.warns(WholefitWarning, match="taught on 'cuda'.*learns on with 'cpu'"):
        back = model.restore(state, TASK, CONTEXT)
    assert np.array_equal(back.partial_fit(ROWS, CLASSES).predict_proba(ROWS),
                          made.partial_fit(ROWS, CLASSES).predict_proba(ROWS))


def test_the_rate_found_is_kept_for_rows_that_come_later() -> None:
    word = f"mlp({SMALL},find_rate=True,learning_rate=1e-6)"
    made = fitted(word)
    assert 1e-4 < made.rate_ < 0.3
    assert (made.predict(ROWS) == CLASSES).mean() > 0.8
    assert (fitted(f"mlp({SMALL},learning_rate=1e-6)").predict(ROWS) == CLASSES).mean() < 0.8
    model = models.make(word)
    back = model.restore(model.state(made, TASK, CONTEXT), TASK, CONTEXT)
    assert back.rate_ == made.rate_
    assert np.array_equal(back.partial_fit(ROWS, CLASSES).predict_proba(ROWS),
                          made.partial_fit(ROWS, CLASSES).predict_proba(ROWS))


def test_a_fit_anew_forgets_the_rate_of_the_one_before() -> None:
    made = fitted(f"mlp({SMALL},find_rate=True)")
    made.set_params(recipe={**made.recipe, "find": False}).fit(ROWS, CLASSES)
    assert not hasattr(made, "rate_")
    assert np.array_equal(made.predict_proba(ROWS), fitted(f"mlp({SMALL})").predict_proba(ROWS))


def test_a_rate_is_sought_on_training_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rows held out say does not move it; and the repeated fit seeks none."""
    word, whole = f"mlp({SMALL},find_rate=True,validation=0.3)", finders.sweep
    seen: list[int] = []

    def counting(tried: Any, *given: Any, **more: Any) -> Any:
        seen.append(tried.batches.rows)
        return whole(tried, *given, **more)

    monkeypatch.setattr(finders, "sweep", counting)
    made = fitted(word)
    assert seen == [210]
    again = models.make(word).build(TASK, CONTEXT)
    again.by_count = made.counted_
    assert np.array_equal(again.fit(ROWS, CLASSES).predict_proba(ROWS), made.predict_proba(ROWS))
    assert seen == [210]
    assert again.counted_ == made.counted_, "so that a replay can be replayed"


def test_networks_with_rates_of_their_own_for_some_weights_find_them_too() -> None:
    made = fitted("real_mlp(epochs=4,find_rate=True)")
    assert 1e-4 < made.rate_ < 1
    assert (made.predict(ROWS) == CLASSES).mean() > 0.75


def test_half_precision_learns_and_answers_in_whole() -> None:
    word = f"mlp({SMALL},learning_rate=0.02,precision='bfloat16')"
    made = fitted(word)
    assert (made.predict(ROWS) == CLASSES).mean() > 0.8
    plain = fitted(f"mlp({SMALL},learning_rate=0.02)").predict_proba(ROWS)
    gap = np.abs(made.predict_proba(ROWS) - plain).max()
    assert 0 < gap < 0.1, "other numbers on the way, nearly the same answers"
    assert made.module_.state_dict()["layers.0.weight"].dtype == torch.float32


def test_what_is_measured_is_repeated_and_not_measured_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from wholefit.nn import precision

    word = f"mlp({SMALL},precision='auto')"
    monkeypatch.setattr(precision, "choose", lambda *_: ("bfloat16", "as if it were quicker"))
    made = fitted(word)
    assert made.counted_[0]["chosen"] == {"precision": "bfloat16"}
    monkeypatch.setattr(precision, "choose", lambda *_: pytest.fail("measured again"))
    again = models.make(word).build(TASK, CONTEXT)
    again.by_count = made.counted_
    assert np.array_equal(again.fit(ROWS, CLASSES).predict_proba(ROWS), made.predict_proba(ROWS))
    assert again.partial_fit(ROWS, CLASSES), "an update measures nothing either"


def test_a_fit_that_finds_its_rate_is_replayed(tmp_path: Any) -> None:
    frame = pl.DataFrame(ROWS, schema=list("abcde")).with_columns(y=pl.Series(CLASSES))
    result = wf.fit(frame, target="y", folds=2, budget="40s", choose="best",
                    models=[f"mlp({SMALL},find_rate=True,precision='auto')"])
    result.save(tmp_path / "m.wf")
    frame.write_parquet(tmp_path / "rows.parquet")
    replay = wf.replay(tmp_path / "m.wf", tmp_path / "rows.parquet")
    assert replay.equal, str(replay)


def test_texts_in_buckets_are_learnt_and_a_table_without_texts_refuses_them() -> None:
    draw = np.random.default_rng(1)
    lengths = draw.integers(1, 30, 200)
    tokens = np.where(np.arange(30) < lengths[:, None], draw.integers(2, 9, (200, 30)), 0)
    X = np.hstack([draw.normal(size=(200, 2)), tokens])
    y = (tokens == 3).any(axis=1).astype(int)
    spans = (Span("numbers", 0, 2), Span("tokens", 2, 32, (30,), (9,)))
    recipe = {"epochs": 25, "rate": 0.02, "batch": 16, "bucket": True}
    network = {"network": "temporal", "width": 8, "hidden": 16, "layers": 1}
    made = NetworkClassifier(network, recipe, spans=spans, validation=0.0).fit(X, y)
    again = NetworkClassifier(network, recipe, spans=spans, validation=0.0).fit(X, y)
    assert (made.predict(X) == y).mean() > 0.9
    assert np.array_equal(made.predict_proba(X), again.predict_proba(X))
    with pytest.raises(ParameterError, match="bucket=True sorts rows by the length"):
        NetworkRegressor(None, {"bucket": True, "epochs": 1}).fit(ROWS, CLASSES)
