"""The autoencoder of pictures: it answers as its network does, and beats as many lines."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import wholefit as wf
from wholefit.base import tasks
from wholefit.base.errors import DataError, SchemaError, StateError
from wholefit.base.state import State
from wholefit.features.spans import Span
from wholefit.models import Context, make, scorer

torch = pytest.importorskip("torch")
TASK = tasks.get("reduction")
DIGITS = load_digits()
PICTURES = DIGITS.data * (255 / 16)
SPAN = Span("image", 0, 64, (1, 8, 8))


def fitted(words: str, rows: np.ndarray, *spans: Span) -> tuple[Any, State]:
    model = make(f"conv_autoencoder({words})")
    context = Context(rows=len(rows), features=rows.shape[1], seed=1, spans=spans)
    estimator = model.build(TASK, context).fit(rows)
    return estimator, model.state(estimator, TASK, context)


@cache
def learnt() -> tuple[Any, State]:
    return fitted("components=8, epochs=20, filters=[8, 16], rate=0.01", PICTURES[:1200], SPAN)


def table(rows: slice) -> pl.DataFrame:
    """A column for each pixel, as many tables of pictures are."""
    return pl.DataFrame({f"pixel{at}": DIGITS.data[rows, at].astype(int) for at in range(64)})


def test_the_state_answers_as_the_network_does_alone_and_among_others() -> None:
    estimator, state = learnt()
    answering, some = scorer(state), PICTURES[1200:1500]
    with torch.no_grad():
        x = torch.from_numpy((some / 255).astype(np.float32))
        code = estimator.module_.encode(x)
        assert np.allclose(answering.answer(some), code.numpy(), atol=1e-4)
        assert np.allclose(answering.restore(code.numpy()) / 255, estimator.module_(x).numpy(),
                           atol=1e-5)
    whole = answering.answer(some)
    assert whole.shape == (300, 8)
    assert np.allclose(np.concatenate([answering.answer(row[None]) for row in some[:20]]),
                       whole[:20], atol=1e-9 * np.abs(whole).max())
    assert np.array_equal(estimator.transform(some), whole)
    with pytest.raises(SchemaError, match="the model has 8 axes"):
        answering.restore(whole[:, :3])


def test_it_rebuilds_pictures_it_has_not_seen_better_than_as_many_principal_components() -> None:
    answering, some = scorer(learnt()[1]), PICTURES[1200:]
    mine = ((answering.restore(answering.answer(some)) - some) ** 2).mean()
    lines = PCA(8).fit(PICTURES[:1200])
    theirs = ((lines.inverse_transform(lines.transform(some)) - some) ** 2).mean()
    assert mine < theirs


def test_spoilt_pixels_are_rebuilt_from_others() -> None:
    _, state = fitted("components=8, epochs=12, filters=[8, 16], noise='mask', strength=0.3",
                      PICTURES[:1200], SPAN)
    some = PICTURES[1200:]
    lost = np.random.default_rng(0).random(some.shape) < 0.3
    again = scorer(state).restore(scorer(state).answer(np.where(lost, 0.0, some)))
    assert ((again - some)[lost] ** 2).mean() < 0.5 * (some[lost] ** 2).mean()


def test_small_pictures_are_halved_as_often_as_they_can_be() -> None:
    estimator, _ = fitted("filters=[4, 4, 4, 4, 4], epochs=1", PICTURES[:100, :12],
                          Span("image", 0, 12, (1, 3, 4)))
    assert estimator.module_.made_of["filters"] == [4]


def test_other_columns_beside_the_picture_are_refused_with_the_way_out() -> None:
    beside = Span("numbers", 64, 65)
    for spans, said in (([SPAN, beside], "other columns beside them"),
                        ([SPAN, Span("image", 64, 128, (1, 8, 8))], "2 columns of them")):
        with pytest.raises(DataError, match=rf"one column of pictures; got {said}: leave out"):
            fitted("epochs=1", PICTURES[:50], *spans)


def test_without_a_picture_it_is_the_dense_autoencoder() -> None:
    estimator, state = fitted("epochs=1, hidden=[6]", PICTURES[:50] / 255)
    assert state.kind == "autoencoder_map"
    assert np.allclose(scorer(state).answer(PICTURES[:9] / 255),
                       estimator.transform(PICTURES[:9] / 255))


def test_from_fit_to_file_and_back(tmp_path: Any) -> None:
    found = wf.fit(table(slice(400)), task="reduction", components=3, jobs=1,
                   models="conv_autoencoder(epochs=2)")
    assert found._found.states["model"].kind == "conv_autoencoder"
    new = table(slice(400, 420))
    codes = found.transform(new)
    assert codes.columns == ["code1", "code2", "code3"]
    back = found.inverse_transform(codes).to_numpy()
    assert back.shape == (20, 64) and back.min() >= 0 and back.max() <= 16, "the units that came"
    found.save(tmp_path / "m.wf")
    assert wf.load(tmp_path / "m.wf").transform(new).equals(codes)
    assert "Autoencoder of pictures" in found.report(tmp_path / "m.html").read_text()


def test_what_is_white_is_the_brightest_pixel_that_was_learnt() -> None:
    """Pictures of 17 shades are as well rebuilt as the same ones of 256."""
    words = "components=4, epochs=3, filters=[8, 16]"
    _, dark = fitted(words, DIGITS.data[:400], SPAN)
    _, bright = fitted(words, PICTURES[:400], SPAN)
    assert dark.config["white"] == 16 and bright.config["white"] == 255
    again = [scorer(each).restore(np.zeros((1, 4))) for each in (dark, bright)]
    assert np.allclose(again[0] * (255 / 16), again[1], rtol=1e-3)
    for wrong in (0, -1.0, 256, "255", True):
        with pytest.raises(StateError, match="white"):
            scorer(State(dark.kind, {**dark.config, "white": wrong}, {}, dark.blobs))


@pytest.mark.parametrize("change", [
    {"network": "mlp", "inputs": 64, "outputs": 8}, {"code": 9}, {"height": 16}, {"output": "tanh"},
    {"filters": [10**9]}])
def test_a_state_that_lies_of_its_network_is_refused(change: dict[str, Any]) -> None:
    state = learnt()[1]
    made_of = change if "network" in change else {**state.config["made_of"], **change}
    with pytest.raises(StateError):
        scorer(State(state.kind, {**state.config, "made_of": made_of}, {}, state.blobs))
