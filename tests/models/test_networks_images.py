"""Networks of pictures: in the catalog, beside other columns, saved, and on a table of pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base import tasks
from wholefit.features.spans import Span
from wholefit.models import Context, make, scorer
from wholefit.models._networks import NetworkClassifier, NetworkRegressor, state_of
from wholefit.training import portfolio

SIDE = 8
SPAN = Span("image", 0, SIDE * SIDE, (1, SIDE, SIDE))


def _stripes(rows: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of stripes, lying (0) or standing (1), under noise; uint8 (rows, 64)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    lying = np.repeat(np.arange(SIDE)[:, None] % 2, SIDE, axis=1) * 120.0
    images = np.where(y[:, None, None] == 1, lying.T, lying)
    images = images + rng.normal(60, 30, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8).reshape(rows, -1), y


SMALL = {"cnn": {"channels": 8, "stages": 2, "epochs": 6}, "residual_cnn": {
    "depth": 8, "channels": 8, "epochs": 4}, "whitened_cnn": {
    "sizes": (8, 16), "epochs": 8, "learning_rate": 3.0}, "vision_transformer": {
    "patch": 3, "size": 16, "depth": 1, "epochs": 12, "learning_rate": 5e-3}}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_they_see_which_way_stripes_run(name: str) -> None:
    X, y = _stripes()
    model = make(name).replace(**SMALL[name])
    context = Context(len(X), X.shape[1], n_classes=2, spans=(SPAN,))
    task = tasks.get("classification")
    made = model.build(task, context).fit(X[:160], y[:160])
    assert (model.answer(made, X[160:], task, context).argmax(axis=1) == y[160:]).mean() > 0.95
    state = model.state(made, task, context)
    batch = scorer(state).answer(X[160:])
    np.testing.assert_array_equal(batch, made.predict_proba(X[160:]))
    alone = np.concatenate([scorer(state).answer(X[at:at + 1]) for at in range(160, 170)])
    np.testing.assert_allclose(alone, batch[:10], atol=model.steady)
    floats = scorer(state).answer(X[160:].astype(np.float32))
    np.testing.assert_array_equal(floats, batch)


def test_numbers_and_codes_stand_beside_a_picture() -> None:
    X, y = _stripes(400)
    rng = np.random.default_rng(1)
    code, number = rng.integers(0, 3, 400), rng.normal(1000, 50, 400)
    whole = np.column_stack([number, code, X]).astype(np.float32)
    target = 3.0 * y + (code == 2) - (number - 1000) / 50
    spans = (Span("numbers", 0, 1), Span("codes", 1, 2, levels=(3,)),
             Span("image", 2, 2 + SIDE * SIDE, (1, SIDE, SIDE)))
    made = NetworkRegressor({"network": "cnn", "stages": [8], "hidden": []},
                            {"epochs": 15, "rate": 5e-3, "patience": None}, spans=spans)
    made.fit(whole[:300], target[:300])
    assert made.made_of_["network"] == "joined"
    assert made.score(whole[300:], target[300:]) > 0.8
    found = scorer(state_of(made)).answer(whole[300:])
    np.testing.assert_array_equal(found, made.predict(whole[300:]))


def test_pictures_are_altered_in_training_alone() -> None:
    X, y = _stripes(120)
    words = {"network": {"network": "cnn", "stages": [4], "hidden": []}, "spans": (SPAN,),
             "recipe": {"epochs": 2, "patience": None}}
    plain = NetworkClassifier(**words).fit(X, y)
    shifted = NetworkClassifier(**words, augment={"crop": 1, "flip": "horizontal"}).fit(X, y)
    mixed = NetworkClassifier(**words, augment={"mixup": 0.4}).fit(X, y)
    found = [each.predict_proba(X) for each in (plain, shifted, mixed)]
    assert not np.allclose(found[0], found[1]) and not np.allclose(found[0], found[2])
    np.testing.assert_array_equal(shifted.predict_proba(X), shifted.predict_proba(X))


def test_a_table_of_pixels_is_seen_as_pictures(tmp_path: Path) -> None:
    X, y = _stripes(200)
    frame = pl.DataFrame({f"pixel{at}": X[:, at] for at in range(X.shape[1])}).with_columns(
        pl.Series("way", np.where(y == 1, "stands", "lies")))
    dataset = wf.data.dataset_of(frame, target="way")
    assert portfolio.seen(dataset.schema) == ["pictures"]
    found = portfolio.default(tasks.get("classification"), 200, 64, ["pictures"])
    assert "cnn" in [model.name for model in found.models]
    result = wf.fit(frame, target="way", folds=2,
                    models=["cnn(channels=8, stages=2, epochs=6)"], budget="2min")
    assert result.score.value < 0.2  # log loss
    path = tmp_path / "m.wf"
    result.save(path)
    again = wf.load(path)
    assert again.predict(frame.head(20)).to_dicts() == result.predict(frame.head(20)).to_dicts()
    assert "reads 64 pixels" in str(again.inside())
